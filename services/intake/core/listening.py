"""Listening 倾听: what may be done in a session, by whom, and how everything brought up there comes to an end."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from shared.errors import Conflict, Problem, Rejected
from shared.terms import Channel, SessionKind

LONGEST_PROMISE: Final = timedelta(days=180)
"""A promise for a later day is none: what takes longer becomes a ticket."""
_DIVISION: Final = re.compile(r"[0-9]{6,15}")
"""The code of a county, or of something in one."""


class ItemState(StrEnum):
    """Where something brought up stands; only OPEN keeps its session from closing."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    COMMITTED = "COMMITTED"
    KEPT = "KEPT"
    TICKET = "TICKET"


STEPS: Final[Mapping[ItemState, frozenset[ItemState]]] = MappingProxyType(
    {
        ItemState.OPEN: frozenset({ItemState.ANSWERED, ItemState.COMMITTED, ItemState.TICKET}),
        ItemState.COMMITTED: frozenset({ItemState.KEPT, ItemState.TICKET}),
        ItemState.ANSWERED: frozenset(),
        ItemState.KEPT: frozenset(),
        ItemState.TICKET: frozenset(),
    }
)
"""Every step there is."""

CHANNELS: Final[Mapping[SessionKind, Channel]] = MappingProxyType(
    {
        SessionKind.EVENING_TALK: Channel.EVENING_TALK,
        SessionKind.OPEN_MEETING: Channel.VISIT,
        SessionKind.ONSITE_OFFICE: Channel.ONSITE_OFFICE,
        SessionKind.PATROL: Channel.GRID_PATROL,
    }
)
"""How a ticket that came up in a session reached us; its source names the kind of session."""

ANY_HOST: Final = ("talk_recorder", "hotline_agent")
OWN_HOST: Final = ("township", "grid_leader", "paired_cadre", "grid_worker", "liaison")
RECORDERS: Final = (*ANY_HOST, *OWN_HOST)
OVERSEERS: Final = ("command_centre", "dispatcher", "supervisor")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many things brought up in a session stand where."""

    states: Mapping[ItemState, int]

    def of(self, *states: ItemState) -> int:
        """How many stand in one of these states."""
        return sum(self.states.get(state, 0) for state in states)

    @property
    def items(self) -> int:
        """All of them."""
        return self.of(*ItemState)


def area_of(unit: str, *places: str | None) -> str:
    """Where a session lies: the first place it says, else where its unit does; "" where that is no division."""
    said = next((place for place in places if place), None)
    return said or (unit if _DIVISION.fullmatch(unit) else "")


def may_record(role: str, unit: str | None, host: str) -> bool:
    """Whether somebody records sessions of the unit `host`.

    Recorders do for every unit; others for their own, and for units inside it, whose ids begin with its division code.
    """
    if role in ANY_HOST:
        return True
    return role in OWN_HOST and unit is not None and (host == unit or (unit.isdecimal() and host.startswith(unit)))


def may_read(role: str, unit: str | None, host: str) -> bool:
    """Whether somebody sees sessions of the unit `host`."""
    return role in OVERSEERS or may_record(role, unit, host)


def check_step(state: ItemState, to: ItemState) -> None:
    """Raises Conflict unless there is such a step."""
    if to not in STEPS[state]:
        raise Conflict(f"it is {state}", 0)


def check_promise(due_on: date, today: date) -> None:
    """Raises Rejected unless the day can be promised today."""
    if not today <= due_on <= today + LONGEST_PROMISE:
        sentence = f"must be a day between today and {LONGEST_PROMISE.days} days from now"
        raise Rejected(Problem("due_on", "out_of_range", sentence))


def check_self_fixed(kind: SessionKind) -> None:
    """Raises Rejected unless a session of this kind may have fixed something itself: patrols only."""
    if kind is not SessionKind.PATROL:
        raise Rejected(Problem("self_fixed", "not_a_patrol", "only a patrol finds and fixes in one go"))


def check_closing(tally: Tally) -> None:
    """Raises Conflict while anything brought up has no end."""
    if waiting := tally.of(ItemState.OPEN):
        raise Conflict(f"{waiting} of {tally.items} items are neither answered, promised by a day, nor a ticket", 0)
