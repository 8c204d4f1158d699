"""What a simulated worker or citizen will do, and when: drawn once, from a seed, so that a run can be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from griddispatch.demo.county import Point
from griddispatch.demo.hours import DAY, HOUR, SHIFT, after_work, into_shift
from shared.terms import MatterSize, ReturnReason, Satisfaction, Urgency

MINUTE = 60.0
CHECKED_IN = 0.40
OUTSIDE = 0.10
"""Share of check-ins that are not in the ticket's grid: they are flagged, not refused."""
RETURNED = 0.04
LATE = 0.08
"""Share of the matters due within a day and a half that are handed in late: about one in twenty of all."""
SOON = 1.5 * DAY
ANSWERED = 0.85
UNSATISFIED_EVERY = 12
"""One citizen in so many answers and is not satisfied the first time, by number and not by lot: a run of a dozen shows
it as well."""
UNSATISFIED_AGAIN = 0.03
"""Once a matter was handled a second time, fewer citizens are unsatisfied."""

REPLIES = (
    "已到现场处理完毕，感谢您的反映。",
    "已联系您说明情况并办结。",
    "问题已整改，后续将加强巡查。",
    "已按规定办理，如再发生请随时拨打热线。",
)
CONTAINED = "险情已控制，现场已设警示。"
ARRIVED = "已到现场，正在处置。"
_ORDINARY = ((2, 30), (3, 45), (5, 60))
"""Between how many minutes receipt is confirmed, then the citizen contacted, then the place reached."""
_HASTE = {Urgency.U1.value: ((1, 6), (1, 8), (3, 12)), Urgency.U2.value: ((2, 14), (3, 40), (5, 45))}
"""The same where there is danger: whoever is on duty keeps the shorter limits."""
BASES = ("经现场核实，位置不在本单位辖区。", "经核对权责清单，不属于本单位职责。")


@dataclass(frozen=True, slots=True)
class Act:
    """One command: at which simulated instant (seconds since 1970), its name, its body."""

    at: float
    command: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker is told with an assignment."""

    assignment_id: str
    size: str
    urgency: str
    grid: str | None
    cycle: int
    due_at: float


def read_facts(assigned: Mapping[str, Any]) -> Facts:
    """The facts from the value of an assignment's event."""
    due_at = datetime.fromisoformat(assigned["due_at"]).timestamp()
    return Facts(
        assigned["assignment_id"],
        assigned["size"],
        assigned["urgency"],
        assigned.get("grid"),
        assigned["cycle"],
        due_at,
    )


def plan_work(chance: Random, facts: Facts, now: float, centres: Mapping[str, Point]) -> tuple[Act, ...]:
    """Everything the worker means to do, in order; after a return that is granted the rest is not needed.

    Urgent matters are worked on at once by whoever is on duty; all others within working hours.
    """
    urgent = facts.urgency in (Urgency.U1, Urgency.U2)
    later = _at_once if urgent else after_work
    handler = f"worker-{chance.randrange(1, 61):02d}"
    sign, contact, arrive = _HASTE.get(facts.urgency, _ORDINARY)
    signed_at = later(now if urgent else into_shift(now), chance.uniform(*sign) * MINUTE)
    acts = [Act(signed_at, "sign", {"handler": handler})]
    if chance.random() < RETURNED:
        reason = chance.choice(tuple(ReturnReason)).value
        body = {"reason": reason, "basis": chance.choice(BASES)}
        acts.append(Act(later(signed_at, chance.uniform(1, 10) * MINUTE), "return", body))
    contacted_at = later(signed_at, chance.uniform(*contact) * MINUTE)
    acts.append(Act(contacted_at, "contact", {"handler": handler}))
    if urgent or chance.random() < CHECKED_IN:
        place = _place(chance, facts.grid, centres)
        acts.append(
            Act(later(contacted_at, chance.uniform(*arrive) * MINUTE), "check-in", {"handler": handler, **place})
        )
    if facts.urgency == Urgency.U1:
        acts.append(Act(acts[-1].at + MINUTE, "report-first-disposal", {"report": CONTAINED}))
    if urgent:
        acts.append(Act(acts[-1].at + MINUTE, "report-stage", {"report": ARRIVED}))
    result: dict[str, Any] = {"action": "HANDLED", "reply": chance.choice(REPLIES)}
    resolved_at = max(_resolved_at(chance, facts, signed_at, now), acts[-1].at + MINUTE)
    result["evidence"] = [str(UUID(int=chance.getrandbits(128), version=4))]
    return (*acts, Act(resolved_at, "resolve", result))


def _at_once(instant: float, seconds: float) -> float:
    return instant + seconds


def _resolved_at(chance: Random, facts: Facts, signed_at: float, now: float) -> float:
    if facts.due_at - now < SOON and chance.random() < LATE:
        return after_work(facts.due_at, chance.uniform(0.3, 3) * HOUR)
    if facts.urgency == Urgency.U1:
        return signed_at + chance.uniform(20, 80) * MINUTE
    if facts.urgency == Urgency.U2:
        return signed_at + chance.uniform(1, 16) * HOUR
    if facts.size == MatterSize.SMALL or facts.cycle > 1:
        return after_work(signed_at, chance.uniform(1.2, 6.5) * HOUR)
    return after_work(signed_at, chance.uniform(0.5, 2.2) * SHIFT)


def _place(chance: Random, grid: str | None, centres: Mapping[str, Point]) -> dict[str, float]:
    known = sorted(centres)
    where = grid if grid in centres and chance.random() >= OUTSIDE else (chance.choice(known) if known else None)
    return {} if where is None else {"lon": centres[where][0], "lat": centres[where][1]}


@dataclass(frozen=True, slots=True)
class Reply:
    """A citizen's answer to a follow-up, at which simulated instant."""

    at: float
    body: dict[str, Any]


def plan_reply(chance: Random, number: int, cycle: int, asked_at: float) -> Reply | None:
    """When and what the citizen of the matter of that number answers in this cycle, soon more often than late; None:
    never."""
    unhappy = number % UNSATISFIED_EVERY == 1 if cycle == 1 else chance.random() < UNSATISFIED_AGAIN
    if chance.random() >= ANSWERED and not unhappy:
        return None
    waited = 10 * MINUTE * (DAY / (10 * MINUTE)) ** chance.random()
    solved = not unhappy or chance.random() < 0.5
    happy = Satisfaction.SATISFIED if chance.random() < 0.8 else Satisfaction.BASICALLY
    satisfaction = Satisfaction.DISSATISFIED if unhappy else happy
    body = {
        "cycle": cycle, "contacted": True, "solved": solved, "satisfaction": satisfaction.value,
        "recorded_by": "CITIZEN",
    }  # fmt: skip
    return Reply(asked_at + waited, body)
