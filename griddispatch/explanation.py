"""Why a matter goes where it goes: what a desk officer would want to read, from the rules' own explanations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from griddispatch.desk import Desk, Opened
from griddispatch.wording import Words
from services.dispatch.core.sentences import PROVISIONAL, Language, read_reason, sentence
from services.dispatch.core.story import BREACH, Timer
from services.intake.core import sentences as said_of_triage
from services.intake.core.triage import Fired, Triage
from shared.terms import MatterSize, Urgency

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_URGENT: Final = ("floor.category", "given.urgency")
_PROVISIONAL: Final = {
    "zh": "该年放假安排尚未公布，期限暂定",
    "en": "that year's holidays are not published yet, so the deadline is provisional",
}
_SIZES: Final = {
    "zh": {MatterSize.SMALL: "按小事办理", MatterSize.BIG: "按大事办理", MatterSize.UNSIZED: "不分大小事"},
    "en": {MatterSize.SMALL: "It is small", MatterSize.BIG: "It is big", MatterSize.UNSIZED: "It has no size"},
}


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a clock will do and when (UTC)."""

    step: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One running clock with its limit, its deadline (UTC), and the lights and levels that lie ahead.

    `unit` is whose clock it is; None: the ticket's own.
    """

    clock: str
    unit: str | None
    limit: str
    due_at: datetime
    ahead: tuple[Ahead, ...]


@dataclass(frozen=True, slots=True)
class Reasons:
    """The rules that had a say in triage, by what they spoke about; `others` spoke about something else."""

    place: tuple[Fired, ...]
    ticket_type: tuple[Fired, ...]
    category: tuple[Fired, ...]
    urgency: tuple[Fired, ...]
    others: tuple[Fired, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One matter under one pack: the first decision and everything that led to it."""

    opened: Opened
    reasons: Reasons
    clocks: tuple[ClockLine, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Every rule that fired, in order, with what it saw."""
        return (*(code_of(fired) for fired in self.fired), *self.opened.decision.explanation)

    @property
    def fired(self) -> tuple[Fired, ...]:
        """What spoke in triage, the place first."""
        return (*self.reasons.place, *self.opened.triage.rules)


def explain(desk: Desk, opened: Opened) -> Explanation:
    """Put a decision's reasons in order. Pure."""
    place = opened.place
    seen = place.grid or place.village or place.township or place.county
    fired = (Fired(f"place.{place.reason}", (seen,)), *opened.triage.rules)
    running = (timer for timer in opened.decision.timers.values() if timer is not None)
    units = {str(part.id): part.unit for part in opened.decision.case.assignments}
    clocks = (_clock_line(timer, units.get(timer.subject), opened.triage.urgency, desk) for timer in running)
    in_order = sorted(clocks, key=lambda line: (line.due_at, line.clock, line.unit or ""))
    return Explanation(opened, sorted_reasons(fired, desk), tuple(in_order))


def sorted_reasons(fired: Iterable[Fired], desk: Desk) -> Reasons:
    """Which rule spoke about what; a rule that neither the code nor the pack knows is among the others."""
    rules = desk.rules
    kinds = {"given.ticket_type": 1, "default.ticket_type": 1, "model.ticket_type": 1}
    kinds |= dict.fromkeys((rule.id for rule in rules.types), 1)
    kinds |= dict.fromkeys((rule.id for rule in rules.categories), 2) | dict.fromkeys(said_of_triage.CATEGORIES, 2)
    kinds |= dict.fromkeys((rule.id for rule in rules.urgency), 3) | dict.fromkeys(_URGENT, 3)
    found: tuple[list[Fired], ...] = ([], [], [], [], [])
    for one in fired:
        found[0 if one.rule.startswith("place.") else kinds.get(one.rule, 4)].append(one)
    return Reasons(*map(tuple, found))


def _clock_line(timer: Timer, unit: str | None, urgency: Urgency, desk: Desk) -> ClockLine:
    rungs = timer.rungs(desk.book, urgency)
    names = [rung.step.value for rung in rungs]
    if timer.step in names:
        ahead = tuple(Ahead(rung.step.value, rung.due_at) for rung in rungs[names.index(timer.step) :])
    else:
        ahead = (Ahead(timer.step, timer.fire_at),)  # a clock with one step of its own, no ladder
    return ClockLine(timer.clock.value, unit, timer.limit, timer.due_at, ahead)


def code_of(fired: Fired) -> str:
    """A rule of triage as dispatch writes its own: the id, then what it saw."""
    return " ".join((fired.rule, *(f"“{word}”" for word in fired.words)))


# As people read it


def paragraph(explanation: Explanation, words: Words) -> str:
    """The whole in a few sentences of one language."""
    reasons, zh = explanation.reasons, words.is_chinese
    urgent = reasons.urgency or (Fired("default.urgency", ()),)
    spoken = (reasons.ticket_type, reasons.category, urgent, reasons.place)
    heads = _heads(explanation.opened.triage, words)
    told = [_led(head, _why(fired, words), zh) for head, fired in zip(heads, spoken, strict=True)]
    told += [*_why(reasons.others, words), *_sensitive(explanation.opened, words), *_decided(explanation.opened, words)]
    return "".join(f"{one}。" for one in told) if zh else " ".join(f"{one[:1].upper()}{one[1:]}." for one in told)


def _heads(triage: Triage, words: Words) -> tuple[str, str, str, str]:
    """What it is: type, category, urgency; and the word before where."""
    ticket_type, urgency, category = words.label(triage.ticket_type), triage.urgency, words.category(triage.category)
    if words.is_chinese:
        return (
            f"诉求类型为{ticket_type}", f"归入“{category}”（{triage.category}）",
            f"紧急程度为{words.label(urgency)}（{urgency}）", "地点",
        )  # fmt: skip
    return (
        f"Its type is {ticket_type}", f"It is about “{category}” ({triage.category})",
        f"It is {words.label(urgency)} ({urgency})", "Place",
    )  # fmt: skip


def _sensitive(opened: Opened, words: Words) -> list[str]:
    if opened.triage.lead is None:
        return []
    kind = said_of_triage.LEAD_KINDS[opened.triage.lead]
    if words.is_chinese:
        return [f"可能是问题线索（{kind.zh}），由人工确认"]
    return [f"It may be a sensitive lead ({kind.en}), which a person confirms"]


def _decided(opened: Opened, words: Words) -> list[str]:
    """Size and lead with their reasons, who else has a part and who was passed over, and the deadline at the end."""
    case, zh = opened.decision.case, words.is_chinese
    by_start: dict[str, list[str]] = {"SIZE": [], "LEAD": [], "": [], "DUE": []}
    for reason in opened.decision.explanation:
        start = reason.partition("_")[0]
        by_start[start if start in by_start else ""].append(told_reason(reason, words))
    lead = words.unit(case.lead.unit)
    return [
        _led(_SIZES[words.language][case.size], by_start["SIZE"], zh),
        _led(f"{lead}主办" if zh else f"{lead} leads", by_start["LEAD"], zh),
        *by_start[""],
        *by_start["DUE"],
    ]


def told_reason(reason: str, words: Words) -> str:
    """One line of dispatch's explanation as a sentence without its full stop."""
    told = sentence(reason, words.language, words.shown)
    if not read_reason(reason).is_provisional or told == reason:
        return told.removesuffix(f" {PROVISIONAL}")
    note = _PROVISIONAL[words.language]
    return f"{told}（{note}）" if words.is_chinese else f"{told} ({note})"


def told_rule(fired: Fired, words: Words) -> str:
    """One rule of triage as a sentence without its full stop."""
    return said_of_triage.sentence(fired.rule, fired.words, words.language, words.seen)


def _why(fired: Sequence[Fired], words: Words) -> list[str]:
    return [told_rule(one, words) for one in fired]


def _led(head: str, reasons: Sequence[str], is_chinese: bool) -> str:
    if not reasons:
        return head
    return f"{head}：{'；'.join(reasons)}" if is_chinese else f"{head}: {'; '.join(reasons)}"


def clock_text(line: ClockLine, words: Words) -> str:
    """A clock in one line: whose it is, what it measures, its limit and deadline, what lies ahead."""
    ahead = [one for one in line.ahead if one.step != BREACH]  # that it is missed is told at the deadline itself
    due, *instants = words.run([line.due_at, *(one.at for one in ahead)])
    steps = [f"{at} {words.step(one.step)}" for at, one in zip(instants, ahead, strict=True)]
    name, limit = words.clock(line.clock), words.limit(line.limit)
    if words.is_chinese:
        whose = f"{words.unit(line.unit)}" if line.unit else ""
        return f"{whose}{name}（{limit}）：{'；'.join((f'{due}前', *('，'.join(steps),) * bool(steps)))}"
    whose = f"{words.unit(line.unit)}, " if line.unit else ""
    return f"{whose}{name} ({limit}): {'; '.join((f'by {due}', *(', '.join(steps),) * bool(steps)))}"


def as_document(explanation: Explanation, both: Mapping[Language, Words]) -> dict[str, Any]:
    """The same as JSON has it; instants as ISO 8601 in UTC."""
    opened, triage = explanation.opened, explanation.opened.triage
    case = opened.decision.case
    return {
        "ticket_type": triage.ticket_type, "category": triage.category, "urgency": triage.urgency,
        "confidence": triage.confidence, "lead_kind": triage.lead, "place": {
            "level": opened.place.level, "county": opened.place.county, "township": opened.place.township,
            "village": opened.place.village, "grid": opened.place.grid, "reason": opened.place.reason,
        },
        "size": case.size, "limit": case.limit, "accepted_at": case.accepted_at, "due_at": case.due_at,
        "assignments": [
            {"kind": part.kind, "unit": part.unit, "sign_by": part.sign_by, "due_at": part.due_at}
            for part in case.assignments
        ],
        "clocks": [
            {"clock": line.clock, "unit": line.unit, "limit": line.limit, "due_at": line.due_at,
             "ahead": [{"step": ahead.step, "at": ahead.at} for ahead in line.ahead]}
            for line in explanation.clocks
        ],
        "triage": [{"rule": one.rule, "saw": one.words} for one in explanation.fired],
        "decision": list(opened.decision.explanation), "rule_pack": case.rule_pack,
        "text": {language: paragraph(explanation, words) for language, words in both.items()},
    }  # fmt: skip
