"""Whom to ask by telephone: always those of whom more is at stake, the others by a draw that anybody can repeat."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from services.notify.core.judgement_rules import AlwaysAsked, SamplingRules
from services.notify.core.measures import exactly
from services.notify.core.record import Record
from shared.terms import MatterSize, TicketId, TicketType, Urgency

LOTS = 1_000_000
"""A lot is a number from 0 until before this; a share of it is drawn."""


class Way(StrEnum):
    """How a result is verified beside the message that everybody gets."""

    CALL = "CALL"
    FIELD_CHECK = "FIELD_CHECK"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn for one ticket in one cycle. `nth` counts a unit's draws of a period, from 1, in their order.

    `why` is ALWAYS with the mark, DEDICATED, LOT, LEAST (so that enough are called) or NOT_DRAWN.
    """

    ticket_id: TicketId
    cycle: int
    period: str
    unit: str
    nth: int
    lot: int
    way: Way
    why: str
    dedicated: bool
    drawn_at: datetime


def lot_of(seed: str, ticket_id: TicketId) -> int:
    """The ticket's lot: the first 8 bytes of SHA-256 over seed and ticket id, scaled to 0 until before LOTS."""
    return int.from_bytes(sha256(f"{seed}{ticket_id}".encode()).digest()[:8]) * LOTS >> 64


def is_drawn(lot: int, share: float) -> bool:
    """Whether the lot lies within the share."""
    return lot < exactly(share) * LOTS


def marks_of(record: Record, cycle: int) -> frozenset[AlwaysAsked]:
    """Why this citizen may have to be asked in any case."""
    found = {
        AlwaysAsked.BIG: record.size is MatterSize.BIG,
        AlwaysAsked.U1: record.urgency is Urgency.U1,
        AlwaysAsked.U2: record.urgency is Urgency.U2,
        AlwaysAsked.SUPERVISED: record.supervised,
        AlwaysAsked.REPEAT: record.repeat,
        AlwaysAsked.REOPENED: cycle > 1,
        AlwaysAsked.HUNG: bool(record.hangs),
        AlwaysAsked.VULNERABLE: record.vulnerable,
    }
    return frozenset(mark for mark, holds in found.items() if holds)


def choose(record: Record, cycle: int, lot: int, drawn_before: int, rules: SamplingRules) -> tuple[Way, str]:
    """How to ask, and why. `drawn_before` are the calls of the unit in the period that were drawn by lot."""
    always = sorted(marks_of(record, cycle) & rules.always)
    if always:
        return Way.CALL, f"ALWAYS:{always[0]}"
    if record.ticket_type in rules.dedicated_staff_types:
        return Way.CALL, "DEDICATED"
    if record.ticket_type is TicketType.CONSULT:
        return (Way.CALL, "LOT") if is_drawn(lot, rules.consult_check_share) else (Way.NONE, "NOT_DRAWN")
    if is_drawn(lot, rules.small_call_share):
        return Way.CALL, "LOT"
    return (Way.CALL, "LEAST") if drawn_before < rules.small_calls_least else (Way.NONE, "NOT_DRAWN")


def choose_answer(lot: int, rules: SamplingRules) -> tuple[Way, str]:
    """Whether a citizen whose question was answered directly is asked about it, and called."""
    return (Way.CALL, "LOT") if is_drawn(lot, rules.consult_check_share) else (Way.NONE, "NOT_DRAWN")


def choose_check(lot: int, rules: SamplingRules) -> tuple[Way, str]:
    """Whether somebody goes and looks at what a patrol says it has fixed."""
    return (Way.FIELD_CHECK, "LOT") if is_drawn(lot, rules.patrol_check_share) else (Way.NONE, "NOT_DRAWN")


def same_house(one: str, other: str) -> bool:
    """Whether two units are one, or one lies within the other: codes of townships, villages and grids nest."""
    if one == other:
        return True
    return one.isdigit() and other.isdigit() and (one.startswith(other) or other.startswith(one))
