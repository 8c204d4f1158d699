"""The rules of asking citizens, read from the rule pack's `notify.toml` and refused whole when anything is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import pairwise
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")

_MOST_ATTEMPTS: Final = 10
_LONGEST_HOURS: Final = 24 * 30
_FIGURES: Final = {
    "attempts": (1, _MOST_ATTEMPTS),
    "least_bands": (1, _MOST_ATTEMPTS),
    "spacing_hours": (1, _LONGEST_HOURS),
    "wait_after_last_hours": (1, _LONGEST_HOURS),
}


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the local day in which citizens may be asked, from `opens` until before `closes`."""

    name: str
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """How citizens are asked."""

    zone: ZoneInfo
    bands: tuple[Band, ...]
    attempts: int
    least_bands: int
    spacing: timedelta
    wait_after_last: timedelta


class RulesRefused(ValueError):
    """The follow-up rules are wrong; the message names every fault."""


def load_rules(source: Mapping[str, object]) -> FollowUpRules:
    """Read `[follow_up]` of a parsed notify.toml; raises RulesRefused with every problem found."""
    problems = [f"{key}: unknown key" for key in source if key not in ("name", "version", "follow_up")]
    found = _typed(source.get("follow_up"), dict, "follow_up", problems) or {}
    known = {"zone", "bands", *_FIGURES}
    problems += [f"follow_up.{key}: unknown key" for key in found if key not in known]
    figures = {name: _read_figure(found.get(name), name, problems) for name in _FIGURES}
    bands = _read_bands(found.get("bands"), problems)
    zone = _read_zone(found.get("zone"), problems)
    if figures["least_bands"] > min(figures["attempts"], len(bands)):
        problems.append("follow_up.least_bands: more than there are attempts or bands")
    if problems or zone is None:
        raise RulesRefused("; ".join(problems))
    return FollowUpRules(
        zone, bands, figures["attempts"], figures["least_bands"], timedelta(hours=figures["spacing_hours"]),
        timedelta(hours=figures["wait_after_last_hours"]),
    )  # fmt: skip


def _typed(found: object, kind: type[T], path: str, problems: list[str]) -> T | None:
    if type(found) is kind:
        return found
    problems.append(f"{path}: must be a {kind.__name__}, not {found!r}")
    return None


def _read_figure(found: object, name: str, problems: list[str]) -> int:
    least, most = _FIGURES[name]
    figure = _typed(found, int, f"follow_up.{name}", problems)
    if figure is not None and not least <= figure <= most:
        problems.append(f"follow_up.{name}: must be from {least} to {most}")
    return figure or 0


def _read_zone(found: object, problems: list[str]) -> ZoneInfo | None:
    name = _typed(found, str, "follow_up.zone", problems)
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder name or a path upwards is no zone either
        problems.append(f"follow_up.zone: unknown zone {name!r}")
        return None


def _read_bands(found: object, problems: list[str]) -> tuple[Band, ...]:
    bands: list[Band] = []
    for place, item in enumerate(_typed(found, list, "follow_up.bands", problems) or []):
        path = f"follow_up.bands[{place}]"
        row = _typed(item, dict, path, problems) or {}
        problems += [f"{path}.{key}: unknown key" for key in row if key not in ("name", "opens", "closes")]
        name = _typed(row.get("name"), str, f"{path}.name", problems)
        opens = _typed(row.get("opens"), time, f"{path}.opens", problems)
        closes = _typed(row.get("closes"), time, f"{path}.closes", problems)
        if name is not None and opens is not None and closes is not None:
            bands.append(Band(name, opens, closes))
    problems += [f"follow_up.bands: {b.name} is empty" for b in bands if b.opens >= b.closes]
    problems += [f"follow_up.bands: {b.name} begins within {a.name}" for a, b in pairwise(bands) if b.opens < a.closes]
    if not bands or len({band.name for band in bands}) < len(bands) or not all(b.name.isidentifier() for b in bands):
        problems.append("follow_up.bands: at least one, each with a name of its own, of letters and _")
    return tuple(bands)
