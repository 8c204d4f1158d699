"""Ids that follow from what they name: whoever repeats a step arrives at the same id."""

from hashlib import sha1
from uuid import UUID, SafeUUID

from shared.terms import Source, TicketId

NAMESPACE = UUID("6f5f2b0e-6a53-5a0c-9d0b-2a1f7c3f9b57")
"""Root of every derived id of the product."""
# Asked for every id, and before Python 3.12 the members of an enumeration are slow to find.
_UNKNOWN = SafeUUID.unknown
_ROOTED = sha1(NAMESPACE.bytes, usedforsecurity=False)
# The bits that the version and the variant of a name-based id leave to its name, and those two (RFC 9562). Set by hand,
# as are the fields below: `UUID(bytes=…, version=5)` takes four times as long, and every event and assignment has one.
_FREE_BITS = ~(0xF << 76 | 0x3 << 62)
_VERSION_5 = 0x5 << 76 | 0x2 << 62


def event_id(source: Source, ticket_id: TicketId, version: int, epoch: int = 0) -> UUID:
    """The id of an event follows from who stated it, about what, and in which order: a retry cannot invent another.

    A name-based id (RFC 9562, version 5) over source, ticket and version, put together by hand: it is made for every
    event, and half as dear so. After a restore to an earlier point the epoch is part of the name: what is stated anew
    under an old version is another event.
    """
    again = epoch.to_bytes(4, "big") if epoch else b""
    return name_based(source.value.encode() + ticket_id.bytes + version.to_bytes(4, "big") + again)


def name_based(name: bytes) -> UUID:
    """The id that follows from a name in this product's namespace: the same name always gives the same."""
    hashed = _ROOTED.copy()
    hashed.update(name)
    identity = UUID.__new__(UUID)
    put = object.__setattr__  # the one way to fill the fields of a frozen id
    put(identity, "int", int.from_bytes(hashed.digest()[:16], "big") & _FREE_BITS | _VERSION_5)
    put(identity, "is_safe", _UNKNOWN)
    return identity
