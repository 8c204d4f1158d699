"""The rules of measuring: sampling, rates, exclusion and warning, read from the rule pack's `measures.toml`."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from services.notify.core.rules import RulesRefused
from shared.errors import Problem, Rejected
from shared.terms import AlertKind, TicketType

ALWAYS: Final = frozenset(("BIG", "U1", "U2", "SUPERVISED", "REPEAT", "REOPENED", "HUNG", "VULNERABLE"))
"""Marks of a ticket whose citizen may be asked without drawing lots."""
PERIOD: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)
_ANY: Final = "*"


def _refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("measure", "{message}", {"message": message})


def _number(found: object) -> Fraction:
    """Exactly the number that was written down: 0.1 is one tenth."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _refuse("must be a number")
    return Fraction(str(found))


def _share(found: object) -> Fraction:
    share = _number(found)
    if not 0 <= share <= 1:
        raise _refuse("must be from 0 to 1")
    return share


def _above_one(found: object) -> Fraction:
    factor = _number(found)
    if factor <= 1:
        raise _refuse("must be above 1")
    return factor


def _positive(found: object) -> Fraction:
    number = _number(found)
    if number <= 0:
        raise _refuse("must be above 0")
    return number


def _zone(found: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(found))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _refuse(f"unknown zone {found!r}") from error


def _marks(found: frozenset[str]) -> frozenset[str]:
    if found - ALWAYS:
        raise _refuse(f"unknown marks {', '.join(sorted(found - ALWAYS))}; known are {', '.join(sorted(ALWAYS))}")
    return found


def _with_default(playbooks: Mapping[str, str]) -> Mapping[str, str]:
    if _ANY not in playbooks:
        raise _refuse('one for "*", any other category, is missing')
    return playbooks


def _of_each(to: Mapping[AlertKind, str]) -> Mapping[AlertKind, str]:
    missing = [kind.value for kind in AlertKind if kind not in to]
    if missing:
        raise _refuse(f"nobody hears of {', '.join(missing)}")
    return to


Share = Annotated[Fraction, PlainValidator(_share)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Texts = Annotated[frozenset[str], BeforeValidator(lambda found: frozenset(found) if isinstance(found, list) else found)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


class SamplingRules(_Table):
    """Whom to ask by telephone. Shares are exact parts; `calls_least` is per unit and month, or all there are."""

    seed: Annotated[str, Field(min_length=1, max_length=200)]
    always: Annotated[Texts, AfterValidator(_marks)]
    call_share: Share
    calls_least: Annotated[int, Field(ge=0, le=10_000)]
    consult_share: Share
    patrol_share: Share
    dedicated_types: frozenset[TicketType]
    lease_minutes: Count


class LinkRules(_Table):
    """How long a link in a message is good, in natural days."""

    answer_days: Count
    reopen_days: Count


class Weights(_Table):
    """The parts of the composite."""

    response: Share
    solution: Share
    satisfaction: Share


def _together(weights: Weights) -> Weights:
    parts = (weights.response, weights.solution, weights.satisfaction)
    if sum(parts) != 1:
        raise _refuse("the weights must sum to 1")
    if 1 in parts:
        raise _refuse("no single metric may decide alone")
    if weights.solution + weights.satisfaction < Fraction(1, 2):
        raise _refuse("solution and satisfaction together must weigh at least half")
    return weights


class RateRules(_Table):
    """The three rates and their composite."""

    basically_counts: Share
    least_valid: Count
    weights: Annotated[Weights, AfterValidator(_together)]


class ExclusionRules(_Table):
    """Leaving out of the rates; both times in working days."""

    ask_within_days: Count
    decide_within_days: Count
    panel: Annotated[int, Field(ge=2, le=9)]
    checked_share: Share


class WarningRules(_Table):
    """When a gathering of matters is remarkable."""

    spike_least: Count
    spike_sigmas: Annotated[Fraction, PlainValidator(_positive)]
    spike_weeks: Count
    growth_weeks: Annotated[int, Field(ge=2, le=52)]
    growth_factor: Annotated[Fraction, PlainValidator(_above_one)]
    growth_mean_weeks: Count
    spread_grids: Annotated[int, Field(ge=2, le=100)]
    spread_within_hours: Count
    recurring_least: Annotated[int, Field(ge=2, le=1000)]
    recurring_days: Count
    recurrence_days: Count
    to: Annotated[Mapping[AlertKind, Annotated[str, Field(min_length=1)]], AfterValidator(_of_each)]


class MeasureRules(_Table):
    """All that notify takes from `measures.toml`."""

    name: str = ""
    version: str = ""
    zone: Annotated[ZoneInfo, PlainValidator(_zone)]
    month_from_day: Annotated[int, Field(ge=1, le=28)]
    sampling: SamplingRules
    links: LinkRules
    rates: RateRules
    exclusion: ExclusionRules
    warning: WarningRules
    playbooks: Annotated[Mapping[str, Annotated[str, Field(min_length=1)]], AfterValidator(_with_default)]

    def period_of(self, instant: datetime) -> str:
        """The assessment month that an instant falls into, `YYYY-MM`: the month in which it ends."""
        day = instant.astimezone(self.zone).date()
        later = self.month_from_day > 1 and day.day >= self.month_from_day
        return (day.replace(day=1) + timedelta(days=32 if later else 0)).strftime("%Y-%m")

    def span_of(self, period: str) -> tuple[datetime, datetime]:
        """When a period begins, and the instant that is not of it any more. Raises Rejected for what is no period."""
        found = PERIOD.fullmatch(period)
        if found is None:
            raise Rejected(Problem("period", "period", "a period is written YYYY-MM"))
        month = date(int(found[1]), int(found[2]), 1)
        last = month if self.month_from_day > 1 else month + timedelta(days=32)
        first = month - timedelta(days=1) if self.month_from_day > 1 else month
        return self._midnight(first.replace(day=self.month_from_day)), self._midnight(
            last.replace(day=self.month_from_day)
        )

    def playbook_of(self, category: str) -> str:
        """The emergency plan for a category of any length."""
        return self.playbooks.get(category[:2], self.playbooks[_ANY])

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def load_measures(source: Mapping[str, object]) -> MeasureRules:
    """Read a parsed measures.toml; raises RulesRefused with every problem found, each led by its key path."""
    try:
        rules = MeasureRules.model_validate(source)
    except ValidationError as error:
        found: list[Any] = error.errors(include_url=False, include_context=False, include_input=False)
        raise RulesRefused([f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found]) from error
    if rules.warning.growth_mean_weeks <= rules.warning.growth_weeks:
        raise RulesRefused(["warning.growth_mean_weeks: must be above growth_weeks"])
    return rules
