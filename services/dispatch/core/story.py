"""What a decision is, and the pen that writes one: the case as it becomes, events, timers, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from services.dispatch.core.case import Assignment, AssignmentState, Case
from services.dispatch.core.deadlines import Limit, deadline, doubled, parse_limit
from services.dispatch.core.ladder import Rung, climb, ladder
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook, window_row
from shared.events import Event, TicketAssigned, TicketRedispatched, name_based
from shared.terms import AssignmentId, AssignmentKind


class Clock(StrEnum):
    """The clocks of a ticket. RESOLVE_BIG starts when a small matter turns big at its breach."""

    SIGN = "SIGN"
    RESOLVE = "RESOLVE"
    RESOLVE_BIG = "RESOLVE_BIG"
    FOLLOW_UP = "FOLLOW_UP"


RESOLVE_CLOCKS = (Clock.RESOLVE, Clock.RESOLVE_BIG)
DEEMED = "deemed_signed"
OVERDUE = "overdue"
"""After the last rung a clock still speaks up every working morning: nothing is silently overdue."""


class Timer(Struct, frozen=True):
    """The next thing one clock of a ticket will do. It carries its own limit, so that it can say why."""

    clock: Clock
    cycle: int
    step: str
    fire_at: datetime
    limit: str
    started_at: datetime
    due_at: datetime

    def rungs(self, book: Rulebook) -> tuple[Rung, ...]:
        """The ladder this timer stands on."""
        return ladder(parse_limit(self.limit), self.started_at, self.due_at, book.calendar, book.roster)


class Decision(Struct, frozen=True):
    """What follows from one trigger: the case anew, the facts to state, clocks set (or stopped: None), and why."""

    case: Case
    events: tuple[Event, ...]
    timers: Mapping[Clock, Timer | None]
    explanation: tuple[str, ...]


class Refused(Exception):
    """A command that the rules do not allow now; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Story:
    """A decision being written. Lives inside one call of `decide` and nowhere else."""

    case: Case
    book: Rulebook
    org: Org
    now: datetime
    events: list[Event] = field(default_factory=list)
    timers: dict[Clock, Timer | None] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)

    def decision(self) -> Decision:
        """The finished decision; the version moves with the events stated."""
        case = replace(self.case, version=self.case.version + len(self.events))
        return Decision(case, tuple(self.events), dict(self.timers), tuple(self.why))

    def start(self, clock: Clock, limit: Limit, started_at: datetime, due_at: datetime) -> None:
        """Set a clock on the first rung of its ladder."""
        first = next(climb(limit, started_at, due_at, self.book.calendar, self.book.roster))
        self.timers[clock] = Timer(
            clock, self.case.cycle, first.step.value, first.due_at, str(limit), started_at, due_at
        )  # fmt: skip

    def stop(self, *clocks: Clock) -> None:
        """Stop clocks, running or not."""
        self.timers.update(dict.fromkeys(clocks))

    def assign_lead(
        self, unit: str, due_at: datetime, *, replaces: Assignment | None = None, designated: bool = False
    ) -> None:
        """Give the lead to a unit: a new assignment, its event, and its signing clock."""
        case = self.case
        sign_limit = self.book.sign[window_row(case.size, case.urgency)]
        sign_by = deadline(sign_limit, self.now, self.book.calendar, self.book.roster)
        new = Assignment(
            id=AssignmentId(name_based(b"assignment" + case.ticket_id.bytes + bytes([len(case.assignments) + 1]))),
            kind=AssignmentKind.LEAD, unit=unit, state=AssignmentState.PENDING_SIGN, previous_state=None,
            cycle=case.cycle, assigned_at=self.now, sign_by=sign_by, due_at=due_at, designated=designated,
        )  # fmt: skip
        self.case = replace(case, assignments=(*case.assignments, new))
        facts = {
            "ticket_no": case.ticket_no, "assignment_id": new.id, "kind": new.kind, "unit": unit,
            "ticket_type": case.ticket_type, "category": case.category, "urgency": case.urgency, "size": case.size,
            "township": case.township, "grid": case.grid, "cycle": case.cycle, "accepted_at": case.accepted_at,
            "due_at": due_at, "sign_by": sign_by, "exercise": case.exercise, "rule_pack": case.rule_pack,
            "rules": tuple(reason.partition(" ")[0] for reason in self.why),
        }  # fmt: skip
        if replaces is None:
            self.events.append(TicketAssigned.model_validate(facts))
        else:
            self.events.append(TicketRedispatched.model_validate(facts | {"replaces": replaces.id}))
        deemed_at = deadline(doubled(sign_limit), self.now, self.book.calendar, self.book.roster)
        self.timers[Clock.SIGN] = Timer(
            Clock.SIGN, case.cycle, DEEMED, deemed_at, str(sign_limit), self.now, sign_by
        )  # fmt: skip

    def next_morning(self) -> datetime:
        """08:30 of the next working day."""
        calendar = self.book.calendar
        day = calendar.next_working_day(calendar.local(self.now).date())
        return calendar.at(day, calendar.hours[0].opens)
