"""Limits in working days on the pack's calendar: the day one begins on does not count, the last one counts whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, ClassVar, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class WorkdaysRefused(ValueError):
    """The calendar cannot be read; `problems` names every fault, each led by its key path."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class _Rest(BaseModel):
    first: date
    last: date


class _Year(BaseModel):
    rest_days: list[_Rest]
    make_up_working_days: list[date]


class _File(BaseModel):
    """What is read of calendar.toml; the rest of it is checked by whoever reads it all."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")
    zone: str
    fixed_statutory_dates: list[str]
    years: dict[Annotated[str, Field(pattern=r"^\d{4}$")], _Year]


@dataclass(frozen=True)
class Workdays:
    """Which days are worked. A year that no notice covers counts weekends and the fixed dates (month, day) as rest."""

    zone: ZoneInfo
    rest: frozenset[date]
    made_up: frozenset[date]
    fixed: frozenset[tuple[int, int]]
    years: frozenset[int]

    def is_worked(self, day: date) -> bool:
        """Whether offices work on that day."""
        if day in self.made_up:
            return True
        rests = day in self.rest if day.year in self.years else (day.month, day.day) in self.fixed
        return day.weekday() < _SATURDAY and not rests

    def deadline(self, start: datetime, days: int) -> datetime:
        """24:00 of the `days`-th working day after the local day of `start`, in UTC."""
        day = start.astimezone(self.zone).date()
        for _ in range(days):
            day += _DAY
            while not self.is_worked(day):
                day += _DAY
        return datetime.combine(day + _DAY, time(), self.zone).astimezone(UTC)


_READER: Final = TypeAdapter(_File)


def load_workdays(source: Mapping[str, object]) -> Workdays:
    """Read a parsed calendar.toml; raises WorkdaysRefused with every problem found."""
    try:
        file = _READER.validate_python(source)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise WorkdaysRefused([f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found]) from error
    fixed = frozenset((int(text[:2]), int(text[3:])) for text in file.fixed_statutory_dates)
    rest = frozenset(day for year in file.years.values() for span in year.rest_days for day in _days(span))
    made_up = frozenset(day for year in file.years.values() for day in year.make_up_working_days)
    return Workdays(ZoneInfo(file.zone), rest, made_up, fixed, frozenset(map(int, file.years)))


def _days(span: _Rest) -> Iterator[date]:
    return (span.first + n * _DAY for n in range((span.last - span.first).days + 1))
