"""What a decision is, and the pen that writes one: the case as it becomes, events, timers, and why."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from services.dispatch.core.actors import SYSTEM, Actor
from services.dispatch.core.calendar import Calendar
from services.dispatch.core.case import Assignment, Case
from services.dispatch.core.deadlines import Limit, WorkingHours, deadline, parse_limit
from services.dispatch.core.ladder import LadderRules, Rung, Step, climb, first_rung, ladder
from services.dispatch.core.org import Org
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import Rulebook
from shared.events import Event
from shared.terms import AssignmentId, Urgency


class Clock(StrEnum):
    """The clocks of a ticket (subject ""), of one of its assignments, or of a whistle, by their subject's id.

    RESOLVE_BIG starts when a small matter turns big at its breach.
    """

    SIGN = "SIGN"
    CONTACT = "CONTACT"
    ARRIVAL = "ARRIVAL"
    FEEDBACK = "FEEDBACK"
    STAGE = "STAGE"
    FIRST_DISPOSAL = "FIRST_DISPOSAL"
    RESOLVE = "RESOLVE"
    RESOLVE_BIG = "RESOLVE_BIG"
    UNIT = "UNIT"
    PART = "PART"
    CATEGORY = "CATEGORY"
    SIZE = "SIZE"
    RETURN_DECISION = "RETURN_DECISION"
    EXTENSION_DECISION = "EXTENSION_DECISION"
    AUDIT = "AUDIT"
    FOLLOW_UP = "FOLLOW_UP"
    SUPPLEMENT = "SUPPLEMENT"
    HANG = "HANG"
    REPORT_IN = "REPORT_IN"
    PLAN = "PLAN"
    MEETING = "MEETING"
    CALL_BACK = "CALL_BACK"


_CLOCKS = {clock.value: clock for clock in Clock}
_CRITICAL = Urgency.U1
RESOLVE_CLOCKS = (Clock.RESOLVE, Clock.RESOLVE_BIG)
DEEMED = "deemed_signed"
RED = Step.RED.value
BREACH = "breach"
"""The one step of a clock without a ladder: its deadline has passed."""
OVERDUE = "overdue"
"""After the last rung a clock still speaks up every working morning: nothing is silently overdue."""
TELL = "tell"
"""A waiting matter's citizen is due to hear how it stands."""


class ClockKey(Struct, frozen=True):
    """Which clock of a ticket: its kind, and the id of the assignment or whistle it is about, "" for the ticket."""

    clock: Clock
    subject: str = ""

    @property
    def text(self) -> str:
        """As a case keeps it."""
        return spelled(self.clock, self.subject)


def spelled(clock: Clock, subject: str) -> str:
    """A clock's key as a case keeps it."""
    return clock + ":" + subject if subject else clock


def read_key(text: str) -> ClockKey:
    """The key that `ClockKey.text` wrote."""
    clock, _, subject = text.partition(":")
    return ClockKey(_CLOCKS[clock], subject)


class Timer(Struct, frozen=True):
    """The next thing one clock of a ticket will do. It carries its own limit, so that it can say why."""

    clock: Clock
    cycle: int
    step: str
    fire_at: datetime
    limit: str
    started_at: datetime
    due_at: datetime
    subject: str = ""

    def rungs(self, book: Rulebook, urgency: Urgency) -> tuple[Rung, ...]:
        """The ladder this timer stands on."""
        rules = ladder_rules(book, self.clock, urgency)
        return ladder(parse_limit(self.limit), self.started_at, self.due_at, book.calendar, book.roster, rules)


class ClockLost(Struct, frozen=True):
    """A look at the tickets in hand found this one without the clock that should watch it."""


class ArchiveDue(Struct, frozen=True):
    """The ticket ended so long ago that it is put away."""


class NoticeCame(Struct, frozen=True):
    """A holiday notice is loaded that deadlines were counted without, on the calendar `before`; `running` clocks."""

    before: Calendar
    running: tuple[Timer, ...] = ()


class StandstillOrdered(Struct, frozen=True):
    """The clocks of the ticket's area stand still from an instant to another, by an order; `running` are its clocks."""

    id: str
    since: datetime
    until: datetime
    running: tuple[Timer, ...] = ()


class Note(Struct, frozen=True):
    """Somebody's words on a step, kept apart from the case and out of every event."""

    kind: str
    text: str
    subject: str = ""
    person: str | None = None


class Result(Struct, frozen=True):
    """What a unit handed in: an action code, what the citizen may read, what only the house may, evidence ids."""

    assignment_id: AssignmentId
    action: str
    reply: str
    note: str = ""
    evidence: tuple[str, ...] = ()
    legal_basis: str = ""


class Decision(Struct, frozen=True):
    """What follows from one trigger: the case anew, the facts to state, clocks set (or stopped: None), and why."""

    case: Case
    events: tuple[Event, ...]
    timers: Mapping[ClockKey, Timer | None]
    explanation: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    results: tuple[Result, ...] = ()


class Refused(Exception):
    """A command that the rules do not allow now; `code` is stable. `event` is stated nevertheless, if there is one."""

    def __init__(self, code: str, message: str, event: Event | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.event = event


class Story(Struct, eq=False):
    """A decision being written. Lives inside one call of `decide` and nowhere else."""

    case: Case
    book: Rulebook
    org: Org
    now: datetime
    actor: Actor = SYSTEM
    events: list[Event] = []
    timers: dict[ClockKey, Timer | None] = {}
    why: list[str] = []
    notes: list[Note] = []
    results: list[Result] = []
    clocks: dict[str, datetime] = {}
    _today: date | None = None
    _working_clock: timedelta | None = None
    _from_now: dict[Limit, datetime] = {}
    """Deadlines counted from now: several clocks of a matter have the same limit."""

    def __post_init__(self) -> None:
        self.clocks = self.case.clocks.copy()

    def decision(self) -> Decision:
        """The finished decision; the version moves with the events stated."""
        case = replace(self.case, version=self.case.version + len(self.events), clocks=self.clocks)
        if steps := case.hastens + case.vulnerable:
            case = replace(case, raised=self.book.supervision.queue_step_time * steps)
        return Decision(
            case, tuple(self.events), self.timers, tuple(self.why), tuple(self.notes), tuple(self.results)
        )  # fmt: skip

    @property
    def today(self) -> date:
        """The day it is now on the county's clock."""
        if self._today is None:
            self._today = self.book.calendar.day_of(self.now)
        return self._today

    def deadline(self, limit: Limit, since: datetime | None = None) -> datetime:
        """The last instant within the limit, from now or another instant."""
        if since is not None:
            return deadline(limit, since, self.book.calendar, self.book.roster)
        found = self._from_now.get(limit)
        if found is None:
            found = self._from_now[limit] = self._deadline_from_now(limit)
        return found

    def _deadline_from_now(self, limit: Limit) -> datetime:
        calendar = self.book.calendar
        if not isinstance(limit, WorkingHours):
            return deadline(limit, self.now, calendar, self.book.roster)
        if self._working_clock is None:
            self._working_clock = calendar.working_clock(self.now)
        return calendar.when_clock_shows(self._working_clock + limit.time)

    def limit_of(self, timer: TimerName) -> Limit | None:
        """The pack's limit of a timer for this matter, None where it does not run."""
        return self.book.timer(timer, self.case.size, self.case.urgency)

    def note(self, kind: str, text: str, subject: str = "") -> None:
        """Keep somebody's words."""
        self.notes.append(Note(kind, text, subject, self.actor.person))

    # Clocks

    def set(self, timer: Timer) -> None:
        """Let a clock do its next thing."""
        clock, subject = timer.clock, timer.subject
        self.timers[ClockKey(clock, subject)] = timer
        self.clocks[spelled(clock, subject)] = timer.fire_at

    def start(
        self, clock: Clock, limit: Limit, started_at: datetime, due_at: datetime, subject: str = "", *,
        from_red: bool = False,
    ) -> None:  # fmt: skip
        """Set a clock on the first rung of its ladder, or on red."""
        step, fire_at = RED, due_at
        if not from_red:
            rules = ladder_rules(self.book, clock, self.case.urgency)
            first = first_rung(limit, started_at, due_at, self.book.calendar, rules)
            step, fire_at = str(first.step), first.due_at
        self.set(Timer(clock, self.case.cycle, step, fire_at, str(limit), started_at, due_at, subject))

    def go_on(self, clock: Clock, limit: Limit, started_at: datetime, due_at: datetime) -> None:
        """Set a clock of the ticket on the first rung not reached yet; past the last it speaks up every morning."""
        rules = ladder_rules(self.book, clock, self.case.urgency)
        rungs = climb(limit, started_at, due_at, self.book.calendar, self.book.roster, rules)
        ahead = next((rung for rung in rungs if not rung.is_reached(self.now)), None)
        step, fire_at = (ahead.step.value, ahead.due_at) if ahead else (OVERDUE, self.next_morning())
        self.set(Timer(clock, self.case.cycle, step, fire_at, str(limit), started_at, due_at))

    def start_once(
        self, clock: Clock, limit: Limit, subject: str = "", *, since: datetime | None = None,
        until: datetime | None = None, step: str = BREACH,
    ) -> datetime:  # fmt: skip
        """Set a clock that only speaks when its deadline, given or by the limit, has passed; that deadline."""
        due_at = until or self.deadline(limit, since)
        self.set(Timer(clock, self.case.cycle, step, due_at, str(limit), since or self.now, due_at, subject))
        return due_at

    def is_running(self, clock: Clock, subject: str = "") -> bool:
        """Whether that clock runs."""
        return spelled(clock, subject) in self.clocks

    def stop(self, *clocks: Clock, subject: str = "") -> None:
        """Stop clocks of one subject; those that do not run are left alone."""
        for clock in clocks:
            key = ClockKey(clock, subject)
            if self.clocks.pop(key.text, None) is not None:
                self.timers[key] = None

    def stop_subject(self, subject: AssignmentId) -> None:
        """Stop every clock of an assignment."""
        self._stop_where(lambda key: key.subject == str(subject))

    def stop_all(self) -> None:
        """Stop every clock."""
        self.timers.update(dict.fromkeys(map(read_key, self.clocks)))
        self.clocks.clear()

    def stop_kind(self, clock: Clock) -> None:
        """Stop the clocks of one kind, whatever their subject."""
        self._stop_where(lambda key: key.clock is clock)

    def _stop_where(self, fits: Callable[[ClockKey], bool]) -> None:
        for text in [*self.clocks]:
            key = read_key(text)
            if fits(key):
                self.stop(key.clock, subject=key.subject)

    def next_morning(self) -> datetime:
        """08:30 of the next working day."""
        calendar = self.book.calendar
        day = calendar.next_working_day(self.today)
        return calendar.at(day, calendar.hours[0].opens)

    # Assignments

    def put(self, changed: Assignment) -> Assignment:
        """Put an assignment in its place in the case; the same assignment."""
        self.case = self.case.with_assignment(changed)
        return changed


def ladder_rules(book: Rulebook, clock: Clock, urgency: Urgency) -> LadderRules:
    """The figures of a clock's ladder: a missed arrival at a critical matter climbs at once."""
    return book.critical_arrival if urgency is _CRITICAL and clock is Clock.ARRIVAL else book.ladder
