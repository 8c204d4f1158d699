"""How far a matter reaches, as its report says in extensions: figures that dispatch sizes it by."""

from collections.abc import Mapping
from typing import Final

from services.intake.core.report import Scalar

FIGURES: Final = ("involved_units", "involved_grids", "households", "people", "money_yuan", "effort_minutes")
"""Keys of extensions, and the fields of the event that they become."""
MOST: Final = 1_000_000_000


def reach_of(extensions: Mapping[str, Scalar]) -> dict[str, int]:
    """The figures that can be read: whole numbers from 1, as numbers or as text. Anything else says nothing."""
    return {key: figure for key in FIGURES if (figure := _whole(extensions.get(key)))}


def _whole(value: Scalar | None) -> int:
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) <= len(str(MOST)) else 0
    return int(value) if value == int(value) and 0 < value <= MOST else 0
