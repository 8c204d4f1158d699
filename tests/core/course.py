"""The course of one ticket in the core: commands and clocks in turn, with everything that was stated."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import pytest

from services.dispatch.core.actors import Actor, Role
from services.dispatch.core.case import Assignment, Case
from services.dispatch.core.decide import decide
from services.dispatch.core.duties import Deployment, Duties, DutyEntry, DutyKind, IssuingBody
from services.dispatch.core.family_words import PutAside
from services.dispatch.core.opening import open_case
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.sheets import Validity
from services.dispatch.core.story import Clock, ClockKey, Decision, Refused, Timer
from services.dispatch.core.triggers import Contact, Resolve, Sign, TimerDue, Trigger
from shared.events import Event
from shared.intake_events import TicketMerged
from shared.terms import AssignmentKind, IncidentId, Urgency
from tests.builders import TUESDAY_MORNING, org, rulebook, ticket, triaged

E = TypeVar("E", bound=Event)

TOWN = "township:990101001"
VILLAGE = "village:990101001001"
GRID_UNIT = "grid:990101001001001"
BIG = "180101"
"""A category that natural resources lead."""
TICK = timedelta(microseconds=1)
BOOK, ORG = rulebook(), org()


def local(text: str) -> datetime:
    """An instant given on Shanghai's clock."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def entry(category: str, kind: DutyKind, *, enforcement: bool = False) -> DutyEntry:
    """One line of every township's duty list."""
    department = None if kind is DutyKind.BASIC else "natural-resources"
    return DutyEntry("*", category, kind, department, True, enforcement, "2026.1")


def org_with(*entries: DutyEntry, deployments: tuple[Deployment, ...] = ()) -> Org:
    """The sample county with these lines in its duty lists."""
    return replace(ORG, duties=Duties.of(entries, deployments=deployments))


def deployment(category: str) -> Deployment:
    """A unified deployment of the category to every township, all year."""
    valid = Validity(date(2026, 1, 1), date(2026, 12, 31))
    issuer = IssuingBody.COUNTY_COMMITTEE_AND_GOVERNMENT
    return Deployment("D-2026-01", issuer, "2026-1", (category,), ("*",), 10_000, 2, valid)


def actor(role: Role, unit: str | None = None, person: str | None = None) -> Actor:
    """Somebody."""
    return Actor(role, unit, person)


class Course:
    """One ticket from its opening on; time only goes forward."""

    def __init__(self, at: str | None = None, *, book: Rulebook = BOOK, org: Org = ORG, **changes: Any) -> None:
        self.book, self.org = book, org
        self.now = local(at) if at else TUESDAY_MORNING
        self.timers: dict[ClockKey, Timer] = {}
        self.stated: list[Event] = []
        self.why: list[str] = []
        matter = triaged(**({"accepted_at": self.now} | changes))
        self.case: Case
        self._take(open_case(ticket(1), matter, book, org, self.now))

    def _take(self, decision: Decision) -> list[Event]:
        self.case = decision.case
        for key, timer in decision.timers.items():
            if timer is None:
                self.timers.pop(key, None)
            else:
                self.timers[key] = timer
        self.stated += decision.events
        self.why += decision.explanation
        return [*decision.events]

    def give(self, trigger: Trigger, at: str | None = None, by: Actor | None = None) -> list[Event]:
        """Apply a trigger, after letting time pass up to then; what was stated."""
        if at is not None:
            self.wait(at)
        return self._take(decide(self.case, trigger, self.book, self.org, self.now, by))

    def refuse(self, trigger: Trigger, at: str | None = None, by: Actor | None = None) -> str:
        """The code with which a trigger is refused; the case stays as it is."""
        before = self.case
        with pytest.raises(Refused) as refusal:
            self.give(trigger, at, by)
        assert self.case == before or at is not None
        return refusal.value.code

    def wait(self, until: str | datetime) -> None:
        """Let time pass, ringing every clock at its instant."""
        end = local(until) if isinstance(until, str) else until
        while self.timers:
            first = min(self.timers.values(), key=lambda t: (t.fire_at, t.clock, t.subject))
            if first.fire_at >= end:
                break
            self.now = max(self.now, first.fire_at + TICK)
            self._take(decide(self.case, due(first), self.book, self.org, self.now))
        self.now = max(self.now, end)

    def work(self, share: Assignment | None = None) -> None:
        """Sign and contact; with no share named, the lead."""
        share = share or self.case.lead
        self.give(Sign(share.id, "worker-7"))
        self.give(Contact(share.id, "worker-7"))

    def resolve(self, share: Assignment | None = None) -> list[Event]:
        """Hand in a result."""
        share = share or self.case.lead
        return self.give(Resolve(share.id, "REPAIRED", "已处理"))

    def merge(self, into: int = 9, *, own_follow_up: bool = True) -> list[Event]:
        """Let intake merge it into the n-th ticket; what was stated."""
        word = TicketMerged(
            incident_id=IncidentId(ticket(into)), into=ticket(into), rule="merge.component", reporters=2, mass=False,
            urgency=self.case.urgency, own_follow_up=own_follow_up,
        )  # fmt: skip
        return self.give(PutAside(word, tuple(self.timers.values())))

    def part(self, kind: AssignmentKind) -> Assignment:
        """The live part of this kind."""
        return next(a for a in self.case.parts if a.kind is kind)

    def clock(self, clock: Clock, subject: object = "") -> Timer:
        """A running clock."""
        return self.timers[ClockKey(clock, str(subject))]

    def all(self, kind: type[E]) -> list[E]:
        """Everything of one kind that was stated."""
        return [event for event in self.stated if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        """The latest of one kind that was stated."""
        return self.all(kind)[-1]


def due(timer: Timer) -> TimerDue:
    """What the timer loop makes of a clock that reached its step."""
    return TimerDue(
        timer.clock, timer.cycle, timer.step, timer.fire_at, timer.limit, timer.started_at, timer.due_at, timer.subject
    )  # fmt: skip


def supported(at: str = "2026-03-09T10:00", **changes: Any) -> Course:
    """Road and drainage, two units: a department leads, the township supports (its duty list says it cooperates)."""
    listed = org_with(entry("18", DutyKind.COOPERATE))
    return Course(at, org=listed, category=BIG, **changes)


def urgent(urgency: Urgency = Urgency.U1, **changes: Any) -> Course:
    """A smell of gas."""
    return Course("2026-03-14T23:20", **({"urgency": urgency, "category": "070101", "ticket_type": "HELP"} | changes))
