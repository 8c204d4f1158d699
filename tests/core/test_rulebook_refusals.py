"""What a dispatch rule file is refused for: one row for each thing that can be wrong, and all of them at once."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.dispatch.core.rulebook import RulePackRefused, load_pack_rules, load_rulebook
from tests.builders import calendar, categories, pack

CATEGORIES, CALENDAR = categories(), calendar()
GONE = object()


def spoiled(changes: Sequence[tuple[tuple[str | int, ...], object]]) -> dict[str, Any]:
    """The default file with values replaced, added or, for GONE, taken out."""
    source = pack()
    for path, value in changes:
        place: Any = source
        for step in path[:-1]:
            place = place[step]
        if value is GONE:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    return source


def problems_of(source: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(RulePackRefused) as refused:
        load_rulebook(source, CATEGORIES, CALENDAR)
    return refused.value.problems


ROWS = [
    # keys and kinds
    (("colour",), 1, "colour: unknown key"),
    (("limits", "BIG", "u2"), "24 NH", "limits.BIG.u2: unknown key"),
    (("limits", "HUGE"), {"base": "5 WD"}, "limits.HUGE: unknown key"),
    (("timers", "sleep"), {"U1": "1 NH"}, "timers.sleep: unknown key"),
    (("duties", "EXTRA"), {}, "duties.EXTRA: unknown key"),
    (("whistles", "PARTY"), {}, "whistles.PARTY: unknown key"),
    (("name",), GONE, "name: missing"),
    (("audit",), GONE, "audit: missing"),
    (("returns", "max_redispatches"), GONE, "returns.max_redispatches: missing"),
    (("sizing",), "small", "sizing: must be a table"),
    (("limits", "SMALL"), "same_day", "limits.SMALL: must be a table"),
    (("limits", "BIG", "base"), 5, "limits.BIG.base: must be a limit written as text, not 5"),
    (("returns", "max_redispatches"), "two", "returns.max_redispatches: must be a valid integer"),
    (("returns", "max_redispatches"), True, "returns.max_redispatches: must be a valid integer"),
    (("returns", "max_redispatches"), 10, "returns.max_redispatches: must be less than or equal to 9"),
    (("returns", "max_redispatches"), 0, "returns.max_redispatches: must be greater than or equal to 1"),
    (("triage", "least_confidence"), 1.5, "triage.least_confidence: must be less than or equal to 1"),
    (("triage", "least_confidence"), "0.5", "triage.least_confidence: must be a valid number"),
    (("ladder", "morning"), "08:30", "ladder.morning: must be a valid time"),
    (("joint", "least_supports_of_big"), -1, "joint.least_supports_of_big: must be greater than or equal to 0"),
    # limits: holes, overlaps, and what cannot be
    (("limits", "REPORT"), GONE, "limits.REPORT: missing"),
    (("limits", "BIG", "base"), GONE, "limits.BIG.base: missing"),
    (("limits", "SMALL", "base"), "0 WD", "limits.SMALL.base: '0 WD': a limit is more than zero and at most 366 days"),
    (("limits", "SMALL", "base"), "1.5 WD", "limits.SMALL.base: '1.5 WD': days are whole"),
    (("stage_limits", "REPORT", "U2"), GONE, "stage_limits.REPORT.U2: missing"),
    (("support_limits", "BIG"), "6 WD", "support_limits.BIG: 6 WD is longer than 5 WD, the limit of the whole matter"),
    (("timers", "sign", "SMALL"), GONE, "timers.sign.SMALL: missing"),
    (("timers", "sign", "SMALL"), "same_day",
     "timers.sign.SMALL: cannot be doubled, and at twice this limit a matter counts as signed"),
    (("timers", "arrival", "BIG"), "1 WD", "timers.arrival.BIG: this timer has no such column"),
    (("timers", "call_back"), GONE, "timers.call_back: missing"),
    (("timers", "call_back", "U1"), GONE, "timers.call_back.U1: missing"),
    (("timers", "call_back", "U3"), "1 WD", "timers.call_back.U3: unknown key"),
    (("timers", "call_back", "U2"), "4 NH", "timers.call_back.U2: this timer has no such column"),
    (("timers", "accept", "U1"), "2 NH", "timers.accept.U1: 2 NH is longer than 30 min of U2"),
    (("case_class", 0, "categories"), ["140101"], "case_class[1].categories: 140101 is in class WH2 too"),
    (("case_class", 0, "categories"), ["777777"], "case_class[0].categories: 777777 is not in the category tree"),
    (("case_class", 1, "code"), "WH2", "case_class[1].code: WH2 stands there twice"),
    # archiving
    (("archive",), GONE, "archive: missing"),
    (("archive", "after_days"), 15,
     "archive.after_days: must be above repeats.reopen_days, in which a ticket may be reopened"),
    (("joint", "whistle_least_tickets"), 0, "joint.whistle_least_tickets: must be greater than or equal to 1"),
    # sizing
    (("sizing", "big_types"), ["REPORT", "HELP"], "sized_types: HELP stands in big_types too"),
    (("sizing", "sized_types"), ["HELP"], "sized_types: COMPLAINT stands in none of the three lists"),
    (("sizing", "complex_units_from"), 1, "complex_units_from: a matter would be complex before it is big"),
    (("sizing", "effort_at_most"), "1 WD", "effort_at_most: work is told in hours or minutes"),
    (("sizing", "complex_marks"), ["HARD"], "sizing.complex_marks[0]: must be"),
    # what has no effect is no key
    (("sizing", "review_within"), "1 WD", "review_within: a look is told in hours or minutes"),
    (("sizing", "reporters_within"), "24 NH", "sizing.reporters_within: unknown key"),
    (("sizing", "repeats_within"), "30 ND", "sizing.repeats_within: unknown key"),
    (("follow_up", "start"), "1 WD", "follow_up.start: unknown key"),
    (("follow_up", "asked_within"), "2 WD", "follow_up.asked_within: unknown key"),
    (("supervision", "reporters_to_level_2"), 10, "supervision.reporters_to_level_2: unknown key"),
    # ladder and supervision
    (("timers", "accept", "SMALL"), "1 WD", "timers.accept.SMALL: 1 WD must be in hours or minutes"),
    (("supervision", "critical_arrival_level_3"), "1 WD",
     "supervision.critical_arrival_level_3: 1 WD must be in hours or minutes"),
    (("supervision", "critical_arrival_level_3"), "30 min",
     "supervision.critical_arrival_level_3: must be longer than timers.arrival.U1"),
    (("ladder", "yellow_percent"), 40, "yellow_percent: reminder, yellow and red must come in this order, within the limit"),
    (("ladder", "level_3_working_days"), 1, "level_3_working_days: level 3 must come after level 2"),
    (("ladder", "level_3_percent"), 20, "level_3_percent: level 3 must not come before level 2"),
    (("ladder", "level_1"), "the boss", "level_1: must be unit:<name> or role:<name>, of small letters and -, or unit:{unit}"),
    (("ladder", "level_2"), "role:{ticket}", "level_2: must be unit:<name> or role:<name>, of small letters and -, or unit:{unit}"),
    # whistle, duties
    (("joint", "whistle_share_low"), 0.2, "whistle_share_high: must be above whistle_share_low"),
    (("whistles", "EMERGENCY", "dispute_stops_clock"), True,
     "EMERGENCY.dispute_stops_clock: must be false: an emergency is not argued about first"),
    (("duties", "COOPERATE", "permits"), ["LEAD", "SUPPORT"], "COOPERATE.permits: holds LEAD though a department must lead"),
    (("duties", "COOPERATE", "department_leads"), False,
     "COOPERATE.department_leads: nobody may lead: neither the township nor a department"),
    (("duties", "TAKEN_BACK", "permits"), ["SUPPORT", "FIRST_DISPOSAL"],
     "TAKEN_BACK.permits: of what was taken back only FIRST_DISPOSAL is left"),
    (("duties", "UNLISTED", "push_down"), True, "UNLISTED.push_down: needs a deployment record"),
    (("duties", "TAKEN_BACK", "first_disposal_for"), [],
     "TAKEN_BACK.first_disposal_for: must say for which urgencies, exactly when FIRST_DISPOSAL is permitted"),
    (("duties", "enforcement_levels"), ["GRID"], "enforcement_levels: GRID is no place that may be told to enforce"),
    (("duties", "enforcement_levels"), ["DEPARTMENT"], "enforcement_levels: DEPARTMENT is no place that may be told to enforce"),
    (("duties", "deployment_issuers"), ["MARKET_BUREAU"], "duties.deployment_issuers[0]: must be"),
    (("duties", "deployment_issuers"), [], "deployment_issuers: must name at least one issuing body"),
    (("supervision", "vulnerable_queue_steps"), 1, "supervision.vulnerable_queue_steps: unknown key"),
    (("supervision", "queue_step"), "1 WD", "queue_step: a step up a queue is told in natural hours or minutes"),
    # repeats, leads, returns, audit
    (("repeats", "complex_from"), 3, "complex_from: must be above supervise_from"),
    (("leads",), {"U2": "2 NH"}, "leads: unknown key"),
    (("returns", "auto_grant"), "yes", "returns.auto_grant: must be a valid boolean"),
    (("audit", "automatic_for"), ["TINY"], "audit.automatic_for[0]: must be 'SMALL', 'BIG' or 'UNSIZED'"),
    # hanging, reopening, follow-up
    (("hang", "grounds"), [], "grounds: must name at least one"),
    (("hang", "citizen_told_every_days"), 120, "citizen_told_every_days: must not be above review_days"),
    (("reopen", "complex_from"), 2, "complex_from: must be above supervise_2_from"),
    (("follow_up", "not_asked_channels"), ["PIGEON"], "follow_up.not_asked_channels[0]: must be"),
    (("follow_up", "window"), "-1 WD", "follow_up.window: '-1 WD' is no limit"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "problem"), ROWS, ids=[f"{n}-{row[2][:40]}" for n, row in enumerate(ROWS)])
def test_a_fault_is_refused_with_its_key_path(path: tuple[str | int, ...], value: object, problem: str) -> None:
    found = problems_of(spoiled([(path, value)]))
    # Contradictions are written here without their section, which leads them.
    assert any(said.startswith((problem, f"{path[0]}.{problem}")) for said in found), found


def test_a_light_that_is_yellow_before_the_cut_off_is_refused() -> None:
    source = pack()
    source["ladder"]["same_day_yellow"] = CALENDAR.cutoff
    assert problems_of(source) == (
        "ladder.same_day_yellow: must be after the cut-off 17:00:00, or a new matter begins yellow",
    )


def test_every_problem_of_every_section_is_told_at_once() -> None:
    source = spoiled(
        [
            (("colour",), 1),
            (("limits", "BIG", "base"), "soon"),
            (("repeats", "complex_from"), 1),
            (("hang", "grounds"), []),
            (("audit",), GONE),
        ]
    )
    assert {problem.partition(":")[0] for problem in problems_of(source)} == {
        "colour", "limits.BIG.base", "repeats.complex_from", "hang.grounds", "audit",
    }  # fmt: skip


def test_problems_of_the_calendar_are_told_beside_those_of_the_rules() -> None:
    source = spoiled([(("colour",), 1)])
    with pytest.raises(RulePackRefused) as refused:
        load_pack_rules(source, CATEGORIES, {"zone": "Asia/Shanghai"})
    assert refused.value.problems == (
        "colour: unknown key",
        "calendar.cutoff: missing",
        "calendar.hours: missing",
        "calendar.fixed_statutory_dates: missing",
        "calendar.duty_roster: missing",
        "calendar.years: missing",
    )
