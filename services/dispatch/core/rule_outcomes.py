"""The sections of a dispatch rule file about what becomes of a matter: repeats, returns, audit, hanging, its end.

Each class is one table of the file, as in the sections before it: fields are keys, contradictions are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from pydantic import ConfigDict

from services.dispatch.core.rule_tables import LimitText
from shared.sections import CLOSED, Count, Few, Flag, Name, Number, refuse
from shared.terms import Channel, MatterSize


@dataclass(frozen=True, slots=True)
class ArchiveRules:
    """When a ticket that has ended is put away 归档; what citizens said is erased by intake, in a time of its own."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    after_days: Count  # natural days from its end

    @property
    def after(self) -> timedelta:
        """The same as a stretch of time."""
        return timedelta(days=self.after_days)


@dataclass(frozen=True, slots=True)
class RepeatRules:
    """When a citizen comes back: how often the same matter may return before more follows."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    reopen_days: Count  # T19 closed no longer ago: the ticket can be reopened
    supervise_from: Count  # tickets on the matter: level 1, and another person verifies
    complex_from: Count  # a meeting

    def __post_init__(self) -> None:
        if self.complex_from <= self.supervise_from:
            refuse(["complex_from: must be above supervise_from"])


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """Handing an assignment back 退单."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    max_redispatches: Few  # after so many the command centre designates, and nobody may return it
    returns_per_unit: Few
    auto_grant: Flag  # inside its window a return is granted at once; otherwise it waits for a dispatcher, T10


@dataclass(frozen=True, slots=True)
class AuditRules:
    """Looking at results 办结审核: which sizes are audited by rule; all others wait for an auditor, T12."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    automatic_for: frozenset[MatterSize]
    rework_least: LimitText  # of the resolve limit at least so much is left after a rework
    evidence: Mapping[Name, Few]  # pieces that a result must come with, by category; the longest code that fits counts

    def evidence_for(self, category: str) -> int:
        """How many pieces of evidence the lead's result of such a matter needs."""
        return next((self.evidence[category[:n]] for n in (6, 4, 2) if category[:n] in self.evidence), 0)


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
    resume_least: LimitText  # of the resolve limit at least so much is left when the matter goes on

    def __post_init__(self) -> None:
        problems = [] if self.grounds else ["grounds: must name at least one"]
        if self.citizen_told_every_days > self.review_days:
            problems.append("citizen_told_every_days: must not be above review_days")
        refuse(problems)


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
    """T13: by when the citizen's judgement must be in; how people are asked is in the rules of notify."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    window: LimitText
    not_asked_channels: frozenset[Channel]
