"""The rules of asking and telling, read from the rule pack's `notify.toml` and refused whole when anything is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from itertools import pairwise
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import TypeAdapter

from services.notify.core.courtesy import Courtesy, Hours
from services.notify.core.judgement_rules import AppealRules, ExclusionRules, RateRules, SamplingRules, WarningRules
from services.notify.core.message import Audience
from shared.sections import Section, read_table
from shared.workdays import Workdays

T = TypeVar("T")

_MOST_ATTEMPTS: Final = 10
_LONGEST_HOURS: Final = 24 * 30
_LONGEST_WINDOW: Final = 30
_FIGURES: Final = {
    "attempts": (1, _MOST_ATTEMPTS),
    "least_bands": (1, _MOST_ATTEMPTS),
    "spacing_hours": (1, _LONGEST_HOURS),
    "window_working_days": (1, _LONGEST_WINDOW),
}

_COURTESIES: Final = {"notice_every_hours": (1, _LONGEST_HOURS), "bundle_every_minutes": (1, 60 * 24)}


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the local day in which citizens may be asked, from `opens` until before `closes`."""

    name: str
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class FollowUpRules:
    """How citizens are asked: within so many working days after the day it begins on, the last one counted whole."""

    zone: ZoneInfo
    bands: tuple[Band, ...]
    attempts: int
    least_bands: int
    spacing: timedelta
    window_days: int
    workdays: Workdays

    def on(self, workdays: Workdays) -> "FollowUpRules":
        """The same on a calendar; as they are read they know weekends only."""
        return replace(self, workdays=workdays)


@dataclass(frozen=True, slots=True)
class JudgementRules(Section):
    """What follows from the citizens' judgement; each field is a table of the file."""

    sampling: SamplingRules
    rates: RateRules
    exclusion: ExclusionRules
    appeal: AppealRules
    warning: WarningRules


@dataclass(frozen=True, slots=True)
class NotifyRules:
    """All that notify takes from the pack."""

    follow_up: FollowUpRules
    courtesy: Courtesy
    judgement: JudgementRules


_JUDGEMENT: Final = TypeAdapter(JudgementRules)
_TABLES: Final = ("sampling", "rates", "exclusion", "appeal", "warning")


class RulesRefused(ValueError):
    """The rules are wrong; `problems` names every fault, each led by its key path."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def load_rules(source: Mapping[str, object]) -> FollowUpRules:
    """The rules of asking alone; raises RulesRefused with every problem of the whole file."""
    return load_notify_rules(source).follow_up


def load_notify_rules(source: Mapping[str, object]) -> NotifyRules:
    """Read a parsed notify.toml; raises RulesRefused with every problem found."""
    known = ("name", "version", "follow_up", "courtesy", *_TABLES)
    problems = [f"{key}: unknown key" for key in source if key not in known]
    follow_up = _read_follow_up(source.get("follow_up"), problems)
    courtesy = _read_courtesy(source.get("courtesy"), problems)
    tables = {key: source[key] for key in _TABLES if key in source}
    judgement = read_table(_JUDGEMENT, tables, problems)
    if problems or follow_up is None or courtesy is None or judgement is None:
        raise RulesRefused(problems)
    return NotifyRules(follow_up, Courtesy(follow_up.zone, *courtesy), judgement)


def _read_follow_up(source: object, problems: list[str]) -> FollowUpRules | None:
    found = _typed(source, dict, "follow_up", problems) or {}
    known = {"zone", "bands", *_FIGURES}
    problems += [f"follow_up.{key}: unknown key" for key in found if key not in known]
    figures = {
        name: _read_figure(found.get(name), f"follow_up.{name}", span, problems) for name, span in _FIGURES.items()
    }
    bands = _read_bands(found.get("bands"), problems)
    zone = _read_zone(found.get("zone"), problems)
    if figures["least_bands"] > min(figures["attempts"], len(bands)):
        problems.append("follow_up.least_bands: more than there are attempts or bands")
    if zone is None:
        return None
    return FollowUpRules(
        zone, bands, figures["attempts"], figures["least_bands"], timedelta(hours=figures["spacing_hours"]),
        figures["window_working_days"], Workdays(zone, frozenset(), frozenset(), frozenset(), frozenset()),
    )  # fmt: skip


def _read_courtesy(source: object, problems: list[str]) -> tuple[Mapping[Audience, Hours], timedelta, timedelta] | None:
    """Who may be told when, how often about one ticket, and how often at all."""
    found = _typed(source, dict, "courtesy", problems)
    if found is None:
        return None
    problems += [f"courtesy.{key}: unknown key" for key in found if key not in ("hours", *_COURTESIES)]
    figures = {
        name: _read_figure(found.get(name), f"courtesy.{name}", span, problems) for name, span in _COURTESIES.items()
    }
    rows = _typed(found.get("hours"), dict, "courtesy.hours", problems) or {}
    problems += [f"courtesy.hours.{key}: unknown key" for key in rows if key not in Audience.__members__]
    hours = {audience: _read_hours(rows.get(audience.value), audience, problems) for audience in Audience}
    every = timedelta(hours=figures["notice_every_hours"]), timedelta(minutes=figures["bundle_every_minutes"])
    if every[1] > every[0]:
        problems.append("courtesy.bundle_every_minutes: longer than notice_every_hours")
    return hours, *every


def _read_hours(source: object, audience: Audience, problems: list[str]) -> Hours:
    path = f"courtesy.hours.{audience}"
    row = _typed(source, dict, path, problems) or {}
    problems += [f"{path}.{key}: unknown key" for key in row if key not in ("opens", "closes")]
    opens = _typed(row.get("opens"), time, f"{path}.opens", problems)
    closes = _typed(row.get("closes"), time, f"{path}.closes", problems)
    if opens is not None and closes is not None and opens >= closes:
        problems.append(f"{path}: closes before it opens: nobody could ever be told")
    return Hours(opens or time(), closes or time())


def _typed(found: object, kind: type[T], path: str, problems: list[str]) -> T | None:
    if type(found) is kind:
        return found
    problems.append(f"{path}: must be a {kind.__name__}, not {found!r}")
    return None


def _read_figure(found: object, path: str, span: tuple[int, int], problems: list[str]) -> int:
    least, most = span
    figure = _typed(found, int, path, problems)
    if figure is not None and not least <= figure <= most:
        problems.append(f"{path}: must be from {least} to {most}")
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
