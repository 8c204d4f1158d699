"""The sections of a dispatch rule file up to the handling of a matter: size, limits, timers, supervision, duties.

Each class is one table of the file: its fields are the keys that must be there, no others may be. Limits are texts such
as `5 WD`; times of day are local. A table whose values cannot stand together is a `Contradiction`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import combinations
from typing import ClassVar, assert_never

from pydantic import ConfigDict

from services.dispatch.core.deadlines import MINUTE, NaturalHours, WorkingHours
from services.dispatch.core.duties import DutyKind, IssuingBody
from services.dispatch.core.rule_tables import LimitText
from shared.sections import CLOSED, Count, Few, Flag, Name, Number, Share, TimeOfDay, refuse
from shared.terms import AssignmentKind, ComplexMark, TicketType, Urgency


class Timer(StrEnum):
    """Clocks beside the resolve limit, each with a limit per column; the comments give their usual numbers."""

    ACCEPT = "accept"  # T01 a demand from web or app is accepted
    DISPATCH = "dispatch"  # T02 by the machine
    DISPATCH_BY_HAND = "dispatch_by_hand"  # T02 by a person
    SIGN = "sign"  # T03
    FIRST_CONTACT = "first_contact"  # T04 the unit speaks with the citizen
    ARRIVAL = "arrival"  # T05 somebody is on the spot
    FIRST_FEEDBACK = "first_feedback"  # T06
    FIRST_DISPOSAL = "first_disposal"  # the danger is contained
    RETURN_WINDOW = "return_window"  # T09
    RETURN_DECISION = "return_decision"  # T10
    EXTENSION_DECISION = "extension_decision"  # T11 undecided when it ends: refused
    AUDIT = "audit"  # T12 the result is looked at
    SUPPLEMENT = "supplement"  # T14 the citizen's answer is waited for
    CALL_BACK = "call_back"  # T06 of what went to another line: did help come?


@dataclass(frozen=True, slots=True)
class SizingRules:
    """When a matter is small 小事, big 大事 or complex 疑难.

    A figure `x_from` makes a matter big from that number on, whether it was said at the door or found on the spot.
    Every ticket type is in exactly one of the three lists.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    unsized_types: tuple[TicketType, ...]
    big_types: tuple[TicketType, ...]
    sized_types: tuple[TicketType, ...]
    units_from: Count  # units whose duty it is
    grids_from: Count
    reporters_from: Count  # of one incident, as intake counts them
    households_from: Count
    people_from: Count  # in a dispute
    money_above: Number  # yuan
    repeats_from: Count  # earlier ones on the matter, as intake counts them
    effort_at_most: LimitText  # a small matter takes no longer: hours or minutes of work
    review_within: LimitText  # of opening time: so long a person may make a doubtful matter small; then it stays big
    complex_units_from: Count
    complex_marks: tuple[ComplexMark, ...]

    def __post_init__(self) -> None:
        lists = {"unsized_types": self.unsized_types, "big_types": self.big_types, "sized_types": self.sized_types}
        problems = [
            f"{later}: {kind} stands in {earlier} too"
            for (earlier, first), (later, second) in combinations(lists.items(), 2)
            for kind in sorted({*first} & {*second})
        ]
        missing = {*TicketType} - {kind for kinds in lists.values() for kind in kinds}
        problems += [f"sized_types: {kind} stands in none of the three lists" for kind in sorted(missing)]
        if self.complex_units_from < self.units_from:
            problems.append("complex_units_from: a matter would be complex before it is big")
        if not isinstance(self.effort_at_most, NaturalHours | WorkingHours):
            problems.append("effort_at_most: work is told in hours or minutes")
        if not isinstance(self.review_within, NaturalHours | WorkingHours):
            problems.append("review_within: a look is told in hours or minutes")
        refuse(problems)

    @property
    def effort_minutes_at_most(self) -> float:
        """The same in minutes of work."""
        assert isinstance(self.effort_at_most, NaturalHours | WorkingHours), "no other is read"
        return self.effort_at_most.time / MINUTE


@dataclass(frozen=True, slots=True)
class CaseClass:
    """A class of city-management cases 城管案卷 with its limit; `categories` are codes of 2, 4 or 6 digits."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    code: Name
    zh: Name
    en: Name
    limit: LimitText
    categories: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class LadderFigures:
    """The figures of the ladder, times of day and shares of the limit, and who hears of each level.

    `{unit}` stands for the unit that leads; percentages of an hour limit count from its start, those of levels from
    its end.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    level_1: Name
    level_2: Name
    level_3: Name
    morning: TimeOfDay
    same_day_yellow: TimeOfDay
    same_day_level_2: TimeOfDay
    least_days_for_reminder: Count
    level_2_working_days: Count
    level_3_working_days: Count
    reminder_percent: Number
    yellow_percent: Number
    level_2_percent: Number
    level_2_least_minutes: Number
    level_3_percent: Number

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.reminder_percent < self.yellow_percent < 100:
            problems.append("yellow_percent: reminder, yellow and red must come in this order, within the limit")
        if self.level_3_working_days <= self.level_2_working_days:
            problems.append("level_3_working_days: level 3 must come after level 2")
        if self.level_3_percent < self.level_2_percent:
            problems.append("level_3_percent: level 3 must not come before level 2")
        if self.same_day_level_2 <= self.morning:
            problems.append("same_day_level_2: must be after the morning, when level 1 is reached")
        for key in ("level_1", "level_2", "level_3"):
            role, _, name = getattr(self, key).partition(":")
            if (
                role not in ("unit", "role")
                or not name
                or name.replace("{unit}", "").strip("abcdefghijklmnopqrstuvwxyz-")
            ):
                problems.append(f"{key}: must be unit:<name> or role:<name>, of small letters and -, or unit:{{unit}}")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class SupervisionRules:
    """Hastening 催办, the order of queues, and what a missed arrival changes; notify keeps the budget of notices."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    hastens_counted_per_day: Few
    hastens_to_level_1: Count
    critical_arrival_level_3: LimitText  # from the order on, where nobody came to a critical matter; level 2 is at once
    queue_step: LimitText  # what stands a step further up comes as if it were due so much earlier: natural hours

    def __post_init__(self) -> None:
        if not isinstance(self.queue_step, NaturalHours):
            refuse(["queue_step: a step up a queue is told in natural hours or minutes"])

    @property
    def queue_step_time(self) -> timedelta:
        """The same as a stretch of time."""
        assert isinstance(self.queue_step, NaturalHours), "no other is read"
        return self.queue_step.time


@dataclass(frozen=True, slots=True)
class Whistle:
    """One kind of whistle 吹哨: by when departments report in, or for `meeting` by when they meet."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    report_in: LimitText  # T17
    meeting: Flag
    dispute_stops_clock: Flag


@dataclass(frozen=True, slots=True)
class JointRules:
    """Handling by several units 联动, and the bounds outside which a town's use of the whistle is looked at."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    plan_within: LimitText
    complex_meeting_within: LimitText
    least_supports_of_big: Number  # fewer need a waiver with a reason
    max_forwards: Few  # a level's next one without an action of its own is refused
    whistle_share_low: Share
    whistle_share_high: Share
    whistle_least_tickets: Count  # of fewer tickets in a month a share says nothing

    def __post_init__(self) -> None:
        if self.whistle_share_low >= self.whistle_share_high:
            refuse(["whistle_share_high: must be above whistle_share_low"])


@dataclass(frozen=True, slots=True)
class DutyPermit:
    """What a township, village or grid may be assigned of matters of one kind; see `DutyRules`.

    `only_for` limits FIRST_DISPOSAL to urgencies; with `department_leads` the lead must be a department; with
    `push_down` a department may assign it without a deployment record.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    permits: frozenset[AssignmentKind]
    first_disposal_for: frozenset[Urgency]
    department_leads: Flag
    push_down: Flag

    def __post_init__(self) -> None:
        problems = []
        if self.department_leads and AssignmentKind.LEAD in self.permits:
            problems.append("permits: holds LEAD though a department must lead")
        if not self.department_leads and AssignmentKind.LEAD not in self.permits:
            problems.append("department_leads: nobody may lead: neither the township nor a department")
        if (AssignmentKind.FIRST_DISPOSAL in self.permits) != bool(self.first_disposal_for):
            problems.append(
                "first_disposal_for: must say for which urgencies, exactly when FIRST_DISPOSAL is permitted"
            )
        refuse(problems)


@dataclass(frozen=True, slots=True)
class DutyRules:
    """The duty-list guard 清单准入校验: a permit for each kind, and what overrides a refusal.

    Villages and grids have the township's list without enforcement. An override is a unified-deployment record issued
    by one of `deployment_issuers`, valid on the day of dispatch.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    BASIC: DutyPermit
    COOPERATE: DutyPermit
    TAKEN_BACK: DutyPermit
    UNLISTED: DutyPermit
    enforcement_levels: tuple[Name, ...]  # of places: TOWNSHIP or none; departments enforce by law, grids never
    deployment_issuers: frozenset[IssuingBody]

    def __post_init__(self) -> None:
        problems = []
        if AssignmentKind.LEAD not in self.BASIC.permits:
            problems.append("BASIC.permits: a basic duty that the township may not lead contradicts itself")
        for name, permit in (
            ("COOPERATE", self.COOPERATE),
            ("TAKEN_BACK", self.TAKEN_BACK),
            ("UNLISTED", self.UNLISTED),
        ):
            if AssignmentKind.LEAD in permit.permits:
                problems.append(f"{name}.permits: only a basic duty may be led by the township")
        if self.TAKEN_BACK.permits - {AssignmentKind.FIRST_DISPOSAL}:
            problems.append("TAKEN_BACK.permits: of what was taken back only FIRST_DISPOSAL is left")
        for name, permit in (("TAKEN_BACK", self.TAKEN_BACK), ("UNLISTED", self.UNLISTED)):
            if permit.push_down:
                problems.append(f"{name}.push_down: needs a deployment record")
        problems += [
            f"enforcement_levels: {level} is no place that may be told to enforce"
            for level in self.enforcement_levels
            if level != "TOWNSHIP"
        ]
        if not self.deployment_issuers:
            problems.append("deployment_issuers: must name at least one issuing body")
        refuse(problems)

    def permit(self, kind: DutyKind | None) -> DutyPermit:
        """What a kind permits; None stands for a matter that is in no list."""
        match kind:
            case DutyKind.BASIC:
                return self.BASIC
            case DutyKind.COOPERATE:
                return self.COOPERATE
            case DutyKind.TAKEN_BACK:
                return self.TAKEN_BACK
            case None:
                return self.UNLISTED
        assert_never(kind)
