"""What every embedded Kafka broker offers, and the request that shows one is ready."""

import socket
import struct
from enum import StrEnum
from typing import Protocol

# Metadata, version 1, correlation id 1, no client id, an empty list of topics: any Kafka broker answers it.
_METADATA_REQUEST = struct.pack(">hhihi", 3, 1, 1, -1, 0)

# Of its answer: size, correlation id, number of brokers alive.
_HEAD = struct.Struct(">iii")


class Capability(StrEnum):
    """What a test may rely on; a test that needs a missing one is reported as not covered, never as passed."""

    IDEMPOTENCE = "idempotence"
    TRANSACTIONS = "transactions"
    TAKEOVER = "takeover"
    """Partitions of a member that died go to the others."""
    DURABLE_KILL9 = "durable_kill9"
    """Acknowledged records survive SIGKILL of the broker."""


class Broker(Protocol):
    """A single broker on loopback; see EmbeddedServer for what each verb promises."""

    @property
    def bootstrap(self) -> str:
        """`host:port`, the same over restarts."""
        ...

    @property
    def name(self) -> str:
        """Product and version, for reports."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this broker is known to do right."""
        ...

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...


def answers_metadata(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether a broker there answers a metadata request and counts at least itself as alive."""
    framed = struct.pack(">i", len(_METADATA_REQUEST)) + _METADATA_REQUEST
    try:
        with socket.create_connection((host, port), timeout_s) as connection, connection.makefile("rb") as answer:
            connection.sendall(framed)
            head = answer.read(_HEAD.size)
    except OSError:
        return False
    return len(head) == _HEAD.size and _HEAD.unpack(head)[2] >= 1
