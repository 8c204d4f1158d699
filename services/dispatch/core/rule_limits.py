"""The limit tables of a dispatch rule file: resolve limits by type or size, and every other timer by column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Final

from pydantic import ConfigDict

from services.dispatch.core.deadlines import Limit, NaturalDays, NaturalHours, SameDay, WorkingDays, WorkingHours
from services.dispatch.core.rule_sections import Timer
from services.dispatch.core.rule_tables import LimitText
from shared.sections import CLOSED, refuse
from shared.terms import Urgency

WINDOW_ROWS: Final = ("U1", "U2", "SMALL", "BIG")

_EVERY_COLUMN: Final = frozenset(WINDOW_ROWS)
_COLUMNS_OF: Final[Mapping[Timer, frozenset[str]]] = dict.fromkeys(Timer, _EVERY_COLUMN) | {
    Timer.ARRIVAL: frozenset({"U1", "U2"}),
    Timer.FIRST_FEEDBACK: frozenset({"U1", "U2"}),
    Timer.FIRST_DISPOSAL: frozenset({"U1"}),
    Timer.EXTENSION_DECISION: frozenset({"U2", "BIG"}),
    Timer.SUPPLEMENT: frozenset({"SMALL", "BIG"}),
    Timer.CALL_BACK: frozenset({"U1"}),
}
"""Which columns each timer has; there it must have a limit, elsewhere it must have none."""


def amount(limit: Limit) -> float | None:
    """How long a limit is in its own kind's unit; None for the same day."""
    match limit:
        case SameDay():
            return None
        case WorkingDays(days) | NaturalDays(days):
            return days
        case NaturalHours(time) | WorkingHours(time):
            return time.total_seconds()


def surely_longer(one: Limit, other: Limit) -> bool:
    """Whether `one` runs longer than `other` from every start; only limits of one kind can be told apart so."""
    first, second = amount(one), amount(other)
    return type(one) is type(other) and first is not None and second is not None and first > second


@dataclass(frozen=True, slots=True)
class LimitRow:
    """T07 of one type or size; the urgency limits can only shorten `base`, for the earlier of the two counts."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    base: LimitText
    U1: LimitText | None = None
    U2: LimitText | None = None


@dataclass(frozen=True, slots=True)
class LimitTable:
    """T07 for every row there is: no ticket is without a limit."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    CONSULT: LimitRow
    SUGGESTION: LimitRow
    PRAISE: LimitRow
    OTHER: LimitRow
    REPORT: LimitRow
    SMALL: LimitRow
    BIG: LimitRow
    COMPLEX: LimitRow

    def by_row(self) -> Mapping[tuple[str, Urgency | None], Limit]:
        """Every limit by row and urgency; None stands for the base."""
        return dict(self._each())

    def notes(self) -> Iterator[str]:
        """What is allowed and has no effect."""
        for (row, urgency), limit in self._each():
            base = self.by_row()[row, None]
            if urgency is not None and surely_longer(limit, base):
                yield f"limits.{row}.{urgency}: {limit} is longer than the base {base} and lengthens nothing"

    def _each(self) -> Iterator[tuple[tuple[str, Urgency | None], Limit]]:
        for field in fields(self):
            row: LimitRow = getattr(self, field.name)
            yield (field.name, None), row.base
            for urgency, limit in ((Urgency.U1, row.U1), (Urgency.U2, row.U2)):
                if limit is not None:
                    yield (field.name, urgency), limit


@dataclass(frozen=True, slots=True)
class StageRow:
    """By when a stage result is there, by urgency."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    U1: LimitText
    U2: LimitText


@dataclass(frozen=True, slots=True)
class StageTable:
    """Stage results 阶段性反馈 of the long rows: a stage that is met does not end the resolve limit."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    BIG: StageRow
    COMPLEX: StageRow
    REPORT: StageRow

    def by_row(self) -> Mapping[tuple[str, Urgency], Limit]:
        """Every stage limit by row and urgency."""
        rows = {"BIG": self.BIG, "COMPLEX": self.COMPLEX, "REPORT": self.REPORT}
        return {
            (name, urgency): limit
            for name, row in rows.items()
            for urgency, limit in ((Urgency.U1, row.U1), (Urgency.U2, row.U2))
        }


@dataclass(frozen=True, slots=True)
class SupportTable:
    """T08, by when a support part is done; an urgent one is due with its lead."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    BIG: LimitText
    COMPLEX: LimitText
    REPORT: LimitText


@dataclass(frozen=True, slots=True)
class Columns:
    """One timer: a limit for each column it has; `U1` and `U2` are urgencies, the others sizes of normal matters."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    U1: LimitText | None = None
    U2: LimitText | None = None
    SMALL: LimitText | None = None
    BIG: LimitText | None = None

    def __post_init__(self) -> None:
        if self.U1 is not None and self.U2 is not None and surely_longer(self.U1, self.U2):
            refuse([f"U1: {self.U1} is longer than {self.U2} of U2"])

    def by_column(self) -> Mapping[str, Limit]:
        """The limits that are set."""
        limits = {"U1": self.U1, "U2": self.U2, "SMALL": self.SMALL, "BIG": self.BIG}
        return {column: limit for column, limit in limits.items() if limit is not None}


@dataclass(frozen=True, slots=True)
class TimerTable:
    """Every timer beside the resolve limit; the fields are the values of `Timer`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    accept: Columns
    dispatch: Columns
    dispatch_by_hand: Columns
    sign: Columns
    first_contact: Columns
    arrival: Columns
    first_feedback: Columns
    first_disposal: Columns
    return_window: Columns
    return_decision: Columns
    extension_decision: Columns
    audit: Columns
    supplement: Columns
    call_back: Columns

    def __post_init__(self) -> None:
        problems = []
        for timer, limits in self.by_timer().items():
            problems += [f"{timer}.{column}: missing" for column in sorted(_COLUMNS_OF[timer] - limits.keys())]
            problems += [
                f"{timer}.{column}: this timer has no such column"
                for column in sorted(limits.keys() - _COLUMNS_OF[timer])
            ]
        for column, limit in self.sign.by_column().items():
            if isinstance(limit, SameDay):
                problems.append(f"sign.{column}: cannot be doubled, and at twice this limit a matter counts as signed")
        refuse(problems)

    def by_timer(self) -> Mapping[Timer, Mapping[str, Limit]]:
        """Every limit by timer and column."""
        columns: Mapping[Timer, Columns] = {timer: getattr(self, timer.value) for timer in Timer}
        return {timer: found.by_column() for timer, found in columns.items()}
