"""The rule pack as dispatch reads it: every limit, window, ladder and threshold, checked whole and ready for use."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from pydantic import ConfigDict, TypeAdapter

from services.dispatch.core.calendar import Calendar, DutyRoster
from services.dispatch.core.calendar_file import CalendarRefused, load_calendar
from services.dispatch.core.deadlines import Limit, NaturalHours, doubled
from services.dispatch.core.ladder import CRITICAL_ARRIVAL, LadderRules, Step
from services.dispatch.core.rule_limits import (
    WINDOW_ROWS,
    LimitTable,
    StageTable,
    SupportTable,
    TimerTable,
    surely_longer,
)
from services.dispatch.core.rule_outcomes import (
    ArchiveRules,
    AuditRules,
    ExtensionRules,
    FollowUpStart,
    HangRules,
    ReopenRules,
    RepeatRules,
    ReturnRules,
)
from services.dispatch.core.rule_sections import (
    CaseClass,
    DutyRules,
    JointRules,
    LadderFigures,
    SizingRules,
    SupervisionRules,
    Timer,
    Whistle,
)
from shared.sections import CLOSED, Name, Share, read_table, refuse
from shared.terms import Channel, MatterSize, TicketType, Urgency, WhistleKind

__all__ = ["LEVELS", "WINDOW_ROWS", "RulePackRefused", "Rulebook", "limit_row", "load_rulebook", "window_row"]

SIZED_TYPES = (TicketType.HELP, TicketType.COMPLAINT)
COMPLEX_ROW: Final = "COMPLEX"
# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_NORMAL, _SMALL, _BIG = Urgency.U3, MatterSize.SMALL, MatterSize.BIG
LEVELS = {Step.LEVEL_1: 1, Step.LEVEL_2: 2, Step.LEVEL_3: 3}


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
    """T07 by row (type or size; COMPLEX too) and urgency; None stands for the base, which every row has."""
    sign: Mapping[str, Limit]
    deemed_signed: Mapping[str, Limit]
    """Twice the limit for signing, after which a matter counts as signed."""
    return_window: Mapping[str, Limit]
    follow_up_window: Limit
    not_asked_channels: frozenset[Channel]
    max_redispatches: int
    to_command_centre_from: int
    least_confidence: float
    escalate_to: Mapping[int, str]
    small_categories: frozenset[str]
    timers: Mapping[Timer, Mapping[str, Limit]]
    """T01 to T06, T09 to T12 and T14 by column (U1, U2, SMALL, BIG); a column that a timer has not is absent."""
    stage_limits: Mapping[tuple[str, Urgency], Limit]
    """Stage results of BIG, COMPLEX and REPORT; they do not end the resolve limit."""
    support_limits: Mapping[str, Limit]
    """T08 of normal urgency by row BIG, COMPLEX, REPORT; urgent support is due with its lead."""
    case_classes: Mapping[str, CaseClass]
    """Limits of city-management cases by class code."""
    assigned_within: Mapping[str, timedelta]
    """T01 and T02 together: how long after it came in a matter may wait for its first unit, by column."""
    sizing: SizingRules
    ladder: LadderRules
    critical_arrival: LadderRules
    """The ladder of a missed arrival at a critical matter: level 2 at once, level 3 so long after the order."""
    supervision: SupervisionRules
    joint: JointRules
    whistles: Mapping[WhistleKind, Whistle]
    duties: DutyRules
    repeats: RepeatRules
    returns: ReturnRules
    audit: AuditRules
    extension: ExtensionRules
    hang: HangRules
    reopen: ReopenRules
    follow_up: FollowUpStart
    archive: ArchiveRules
    notes: tuple[str, ...] = ()
    """What is allowed and has no effect, each led by its key path."""

    @property
    def pack(self) -> str:
        """Name and version, as decisions carry it."""
        return f"{self.name}/{self.version}"

    def resolve_limits(
        self, ticket_type: TicketType, size: MatterSize, urgency: Urgency, *, is_complex: bool = False
    ) -> tuple[Limit, ...]:
        """The limits that bind a matter; the one that runs out first is its deadline."""
        row = limit_row(ticket_type, size, is_complex=is_complex)
        base = self.limits[row, None]
        shorter = self.limits.get((row, urgency))
        return (base,) if shorter is None else (base, shorter)

    def timer(self, timer: Timer, size: MatterSize, urgency: Urgency) -> Limit | None:
        """The limit of a timer for a matter, or None where the timer does not run for it."""
        return self.timers[timer].get(window_row(size, urgency))

    def case_class_of(self, category: str) -> CaseClass | None:
        """The class of a city-management case by its category: the longest code that fits."""
        fitting = [
            (len(code), found)
            for found in self.case_classes.values()
            for code in found.categories
            if category.startswith(code)
        ]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def limit_row(ticket_type: TicketType, size: MatterSize, *, is_complex: bool = False) -> str:
    """Which row of a limit table a matter falls under."""
    if ticket_type is TicketType.REPORT or (size is MatterSize.UNSIZED and ticket_type not in SIZED_TYPES):
        return ticket_type
    if (
        size is MatterSize.UNSIZED
    ):  # a city-management case has a limit of its own; what else it needs is as of a big one
        return MatterSize.BIG
    return COMPLEX_ROW if is_complex and size is MatterSize.BIG else size


def window_row(size: MatterSize, urgency: Urgency) -> str:
    """Which row of a window table a matter falls under."""
    if urgency is not _NORMAL:
        return urgency
    return size if size is _SMALL else _BIG


@dataclass(frozen=True, slots=True)
class _Whistles:
    """`[whistles]`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    EMERGENCY: Whistle
    ENFORCEMENT: Whistle
    KEY_ISSUE: Whistle

    def __post_init__(self) -> None:
        if self.EMERGENCY.dispute_stops_clock:
            refuse(["EMERGENCY.dispute_stops_clock: must be false: an emergency is not argued about first"])

    def by_kind(self) -> Mapping[WhistleKind, Whistle]:
        return {kind: getattr(self, kind.value) for kind in WhistleKind}


@dataclass(frozen=True, slots=True)
class _Triage:
    """`[triage]`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    least_confidence: Share


@dataclass(frozen=True, slots=True)
class _File:
    """The whole file: every section, and nothing beside them."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    name: Name
    version: Name
    limits: LimitTable
    stage_limits: StageTable
    support_limits: SupportTable
    timers: TimerTable
    case_class: tuple[CaseClass, ...]
    sizing: SizingRules
    ladder: LadderFigures
    supervision: SupervisionRules
    joint: JointRules
    whistles: _Whistles
    duties: DutyRules
    repeats: RepeatRules
    returns: ReturnRules
    audit: AuditRules
    extension: ExtensionRules
    hang: HangRules
    reopen: ReopenRules
    follow_up: FollowUpStart
    archive: ArchiveRules
    triage: _Triage


_READER: Final = TypeAdapter(_File)


def load_rulebook(pack: Mapping[str, Any], categories: Mapping[str, Any], calendar: Calendar) -> Rulebook:
    """Read `dispatch.toml` and `categories.toml`. Raises RulePackRefused with every problem found."""
    problems: list[str] = []
    file = _read_file(pack, categories, problems)
    if file is None or problems:
        raise RulePackRefused(problems)
    if problems := list(_ladder_problems(file.ladder, calendar)):
        raise RulePackRefused(problems)
    return _bound(file, categories, calendar)


def load_pack_rules(pack: Mapping[str, Any], categories: Mapping[str, Any], calendar: Mapping[str, object]) -> Rulebook:
    """Read `dispatch.toml`, `categories.toml` and `calendar.toml` together.

    Raises RulePackRefused with every problem of all three; those of the calendar begin with `calendar.`.
    """
    problems: list[str] = []
    _read_file(pack, categories, problems)
    try:
        hours = load_working_calendar(calendar)
    except CalendarRefused as error:
        raise RulePackRefused([*problems, *(f"calendar.{problem}" for problem in error.problems)]) from error
    return load_rulebook(pack, categories, hours)


def _read_file(pack: Mapping[str, Any], categories: Mapping[str, Any], problems: list[str]) -> _File | None:
    file = read_table(_READER, pack, problems)
    if file is not None:
        problems.extend(_case_problems(file.case_class, categories))
        problems.extend(_support_problems(file))
        problems.extend(_arrival_problems(file))
        if file.archive.after_days <= file.repeats.reopen_days:
            problems.append("archive.after_days: must be above repeats.reopen_days, in which a ticket may be reopened")
        strange = sorted(file.audit.evidence.keys() - set(_codes(categories)))
        problems.extend(f"audit.evidence.{code}: is not in the category tree" for code in strange)
    return file


def _support_problems(file: _File) -> Iterator[str]:
    for row in fields(file.support_limits):
        part, whole = getattr(file.support_limits, row.name), getattr(file.limits, row.name).base
        if surely_longer(part, whole):
            yield f"support_limits.{row.name}: {part} is longer than {whole}, the limit of the whole matter"


def _arrival_problems(file: _File) -> Iterator[str]:
    """What is counted in minutes from an instant on cannot be told in days or in opening hours."""
    timers = file.timers.by_timer()
    natural = {f"timers.{timer}.{row}": limit for timer in (Timer.ACCEPT, Timer.DISPATCH)
               for row, limit in timers[timer].items()}  # fmt: skip
    natural["timers.arrival.U1"] = timers[Timer.ARRIVAL][Urgency.U1]
    last = natural["supervision.critical_arrival_level_3"] = file.supervision.critical_arrival_level_3
    strange = [f"{key}: {limit} must be in hours or minutes" for key, limit in natural.items()
               if not isinstance(limit, NaturalHours)]  # fmt: skip
    yield from strange
    if not strange and _time(last) <= _time(timers[Timer.ARRIVAL][Urgency.U1]):
        yield "supervision.critical_arrival_level_3: must be longer than timers.arrival.U1"


def _time(limit: Limit) -> timedelta:
    assert isinstance(limit, NaturalHours), "no other is read"
    return limit.time


def _bound(file: _File, categories: Mapping[str, Any], calendar: Calendar) -> Rulebook:
    """The rulebook of a sound file."""
    timers = file.timers.by_timer()
    support = file.support_limits
    return Rulebook(
        name=file.name, version=file.version, calendar=calendar, roster=calendar.default_roster,
        limits=file.limits.by_row(), sign=timers[Timer.SIGN],
        deemed_signed={row: doubled(limit) for row, limit in timers[Timer.SIGN].items()},
        return_window=timers[Timer.RETURN_WINDOW],
        follow_up_window=file.follow_up.window, not_asked_channels=file.follow_up.not_asked_channels,
        max_redispatches=file.returns.max_redispatches, to_command_centre_from=file.reopen.to_command_centre_from,
        least_confidence=file.triage.least_confidence,
        escalate_to={1: file.ladder.level_1, 2: file.ladder.level_2, 3: file.ladder.level_3},
        small_categories=frozenset(_small(categories)), timers=timers, stage_limits=file.stage_limits.by_row(),
        support_limits={"BIG": support.BIG, "COMPLEX": support.COMPLEX, "REPORT": support.REPORT},
        case_classes={found.code: found for found in file.case_class}, sizing=file.sizing,
        ladder=_ladder(file.ladder),
        assigned_within={row: _time(timers[Timer.ACCEPT][row]) + _time(limit)
                         for row, limit in timers[Timer.DISPATCH].items()},
        critical_arrival=replace(
            _ladder(file.ladder), level_2_percent=CRITICAL_ARRIVAL.level_2_percent,
            level_2_least=CRITICAL_ARRIVAL.level_2_least,
            level_3_from_start=_time(file.supervision.critical_arrival_level_3),
        ),
        supervision=file.supervision, joint=file.joint, whistles=file.whistles.by_kind(), duties=file.duties,
        repeats=file.repeats, returns=file.returns, audit=file.audit, extension=file.extension,
        hang=file.hang, reopen=file.reopen, follow_up=file.follow_up, archive=file.archive,
        notes=tuple(file.limits.notes()),
    )  # fmt: skip


def load_working_calendar(source: Mapping[str, object]) -> Calendar:
    """Read `calendar.toml` for a pack with a same-day promise. Raises CalendarRefused with every problem found."""
    calendar = load_calendar(source)
    first, last = calendar.hours[0].opens, calendar.hours[-1].closes
    if not first <= calendar.cutoff <= last:
        raise CalendarRefused([f"cutoff: {calendar.cutoff} is outside the opening hours, {first} to {last}"])
    return calendar


def _ladder(figures: LadderFigures) -> LadderRules:
    return LadderRules(
        morning=figures.morning,
        same_day_yellow=figures.same_day_yellow,
        same_day_level_2=figures.same_day_level_2,
        least_days_for_reminder=figures.least_days_for_reminder,
        level_2_working_days=figures.level_2_working_days,
        level_3_working_days=figures.level_3_working_days,
        reminder_percent=figures.reminder_percent,
        yellow_percent=figures.yellow_percent,
        level_2_percent=figures.level_2_percent,
        level_2_least=timedelta(minutes=figures.level_2_least_minutes),
        level_3_percent=figures.level_3_percent,
    )


def _ladder_problems(figures: LadderFigures, calendar: Calendar) -> Iterator[str]:
    if figures.same_day_yellow <= calendar.cutoff:
        yield f"ladder.same_day_yellow: must be after the cut-off {calendar.cutoff}, or a new matter begins yellow"


def _case_problems(classes: Sequence[CaseClass], categories: Mapping[str, Any]) -> Iterator[str]:
    """Codes that the tree has not, and codes or classes that stand twice."""
    known = set(_codes(categories))
    seen: dict[str, str] = {}
    names = set[str]()
    for place, found in enumerate(classes):
        if found.code in names:
            yield f"case_class[{place}].code: {found.code} stands there twice"
        names.add(found.code)
        for code in found.categories:
            if code not in known:
                yield f"case_class[{place}].categories: {code} is not in the category tree"
            if code in seen:
                yield f"case_class[{place}].categories: {code} is in class {seen[code]} too"
            seen[code] = found.code


def _codes(categories: Mapping[str, Any]) -> Iterator[str]:
    """Every code of the tree, as far as it can be read: what else is wrong with it intake's reader says."""
    for root in _tables(categories, "root"):
        yield str(root.get("code"))
        for group in _tables(root, "group"):
            yield str(group.get("code"))
            yield from (str(leaf.get("code")) for leaf in _tables(group, "leaves"))


def _small(categories: Mapping[str, Any]) -> Iterator[str]:
    for root in _tables(categories, "root"):
        for group in _tables(root, "group"):
            yield from (str(leaf.get("code")) for leaf in _tables(group, "leaves") if leaf.get("small") is True)


def _tables(table: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found = table.get(key)
    return (item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else iter(())
