"""Reading the topics' records as stories: by event, by ticket, with the checker's own hash, ids and clock."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha1
from typing import Any
from uuid import UUID

from tests.chaos.checker.evidence import Evidence, Record, Run

NAMESPACE = UUID("6f5f2b0e-6a53-5a0c-9d0b-2a1f7c3f9b57")
"""The root of derived ids, as the contract publishes it."""
EVENT_TOPICS = {
    "tickets-intake": "/griddispatch/intake",
    "tickets-dispatch": "/griddispatch/dispatch",
    "tickets-notify": "/griddispatch/notify",
}
_PREFIX = "org.griddispatch."


@dataclass(frozen=True)
class Seen:
    """One event as a record carried it; `type` is short, as in `ticket.assigned.v1`."""

    record: Record
    id: str
    source: str
    ticket: str
    version: int
    type: str
    time: datetime
    epoch: int = 0
    told_at: float = 0.0
    """The real second at which it was first told: topics that were lost and filled again bear later ones."""

    @cached_property
    def body(self) -> dict[str, Any]:
        """What the event says."""
        read = json.loads(self.record.value)
        return read if isinstance(read, dict) else {}

    def instant(self, name: str) -> datetime:
        """A field of the body that is an instant."""
        return datetime.fromisoformat(self.body[name])


class Stories:
    """Every readable event of the event topics. `first` has each (source, ticket, version) once, as first seen."""

    def __init__(self, evidence: Evidence) -> None:
        self.seen: list[Seen] = []
        self.unreadable: list[Record] = []
        poison = {(p.topic, p.partition, p.offset) for p in evidence.poison}
        for record in sorted(evidence.records, key=lambda r: (r.topic, r.partition, r.offset)):
            if record.topic in EVENT_TOPICS and (record.topic, record.partition, record.offset) not in poison:
                event = read_event(record)
                if event is None:
                    self.unreadable.append(record)
                else:
                    self.seen.append(event)
        earlier = {sight.id: sight.stamp for sight in evidence.sights}
        self.seen = [replace(e, told_at=earlier.get(e.id, e.record.stamp)) for e in self.seen]
        self.first: dict[tuple[str, str, int], Seen] = {}
        for event in self.seen:
            self.first.setdefault((event.source, event.ticket, event.version), event)

    @cached_property
    def by_ticket(self) -> Mapping[str, Mapping[str, Sequence[Seen]]]:
        """Per source and ticket, the events in the order of their versions."""
        told: defaultdict[str, defaultdict[str, list[Seen]]] = defaultdict(lambda: defaultdict(list))
        for event in sorted(self.first.values(), key=lambda e: e.version):
            told[event.source][event.ticket].append(event)
        return told

    def of(self, service: str) -> Mapping[str, Sequence[Seen]]:
        """The stories that one service told."""
        return self.by_ticket.get(f"/griddispatch/{service}", {})

    def events(self, service: str, *types: str) -> Iterator[Seen]:
        """The events of some types."""
        for story in self.of(service).values():
            yield from (event for event in story if event.type in types)


def read_event(record: Record) -> Seen | None:
    """The event in a record; None when it is not one of the contract."""
    headers = record.headers
    try:
        time = datetime.fromisoformat(headers["ce_time"])
        version, epoch = int(headers["ce_version"]), int(headers.get("ce_epoch", "0"))
        json.loads(record.value)
        ticket = str(UUID(headers["ce_subject"]))
        source = headers["ce_source"]
        name = headers["ce_type"]
        identity = headers["ce_id"]
    except (KeyError, ValueError):
        return None
    if version < 1 or source != EVENT_TOPICS[record.topic] or not name.startswith(_PREFIX) or time.tzinfo is None:
        return None
    return Seen(record, identity, source, ticket, version, name.removeprefix(_PREFIX), time, epoch)


def derived_id(name: bytes) -> str:
    """The name-based id (version 5) of a name in the product's namespace, made by hand."""
    digest = bytearray(sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def event_id_of(source: str, ticket: str, version: int, epoch: int = 0) -> str:
    """What an event's id must be."""
    again = epoch.to_bytes(4, "big") if epoch else b""
    return derived_id(source.encode() + UUID(ticket).bytes + version.to_bytes(4, "big") + again)


def message_id_of(event: str, template: str, recipient: str) -> str:
    """What a message's id must be."""
    return derived_id(f"{event}/{template}/{recipient}".encode())


def murmur2(key: bytes) -> int:
    """Kafka's hash of a key, positive, made by hand."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for place in range(0, whole, 4):
        k = int.from_bytes(key[place : place + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = key[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7FFFFFFF


@dataclass(frozen=True)
class Timeline:
    """The business clock of a run, for turning its instants into real seconds and back."""

    run: Run

    @cached_property
    def _shown(self) -> datetime:
        return datetime.fromisoformat(self.run.clock_shown)

    @cached_property
    def _real(self) -> float:
        return datetime.fromisoformat(self.run.clock_real).timestamp()

    def real(self, shown: datetime) -> float:
        """The real second at which the clock shows this."""
        return self._real + (shown - self._shown).total_seconds() / self.run.clock_speed

    def shown(self, real: float) -> datetime:
        """What the clock shows at a real second."""
        return (self._shown + timedelta(seconds=(real - self._real) * self.run.clock_speed)).astimezone(UTC)


def outage_s(evidence: Evidence, begin: float, end: float) -> float:
    """For how many real seconds between two instants some fault was at work."""
    spans = sorted((max(f.began, begin), min(f.ended, end)) for f in evidence.faults)
    total, reached = 0.0, begin
    for start, stop in spans:
        if stop > max(start, reached):
            total += stop - max(start, reached)
            reached = stop
    return total
