"""The rules of measuring: those of the citizens' judgement, and how following up and warning go about it.

Figures stand in the pack's `notify.toml`, the seed, links, recurring problems and playbooks in its `measures.toml`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter

from services.notify.core.judgement_rules import ExclusionRules, Metric, RateRules, SamplingRules, WarningRules
from services.notify.core.rules import NotifyRules, RulesRefused, load_notify_rules
from shared.errors import Problem, Rejected
from shared.sections import Count, Name, Section, read_table, refuse
from shared.terms import AlertKind

MONTH: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
"""An assessment month, for schemas."""
PERIOD: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)
_ANY: Final = "*"
Line = Annotated[str, Field(strict=True, min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class CallRules(Section):
    """Following up by telephone: the seed of the draw, and how long a task is one agent's."""

    seed: Name
    lease_minutes: Count


@dataclass(frozen=True, slots=True)
class LinkRules(Section):
    """How long a link in a message is good, in natural days."""

    answer_days: Count
    reopen_days: Count


@dataclass(frozen=True, slots=True)
class RecurringRules(Section):
    """When a kind of matter recurs in a grid; days are natural days."""

    least: Count
    within_days: Count
    counted_again_within_days: Count

    def __post_init__(self) -> None:
        if self.least < 2:
            refuse(["least: one matter does not recur, so from 2"])


@dataclass(frozen=True, slots=True)
class PlanStep(Section):
    """One thing to do, in both languages."""

    zh: Line
    en: Line


@dataclass(frozen=True, slots=True)
class Plan(PlanStep):
    """An emergency plan 预案 as people read it: its title, and what to do, in order."""

    steps: tuple[PlanStep, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            refuse(["steps: says nothing to do"])


@dataclass(frozen=True, slots=True)
class PracticeRules(Section):
    """The tables of `measures.toml`."""

    calls: CallRules
    links: LinkRules
    recurring: RecurringRules
    alerts: dict[AlertKind, Name]
    playbooks: dict[str, Name]
    plans: dict[str, Plan]

    def __post_init__(self) -> None:
        problems = [f"alerts.{kind}: nobody hears of it" for kind in AlertKind if kind not in self.alerts]
        if _ANY not in self.playbooks:
            problems.append('playbooks: the one for "*", any other category, is missing')
        problems += [f"plans.{name}: missing" for name in sorted({*self.playbooks.values()} - self.plans.keys())]
        refuse(problems)


@dataclass(frozen=True)
class Weights:
    """The composite in whole numbers: what each counted follow-up weighs, in parts of `whole`.

    In the rate of satisfaction a basically satisfied citizen counts `basic` where a satisfied one counts `one`.
    """

    contacted: int
    solved: int
    satisfaction: int
    whole: int
    basic: int
    one: int


@dataclass(frozen=True)
class MeasureRules:
    """All that measuring takes from the pack."""

    zone: ZoneInfo
    sampling: SamplingRules
    rates: RateRules
    exclusion: ExclusionRules
    warning: WarningRules
    practice: PracticeRules

    @cached_property
    def weights(self) -> Weights:
        """Exactly the numbers that were written down: 0.1 is one tenth."""
        parts = {rule.name: exactly(rule.weight) for rule in self.rates.metric}
        whole = lcm(*(part.denominator for part in parts.values()))
        contacted, solved, satisfaction = (
            int(parts[name] * whole) for name in (Metric.RESPONSE, Metric.SOLUTION, Metric.SATISFACTION)
        )
        basic = exactly(self.rates.basically_counts)
        return Weights(contacted, solved, satisfaction, whole, basic.numerator, basic.denominator)

    def period_of(self, instant: datetime) -> str:
        """The assessment month that an instant falls into, `YYYY-MM`: the month in which it ends."""
        day, from_day = instant.astimezone(self.zone).date(), self.rates.month_from_day
        later = from_day > 1 and day.day >= from_day
        month = day.year * 12 + day.month - 1 + later
        return f"{month // 12:04}-{month % 12 + 1:02}"

    def span_of(self, period: str) -> tuple[datetime, datetime]:
        """When a period begins, and the instant that is not of it any more. Raises Rejected for what is no period."""
        found = PERIOD.fullmatch(period)
        if found is None:
            raise Rejected(Problem("period", "period", "a period is written YYYY-MM"))
        from_day, month = self.rates.month_from_day, date(int(found[1]), int(found[2]), 1)
        first = month if from_day == 1 else month - timedelta(days=1)
        last = month + timedelta(days=32) if from_day == 1 else month
        return self._midnight(first.replace(day=from_day)), self._midnight(last.replace(day=from_day))

    def playbook_of(self, category: str) -> str:
        """The emergency plan for a category of any length."""
        playbooks = self.practice.playbooks
        return playbooks.get(category[:2], playbooks[_ANY])

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


_PRACTICE: Final = TypeAdapter(PracticeRules)


def load_measures(notify: Mapping[str, object], measures: Mapping[str, object]) -> MeasureRules:
    """Read a pack's parsed notify.toml and measures.toml; raises RulesRefused with every problem found."""
    rules, problems = None, list[str]()
    try:
        rules = load_notify_rules(notify)
    except RulesRefused as refused:
        problems += [f"notify.{problem}" for problem in refused.problems]
    found = list[str]()
    tables = {key: value for key, value in measures.items() if key not in ("name", "version")}
    practice = read_table(_PRACTICE, tables, found)
    problems += [f"measures.{problem}" for problem in found]
    if problems or rules is None or practice is None:
        raise RulesRefused(problems)
    return measures_of(rules, practice)


def measures_of(rules: NotifyRules, practice: PracticeRules) -> MeasureRules:
    """Both files together."""
    judgement = rules.judgement
    return MeasureRules(
        rules.follow_up.zone, judgement.sampling, judgement.rates, judgement.exclusion, judgement.warning, practice
    )


def exactly(number: float) -> Fraction:
    """The number as it was written down, not as the machine rounds it."""
    return Fraction(str(number))
