"""What measuring must know of one ticket: a record that grows with its events, and what it comes to in counts.

A record is a fold over the ticket's events, an event counted once by its version. Dispatch's and notify's own events
touch different fields, so it does not matter in which order the two stories were heard.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.notify.core.rates import NOTHING, Bucket, Counts
from shared.ending_events import TicketAnswered
from shared.events import (
    Envelope,
    Event,
    TicketAssigned,
    TicketAudited,
    TicketConverted,
    TicketEscalated,
    TicketEvaluated,
    TicketRedispatched,
    TicketReopened,
    TicketResolved,
)
from shared.joint_events import (
    GuardRefused,
    TicketCategoryConfirmed,
    TicketFoundBig,
    TicketHung,
    TicketPutAside,
    TicketUnhung,
    TicketUrgencyChanged,
)
from shared.notify_events import ExclusionChecked, ExclusionDecided
from shared.terms import AssignmentKind, FollowUpOutcome, MatterSize, Satisfaction, Source, TicketType, Urgency

HEARD: tuple[type[Event], ...] = (
    TicketAssigned, TicketRedispatched, TicketResolved, TicketAudited, TicketReopened, TicketEscalated, TicketConverted,
    TicketFoundBig, TicketHung, TicketUnhung, TicketUrgencyChanged, TicketCategoryConfirmed, GuardRefused,
    TicketPutAside, TicketAnswered,
)  # fmt: skip
"""Dispatch's events that measuring hears."""
SAID: tuple[type[Event], ...] = (TicketEvaluated, ExclusionDecided, ExclusionChecked)
"""Notify's own that it takes down."""

PeriodOf = Callable[[datetime], str]


class Cycle(Struct, frozen=True, omit_defaults=True):
    """One round of handling. `unit` led it last; with `answered` no unit handled it, the centre `unit` answered."""

    n: int
    unit: str = ""
    resolved_at: datetime | None = None
    on_time: bool = False
    charged_to: str = ""
    """Whose breach a late result is, where it is not the unit's own."""
    found_at: datetime | None = None
    """When its result passed without anybody to ask: a patrol's own find."""
    judged_at: datetime | None = None
    outcome: FollowUpOutcome | None = None
    contacted: bool = False
    solved: bool = False
    satisfaction: Satisfaction | None = None
    excluded: bool = False
    reopened_at: datetime | None = None
    answered: bool = False


class Mark(Struct, frozen=True, omit_defaults=True):
    """Something that happened to a unit at an instant."""

    at: datetime
    unit: str
    category: str = ""


class Record(Struct, frozen=True, omit_defaults=True):
    """One ticket. `heard` and `said` are the versions reached of dispatch's and notify's story."""

    heard: int = 0
    said: int = 0
    exercise: bool = False
    repeat: bool = False
    vulnerable: bool = False
    accepted_at: datetime | None = None
    ticket_type: TicketType | None = None
    category: str = ""
    township: str = ""
    grid: str = ""
    urgency: Urgency = Urgency.U3
    size: MatterSize = MatterSize.UNSIZED
    supervised: bool = False
    hops: int = 0
    hanging: bool = False
    cycles: tuple[Cycle, ...] = ()
    hangs: tuple[Mark, ...] = ()
    refusals: tuple[Mark, ...] = ()

    def cycle(self, n: int) -> Cycle:
        """The round of that number, a blank one if nothing is known of it."""
        return next((c for c in self.cycles if c.n == n), Cycle(n))

    @property
    def units(self) -> frozenset[str]:
        """The units that led, or answered."""
        return frozenset(c.unit for c in self.cycles if c.unit)


def hear(record: Record, envelope: Envelope) -> Record:
    """The record after an event; one that was taken down before changes nothing."""
    if envelope.source is Source.NOTIFY:
        if envelope.version <= record.said:
            return record
        return replace(_said(record, envelope.event, envelope.time), said=envelope.version)
    if envelope.version <= record.heard:
        return record
    return replace(_heard(record, envelope.event, envelope.time), heard=envelope.version)


def without_own(record: Record) -> Record:
    """The record as dispatch's story alone makes it: what notify stated can then be taken down anew."""
    bare = tuple(
        replace(c, judged_at=None, outcome=None, contacted=False, solved=False, satisfaction=None, excluded=False)
        for c in record.cycles
    )
    return replace(record, said=0, cycles=bare)


def counts_of(record: Record, period_of: PeriodOf) -> dict[Bucket, Counts]:
    """What the ticket adds to which bucket; an exercise adds nothing anywhere.

    Each fact counts in the month in which it happened, for the unit that led the round it happened in.
    """
    if record.exercise:
        return {}
    found: dict[Bucket, Counts] = {}

    def put(at: datetime, unit: str, counts: Counts, category: str = record.category) -> None:
        bucket = Bucket(period_of(at), unit, record.township, category[:2])
        found[bucket] = found.get(bucket, NOTHING).plus(counts)

    first = min((c for c in record.cycles if not c.answered), key=lambda c: c.n, default=None)
    if first and record.accepted_at:
        counts = Counts(dispatched=1, first_dispatch_right=int(record.hops == 0), hops=record.hops)
        put(record.accepted_at, first.unit, counts)
    for cycle in record.cycles:
        if cycle.resolved_at:
            charged = cycle.unit if cycle.on_time else cycle.charged_to or cycle.unit
            put(cycle.resolved_at, charged, Counts(on_time=int(cycle.on_time), late=int(not cycle.on_time)))
        if cycle.found_at:
            put(cycle.found_at, cycle.unit, Counts(proactive=1))
        if cycle.judged_at:
            put(cycle.judged_at, cycle.unit, _judged(cycle, hanging=record.hanging))
        if cycle.reopened_at:
            put(cycle.reopened_at, cycle.unit, Counts(reopened=1))
    for mark in record.hangs:
        put(mark.at, mark.unit, Counts(hung=1))
    for mark in record.refusals:
        put(mark.at, mark.unit, Counts(guard_refused=1), mark.category)
    return found


def _judged(cycle: Cycle, *, hanging: bool) -> Counts:
    """A judgement in counts. Silence is no answer; what was left out, or waits, judges nobody."""
    if cycle.outcome is FollowUpOutcome.UNREACHABLE:
        return Counts(unreachable=1)
    if cycle.excluded:
        return Counts(excluded=1)
    if hanging:
        return NOTHING
    return Counts(
        valid=1, contacted=int(cycle.contacted), solved=int(cycle.solved),
        satisfied=int(cycle.satisfaction is Satisfaction.SATISFIED),
        basic=int(cycle.satisfaction is Satisfaction.BASICALLY),
    )  # fmt: skip


def _with(record: Record, cycle: Cycle) -> Record:
    others = [c for c in record.cycles if c.n != cycle.n]
    return replace(record, cycles=tuple(sorted([*others, cycle], key=lambda c: c.n)))


def _heard(record: Record, event: Event, at: datetime) -> Record:
    match event:
        case TicketAssigned():
            return _assigned(record, event) if event.kind is AssignmentKind.LEAD else record
        case TicketPutAside():
            return _put_aside(record, event)
        case TicketAnswered():
            return _answered(record, event)
        case TicketResolved(cycle=n):
            charged = event.charged_to or ""
            return _with(record, replace(record.cycle(n), resolved_at=at, on_time=event.on_time, charged_to=charged))
        case TicketAudited(cycle=n):
            cycle = record.cycle(n)
            found_at = None if event.follow_up else at
            known = replace(cycle, unit=cycle.unit or event.unit, found_at=found_at)
            exercise, vulnerable = record.exercise or event.exercise, record.vulnerable or event.vulnerable
            return _with(replace(record, exercise=exercise, vulnerable=vulnerable), known)
        case TicketReopened(cycle=n):
            return _with(record, replace(record.cycle(n - 1), reopened_at=at))
        case TicketEscalated():
            exercise = record.exercise or event.exercise
            return replace(record, supervised=record.supervised or event.level > 0, exercise=exercise)
        case TicketConverted() | TicketFoundBig():
            return replace(record, size=MatterSize.BIG)
        case TicketUrgencyChanged():
            return replace(record, urgency=event.urgency)
        case TicketCategoryConfirmed():
            return replace(record, category=event.category)
        case TicketHung(cycle=n):
            mark = Mark(at, record.cycle(n).unit)
            return replace(record, hanging=True, hangs=(*record.hangs, mark))
        case TicketUnhung():
            return replace(record, hanging=False)
        case GuardRefused():
            return replace(record, refusals=(*record.refusals, Mark(at, event.unit, event.category)))
        case _:
            return record


def _assigned(record: Record, event: TicketAssigned) -> Record:
    known = replace(
        record, exercise=record.exercise or event.exercise, accepted_at=record.accepted_at or event.accepted_at,
        ticket_type=event.ticket_type, category=event.category, township=event.township or "", grid=event.grid or "",
        urgency=event.urgency, size=event.size, repeat=event.repeat,
        hops=record.hops + isinstance(event, TicketRedispatched),
    )  # fmt: skip
    return _with(known, replace(known.cycle(event.cycle), unit=event.unit))


def _answered(record: Record, event: TicketAnswered) -> Record:
    """Nobody handled this round: what the citizen says of it is said of the centre that answered."""
    known = replace(
        record, exercise=record.exercise or event.exercise, ticket_type=event.ticket_type, category=event.category,
        township=event.township or "",
    )  # fmt: skip
    return _with(known, replace(known.cycle(event.cycle), unit=event.unit, answered=True))


def _put_aside(record: Record, event: TicketPutAside) -> Record:
    """The work is counted once, for the ticket it waits for; the citizen's judgement will be its own."""
    others = tuple(c for c in record.cycles if c.n != event.cycle)
    return replace(
        record, exercise=record.exercise or event.exercise, accepted_at=None, ticket_type=event.ticket_type,
        category=event.category, township=event.township or "", grid=event.grid or "", urgency=event.urgency,
        size=event.size, cycles=others,
    )  # fmt: skip


def _said(record: Record, event: Event, at: datetime) -> Record:
    match event:
        case TicketEvaluated(cycle=n):
            judged = replace(
                record.cycle(n), judged_at=at, outcome=event.outcome, contacted=bool(event.contacted),
                solved=bool(event.solved), satisfaction=event.satisfaction,
            )  # fmt: skip
            return _with(record, judged)
        case ExclusionDecided(cycle=n):
            return _with(record, replace(record.cycle(n), excluded=event.granted))
        case ExclusionChecked(cycle=n):
            return _with(record, replace(record.cycle(n), excluded=event.upheld))
        case _:
            return record
