"""The observer: what became of every ticket, told from the topics alone and not from what the services count."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from griddispatch.demo.matters import SOURCE
from griddispatch.demo.rates import Judgements
from griddispatch.demo.records import Sighting
from shared.clock import FastClock
from shared.events import (
    FollowUpAsked,
    TicketAssigned,
    TicketClosed,
    TicketEscalated,
    TicketEvaluated,
    TicketLightChanged,
    TicketReceived,
    TicketRedispatched,
    TicketReopened,
    TicketResolved,
    TicketReturned,
    TicketSigned,
)
from shared.terms import AssignmentKind, Light
from shared.topics import STATE

RECEIVED = TicketReceived.type.encode()
ASSIGNED = TicketAssigned.type.encode()
REDISPATCHED = TicketRedispatched.type.encode()
RESOLVED = TicketResolved.type.encode()
RETURNED = TicketReturned.type.encode()
CLOSED = TicketClosed.type.encode()
ASKED = FollowUpAsked.type.encode()
LIGHT = TicketLightChanged.type.encode()
ESCALATED = TicketEscalated.type.encode()
EVALUATED = TicketEvaluated.type.encode()

MILESTONES = {
    RECEIVED: "received", TicketSigned.type.encode(): "signed", RESOLVED: "resolved", ASKED: "asked",
    EVALUATED: "evaluated", CLOSED: "closed", TicketReopened.type.encode(): "reopened",
}  # fmt: skip
"""What is counted per ticket: once, however often it happens to the ticket."""
HAPPENINGS = {ESCALATED: "escalated", RETURNED: "returned"}
"""What is counted each time."""


@dataclass(slots=True)
class Trail:
    """What was seen of one ticket. `prints` holds per source a fingerprint of each version, None for one not seen."""

    prints: dict[bytes, list[int | None]] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    live_leads: set[str] = field(default_factory=set)
    is_ours: bool = False
    received_events: int = 0
    had_two_leads: bool = False
    was_contradicted: bool = False
    received_at: float = 0.0
    """Real seconds since 1970."""
    assigned_at: float = 0.0

    @property
    def has_holes(self) -> bool:
        """Whether a version is missing below one that was seen."""
        return any(None in versions for versions in self.prints.values())


@dataclass(frozen=True)
class Verdict:
    """What went wrong, by ticket or external id; empty when all is well."""

    lost: tuple[str, ...]
    duplicated: tuple[str, ...]


class Watch:
    """Listens to the events, the snapshots and the dead letters of every service."""

    def __init__(self, clock: FastClock) -> None:
        self.counts: Counter[str] = Counter()
        self.trails: dict[bytes, Trail] = {}
        self.dead: set[tuple[str, bytes]] = set()
        self.clocks: Counter[str] = Counter()
        """Escalations by the clock that was missed."""
        self.judgements = Judgements()
        self._clock = clock
        self._states: dict[bytes, bytes] = {}
        self._first_received = float("inf")
        self._last_assigned = 0.0
        self._special: dict[bytes, Callable[[Sighting, Trail], None]] = {
            RECEIVED: self._received, ASSIGNED: self._assigned, REDISPATCHED: self._assigned,
            RESOLVED: self._lead_ended, RETURNED: self._lead_ended, LIGHT: self._light,
            ESCALATED: self._escalated, EVALUATED: self._evaluated, ASKED: self._asked,
        }  # fmt: skip

    def see(self, seen: Sighting) -> None:
        """Take one record down."""
        if seen.topic.endswith("-dead"):
            self.dead.add((seen.topic, seen.id + seen.value))
        elif seen.topic == STATE.name:
            self._states[seen.ticket] = seen.value
        elif seen.version:
            self._event(seen)

    def _event(self, seen: Sighting) -> None:
        trail = self.trails.get(seen.ticket)
        if trail is None:
            trail = self.trails[seen.ticket] = Trail()
        if not self._is_new(seen, trail):
            return
        milestone = MILESTONES.get(seen.type)
        if milestone is not None and milestone not in trail.passed:
            trail.passed.add(milestone)
            self.counts[milestone] += 1
        elif seen.type in HAPPENINGS:
            self.counts[HAPPENINGS[seen.type]] += 1
        special = self._special.get(seen.type)
        if special is not None:
            special(seen, trail)

    def _is_new(self, seen: Sighting, trail: Trail) -> bool:
        """Whether this version was not seen yet; the same event again is a redelivery, another one a contradiction."""
        versions = trail.prints.setdefault(seen.source, [])
        versions.extend([None] * (seen.version - len(versions)))
        print_ = hash((seen.id, seen.type, seen.value))
        before = versions[seen.version - 1]
        if before is None:
            versions[seen.version - 1] = print_
            return True
        if before == print_:
            self.counts["redelivered"] += 1
        else:
            trail.was_contradicted = True
        return False

    def _received(self, seen: Sighting, trail: Trail) -> None:
        trail.received_events += 1
        trail.is_ours = str(orjson.loads(seen.value)["source"]).partition(".")[0] == SOURCE
        trail.received_at = self._clock.real_instant(datetime.fromisoformat(seen.time.decode())).timestamp()
        self._first_received = min(self._first_received, trail.received_at)

    def _assigned(self, seen: Sighting, trail: Trail) -> None:
        facts = orjson.loads(seen.value)
        if facts["kind"] != AssignmentKind.LEAD:
            return
        trail.live_leads.add(facts["assignment_id"])
        trail.had_two_leads |= len(trail.live_leads) > 1
        if "assigned" not in trail.passed:
            trail.passed.add("assigned")
            self.counts["assigned"] += 1
            trail.assigned_at = seen.stamp_ms / 1000
            self._last_assigned = max(self._last_assigned, trail.assigned_at)

    def _lead_ended(self, seen: Sighting, trail: Trail) -> None:
        trail.live_leads.discard(orjson.loads(seen.value)["assignment_id"])

    def _light(self, seen: Sighting, trail: Trail) -> None:
        if orjson.loads(seen.value)["light"] == Light.RED and "red" not in trail.passed:
            trail.passed.add("red")
            self.counts["red"] += 1

    def _escalated(self, seen: Sighting, trail: Trail) -> None:
        self.clocks[orjson.loads(seen.value)["clock"]] += 1
        trail.passed.add("supervised")

    def _evaluated(self, seen: Sighting, trail: Trail) -> None:
        self.judgements.see(seen.ticket, seen.value, seen.time)

    def _asked(self, seen: Sighting, trail: Trail) -> None:
        if orjson.loads(seen.value)["cycle"] > 1:
            trail.passed.add("asked_again")

    def is_closed(self, tickets: Collection[bytes]) -> bool:
        """Whether every one of these tickets is."""
        return all(ticket in self.trails and "closed" in self.trails[ticket].passed for ticket in tickets)

    def judge(self, accepted: Mapping[str, bytes], twins: Collection[str] = ()) -> Verdict:
        """What was lost or doubled of the accepted matters (ticket by external id), told when all is quiet.

        Lost: never received, never assigned, a hole in its story, or no public state. Doubled: two events for one
        version, received twice, two leads at once, or a second ticket for a matter (`twins`, or a ticket from the
        demo's hotlines that answers no matter).
        """
        lost = [ticket.decode() for ticket in accepted.values() if self._is_lost(ticket)]
        known = set(accepted.values())
        strays = [t.decode() for t, trail in self.trails.items() if trail.is_ours and t not in known]
        doubled = [
            t.decode()
            for t, trail in self.trails.items()
            if trail.was_contradicted or trail.received_events > 1 or trail.had_two_leads
        ]
        return Verdict(tuple(lost), (*sorted({*doubled, *strays}), *twins))

    def _is_lost(self, ticket: bytes) -> bool:
        trail = self.trails.get(ticket)
        if trail is None or trail.has_holes or ticket not in self._states:
            return True
        return not {"received", "assigned"} <= trail.passed

    def states(self, tickets: Collection[bytes]) -> Counter[str]:
        """How many of these tickets are in which state, by their latest snapshots."""
        found = (self._states.get(ticket) for ticket in tickets)
        return Counter(orjson.loads(value)["state"] if value else "NONE" for value in found)

    def delays_ms(self) -> list[float]:
        """From accepted to assigned, in real milliseconds, shortest first."""
        waits = (t.assigned_at - t.received_at for t in self.trails.values() if t.assigned_at and t.received_at)
        return sorted(round(wait * 1000, 3) for wait in waits)

    @property
    def throughput_per_s(self) -> float:
        """Tickets assigned per real second, from the first one received to the last one assigned."""
        span = self._last_assigned - self._first_received
        return round(self.counts["assigned"] / span, 1) if span > 0 else 0.0
