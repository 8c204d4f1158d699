"""The rule pack as dispatch reads it: limits, windows, ladders, read from parsed TOML and checked whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.dispatch.core.calendar import Calendar, DutyRoster
from services.dispatch.core.deadlines import Limit, parse_limit
from services.dispatch.core.ladder import Step
from shared.terms import Channel, MatterSize, TicketType, Urgency

SIZED_ROWS = (MatterSize.SMALL, MatterSize.BIG)
LIMIT_ROWS = ("CONSULT", "SUGGESTION", "PRAISE", "OTHER", "REPORT", "SMALL", "BIG")
WINDOW_ROWS = ("U1", "U2", "SMALL", "BIG")
LEVELS = {Step.LEVEL_1: 1, Step.LEVEL_2: 2, Step.LEVEL_3: 3}

_SECTIONS = {
    "name": (), "version": (), "limits": LIMIT_ROWS, "sign": WINDOW_ROWS, "return_window": WINDOW_ROWS,
    "returns": ("max_redispatches",), "follow_up": ("window", "not_asked_channels"),
    "reopen": ("to_command_centre_from",), "triage": ("least_confidence",), "ladder": ("level_1", "level_2", "level_3"),
}  # fmt: skip


class RulePackRefused(ValueError):
    """A rule pack that cannot be used; `problems` lists all that is wrong, each led by its key path."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Rulebook:
    """What the pack says, ready for use."""

    name: str
    version: str
    calendar: Calendar
    roster: DutyRoster
    limits: Mapping[tuple[str, Urgency | None], Limit]
    sign: Mapping[str, Limit]
    return_window: Mapping[str, Limit]
    follow_up_window: Limit
    not_asked_channels: frozenset[Channel]
    max_redispatches: int
    to_command_centre_from: int
    least_confidence: float
    escalate_to: Mapping[int, str]
    small_categories: frozenset[str]

    @property
    def pack(self) -> str:
        """Name and version, as decisions carry it."""
        return f"{self.name}/{self.version}"

    def resolve_limits(self, ticket_type: TicketType, size: MatterSize, urgency: Urgency) -> tuple[Limit, ...]:
        """The limits that bind a matter; the one that runs out first is its deadline."""
        row = limit_row(ticket_type, size)
        base = self.limits[row, None]
        shorter = self.limits.get((row, urgency))
        return (base,) if shorter is None else (base, shorter)


def limit_row(ticket_type: TicketType, size: MatterSize) -> str:
    """Which row of a limit table a matter falls under."""
    if ticket_type is TicketType.REPORT or size is MatterSize.UNSIZED:
        return ticket_type.value
    return size.value


def window_row(size: MatterSize, urgency: Urgency) -> str:
    """Which row of a window table a matter falls under."""
    if urgency is not Urgency.U3:
        return urgency.value
    return (MatterSize.SMALL if size is MatterSize.SMALL else MatterSize.BIG).value


def load_rulebook(pack: Mapping[str, Any], categories: Mapping[str, Any], calendar: Calendar) -> Rulebook:
    """Read `dispatch.toml` and `categories.toml`. Raises RulePackRefused with every problem found."""
    problems = list(_misplaced_keys(pack))
    if problems:
        raise RulePackRefused(problems)
    limits = dict(_limits(pack["limits"], problems))
    sign = {row: _limit(pack["sign"][row], f"sign.{row}", problems) for row in WINDOW_ROWS}
    window = {row: _limit(pack["return_window"][row], f"return_window.{row}", problems) for row in WINDOW_ROWS}
    follow_up = _limit(pack["follow_up"]["window"], "follow_up.window", problems)
    channels = list(_channels(pack["follow_up"]["not_asked_channels"], problems))
    confidence = pack["triage"]["least_confidence"]
    if not isinstance(confidence, float) or not 0 <= confidence <= 1:
        problems.append("triage.least_confidence: must be a number from 0.0 to 1.0")
    for path, count in (
        ("returns.max_redispatches", pack["returns"]["max_redispatches"]),
        ("reopen.to_command_centre_from", pack["reopen"]["to_command_centre_from"]),
    ):
        if type(count) is not int or not 1 <= count <= 9:
            problems.append(f"{path}: must be a whole number from 1 to 9")
    if problems:
        raise RulePackRefused(problems)
    return Rulebook(
        name=str(pack["name"]), version=str(pack["version"]), calendar=calendar, roster=calendar.default_roster,
        limits={k: v for k, v in limits.items() if v is not None},
        sign={k: v for k, v in sign.items() if v is not None},
        return_window={k: v for k, v in window.items() if v is not None},
        follow_up_window=follow_up or parse_limit("5 WD"), not_asked_channels=frozenset(channels),
        max_redispatches=pack["returns"]["max_redispatches"],
        to_command_centre_from=pack["reopen"]["to_command_centre_from"], least_confidence=confidence,
        escalate_to={LEVELS[Step(name)]: str(to) for name, to in pack["ladder"].items()},
        small_categories=frozenset(_small(categories)),
    )  # fmt: skip


def _misplaced_keys(pack: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key}: unknown key" for key in pack if key not in _SECTIONS)
    for section, keys in _SECTIONS.items():
        if section not in pack:
            yield f"{section}: missing"
        elif keys and not isinstance(pack[section], Mapping):
            yield f"{section}: must be a table"
        elif keys:
            yield from (f"{section}.{key}: unknown key" for key in pack[section] if key not in keys)
            yield from (f"{section}.{key}: missing" for key in keys if key not in pack[section])


def _limits(rows: Mapping[str, Any], problems: list[str]) -> Iterator[tuple[tuple[str, Urgency | None], Limit | None]]:
    for row, texts in rows.items():
        if not isinstance(texts, Mapping) or "base" not in texts:
            problems.append(f"limits.{row}: needs a table with base")
            continue
        for key, text in texts.items():
            path = f"limits.{row}.{key}"
            if key == "base":
                yield (row, None), _limit(text, path, problems)
            elif key in ("U1", "U2"):
                yield (row, Urgency(key)), _limit(text, path, problems)
            else:
                problems.append(f"{path}: unknown key")


def _limit(text: object, path: str, problems: list[str]) -> Limit | None:
    try:
        return parse_limit(str(text))
    except ValueError as error:
        problems.append(f"{path}: {error}")
        return None


def _channels(names: Sequence[object], problems: list[str]) -> Iterator[Channel]:
    for name in names:
        if name in Channel.__members__:
            yield Channel(str(name))
        else:
            problems.append(f"follow_up.not_asked_channels: unknown channel {name!r}")


def _small(categories: Mapping[str, Any]) -> Iterator[str]:
    for root in categories.get("root", ()):
        for group in root.get("group", ()):
            yield from (leaf["code"] for leaf in group.get("leaves", ()) if leaf.get("small"))
