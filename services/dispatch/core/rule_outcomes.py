"""The sections of a dispatch rule file about what becomes of a matter: merging, repeats, leads, returns, judgement.

Each class is one table of the file, as in the sections before it: fields are keys, contradictions are refused.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import ClassVar

from pydantic import ConfigDict

from services.dispatch.core.deadlines import NaturalDays
from services.dispatch.core.rule_tables import (
    CLOSED,
    Count,
    Few,
    Flag,
    LimitText,
    Name,
    Number,
    Positive,
    Share,
    refuse,
)
from shared.terms import Channel, TicketType, Urgency


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
class MassStep:
    """From so many reporters of one incident within a time on, something follows."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    reporters_from: Count
    within: LimitText


@dataclass(frozen=True, slots=True)
class MergingRules:
    """When tickets are one incident 并单: distances in metres, similarity of texts from 0 to 1."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    suggest_within_m: Positive
    merge_within_m: Positive
    least_similarity: Share
    closed_within: LimitText  # an incident closed no longer ago still takes tickets in
    urgent_and_mass: MassStep  # the incident becomes U2 and is marked as a mass matter
    supervise_2: MassStep  # level 2, and the duty leader hears of it

    def __post_init__(self) -> None:
        problems = []
        if self.merge_within_m > self.suggest_within_m:
            problems.append("merge_within_m: must not be above suggest_within_m")
        if self.supervise_2.reporters_from <= self.urgent_and_mass.reporters_from:
            problems.append("supervise_2.reporters_from: must be above urgent_and_mass.reporters_from")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class RepeatRules:
    """When a citizen or a place comes back: the windows follow one another without hole or overlap, in days."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    reopen_days: Count  # T19 closed no longer ago: the ticket is reopened
    linked_until_days: Count  # closed no longer ago: a new linked ticket, big, one level up
    matter_window_days: Count
    supervise_from: Count  # tickets on the matter within the window; another person verifies
    complex_from: Count  # a meeting
    place_window_days: Count
    place_callers_from: Count  # different callers at one place: the list of recurring problems

    def __post_init__(self) -> None:
        problems = []
        windows = [("reopen_days", self.reopen_days), ("linked_until_days", self.linked_until_days)]
        windows.append(("matter_window_days", self.matter_window_days))
        for (_, shorter), (key, longer) in pairwise(windows):
            if longer <= shorter:
                problems.append(f"{key}: {longer} must be above the window before it, {shorter}")
        if self.complex_from <= self.supervise_from:
            problems.append("complex_from: must be above supervise_from")
        refuse(problems)

    @property
    def reopen_window(self) -> NaturalDays:
        """How long after closing a ticket can be reopened."""
        return NaturalDays(self.reopen_days)


@dataclass(frozen=True, slots=True)
class LeadTarget:
    """Where leads of one kind go; `levels_above_subject` 0 stands for the place of the matter itself."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    to: tuple[Name, ...]
    levels_above_subject: Number
    urgency: Urgency  # the least urgency of such a lead
    hidden_from_search: Flag

    def __post_init__(self) -> None:
        if not self.to:
            refuse(["to: must name at least one body"])


@dataclass(frozen=True, slots=True)
class HandOver:
    """T18: by when a lead is handed over; a critical one at once, so it has no limit."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    U2: LimitText
    U3: LimitText


@dataclass(frozen=True, slots=True)
class LeadRules:
    """Sensitive leads 问题线索 by kind."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    DISCIPLINE: LeadTarget
    SECURITY: LeadTarget
    THREAT: LeadTarget
    hand_over: HandOver
    recorder_reads_for: LimitText  # then the one who wrote it down can only add
    least_published_count: Count

    def __post_init__(self) -> None:
        problems = []
        if self.DISCIPLINE.levels_above_subject < 1:
            problems.append("DISCIPLINE.levels_above_subject: must be at least 1: nobody judges his own unit")
        if self.THREAT.urgency is not Urgency.U1:
            problems.append("THREAT.urgency: must be U1")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """Handing an assignment back 退单."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    max_redispatches: Few  # after so many the command centre designates, and nobody may return it
    returns_per_unit: Few


@dataclass(frozen=True, slots=True)
class ExtensionRules:
    """Asking for more time 延期: at most `limit_times` the original limit and never above `at_most`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    times: Few
    limit_times: Few
    at_most: LimitText


@dataclass(frozen=True, slots=True)
class HangRules:
    """Matters that cannot be solved now 挂账, with a plan and a review."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    grounds: tuple[Name, ...]
    review_days: Count
    citizen_told_every_days: Count
    renewals: Number

    def __post_init__(self) -> None:
        problems = [] if self.grounds else ["grounds: must name at least one"]
        if self.citizen_told_every_days > self.review_days:
            problems.append("citizen_told_every_days: must not be above review_days")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class ExclusionRules:
    """Leaving a ticket out of the rates 剔除; it stays in the volume."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    ask_within: LimitText
    decide_within: LimitText
    panel: Few  # persons, none of the unit
    checked_share: Share

    def __post_init__(self) -> None:
        if self.panel < 2:
            refuse(["panel: needs at least two persons"])


@dataclass(frozen=True, slots=True)
class AppealRules:
    """T16: against an assessment 考核申诉."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    ask_within: LimitText
    decide_within: LimitText


@dataclass(frozen=True, slots=True)
class ReopenRules:
    """A citizen says no 重办: counts of failures from which more follows."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    to_command_centre_from: Few
    supervise_2_from: Few
    complex_from: Few

    def __post_init__(self) -> None:
        if self.complex_from <= self.supervise_2_from:
            refuse(["complex_from: must be above supervise_2_from"])


@dataclass(frozen=True, slots=True)
class FollowUpStart:
    """T13: when asking begins and by when the citizen's judgement must be in."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    start: LimitText
    asked_within: LimitText
    window: LimitText
    not_asked_channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """Whom to ask; what is not asked always is drawn with a published seed. Shares are parts of a unit's month."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    always: frozenset[AlwaysAsked]
    small_message_share: Share
    small_call_share: Share
    small_calls_least: Number  # per unit and month, or all
    consult_check_share: Share
    patrol_check_share: Share
    dedicated_staff_types: frozenset[TicketType]


@dataclass(frozen=True, slots=True)
class MetricRule:
    """One rate within the composite."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    name: Metric
    weight: Share
    veto: Flag = False

    def __post_init__(self) -> None:
        problems = ["veto: no single metric may decide alone"] if self.veto else []
        if self.weight == 1:
            problems.append("weight: 1.0 would let a single metric decide alone")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class RateRules:
    """The three rates and their composite, per unit and month; the month begins on `month_from_day`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
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
class WarningRules:
    """Early warning: a sudden spike, slow growth, a spread over neighbours."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    spike_least: Count
    spike_sigmas: Positive
    spike_weeks: Count
    growth_weeks: Count
    growth_factor: Positive
    growth_mean_weeks: Count
    spread_grids: Count
    spread_within: LimitText

    def __post_init__(self) -> None:
        problems = ["growth_factor: must be above 1"] if self.growth_factor <= 1 else []
        if self.growth_mean_weeks <= self.growth_weeks:
            problems.append("growth_mean_weeks: must be above growth_weeks")
        refuse(problems)
