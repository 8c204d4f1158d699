"""A base map below the grids: an address template of picture tiles from one place, and whose map it is."""

import re
from typing import Final, NamedTuple

from shared.settings import ORIGIN

LONGEST: Final = 500
BOX: Final = "bbox-epsg-3857"
"""Stands for west, south, east and north of a tile in metres of the Web Mercator, as a WMS wants them."""
_PLACES: Final = ("z", "x", "y")
_SPLIT: Final = re.compile(r"([a-z]+://[^/?#]*)(/[^#]*)")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_REST: Final = re.compile(r"[A-Za-z0-9/?&=%.,:;@!$()*+_~-]*")


class BaseMap(NamedTuple):
    """Where browsers fetch the tiles below the grids, and who is to be named for them; empty: none are drawn."""

    template: str = ""
    attribution: str = ""

    @property
    def origin(self) -> str:
        """The only place that pages may fetch pictures from beside their own; empty without a base map."""
        return "/".join(self.template.split("/", 3)[:3])


def readable_template(text: str) -> str:
    """The template as it stands, or empty. Raises ValueError with everything that is wrong with it."""
    if text and (faults := _faults(text)):
        raise ValueError("; ".join(faults))
    return text


def _faults(text: str) -> list[str]:
    found = _SPLIT.fullmatch(text)
    if found is None or len(text) > LONGEST:
        return [f"must be an address such as https://tiles.example/{{z}}/{{x}}/{{y}}.png, of {LONGEST} letters at most"]
    origin, rest = found.groups()
    faults = []
    if not re.fullmatch(ORIGIN, origin) or origin.endswith(":"):
        faults.append("its host must be one plain name, with http or https and no placeholder, login or list before it")
    named = sorted(_BRACES.findall(rest))
    if named not in (sorted(_PLACES), [BOX]):
        faults.append(f"must have {{z}}, {{x}} and {{y}} once each, or {{{BOX}}} alone, and no other placeholder")
    if not _REST.fullmatch(_BRACES.sub("", rest)):
        faults.append("has a letter after its host that must be written as %XX")
    return faults
