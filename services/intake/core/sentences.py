"""What the rules of an explanation mean: why a matter has its place, type, category and urgency, in two languages."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["zh", "en"]
Shown: TypeAlias = Callable[[str], str]
"""How a value reads: a category's or a place's code becomes its name."""


class Wording(NamedTuple):
    """A sentence without its full stop; `{first}`, `{second}` and `{all}` stand for what the rule saw."""

    zh: str
    en: str


W = Wording

PLACES: Final = {
    "place.IN_GRID": W("在{first}", "it lies in {first}"),
    "place.IN_SPECIALISED_GRID": W("在专属网格{first}", "it lies in the specialised grid {first}"),
    "place.ON_BORDER": W(
        "在网格交界处，由编码较小的{first}负责", "it lies on a border: {first}, the smaller code, answers"
    ),
    "place.VILLAGE_CODE": W("来件注明{first}", "the hotline gave the code of {first}"),
    "place.TOWNSHIP_CODE": W("来件注明{first}", "the hotline gave the code of {first}"),
    "place.VILLAGE_NAMED": W("文中提到{first}", "{first} is named in it"),
    "place.TOWNSHIP_NAMED": W("文中提到{first}", "{first} is named in it"),
    "place.AMBIGUOUS_NAMES": W(
        "文中提到几个不同的地方，无法确定", "it names several places, and which one is not certain"
    ),
    "place.OUT_OF_AREA": W("坐标不在本县", "the point lies outside the county"),
    "place.NO_CLUE": W("文中没有地点线索", "nothing in it says where"),
}
TYPES: Final = {
    "given.ticket_type": W("来件已注明", "the hotline said so"),
    "default.ticket_type": W(
        "没有词语表明诉求类型，按求助办理", "no word says what is wanted, so it is taken for a call for help"
    ),
    "model.ticket_type": W("模型判断为{first}，把握{second}", "the model says {first}, sure to {second}"),
}
CATEGORIES: Final = {
    "given.category": W("来件已注明", "the hotline said so"),
    "given.category_unknown": W(
        "来件注明的类别{first}不在分类树中", "the category {first} that the hotline gave is not in the tree"
    ),
    "default.category": W("没有词语表明类别", "no word says what it is about"),
    "words.category": W("按词语判断为“{first}”，把握{second}", "by its words “{first}”, sure to {second}"),
    "model.category": W("模型判断为“{first}”，把握{second}", "by the model “{first}”, sure to {second}"),
}
URGENCIES: Final = {
    "floor.category": W("“{first}”不得低于{second}", "“{first}” is never less than {second}"),
    "default.urgency": W("没有词语表明紧急", "no word makes it urgent"),
    "given.urgency": W("来件已注明", "the hotline said so"),
}
FOLDS: Final = {
    "repeat.hasten": W(
        "同一诉求人就同一事项再次来电，记为催办", "the same citizen again on the same matter: a hastening"
    ),
    "repeat.reopen": W(
        "同一诉求人就刚结案的事项再次来电，重新办理", "the same citizen on a matter just closed: reopened"
    ),
    "repeat.link": W("同一诉求人的旧事项，关联办理", "the same citizen on an older matter: linked to it"),
    "merge.component": W("同一部件的同一事件", "one incident: the same component"),
    "merge.near": W("相邻地点的同一事件", "one incident: the places are close"),
    "merge.address": W("同一地址的同一事件", "one incident: the same address"),
    "merge.by-hand": W("派单员认定的同一事件", "one incident: so a dispatcher found"),
}
OTHERS: Final = {"TRIAGE_FAILED": W("自动分拨未成功，由人工处理", "triage failed: a person looks at it")}
SENTENCES: Final[Mapping[str, Wording]] = {**PLACES, **TYPES, **CATEGORIES, **URGENCIES, **FOLDS, **OTHERS}
"""Every rule of the code; the rules of a pack are words, and `WORDS` speaks for them all."""

LEAD_KINDS: Final = {
    "THREAT": W("扬言", "a threat"),
    "DISCIPLINE": W("违纪", "misconduct of an official"),
    "SECURITY": W("涉黑涉恶", "organised crime"),
}
WORDS: Final = W("文中有{all}", "it says {all}")


def sentence(rule: str, saw: Sequence[str], language: Language, shown: Shown = str) -> str:
    """What a rule saw, as people say it, without a full stop. A rule of the pack is told by its words.

    A rule that is unknown and saw nothing stays as it is.
    """
    wording = SENTENCES.get(rule, WORDS if saw else None)
    if wording is None:
        return rule
    values = defaultdict(lambda: "–", zip(("first", "second"), map(shown, saw), strict=False))
    values["all"] = quoted(saw, language)
    return (wording.zh if language == "zh" else wording.en).format_map(values)


def quoted(words: Sequence[str], language: Language) -> str:
    """Words in quotes, one after the other."""
    return ("" if language == "zh" else ", ").join(f"“{word}”" for word in words)
