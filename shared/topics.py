"""Every topic: its key, partitions, retention, who writes it and who reads it."""

from dataclasses import dataclass
from datetime import timedelta

PARTITIONS = 12
"""Partitions of every ticket topic, pinned: another count would tear a ticket's story in two."""


@dataclass(frozen=True)
class Topic:
    """One topic of the contract."""

    name: str
    key: str
    writer: str
    readers: tuple[str, ...]
    retention: timedelta | None
    """None: compacted, the latest record of every key is kept."""
    partitions: int = PARTITIONS


INBOUND = Topic("tickets-inbound", "source + external id", "hotlines", ("intake",), timedelta(days=14))
INTAKE = Topic("tickets-intake", "ticket id", "intake", ("dispatch", "notify"), timedelta(days=14))
DISPATCH = Topic("tickets-dispatch", "ticket id", "dispatch", ("intake", "notify"), timedelta(days=14))
NOTIFY = Topic("tickets-notify", "ticket id", "notify", ("dispatch", "notify"), timedelta(days=14))
STATE = Topic("tickets-state", "ticket id", "dispatch", (), None)


def dead_letters_of(service: str) -> Topic:
    """The mirror of a service's dead-letter table."""
    return Topic(f"{service}-dead", "original key", service, (), timedelta(days=60), partitions=3)


TOPICS: tuple[Topic, ...] = (
    INBOUND,
    INTAKE,
    DISPATCH,
    NOTIFY,
    STATE,
    *(dead_letters_of(service) for service in ("intake", "dispatch", "notify")),
)
