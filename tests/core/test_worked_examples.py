"""The worked examples of the county's rules, X, Y and Z: which test holds each, and class and level of the first ones."""

import ast
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from services.dispatch.core.units import OrgKind
from shared.terms import MatterSize
from tests.builders import ROOT
from tests.core.course import BIG, Course, local

HELD: Mapping[str, str] = {
    "Y01": "core/test_decide.py::test_a_big_matter_climbs_its_ladder_to_the_minute",
    "Y02": "core/test_joint.py::test_a_support_part_is_due_in_three_working_days_and_its_red_light_is_its_own",
    "Y04": "core/test_decide.py::test_a_small_matter_that_misses_its_day_becomes_big_and_the_breach_is_kept",
    "Y05": "core/test_decide.py::test_the_deadline_itself_is_on_time_and_a_microsecond_later_is_not",
    "Y06": "core/test_nature.py::test_a_small_matter_found_big_on_the_spot_has_no_breach_and_the_whistle_is_offered",
    "Y09": "core/test_returns.py::test_a_return_of_a_small_matter_is_open_for_one_working_hour",
    "Y11": "core/test_returns.py::test_a_critical_matter_is_contained_before_duty_is_disputed",
    "Y12": "core/test_returns.py::test_a_small_matter_redispatched_the_same_afternoon_is_still_due_at_midnight",
    "Y14": "core/test_returns.py::test_after_two_granted_returns_the_command_centre_designates_and_return_is_impossible",
    "Y16": "core/test_pauses.py::test_no_extension_after_expiry_nor_for_small_or_critical_matters",
    "Y17": "core/test_pauses.py::test_no_extension_after_expiry_nor_for_small_or_critical_matters",
    "Y18": "core/test_pauses.py::test_the_clock_stands_still_while_the_citizen_is_asked_once",
    "Y19": "core/test_joint.py::test_a_department_reports_in_by_the_kind_of_the_whistle",
    "Y21": "core/test_joint.py::test_a_department_reports_in_by_the_kind_of_the_whistle",
    "Y22": "core/test_pauses.py::test_the_follow_up_of_a_result_before_the_long_rest_starts_on_the_make_up_day",
    "Y24": "core/test_nature.py::test_a_closed_big_matter_reopens_with_half_its_limit",
    "Y25": "core/test_nature.py::test_on_the_sixteenth_day_a_new_linked_matter_is_needed",
    "Y26": "services/intake/test_leads.py::"
           "test_a_body_has_minutes_for_a_threat_hours_for_what_is_urgent_and_a_working_day_for_anything_else",
    "Z01": "services/dispatch/test_joint_api.py::"
           "test_a_department_cannot_push_an_inspection_down_beside_any_ticket",
    "Z02": "core/test_guards.py::test_a_unified_deployment_lets_it_pass_and_is_kept",
    "Z04": "core/test_guards.py::test_a_cooperating_township_is_not_made_to_lead_by_any_path",
    "Z05": "core/test_joint.py::test_what_was_taken_back_leaves_the_place_first_disposal_only",
    "Z06": "core/test_guards.py::test_an_enforcement_penalty_never_goes_to_a_grid_or_village",
    "Z08": "services/intake/test_leads.py::"
           "test_a_villagers_hint_at_an_evening_talk_goes_to_the_township_and_a_visitor_from_outside",
    "Z09": "services/intake/test_leads.py::"
           "test_a_discipline_lead_goes_to_the_body_one_level_above_whom_it_is_about",
    "Z10": "services/intake/test_merging.py::"
           "test_six_callers_about_one_manhole_in_ninety_minutes_are_one_urgent_mass_incident",
    "Z12": "services/intake/test_merging.py::"
           "test_a_confidential_report_and_a_complaint_about_one_shop_are_never_merged",
    "Z13": "services/intake/test_repeats_at_the_door.py::"
           "test_the_same_words_of_the_same_caller_while_open_make_no_new_ticket",
    "Z14": "services/intake/test_repeats_at_the_door.py::"
           "test_a_matter_closed_twenty_days_ago_is_a_linked_repeat_one_level_up",
    "Z16": "services/intake/test_leads.py::test_who_calls_out_a_threat_is_urgent_at_once_and_on_no_list",
    "Z17": "services/intake/test_citizen.py::test_who_wants_a_court_ruling_changed_is_told_the_other_way",
    "Z18": "core/test_panel.py::test_one_vote_decides_nothing_and_two_of_two_persons_do",
    "Z19": "core/test_location.py::test_a_point_on_a_border_goes_to_the_smaller_grid_code",
    "Z20": "core/test_location.py::test_a_specialised_grid_wins_over_the_base_grid_below_it",
    "Z23": "services/notify/test_notify_rates.py::test_three_calls_unanswered_in_two_bands_leave_the_denominator",
    "Z24": "core/test_rates.py::test_a_units_month_of_a_hundred_valid_follow_ups_comes_to_the_figures_of_the_rule",
    "Z26": "services/notify/test_notify_desk.py::test_a_patrols_own_fix_is_looked_at_by_somebody_else",
    "Z27": "core/test_nature.py::test_an_unsure_category_waits_for_a_person_and_both_choices_are_kept",
    "Z29": "services/notify/test_notify_rates.py::test_an_exercise_runs_the_loop_and_is_absent_from_every_rate",
    "Z30": "services/intake/test_repeats_at_the_door.py::test_no_event_table_or_answer_shows_who_called",
    "Z31": "core/test_guards.py::test_a_daily_ledger_of_fourteen_townships_is_refused_for_each",
}  # fmt: skip
"""What the tests of deadlines do not hold by their own number. Y28, a notice that comes late, is not built."""


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", HELD)
def test_the_test_that_holds_an_example_is_there(row: str) -> None:
    file, _, name = HELD[row].partition("::")
    assert name in functions_of(file)


@pytest.mark.parametrize(
    ("row", "accepted", "matter", "size", "level", "due"),
    [
        ("X01", "2026-03-10T09:15", {"category": "150101"}, "SMALL", OrgKind.GRID, "2026-03-11T00:00"),
        ("X05", "2026-03-10T23:59:59", {"category": "150101"}, "SMALL", OrgKind.GRID, "2026-03-12T00:00"),
        ("X12", "2026-02-14T18:00", {"category": "150101"}, "SMALL", OrgKind.GRID, "2026-02-16T00:00"),
        ("X21", "2026-03-10T09:00", {"category": "150101", "urgency": "U2", "ticket_type": "HELP"}, "SMALL",
         OrgKind.GRID, "2026-03-11T00:00"),
        ("X23", "2026-03-09T11:00", {"category": BIG, "ticket_type": "CONSULT"}, "UNSIZED", OrgKind.DEPARTMENT,
         "2026-03-12T00:00"),
        ("X29", "2026-03-09T10:00", {"category": BIG}, "BIG", OrgKind.DEPARTMENT, "2026-03-17T00:00"),
        ("X45", "2026-03-09T10:00", {"category": BIG, "ticket_type": "REPORT", "confidential": True}, "BIG",
         OrgKind.DEPARTMENT, "2026-03-31T00:00"),
        ("X46", "2026-03-13T09:00", {"category": BIG, "ticket_type": "SUGGESTION"}, "UNSIZED", OrgKind.DEPARTMENT,
         "2026-03-28T00:00"),
        ("X47", "2026-03-14T23:20", {"category": "070101", "urgency": "U1", "ticket_type": "HELP"}, "BIG",
         OrgKind.UTILITY, "2026-03-15T01:20"),
        ("X48", "2026-10-02T03:10", {"category": "070101", "urgency": "U2", "ticket_type": "HELP"}, "BIG",
         OrgKind.UTILITY, "2026-10-03T03:10"),
        ("Z21", "2026-03-09T10:00", {"category": "150101", "grid": None, "place_level": "VILLAGE"}, "BIG",
         OrgKind.DEPARTMENT, "2026-03-17T00:00"),
    ],
)  # fmt: skip
def test_a_matter_has_its_class_its_level_and_its_deadline(
    row: str, accepted: str, matter: dict[str, Any], size: str, level: OrgKind, due: str
) -> None:
    case = Course(accepted, **matter).case
    unit = Course(accepted).org.unit(case.lead.unit)
    assert unit is not None
    assert (case.size, unit.kind, case.due_at) == (MatterSize(size), level, local(due)), row
