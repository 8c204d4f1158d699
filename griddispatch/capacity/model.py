"""The model of the people: matters arrive, wait for a unit, are worked on, are judged, and perhaps come again.

Event by event on a heap, from a seed, with nothing but values in and out. What the product would decide is drawn from
the shares in the parameters; the rules themselves are not run. A large place is sampled: one matter in `weight` with
one unit in `weight`, so that every unit is as busy as it would be.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate
from math import exp, log
from random import Random

from griddispatch.capacity.hours import DAY, HOUR, Hours, end_of_day, end_of_working_day
from griddispatch.capacity.parameters import Effort, Parameters

MOST_A_DAY = 4000
"""Dispatched matters a day that are drawn; of more, a sample is."""
KINDS = ("U1", "U2", "SMALL", "BIG")


@dataclass(slots=True)
class Matter:
    """One dispatched matter. Instants in seconds since the first Monday's midnight."""

    kind: str
    unit: int
    accepted_at: float
    due_at: float
    cycle: int = 1
    finished_at: float | None = None


@dataclass
class Course:
    """What became of all. `arrivals` and `backlog` are by hour and of the whole place, `counts` of the sample.

    Arrivals are all tickets, everything else dispatched matters; `units` of the whole place.
    """

    days: int
    weight: float
    units: int
    arrivals: list[float]
    backlog: list[float]
    open_at_midnight: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """accepted, finished, late, reopened, answered, satisfied, solved, contacted; and accepted.KIND, late.KIND."""
    waits_h: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @property
    def rates(self) -> dict[str, float]:
        """The three rates of those who answered, and the share in time."""
        answered, finished = max(1, self.counts["answered"]), max(1, self.counts["finished"])
        return {
            "response": self.counts["contacted"] / finished, "solution": self.counts["solved"] / answered,
            "satisfaction": self.counts["satisfied"] / answered, "in_time": 1 - self.counts["late"] / finished,
        }  # fmt: skip


def hourly(parameters: Parameters, tickets_per_day: float, days: int) -> list[float]:
    """Tickets expected in every hour, storms included."""
    demand, storm = parameters.demand, parameters.storm
    a_day, a_week = sum(demand.hours), sum(demand.weekdays) / 7
    found = []
    for hour in range(days * 24):
        day, of_day = divmod(hour, 24)
        expected = tickets_per_day * demand.hours[of_day] / a_day * demand.weekdays[day % 7] / a_week
        if storm.every_days and day % storm.every_days == storm.every_days - 1 and 14 <= of_day < 14 + storm.hours:
            expected = max(expected, tickets_per_day / 24 * storm.factor)
        found.append(expected)
    return found


def people_needed(parameters: Parameters, dispatched_per_day: float) -> float:
    """How many people the utilisation in the parameters means, on a mean day."""
    demand, work = parameters.demand, parameters.work
    urgent = demand.critical + demand.urgent
    shares = ((urgent, work.urgent), ((1 - urgent) * demand.small_share, work.small),
              ((1 - urgent) * (1 - demand.small_share), work.big))  # fmt: skip
    minutes = dispatched_per_day * sum(share * _mean(effort) for share, effort in shares)
    a_week = (work.closes - work.opens) * 60 * (5 + 2 * work.weekend_share) / 7
    return minutes / a_week / work.utilisation


def _mean(effort: Effort) -> float:
    return effort.median_min * exp(effort.spread**2 / 2)


def simulate(parameters: Parameters, level: str, days: int, seed: int) -> Course:
    """Play so many days from a Monday on. The same values always give the same course."""
    per_day = parameters.level[level].tickets_per_day
    dispatched = per_day * parameters.demand.dispatched_share
    weight = max(1.0, dispatched / MOST_A_DAY)
    arrivals = hourly(parameters, per_day, days)
    people = people_needed(parameters, dispatched) / weight
    units = max(1, round(people / parameters.work.people_per_unit))
    course = Course(days, weight, round(units * weight), arrivals, [0.0] * (days * 24))
    _Play(parameters, course, units, Random(f"{level}/{days}/{seed}")).run()
    return course


class _Play:
    """One course being played: the heap, the units' queues, and the dice."""

    def __init__(self, parameters: Parameters, course: Course, units: int, dice: Random) -> None:
        self._p, self._course, self._dice = parameters, course, dice
        work = parameters.work
        self._hours = Hours(work.opens * HOUR, work.closes * HOUR)
        self._heap: list[tuple[float, int, str, Matter]] = []
        self._n = 0
        self._queues: list[list[tuple[bool, float, int, Matter]]] = [[] for _ in range(units)]
        each = round(1 / work.weekend_share) if work.weekend_share else units + 1
        self._on_duty = [n % each == each - 1 for n in range(units)]
        self._idle = [work.people_per_unit] * units
        self._shares = [*accumulate(exp(dice.gauss(0, work.skew)) for _ in range(units))]
        self._open = 0

    def run(self) -> None:
        for matter in self._arriving():
            self._until(matter.accepted_at)
            self._accept(matter, "accepted")
        self._until(self._course.days * DAY)

    def _arriving(self) -> Iterator[Matter]:
        share = self._p.demand.dispatched_share / self._course.weight
        chosen = self._dice.choices
        places = range(len(self._queues))
        for hour, expected in enumerate(self._course.arrivals):
            count = _poisson(self._dice, expected * share)
            for at in sorted(self._dice.uniform(hour * HOUR, (hour + 1) * HOUR) for _ in range(count)):
                kind = self._kind()
                yield Matter(kind, chosen(places, cum_weights=self._shares)[0], at, self._due(kind, at))

    def _kind(self) -> str:
        demand, at = self._p.demand, self._dice.random()
        if at < demand.critical:
            return "U1"
        if at < demand.critical + demand.urgent:
            return "U2"
        return "SMALL" if self._dice.random() < demand.small_share else "BIG"

    def _due(self, kind: str, at: float) -> float:
        limits = self._p.limits
        if kind == "U1":
            return at + limits.critical_hours * HOUR
        if kind == "U2":
            return at + limits.urgent_hours * HOUR
        if kind == "SMALL":
            return end_of_day(at, limits.cutoff * HOUR)
        return end_of_working_day(at, limits.big_working_days)

    def _accept(self, matter: Matter, as_: str) -> None:
        self._count(as_)
        self._count(f"accepted.{matter.kind}")
        self._open += 1
        if matter.kind == "U1":
            self._push(matter.accepted_at + self._seconds(matter), "finish", matter)  # whoever is on call goes at once
            return
        self._n += 1
        heappush(self._queues[matter.unit], (matter.kind != "U2", matter.due_at, self._n, matter))
        self._begin(matter.unit, matter.accepted_at)

    def _begin(self, unit: int, now: float) -> None:
        while self._idle[unit] and self._queues[unit]:
            matter = heappop(self._queues[unit])[-1]
            self._idle[unit] -= 1
            every_day = self._on_duty[unit] or matter.kind == "U2"
            self._push(self._hours.after(now, self._seconds(matter), every_day=every_day), "finish", matter)

    def _seconds(self, matter: Matter) -> float:
        work = self._p.work
        effort = {"SMALL": work.small, "BIG": work.big}.get(matter.kind, work.urgent)
        return effort.median_min * 60 * exp(self._dice.gauss(0, effort.spread))

    def _push(self, at: float, what: str, matter: Matter) -> None:
        self._n += 1
        heappush(self._heap, (at, self._n, what, matter))

    def _until(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            at, _, what, matter = heappop(self._heap)
            self._mark(at)
            if what == "finish":
                self._finish(matter, at)
            else:
                self._judge(matter, at)
        self._mark(now)

    def _mark(self, at: float) -> None:
        """Take down how many are open, for the hour that `at` lies in and, at midnight, for the day."""
        hour = min(int(at // HOUR), len(self._course.backlog) - 1)
        self._course.backlog[hour] = self._open * self._course.weight
        while len(self._course.open_at_midnight) < int(at // DAY):
            self._course.open_at_midnight.append(self._open * self._course.weight)

    def _finish(self, matter: Matter, at: float) -> None:
        self._open -= 1
        self._idle[matter.unit] += matter.kind != "U1"
        matter.finished_at = at
        late = at > matter.due_at
        self._count("finished")
        if late:
            self._count("late")
            self._count(f"late.{matter.kind}")
        self._course.waits_h[matter.kind].append((at - matter.accepted_at) / HOUR)
        if not late and self._dice.random() < self._p.citizen.contacted_in_time:
            self._count("contacted")
        if self._dice.random() < self._p.citizen.answers:
            wait = self._p.citizen.wait_hours * HOUR * exp(self._dice.gauss(0, 1))
            self._push(at + wait, "judge", matter)
        self._begin(matter.unit, at)

    def _judge(self, matter: Matter, at: float) -> None:
        citizen = self._p.citizen
        late = matter.finished_at is not None and matter.finished_at > matter.due_at
        self._count("answered")
        if self._dice.random() < (citizen.satisfied_late if late else citizen.satisfied_on_time):
            self._count("satisfied")
        if self._dice.random() < (citizen.solved_late if late else citizen.solved_on_time):
            self._count("solved")
        elif matter.cycle < 3:
            again = Matter(matter.kind, matter.unit, at, self._due(matter.kind, at), matter.cycle + 1)
            self._accept(again, "reopened")

    def _count(self, name: str) -> None:
        self._course.counts[name] += 1


def _poisson(dice: Random, mean: float) -> int:
    """A Poisson number; of a large mean its normal neighbour."""
    if mean > 200:
        return max(0, round(dice.gauss(mean, mean**0.5)))
    count, left = 0, -log(max(dice.random(), 1e-300))
    while left < mean:
        count += 1
        left -= log(max(dice.random(), 1e-300))
    return count
