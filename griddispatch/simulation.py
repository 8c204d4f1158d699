"""The same matters under two rule packs: what would be due when, with whom, and how often too late. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import ceil, exp, log
from random import Random
from statistics import NormalDist, median
from typing import Final, NamedTuple

from griddispatch.desk import Desk, Recorded, judge, opening, stated
from services.dispatch.core.deadlines import is_within, parse_limit
from services.dispatch.core.ladder import Step, climb
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import Clock, Decision, Timer, ladder_rules
from services.intake.core.location import Location
from shared.terms import AssignmentKind, Light, MatterSize, Urgency

HOUR: Final = timedelta(hours=1)
SAFE: Final = 1e-4
"""Shares of the slowest and the fastest that are cut off: nobody takes for ever."""


class Handling(NamedTuple):
    """How long handling takes: log-normal around a median in hours, natural or of opening time."""

    median_hours: float
    sigma: float
    in_working_time: bool


HANDLING: Final[Mapping[str, Handling]] = {
    "U1": Handling(1.2, 0.5, False),
    "U2": Handling(9.0, 0.8, False),
    "SMALL": Handling(5.0, 0.8, False),
    "BIG": Handling(20.0, 0.7, True),
    "UNSIZED": Handling(7.5, 0.7, True),
}
"""Assumed, not measured: urgent matters by urgency, all other by size. The report repeats it."""


class Moved(StrEnum):
    """What the second pack does to a deadline."""

    EARLIER = "EARLIER"
    SAME = "SAME"
    LATER = "LATER"


class Outcome(NamedTuple):
    """One matter under one pack; instants in UTC."""

    ticket_type: str
    category: str
    urgency: Urgency
    size: MatterSize
    limit: str
    due_at: datetime
    lead: str
    supports: tuple[str, ...]
    handled_at: datetime
    light: Light
    is_breach: bool


class Pair(NamedTuple):
    """One matter under both packs; the shift is opening time of the first pack, negative when due earlier."""

    recorded: Recorded
    a: Outcome
    b: Outcome
    moved: Moved
    shift: timedelta


def compare(
    matters: Iterable[tuple[Recorded, Location]],
    a: Desk,
    b: Desk,
    seed: int,
    handling: Mapping[str, Handling] = HANDLING,
) -> Iterator[Pair]:
    """Each matter under both packs, one after the other.

    Luck is drawn once a matter: of one size it takes equally long under both. Equal triage rules judge once.
    """  # fmt: skip
    random, normal = Random(seed), NormalDist()
    is_alike = a.judges_by == b.judges_by
    calendar = a.book.calendar
    for recorded, place in matters:
        luck = normal.inv_cdf(min(max(random.random(), SAFE), 1 - SAFE))
        event = stated(a, recorded, place, judge(a, recorded, place))
        other = event if is_alike else stated(b, recorded, place, judge(b, recorded, place))
        before = outcome(opening(a, event), a.book, luck, handling)
        after = outcome(opening(b, other), b.book, luck, handling)
        if before.due_at == after.due_at:
            yield Pair(recorded, before, after, Moved.SAME, timedelta())
            continue
        moved = Moved.EARLIER if after.due_at < before.due_at else Moved.LATER
        yield Pair(recorded, before, after, moved, calendar.working_time_between(before.due_at, after.due_at))


def outcome(decision: Decision, book: Rulebook, luck: float, handling: Mapping[str, Handling]) -> Outcome:
    """What a first decision comes to when handling takes as long as `luck`, a standard normal value, says."""
    case = decision.case
    how = handling.get(case.urgency.value) or handling[case.size.value]
    takes = timedelta(hours=exp(log(how.median_hours) + how.sigma * luck))
    start = case.accepted_at
    handled_at = book.calendar.add_working_time(start, takes) if how.in_working_time else start + takes
    lead, supports = "", []
    for part in case.assignments:
        if part.kind is AssignmentKind.LEAD:
            lead = part.unit
        else:
            supports.append(part.unit)
    is_breach = not is_within(handled_at, case.due_at)
    light = Light.RED if is_breach else _light(decision, book, handled_at)
    return Outcome(
        case.ticket_type.value, case.category, case.urgency, case.size, case.limit, case.due_at, lead,
        tuple(supports), handled_at, light, is_breach,
    )  # fmt: skip


def _light(decision: Decision, book: Rulebook, handled_at: datetime) -> Light:
    """Green or yellow: which light is on when a matter is handled in time."""
    timer = _resolve_timer(decision)
    if timer is None:
        return Light.GREEN
    rules = ladder_rules(book, timer.clock, decision.case.urgency)
    rungs = climb(parse_limit(timer.limit), timer.started_at, timer.due_at, book.calendar, book.roster, rules)
    yellow = next((rung for rung in rungs if rung.step is Step.YELLOW), None)
    return Light.YELLOW if yellow is not None and yellow.is_reached(handled_at) else Light.GREEN


def _resolve_timer(decision: Decision) -> Timer | None:
    timers = (timer for timer in decision.timers.values() if timer is not None)
    return next((timer for timer in timers if timer.clock is Clock.RESOLVE), None)


# Counting


@dataclass(frozen=True, slots=True)
class Load:
    """New parts of one unit a day under one pack, over every day of the period, quiet ones too."""

    total: int
    most: int
    p95: int


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """One unit under both packs."""

    unit: str
    a: Load
    b: Load


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The deadlines of one kind of matter: how many there are, and where the second pack moves them."""

    kind: str
    matters: int
    earlier: int
    later: int
    median_shift_hours: float
    breaches_a: int
    breaches_b: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything counted. Shifts are hours of opening time of the first pack; medians are over what moved."""

    a: str
    b: str
    matters: int
    first_day: date
    last_day: date
    seed: int
    handling: Mapping[str, Handling]
    moved: Mapping[Moved, int]
    median_shift_hours: float
    shifts: Mapping[int, int]
    """Matters by shift in whole hours of opening time, rounded away from zero; without what did not move."""
    judged_otherwise: int
    size_changed: int
    sizes: Mapping[tuple[MatterSize, MatterSize], int]
    lead_changed: int
    supports_changed: int
    lights_a: Mapping[Light, int]
    lights_b: Mapping[Light, int]
    breaches_a: int
    breaches_b: int
    kinds: tuple[Breakdown, ...]
    loads: tuple[UnitLoad, ...]
    """The unit whose load changes most goes first; among equals the busier one, then by id."""


@dataclass
class Tally:
    """What has been counted so far; lives inside one call of `summarise`."""

    moved: Counter[Moved] = field(default_factory=Counter)
    shifts: list[float] = field(default_factory=list)
    judged_otherwise: int = 0
    sizes: Counter[tuple[MatterSize, MatterSize]] = field(default_factory=Counter)
    lead_changed: int = 0
    supports_changed: int = 0
    lights: tuple[Counter[Light], Counter[Light]] = field(default_factory=lambda: (Counter(), Counter()))
    breaches: list[int] = field(default_factory=lambda: [0, 0])
    kinds: defaultdict[str, list[Pair]] = field(default_factory=lambda: defaultdict(list))
    days: tuple[Counter[tuple[str, date]], Counter[tuple[str, date]]] = field(
        default_factory=lambda: (Counter(), Counter())
    )

    def count(self, pair: Pair, day: date) -> None:
        """Take one matter in."""
        a, b = pair.a, pair.b
        self.moved[pair.moved] += 1
        if pair.moved is not Moved.SAME:
            self.shifts.append(pair.shift / HOUR)
        self.judged_otherwise += (a.ticket_type, a.category, a.urgency) != (b.ticket_type, b.category, b.urgency)
        self.sizes[a.size, b.size] += 1
        self.lead_changed += a.lead != b.lead
        self.supports_changed += a.supports != b.supports
        self.kinds[kind_of(a)].append(pair)
        for side, found in enumerate((a, b)):
            self.lights[side][found.light] += 1
            self.breaches[side] += found.is_breach
            self.days[side].update((unit, day) for unit in (found.lead, *found.supports))


def kind_of(found: Outcome) -> str:
    """Size for what is sized, type for the rest; urgent matters apart."""
    kind = found.ticket_type if found.size is MatterSize.UNSIZED else found.size.value
    return kind if found.urgency is Urgency.U3 else f"{kind} {found.urgency}"


def summarise(
    pairs: Iterable[Pair], a: Desk, b: Desk, seed: int, handling: Mapping[str, Handling] = HANDLING
) -> Summary:
    """Count them; there must be one at least (ValueError)."""
    calendar, tally = a.book.calendar, Tally()
    first, last = date.max, date.min
    for pair in pairs:
        day = calendar.local(pair.recorded.accepted_at).date()
        first, last = min(first, day), max(last, day)
        tally.count(pair, day)
    matters = tally.moved.total()
    if not matters:
        raise ValueError("no matters to compare")
    return Summary(
        a=a.pack, b=b.pack, matters=matters, first_day=first, last_day=last, seed=seed, handling=handling,
        moved={moved: tally.moved[moved] for moved in Moved}, median_shift_hours=_median(tally.shifts),
        shifts=dict(sorted(Counter(map(_whole, tally.shifts)).items())), judged_otherwise=tally.judged_otherwise,
        size_changed=sum(n for (before, after), n in tally.sizes.items() if before is not after),
        sizes=dict(sorted(tally.sizes.items())), lead_changed=tally.lead_changed,
        supports_changed=tally.supports_changed, lights_a=_lights(tally.lights[0]), lights_b=_lights(tally.lights[1]),
        breaches_a=tally.breaches[0], breaches_b=tally.breaches[1],
        kinds=tuple(_breakdown(kind, tally.kinds[kind]) for kind in sorted(tally.kinds)),
        loads=_loads(tally, (last - first).days + 1),
    )  # fmt: skip


def _median(shifts: Sequence[float]) -> float:
    return round(median(shifts), 2) if shifts else 0.0


def _whole(hours: float) -> int:
    return ceil(hours) if hours > 0 else -ceil(-hours)


def _lights(counted: Counter[Light]) -> dict[Light, int]:
    return {light: counted[light] for light in Light}


def _breakdown(kind: str, pairs: Sequence[Pair]) -> Breakdown:
    moved = Counter(pair.moved for pair in pairs)
    shifts = [pair.shift / HOUR for pair in pairs if pair.moved is not Moved.SAME]
    breaches = [sum(found.is_breach for found in side) for side in zip(*((p.a, p.b) for p in pairs), strict=True)]
    return Breakdown(kind, len(pairs), moved[Moved.EARLIER], moved[Moved.LATER], _median(shifts), *breaches)


def _loads(tally: Tally, days: int) -> tuple[UnitLoad, ...]:
    by_unit: tuple[defaultdict[str, list[int]], ...] = (defaultdict(list), defaultdict(list))
    for counted, found in zip(tally.days, by_unit, strict=True):
        for (unit, _), parts in counted.items():
            found[unit].append(parts)
    loads = [
        UnitLoad(unit, load_of(by_unit[0].get(unit, ()), days), load_of(by_unit[1].get(unit, ()), days))
        for unit in by_unit[0].keys() | by_unit[1].keys()
    ]
    return tuple(
        sorted(loads, key=lambda one: (-abs(one.b.total - one.a.total), -max(one.a.total, one.b.total), one.unit))
    )


def load_of(busy: Sequence[int], days: int) -> Load:
    """The load of a unit from its busy days out of so many; p95 is the smallest load that 95 % of days stay within."""
    ranked = sorted(busy)
    place = ceil(0.95 * days) - 1 - (days - len(ranked))
    return Load(sum(ranked), max(ranked, default=0), ranked[place] if place >= 0 else 0)
