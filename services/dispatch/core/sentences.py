"""What the codes of an explanation mean: one table, a sentence a code, in Chinese and in English."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["zh", "en"]
Shown: TypeAlias = Callable[[str, str], str]
"""How a value reads, by its key and as the explanation has it: a unit's id becomes its name, an instant local time."""

PROVISIONAL: Final = "provisional"
_VALUE: Final = re.compile(r" ([a-z_0-9]+)=(.*?)(?= [a-z_0-9]+=|$)")
_LIMIT: Final = re.compile(r"([0-9.]+) (WD|ND|NH|WH|min)")
_UNITS: Final[Mapping[str, tuple[str, str]]] = {
    "WD": ("个工作日", "working days"),
    "ND": ("个自然日", "days"),
    "NH": ("小时", "hours"),
    "WH": ("个工作小时", "working hours"),
    "min": ("分钟", "minutes"),
}


class Reason(NamedTuple):
    """One line of an explanation, taken apart: `CODE key=value key=value`, at the end perhaps a word."""

    code: str
    values: Mapping[str, str]
    is_provisional: bool = False


class Wording(NamedTuple):
    """A sentence without its full stop; `{key}` stands for a value of the explanation."""

    zh: str
    en: str


W = Wording

SIZES: Final = {
    "SIZE_NOT_SIZED": W("{type}不分大小事", "a {type} is not sized"),
    "SIZE_BIG_REPORT": W("举报一律按大事办理", "a report of a wrong is always big"),
    "SIZE_BIG_CRITICAL": W("特急事项按大事办理", "a critical matter is always big"),
    "SIZE_BIG_CONFIDENTIAL": W("要求保密，按大事办理", "confidential, therefore big"),
    "SIZE_BIG_PLACE_UNRESOLVED": W(
        "地点只能定位到{level}，不能落到网格，按大事办理",
        "the place is known only down to the {level} and not to a grid, therefore big",
    ),
    "SIZE_BIG_UNSURE": W(
        "分类把握只有{confidence}，低于规则包要求，按大事办理，由人工确认",
        "the category is sure only to {confidence}, below what the pack asks for: big, for a person to confirm",
    ),
    "SIZE_SMALL_ELIGIBLE": W(
        "“{category}”属于网格当日能化解的小事", "“{category}” is on the list of matters that a grid solves the same day"
    ),
    "SIZE_BIG_DEFAULT": W("“{category}”未列入小事清单，按大事办理", "“{category}” is not on the list of small matters"),
}
LEADS: Final = {
    "LEAD_SMALL_IN_PLACE": W("小事由所在网格就地承办", "small matters stay in their place"),
    "LEAD_BY_CATEGORY": W("“{category}”由该单位主管", "it leads “{category}”"),
    "LEAD_BY_PLACE": W(
        "派单目录中无主管单位，由所在地承办", "no unit is named for the category, so the place answers for it"
    ),
    "LEAD_COMMAND_CENTRE_UNSURE": W(
        "分类把握只有{confidence}，先由指挥中心人工确认",
        "the category is sure only to {confidence}, so a person looks at it first",
    ),
    "LEAD_COMMAND_CENTRE_NOBODY_NAMED": W(
        "派单目录无主管单位，地点也不明", "no unit is named for the category and the place is not known"
    ),
    "NEXT_DESIGNATED": W(
        "已改派{redispatches}次，由指挥中心指定，不得再退",
        "after {redispatches} redispatches the command centre designates, and that cannot be returned",
    ),
    "NEXT_BY_REASON": W("因“{reason}”退单，改派{unit}", "returned as {reason}: {unit} is next"),
    "NEXT_COMMAND_CENTRE": W(
        "{unit}因“{reason}”退单，已无其他单位可派，由指挥中心承接",
        "{unit} returned it as {reason}, and nobody else is left: the command centre takes it",
    ),
}
CLOCKS: Final = {
    "DUE_EARLIEST": W("时限为{limit}，须在{due_at}前办结", "the limit is {limit}: to be resolved by {due_at}"),
    "DEEMED_SIGNED": W(
        "{sign_by}前未签收，两倍时限已到，视为签收", "not signed by {sign_by}: deemed signed at twice the limit"
    ),
    "REMINDED": W("{clock}时限提醒，{due_at}到期", "reminded of the {clock} limit, due {due_at}"),
    "LIGHT_YELLOW": W("{clock}将于{due_at}到期，亮黄灯", "the {clock} limit is due {due_at}: yellow light"),
    "LIGHT_RED": W("{clock}已于{due_at}到期，亮红灯", "the {clock} limit was due {due_at}: red light"),
    "ESCALATED": W(
        "{clock}超期，升级为{level}级督办，告知{to}", "the {clock} limit was missed: level {level}, told to {to}"
    ),
    "CONVERTED_AT_BREACH": W(
        "小事当日未办结，转为大事，时限{limit}，{due_at}止；超期记录保留",
        "a small matter that missed its day turned big: {limit}, due {due_at}; the breach is kept",
    ),
}
COURSE: Final = {
    "AUDIT_AUTOMATIC": W("办理结果按规则自动审核通过", "the result was accepted by rule"),
    "AUDIT_NO_FOLLOW_UP": W("{channel}渠道无需回访", "matters from {channel} are not followed up"),
    "RETURN_GRANTED": W(
        "因“{reason}”同意退单，退单期至{until}", "returned as {reason}, within the time for it, {until}"
    ),
    "CLOSED": W("结案：{reason}", "closed: {reason}"),
    "REOPENED": W(
        "回访不满意，第{count}次重办，时限{limit}", "the citizen is not content: reopened, number {count}, {limit}"
    ),
    "JUDGEMENT_TOO_LATE": W("评价属于第{cycle}轮，该轮已结束", "the word is on round {cycle}, which is over"),
    "TRIAGED_AGAIN": W("重复的分拨结果，不再处理", "triaged a second time, which changes nothing"),
}
REFUSALS: Final = {
    "NO_SUCH_ASSIGNMENT": W("工单没有这项派单", "the ticket has no such assignment"),
    "ASSIGNMENT_ENDED": W("该派单已结束", "the assignment has ended"),
    "HANDLER_NEEDED": W("办理须明确承办人", "handling needs the person who does it"),
    "RESULT_EMPTY": W("办理结果须写明做法和答复", "a result says what was done and what the citizen is told"),
    "DESIGNATED": W("指挥中心指定的不得退单", "what the command centre designated cannot be returned"),
    "BASIS_NEEDED": W("退单须写明依据", "a return needs its basis"),
    "FIRST_DISPOSAL_PENDING": W("特急事项须先行处置再谈职责", "a critical matter is contained before duty is disputed"),
    "RETURN_TOO_LATE": W("已过退单期", "the time for returns is over"),
}
CLOCK_NAMES: Final = {
    "SIGN": W("签收", "signing"),
    "RESOLVE": W("办结", "resolving"),
    "RESOLVE_BIG": W("办结（转大事后）", "resolving (since it turned big)"),
    "FOLLOW_UP": W("回访", "follow-up"),
}
STEP_NAMES: Final = {
    "reminder": W("提醒", "reminder"),
    "yellow": W("黄灯", "yellow light"),
    "red": W("红灯", "red light"),
    "level_1": W("一级督办", "supervision level 1"),
    "level_2": W("二级督办", "supervision level 2"),
    "level_3": W("三级督办", "supervision level 3"),
    "deemed_signed": W("视为签收", "deemed signed"),
    "overdue": W("每个工作日早晨提醒", "reminder every working morning"),
}
SENTENCES: Final[Mapping[str, Wording]] = {**SIZES, **LEADS, **CLOCKS, **COURSE, **REFUSALS}
"""Every code that a decision or a refusal of this service can carry."""


def read_reason(text: str) -> Reason:
    """One line of an explanation; any text can be read, its first word is the code."""
    is_provisional = text.endswith(f" {PROVISIONAL}")
    line = text.removesuffix(f" {PROVISIONAL}") if is_provisional else text
    return Reason(line.partition(" ")[0], dict(_VALUE.findall(line)), is_provisional)


def as_it_is(key: str, value: str) -> str:
    """A value as the explanation has it."""
    return value


def sentence(text: str, language: Language, shown: Shown = as_it_is) -> str:
    """A line of an explanation as people say it, without a full stop; one whose code is unknown as it is."""
    reason = read_reason(text)
    wording = SENTENCES.get(reason.code)
    if wording is None:
        return text
    values = defaultdict(lambda: "–", {key: shown(key, value) for key, value in reason.values.items()})
    return (wording.zh if language == "zh" else wording.en).format_map(values)


def spoken_limit(limit: str, language: Language) -> str:
    """A limit as people say it: `5 WD` is five working days; a text that is no limit as it is."""
    if limit == "same_day":
        return "当日" if language == "zh" else "the same day"
    written = _LIMIT.fullmatch(limit)
    if written is None:
        return limit
    zh, en = _UNITS[written[2]]
    return (
        f"{written[1]}{zh}" if language == "zh" else f"{written[1]} {en.removesuffix('s') if written[1] == '1' else en}"
    )
