"""The sections of a notify rule file about the citizens' judgement: whom to ask, the three rates, what is left out.

Each class is one table of the file: its fields are the keys that must be there, no others may be. A table whose values
cannot stand together is a `Contradiction`.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.sections import Count, Few, Flag, Name, Number, Positive, Section, Share, refuse
from shared.terms import TicketType


class Metric(StrEnum):
    """The three rates 三率: was the citizen contacted, was it solved, is the citizen satisfied."""

    RESPONSE = "response"
    SOLUTION = "solution"
    SATISFACTION = "satisfaction"


class AlwaysAsked(StrEnum):
    """Marks of a ticket whose citizen is asked without drawing lots."""

    BIG = "BIG"
    U1 = "U1"
    U2 = "U2"
    SUPERVISED = "SUPERVISED"
    REPEAT = "REPEAT"
    REOPENED = "REOPENED"
    HUNG = "HUNG"
    VULNERABLE = "VULNERABLE"


@dataclass(frozen=True, slots=True)
class SamplingRules(Section):
    """Whom to ask; what is not asked always is drawn with a published seed. Shares are parts of a unit's month."""

    always: frozenset[AlwaysAsked]
    small_call_share: Share
    small_calls_least: Number  # per unit and month, or all
    consult_check_share: Share
    patrol_check_share: Share
    dedicated_staff_types: frozenset[TicketType]


@dataclass(frozen=True, slots=True)
class MetricRule(Section):
    """One rate within the composite."""

    name: Metric
    weight: Share
    veto: Flag = False

    def __post_init__(self) -> None:
        problems = ["veto: no single metric may decide alone"] if self.veto else []
        if self.weight == 1:
            problems.append("weight: 1.0 would let a single metric decide alone")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class RateRules(Section):
    """The three rates and their composite, per unit and month; the month begins on `month_from_day`."""

    metric: tuple[MetricRule, ...]
    shown_beside: tuple[Name, ...]
    basically_counts: Share
    least_valid: Count  # fewer valid follow-ups are shown as too few
    month_from_day: Count
    publish_at_most_every_days: Count

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.metric]
        problems = [f"metric: {name} stands there twice" for name in sorted({n for n in names if names.count(n) > 1})]
        problems += [f"metric: {name} is missing" for name in Metric if name not in names]
        if abs(sum(rule.weight for rule in self.metric) - 1) > 1e-9:
            problems.append("metric: the weights must sum to 1")
        if sum(rule.weight for rule in self.metric if rule.name is not Metric.RESPONSE) < 0.5:
            problems.append("metric: solution and satisfaction together must weigh at least half")
        if self.month_from_day > 28:
            problems.append("month_from_day: must be from 1 to 28, a day of every month")
        if self.publish_at_most_every_days < 28:
            problems.append("publish_at_most_every_days: ranking is at most monthly, so from 28")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class ExclusionRules(Section):
    """Leaving a ticket out of the rates 剔除; it stays in the volume."""

    ask_within_working_days: Count
    decide_within_working_days: Count
    panel: Few  # persons, none of the unit
    checked_share: Share

    def __post_init__(self) -> None:
        if self.panel < 2:
            refuse(["panel: needs at least two persons"])


@dataclass(frozen=True, slots=True)
class AppealRules(Section):
    """T16: against an assessment 考核申诉."""

    ask_within_working_days: Count
    decide_within_working_days: Count


@dataclass(frozen=True, slots=True)
class WarningRules(Section):
    """Early warning: a sudden spike, slow growth, a spread over neighbours."""

    spike_least: Count
    spike_sigmas: Positive
    spike_weeks: Count
    growth_weeks: Count
    growth_factor: Positive
    growth_mean_weeks: Count
    spread_grids: Count
    spread_within_hours: Count

    def __post_init__(self) -> None:
        problems = ["growth_factor: must be above 1"] if self.growth_factor <= 1 else []
        if self.growth_mean_weeks <= self.growth_weeks:
            problems.append("growth_mean_weeks: must be above growth_weeks")
        refuse(problems)
