"""Who has a matter in hand, as dispatch tells it: those units alone may get in touch with whoever reported it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from uuid import UUID

from shared.events import Envelope, TicketAssigned, TicketRedispatched, TicketReturned
from shared.joint_events import TicketRecalled, TicketSupportWaived
from shared.terms import TicketId

SHARING_EVENTS = (TicketAssigned, TicketRedispatched, TicketReturned, TicketRecalled, TicketSupportWaived)
"""The events by which a share of a matter begins or ends."""
NO_UNITS: Final[Mapping[str, str]] = MappingProxyType({})
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


def answering(units: Iterable[str], above: Mapping[str, str] = NO_UNITS) -> tuple[str, ...]:
    """These units and those above them: of a grid its village and township, of others what `above` says."""
    found: dict[str, None] = {}
    for unit in units:
        _add_upwards(unit, above, found)
    return tuple(found)


def _add_upwards(unit: str, above: Mapping[str, str], found: dict[str, None]) -> None:
    """Nothing twice, so that a table in which two units stand above each other has an end too."""
    while unit not in found:
        found[unit] = None
        kind, _, code = unit.partition(":")
        if kind in ("grid", "village") and code.isdecimal():
            found.update((f"{place}:{code[:n]}", None) for place, n in _DIGITS_OF.items() if len(code) > n)
        unit = above.get(unit, unit)
