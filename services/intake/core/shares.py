"""Who has a matter in hand, as dispatch tells it: those units alone may get in touch with whoever reported it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from shared.events import Envelope, TicketAssigned, TicketRedispatched, TicketReturned
from shared.joint_events import TicketRecalled, TicketSupportWaived
from shared.terms import TicketId

SHARING_EVENTS = (TicketAssigned, TicketRedispatched, TicketReturned, TicketRecalled, TicketSupportWaived)
"""The events by which a share of a matter begins or ends."""
_DIGITS_OF = {"village": 12, "township": 9}
"""Units of places are named by kind and code; the places above a grid or a village have the beginnings of its code."""


@dataclass(slots=True)
class Shares:
    """What a batch of events comes to: shares that begin, by assignment, and assignments that end."""

    begun: dict[UUID, tuple[TicketId, str]] = field(default_factory=dict)
    ended: set[UUID] = field(default_factory=set)


def shares_after(envelopes: Iterable[Envelope]) -> Shares:
    """Fold events, each ticket's in their order."""
    found = Shares()
    for envelope in envelopes:
        match envelope.event:
            case TicketRedispatched(assignment_id=begun, unit=unit, replaces=replaced):
                _end(found, replaced)
                found.begun[begun] = (envelope.ticket_id, unit)
            case TicketAssigned(assignment_id=begun, unit=unit):
                found.begun[begun] = (envelope.ticket_id, unit)
            case TicketReturned(assignment_id=ended) | TicketRecalled(assignment_id=ended):
                _end(found, ended)
            case TicketSupportWaived(assignment_id=ended) if ended is not None:
                _end(found, ended)
    return found


def _end(found: Shares, ended: UUID) -> None:
    found.begun.pop(ended, None)
    found.ended.add(ended)


def answering(units: Iterable[str]) -> tuple[str, ...]:
    """These units, and for a grid or a village those of the village and the township above it."""
    return tuple(dict.fromkeys(one for unit in units for one in _upwards(unit)))


def _upwards(unit: str) -> Iterator[str]:
    yield unit
    kind, _, code = unit.partition(":")
    if kind in ("grid", "village") and code.isdecimal():
        yield from (f"{above}:{code[:n]}" for above, n in _DIGITS_OF.items() if len(code) > n)
