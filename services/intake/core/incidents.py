"""Which tickets are about one thing 并单: who is near whom, what may never be merged, how many people it concerns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from math import cos, floor, hypot, radians
from typing import Final, TypeAlias

from msgspec import Struct

from services.intake.core.categories import UNCLASSIFIED
from services.intake.core.incident_rules import IncidentRules, MergingRules
from services.intake.core.similarity import similarity
from shared.events import name_based
from shared.terms import IncidentId, TicketId, TicketType, Urgency

METRES_A_DEGREE: Final = 111_195.0
"""Along a meridian of the mean sphere."""

CELL_DEGREES: Final = 0.002
"""Height of a cell, some 222 m; as wide in metres, wherever it lies. Part of what is stored."""

MOST_CANDIDATES: Final = 200
"""Of one cell, component or address: those that were closed last, or are open still."""


Place: TypeAlias = tuple[str, int]
"""Where tickets are looked for: `cell`, `component` or `address`, and its key."""


class Link(StrEnum):
    """What brings two tickets together, the strongest first."""

    COMPONENT = "COMPONENT"
    NEAR = "NEAR"
    ADDRESS = "ADDRESS"


class Hindrance(StrEnum):
    """Why two tickets must never be merged, however alike they are."""

    CONFIDENTIAL = "CONFIDENTIAL"
    LEAD = "LEAD"
    EXERCISE = "EXERCISE"
    OTHER_PARTY = "OTHER_PARTY"
    OTHER_DANGER = "OTHER_DANGER"


class Trace(Struct, frozen=True):
    """What merging looks at of one ticket; nothing in it can be read by people.

    `cell` is the one of its group that holds the point, `component` marks the thing it is about, `party` who is
    reported; `area` is the code that was given. `callers` and `addresses` are keyed marks of the phone and the
    address, one for each key of the ring, the active first.
    """

    ticket_id: TicketId
    received_at: datetime
    category: str
    ticket_type: TicketType
    urgency: Urgency
    signature: bytes = b""
    lon: float | None = None
    lat: float | None = None
    cell: int | None = None
    component: int | None = None
    addresses: tuple[int, ...] = ()
    callers: tuple[bytes, ...] = ()
    party: bytes | None = None
    area: str = ""
    confidential: bool = False
    exercise: bool = False
    is_lead: bool = False

    @property
    def group(self) -> str:
        """The group of categories (L2) it belongs to: nothing is merged across groups."""
        return self.category[:4]


@dataclass(frozen=True, slots=True)
class Match:
    """Two tickets that are about one thing as far as can be told. Distance in metres, None when a point is missing."""

    into: TicketId
    link: Link
    likeness: float
    distance_m: float | None
    automatic: bool

    @property
    def rule(self) -> str:
        """The id of the rule, as the story tells it."""
        return f"merge.{self.link.lower()}"


@dataclass(frozen=True, slots=True)
class Member:
    """One ticket of an incident, as counting sees it; `caller` is None when it is not known who called."""

    ticket_id: TicketId
    received_at: datetime
    urgency: Urgency
    caller: bytes | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What an incident amounts to: tickets, different people, and what follows from their number."""

    tickets: int
    reporters: int
    mass: bool
    urgency: Urgency
    supervise: int


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing in the world 事件 and the tickets about it: the main one is worked on, the others wait for it."""

    main: Member
    others: tuple[Member, ...] = ()

    def merged(self, member: Member) -> "Incident":
        """With one ticket more. Raises ValueError for one that is there already."""
        if member.ticket_id in {m.ticket_id for m in self.members()}:
            raise ValueError(f"{member.ticket_id} is part of it already")
        return replace(self, others=tuple(sorted((*self.others, member), key=lambda m: m.ticket_id)))

    def split(self, ticket_id: TicketId) -> "Incident":
        """As if that ticket had never been merged. Raises ValueError for the main ticket, and for a stranger."""
        left = tuple(m for m in self.others if m.ticket_id != ticket_id)
        if len(left) == len(self.others):
            raise ValueError(f"{ticket_id} is not one of those that wait")
        return replace(self, others=left)

    def members(self) -> Iterator[Member]:
        """The main ticket first."""
        yield self.main
        yield from self.others

    def tally(self, rules: MergingRules) -> Tally:
        """Count. Those who did not say who they are count as one person together: nobody makes a mass alone."""
        members = sorted(self.members(), key=lambda m: m.received_at)
        mass = most_within(members, rules.mass.within) >= rules.mass.reporters_from
        supervise = most_within(members, rules.supervise.within) >= rules.supervise.reporters_from
        urgency = min(m.urgency for m in members)
        return Tally(
            tickets=len(members),
            reporters=len({m.caller for m in members}),
            mass=mass,
            urgency=min(urgency, rules.mass.urgency) if mass else urgency,
            supervise=rules.supervise.level if supervise else 0,
        )


def incident_of(main: TicketId) -> IncidentId:
    """The id of the incident whose main ticket this is: the same whoever asks, and however often."""
    return IncidentId(name_based(b"incident" + main.bytes))


def most_within(members: Sequence[Member], window: timedelta) -> int:
    """The most different people that called within any stretch of that length; members in order of time."""
    counts: defaultdict[bytes | None, int] = defaultdict(int)
    first = most = 0
    for last in members:
        counts[last.caller] += 1
        while last.received_at - members[first].received_at > window:
            gone = members[first].caller
            counts[gone] -= 1
            if not counts[gone]:
                del counts[gone]
            first += 1
        most = max(most, len(counts))
    return most


def cells_near(group: str, lon: float, lat: float) -> tuple[int, ...]:
    """The four cells of a group of categories around a point, its own first.

    Whatever lies within half a cell, some 110 m, is in one of them. A row has the fewer cells, the nearer to a pole.
    """
    base = int(group) << 40
    height = (lat + 90) / CELL_DEGREES
    own = floor(height)
    cells: list[int] = []
    for row in (own, own + 1 if height - own >= 0.5 else own - 1):
        place = (lon + 180) * _cells_a_degree(row)
        column = floor(place)
        cell = base + (row << 20) + column
        cells += (cell, cell + 1 if place - column >= 0.5 else cell - 1)
    return tuple(cells)


@lru_cache(maxsize=4096)
def _cells_a_degree(row: int) -> float:
    """Of longitude, in this row."""
    return max(cos(radians((row + 0.5) * CELL_DEGREES - 90)), 0.01) / CELL_DEGREES


def metres_between(one: Trace, other: Trace) -> float | None:
    """The distance, good to a tenth of a per cent within a county; None when a point is missing."""
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return None
    east = (one.lon - other.lon) * cos(radians((one.lat + other.lat) / 2))
    return hypot(east, one.lat - other.lat) * METRES_A_DEGREE


def hindrance(one: Trace, other: Trace, likeness: float, rules: MergingRules) -> Hindrance | None:
    """Why these two must not be merged, if they must not: the same whichever comes first."""
    if one.is_lead or other.is_lead:
        return Hindrance.LEAD
    if one.confidential or other.confidential:
        return Hindrance.CONFIDENTIAL
    if one.exercise != other.exercise:
        return Hindrance.EXERCISE
    if TicketType.REPORT in (one.ticket_type, other.ticket_type) and (one.party is None or one.party != other.party):
        return Hindrance.OTHER_PARTY  # who is reported is not said, or somebody else is
    if Urgency.U1 in (one.urgency, other.urgency) and likeness < rules.least_similarity:
        return Hindrance.OTHER_DANGER
    return None


def match(new: Trace, old: Trace, rules: MergingRules) -> Match | None:
    """Whether `new` is about what `old` is about; None when it is not, or must not be said to be."""
    if new.group != old.group or new.category == UNCLASSIFIED:
        return None
    distance = metres_between(new, old)
    link = _link(new, old, distance, rules)
    if link is None:
        return None
    likeness = similarity(new.signature, old.signature)
    needed = link is not Link.COMPONENT or rules.component_needs_similarity
    if (needed and likeness < rules.least_similarity) or hindrance(new, old, likeness, rules):
        return None
    close = link is Link.COMPONENT or (distance is not None and distance <= rules.merge_within_m)
    automatic = rules.automatic and close and new.category == old.category
    return Match(old.ticket_id, link, likeness, distance, automatic)


def _link(new: Trace, old: Trace, distance: float | None, rules: MergingRules) -> Link | None:
    if new.component is not None and old.component is not None:
        return Link.COMPONENT if new.component == old.component else None  # two lamps side by side are two lamps
    if distance is not None and distance <= rules.suggest_within_m:
        return Link.NEAR
    return Link.ADDRESS if set(new.addresses) & set(old.addresses) else None


def best(matches: Iterable[Match]) -> Match | None:
    """Of several the surest: one that may be merged, by the stronger link, then the likest, then the nearest."""

    def order(m: Match) -> tuple[bool, int, float, float, TicketId]:
        far = m.distance_m if m.distance_m is not None else float("inf")
        return not m.automatic, list(Link).index(m.link), -m.likeness, far, m.into

    return min(matches, key=order, default=None)


class Board:
    """Tickets that others may turn out to belong to, found by cell, component and address. Lives for one batch."""

    def __init__(self, rules: IncidentRules, standing: Iterable[Trace] = ()) -> None:
        self._rules = rules.merging
        self._at: defaultdict[Place, dict[TicketId, Trace]] = defaultdict(dict)
        for trace in standing:
            self.add(trace)

    def add(self, trace: Trace) -> None:
        """From now on others may belong to it."""
        if trace.cell is not None:
            self._at["cell", trace.cell][trace.ticket_id] = trace
        if trace.component is not None:
            self._at["component", trace.component][trace.ticket_id] = trace
        if trace.addresses:
            self._at["address", trace.addresses[0]][trace.ticket_id] = trace

    def match(self, new: Trace, near: Iterable[Place]) -> Match | None:
        """The ticket that `new` belongs to as far as can be told; `near` is where to look, as `places_near` says."""
        at = self._at
        found = [old for place in near if place in at for old in at[place].values()]
        if not found:
            return None
        return best(m for old in found if (m := match(new, old, self._rules)) is not None)


def places_near(trace: Trace, cells: Iterable[int]) -> list[Place]:
    """Under which keys those are found that it may belong to; `cells` are those near its point."""
    places = [("cell", cell) for cell in cells]
    places += [("address", address) for address in trace.addresses]
    if trace.component is not None:
        places.append(("component", trace.component))
    return places
