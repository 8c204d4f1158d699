"""What the codes of an explanation mean: one table, a sentence a code, in Chinese and in English."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from services.dispatch.core.refusal_sentences import GUARDS, REFUSALS, Wording

Language: TypeAlias = Literal["zh", "en"]
Shown: TypeAlias = Callable[[str, str], str]
"""How a value reads, by its key and as the explanation has it: a unit's id becomes its name, an instant local time."""

PROVISIONAL: Final = "provisional"
_MISSING: Final = "–"
"""Stands for a value that the explanation has not; in brackets both are left out."""
_VALUE: Final = re.compile(r" ([a-z_0-9]+)=(.*?)(?= [a-z_0-9]+=|$)")
_LIMIT: Final = re.compile(r"([0-9.]+) (WD|ND|NH|WH|Wmin|min)")
_UNITS: Final[Mapping[str, tuple[str, str]]] = {
    "WD": ("个工作日", "working days"),
    "ND": ("个自然日", "days"),
    "NH": ("小时", "hours"),
    "WH": ("个工作小时", "working hours"),
    "Wmin": ("个工作分钟", "working minutes"),
    "min": ("分钟", "minutes"),
}


class Reason(NamedTuple):
    """One line of an explanation, taken apart: `CODE key=value key=value`, at the end perhaps a word."""

    code: str
    values: Mapping[str, str]
    is_provisional: bool = False


W = Wording

SIZES: Final = {
    "SIZE_NOT_SIZED": W("{type}不分大小事", "matters of the type {type} are not sized"),
    "SIZE_BIG_REPORT": W("举报一律为大事", "a report of a wrong is always big"),
    "SIZE_BIG_HELP": W("求助一律为大事", "a call for help is always big"),
    "SIZE_BIG_COMPLAINT": W("投诉一律为大事", "a complaint is always big"),
    "SIZE_BIG_CRITICAL": W("特急事项一律为大事", "a critical matter is always big"),
    "SIZE_BIG_CAME_BACK": W("结案后再次反映，按大事办理", "it came back after it was closed: big"),
    "SIZE_BIG_REPEATED": W("30日内已反映{count}次，按大事办理", "brought up {count} times before in 30 days: big"),
    "SIZE_BIG_REPORTERS": W("{count}人反映同一事件，按大事办理", "{count} people report it: big"),
    "SIZE_BIG_ABOUT_ITS_PLACE": W(
        "反映的是{unit}，不由其自办", "it is about {unit}, which therefore does not handle it as its own"
    ),
    "SIZE_BIG_REPEATED_IN_90_DAYS": W(
        "90日内已反映{count}次，按大事办理", "brought up {count} times before in 90 days: big"
    ),
    "SIZE_BIG_UNITS": W("涉及{count}个单位的职责，按大事办理", "it is the duty of {count} units: big"),
    "SIZE_BIG_GRIDS": W("涉及{count}个网格，按大事办理", "it affects {count} grids: big"),
    "SIZE_BIG_HOUSEHOLDS": W("涉及{count}户，按大事办理", "{count} households are in dispute: big"),
    "SIZE_BIG_PEOPLE": W("涉及{count}人，按大事办理", "{count} people are in dispute: big"),
    "SIZE_BIG_MONEY": W("涉及金额{yuan}元，按大事办理", "{yuan} yuan are at stake: big"),
    "SIZE_BIG_EFFORT": W("需{minutes}分钟办理，按大事办理", "it takes {minutes} minutes of work: big"),
    "SIZE_CITY_CASE": W(
        "巡查发现的城管案卷，按{case_class}类时限办理", "a city-management case of the class {case_class}"
    ),
    "SIZE_BIG_CONFIDENTIAL": W("要求保密的一律为大事", "a confidential matter is always big"),
    "SIZE_BIG_PLACE_UNRESOLVED": W(
        "地点只能定位到{level}，落不到网格", "the place is known only down to the {level}, not to a grid"
    ),
    "SIZE_BIG_UNSURE": W(
        "分类把握只有{confidence}，低于规则包的要求",
        "the category is sure only to {confidence}, less than the pack asks for",
    ),
    "SIZE_SMALL_ELIGIBLE": W(
        "“{category}”属于网格当日能化解的小事",
        "“{category}” is on the list of matters that a grid solves the same day",
    ),
    "SIZE_BIG_NOT_FOR_ITS_PLACE": W(
        "按清单所在地不得主办，不再作为小事", "by the duty list its place may not lead it, so it is not small"
    ),
    "SIZE_BIG_DEFAULT": W("“{category}”未列入小事清单", "“{category}” is not on the list of small matters"),
    "SIZE_DOUBTFUL": W(
        "属地可办而未列小事，{until}前可由人工定为小事，逾期按大事",
        "its place could do it: until {until} a person may make it small",
    ),
    "SIZE_BIG_UNDECIDED": W("无人另定，按大事办理", "nobody made it small, so it stays big"),
    "SIZE_SMALL_BY_PERSON": W("人工定为小事", "a person made it small"),
}
LEADS: Final = {
    "LEAD_SMALL_IN_PLACE": W("小事由所在网格就地承办", "small matters stay in their place"),
    "LEAD_BY_CATEGORY_STATUTORY": W("“{category}”是其法定职责", "“{category}” is its statutory duty"),
    "LEAD_BY_CATEGORY_PRINCIPAL": W("“{category}”是其主要职责", "“{category}” is its principal duty"),
    "LEAD_LEVELS_UP": W(
        "结案后再次反映，由{instead_of}提级至{unit}承办", "it came back: {unit} leads instead of {instead_of}"
    ),
    "LEAD_CITY_CASE": W("属其基本履职事项", "it is its basic duty"),
    "LEAD_COMMAND_CENTRE_COMPLEX": W(
        "涉及{count}个单位，由指挥中心指定主办", "{count} units owe it: the command centre designates who leads"
    ),
    "LEAD_SELF_FIXED": W("巡查发现并已自行办结，由其承办", "its patrol found it and has fixed it already"),
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
PARTS: Final = {
    "SUPPORT_BY_DUTY": W("{unit}{kind}", "{unit} {kind}"),
    "FIRST_DISPOSAL_ORDERED": W("{unit}先行处置", "{unit} contains it first"),
    "UNIT_ABSENT": W(
        "{unit}当日无人签收，由{answered_by}承接", "{unit} has nobody to sign that day: {answered_by} answers"
    ),
    "CANDIDATE_REFUSED": W("{unit}不能承接：{code}（{rule}）", "{unit} is passed over: {code} ({rule})"),
    "WAIVED_NO_CANDIDATE": W("没有可协办的单位，免予协办", "nobody can support it: done without"),
    "WAIVED_CONFIDENTIAL": W("要求保密，不另派协办", "confidential: no other unit is told"),
    "WAIVED_UNSURE": W(
        "分类未经人工确认，暂不派协办", "no unit is asked for support before a person has confirmed the category"
    ),
    "PART_WAIVED": W("{unit}的协办任务免除", "{unit} need not do its part any more"),
}
CLOCKS: Final = {
    "DUE_EARLIEST": W("时限为{limit}，须在{due_at}前办结", "the limit is {limit}: to be resolved by {due_at}"),
    "DEEMED_SIGNED": W("{sign_by}前未签收，视为签收", "not signed by {sign_by}: deemed signed at twice the limit"),
    "CLOCK_MENDED": W("{clock}计时丢失，已补设，{due_at}到期", "{clock}: was lost and is set anew, due {due_at}"),
    "REMINDED": W("{clock}时限提醒，{due_at}到期", "{clock}: reminded, due {due_at}"),
    "LIGHT_YELLOW": W("{clock}将于{due_at}到期，亮黄灯", "{clock}: yellow light, due {due_at}"),
    "LIGHT_RED": W("{clock}已于{due_at}到期，亮红灯", "{clock}: red light, was due {due_at}"),
    "BREACHED": W("{clock}未按时完成，{due_at}已到期", "{clock}: missed, was due {due_at}"),
    "ESCALATED": W("{clock}超期，升级为{level}级督办，告知{to}", "{clock}: supervision level {level}, {to} is told"),
    "LEVEL_2_SPARED": W("联办方案已定，不再升级为二级督办", "a joint plan is made, so level 2 is spared"),
    "CONVERTED_AT_BREACH": W(
        "小事当日未办结，转为大事，时限{limit}，须在{due_at}前办结；超期记录保留",
        "a small matter that missed its day turned big: {limit}, due {due_at}; the breach is kept",
    ),
    "CONVERTED_ON_SITE": W(
        "现场发现{reason}，转为大事，时限{limit}，须在{due_at}前办结",
        "on the spot it turned out big ({reason}): {limit}, due {due_at}",
    ),
    "DEADLINE_RECOUNTED": W(
        "放假安排公布后重新计算时限，须在{due_at}前办结", "counted again under the new holiday notice: due {due_at}"
    ),
    "PART_RECOUNTED": W(
        "放假安排公布后重新计算{unit}的时限，须在{due_at}前办结",
        "the part of {unit} was counted again under the new holiday notice: due {due_at}",
    ),
    "STEP_RECOUNTED": W("{clock}时限重新计算，{due_at}到期", "{clock}: counted again, due {due_at}"),
    "STOOD_STILL": W(
        "因不可抗力停止计时至{until}（{order}）", "clocks stand still until {until} by force majeure ({order})"
    ),
    "EXTENDED": W("同意延期，须在{due_at}前办结", "more time was granted: due {due_at}"),
    "RESUMED": W("恢复计时，须在{due_at}前办结", "the clock runs again: due {due_at}"),
    "UNHUNG": W("挂账结束，须在{due_at}前办结", "it waits no longer: due {due_at}"),
}
COURSE: Final = {
    "AUDIT_AUTOMATIC": W("办理结果按规则自动审核通过", "the result was accepted by rule"),
    "AUDIT_NO_FOLLOW_UP": W("{channel}渠道无需回访", "matters from this channel ({channel}) are not followed up"),
    "DISPATCHED_LATE": W("{accepted_at}收到，派单已超时", "it came in at {accepted_at} and was dispatched late"),
    "REPEATS_SUPERVISED": W(
        "90日内第{count}次反映，督办，结果由人工审核",
        "number {count} in 90 days: supervised, and a person looks at the result",
    ),
    "ASSESSED": W("现场核定：仍按原类办理", "found on the spot: it stays what it is"),
    "FOUND_COMPLEX": W("认定为疑难（{mark}）", "it is complex ({mark})"),
    "SELF_FIXED_BY_UNKNOWN": W(
        "自办单位{unit}不在组织数据中，按一般事项派单", "{unit}, who fixed it, is not known here"
    ),
    "SELF_FIXED_EVIDENCE_NEEDED": W(
        "此类事项须附办结凭证，由自办单位补报结果",
        "such a result comes with evidence: who fixed it has yet to hand it in",
    ),
    "RETURN_GRANTED": W(
        "因“{reason}”同意退单，退单期至{until}", "returned as “{reason}”, within the time until {until}"
    ),
    "RETURN_TO_DECIDE": W("因“{reason}”申请退单，待审核", "a return as “{reason}” waits for a decision"),
    "RETURN_REFUSED": W("退单未获同意（认定：{finding}）", "the return was refused (finding: {finding})"),
    "CATEGORY_CONFIRMED": W(
        "类别由人工确认为“{human}”（系统判断“{machine}”）", "a person chose “{human}” (the machine “{machine}”)"
    ),
    "WHISTLE_OFFERED": W("{unit}可吹哨", "{unit} may blow the whistle"),
    "DISPUTE_STOPS_NOTHING": W("有异议也须先报到", "the dispute does not stop the clock: report in first"),
    "HANG_PROPOSED": W("申请挂账（{ground}），由{owner}负责", "it is to wait ({ground}); {owner} answers for the plan"),
    "CITIZEN_SAID_NO": W(
        "诉求人不认可（解决：{solved}，评价：{satisfaction}）", "not content (solved: {solved}, {satisfaction})"
    ),
    "CLOSED": W("结案：{reason}", "closed: {reason}"),
    "ANSWERED": W("依据知识条目{knowledge}直接答复", "answered directly, by entry {knowledge} of what is known"),
    "ANSWER_NOT_ENOUGH": W(
        "话务已答复（{knowledge}），但不宜直接办结（{code}），照常办理",
        "answered in the call ({knowledge}), which is not the end of it ({code})",
    ),
    "ANSWER_STANDS": W("答复抽查：{outcome}，维持直接答复", "asked about the answer: {outcome}; it stands"),
    "TAKEN_ON": W("直接答复（{knowledge}）未解决，转为办理", "the answer ({knowledge}) was none: a unit handles it"),
    "ARCHIVED": W("归档（原状态：{was}）", "put away for good (it was: {was})"),
    "ARCHIVE_TOO_EARLY": W("未到归档时间（{state}）", "it is not time to put it away ({state})"),
    "REOPENED": W("第{count}次重办，时限{limit}", "reopened, number {count}: {limit}"),
    "REOPENED_AFTER_CLOSING": W("结案后诉求人要求重办", "reopened by the citizen after it was closed"),
    "JUDGEMENT_TOO_LATE": W("评价属于第{cycle}轮，该轮已结束", "the word is on round {cycle}, which is over"),
    "WISH_PASSED_OVER": W("“{wish}”未予采纳（{code}）", "what was asked with “{wish}” could not be granted ({code})"),
    "SUPPLEMENTED": W("诉求人补充了情况", "the citizen added something"),
    "NOT_ACCEPTED": W("受理环节决定不予受理：{reason}（{rule}）", "not accepted: {reason} ({rule})"),
    "TRANSFERRED": W("已整件转外部：{target}", "the whole matter was handed on to {target}"),
    "CALL_BACK_ASKED": W(
        "已转{target}，须在{due_at}前回访核实是否有人到场处置",
        "handed on to {target}: find out by {due_at} whether help came",
    ),
    "HELP_CAME": W("经回访核实，{target}已到场处置", "somebody asked back: {target} came and helped"),
    "NO_HELP": W(
        "经回访核实，{target}尚未到场处置，即报指挥中心", "somebody asked back: no help came from {target} yet"
    ),
    "ROUTED_APART": W("已专线移送，不再办理", "it was routed apart and is not worked on here any more"),
    "PUT_ASIDE": W("与工单{into}为同一事件，随该件办理", "it is about what ticket {into} is about, and waits for it"),
    "TAKEN_UP": W("恢复单独办理（{reason}）", "it is worked on by itself again ({reason})"),
    "RESOLVED_WITH": W("{unit}主办的工单{into}已结案，随之办结", "resolved with ticket {into}, which {unit} led"),
    "WAITS_NO_LONGER": W("已不在等待主单", "it waits for no other ticket any more"),
    "INCIDENT_DEADLINE": W("同一事件中最早的时限为{due_at}", "the earliest deadline of the incident is {due_at}"),
    "AUDIT_ASKED_ONCE": W("同一诉求人已在主单中回访", "the same citizen is asked about the main ticket"),
    "INCIDENT_RECOUNTED": W("同一事件已有{reporters}人反映", "{reporters} people report the same incident"),
    "TRIAGED_AGAIN": W("重复的分拨结果，不再处理", "triaged a second time, which changes nothing"),
}
CLOCK_NAMES: Final = {
    "SIGN": W("签收", "signing"),
    "SIZE": W("大小事研判", "looking at the size"),
    "CONTACT": W("先行联系", "first contact"),
    "ARRIVAL": W("到场", "arrival"),
    "FEEDBACK": W("首次反馈", "first feedback"),
    "STAGE": W("阶段性反馈", "stage result"),
    "FIRST_DISPOSAL": W("先行处置", "first disposal"),
    "RESOLVE": W("办结", "resolving"),
    "RESOLVE_BIG": W("办结（转大事后）", "resolving (since it turned big)"),
    "UNIT": W("承办单位办结", "the unit's own deadline"),
    "PART": W("协办", "support part"),
    "CATEGORY": W("人工确认类别", "confirming the category"),
    "RETURN_DECISION": W("退单审核", "decision on the return"),
    "EXTENSION_DECISION": W("延期审核", "decision on more time"),
    "AUDIT": W("办结审核", "audit"),
    "FOLLOW_UP": W("回访", "follow-up"),
    "SUPPLEMENT": W("补充信息", "the citizen's answer"),
    "HANG": W("挂账复核", "review of waiting"),
    "REPORT_IN": W("报到", "reporting in"),
    "PLAN": W("联办方案", "joint plan"),
    "MEETING": W("会商", "meeting"),
    "CALL_BACK": W("转办后回访核实", "asking back whether help came"),
}
STEP_NAMES: Final = {
    "reminder": W("提醒", "reminder"),
    "yellow": W("黄灯", "yellow light"),
    "red": W("红灯", "red light"),
    "level_1": W("一级督办", "supervision level 1"),
    "level_2": W("二级督办", "supervision level 2"),
    "level_3": W("三级督办", "supervision level 3"),
    "deemed_signed": W("视为签收", "deemed signed"),
    "breach": W("超期通报", "told that it is missed"),
    "tell": W("告知诉求人进展", "the citizen is told"),
    "overdue": W("每个工作日早晨提醒", "reminder every working morning"),
}
SENTENCES: Final[Mapping[str, Wording]] = {**SIZES, **LEADS, **PARTS, **CLOCKS, **COURSE, **GUARDS, **REFUSALS}
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
    values = defaultdict(lambda: _MISSING, {key: shown(key, value) for key, value in reason.values.items()})
    told = (wording.zh if language == "zh" else wording.en).format_map(values)
    return told.replace(f"（{_MISSING}）", "").replace(f" ({_MISSING})", "")


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
