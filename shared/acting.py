"""For whom the code at hand acts: whoever asks, within a request; nobody in particular in a background loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple

from shared.actors import EVERYWHERE, STRANGER, Actor, is_area


class Acting(NamedTuple):
    """Who asks, and the area whose rows they may see; without an area the connection's own counts."""

    actor: Actor = STRANGER
    area: str = ""


NOBODY: Final = Acting()
_acting: ContextVar[Acting] = ContextVar("acting", default=NOBODY)
"""Bound to the task of one request and to what it starts; nothing here outlives that."""


def acting() -> Acting:
    """For whom this task acts."""
    return _acting.get()


def act_for(actor: Actor, area: str) -> None:
    """From here on this task acts for `actor`, on rows of `area`; called by the guard. Raises ValueError for no area.

    Whoever opened the request with `one_request` undoes it.
    """
    if area not in ("", EVERYWHERE) and not is_area(area):
        raise ValueError("not an area")
    _acting.set(Acting(actor, area))


@contextmanager
def one_request() -> Iterator[None]:
    """Inside, nobody is known until the guard has asked; afterwards it is as before."""
    before = _acting.set(NOBODY)
    try:
        yield
    finally:
        _acting.reset(before)


@contextmanager
def everywhere() -> Iterator[None]:
    """For the same actor, on rows of every area: where the service itself must look, to take a report in."""
    before = _acting.set(_acting.get()._replace(area=EVERYWHERE))
    try:
        yield
    finally:
        _acting.reset(before)
