"""The rules of what belongs together: read whole, refused with every fault, and the same as dispatch reads them."""

import tomllib
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from services.intake.app import read_incidents
from services.intake.core.incident_rules import read_incident_rules
from services.intake.core.leads import (
    Area,
    LeadState,
    Standing,
    SubjectLevel,
    may_add,
    may_confirm,
    may_follow_up,
    may_move,
    may_read,
    may_visit,
    published,
    subject_level,
    target_of,
)
from services.intake.core.tables import InvalidRules
from shared.terms import LeadKind
from tests.builders import PACK, TUESDAY_MORNING

PARSED = tomllib.loads((PACK / "incidents.toml").read_text(encoding="utf-8"))
AREA = Area("990101", "990101001", "990101001001")
RULES = read_incidents(PACK).leads


@pytest.mark.parametrize("name", ["county-default", "beijing-like", "guangdong-like", "shandong-like", "shanghai-like"])
def test_every_pack_has_these_rules(name: str) -> None:
    assert read_incidents(PACK.parent / name).merging.suggest_within_m == 100.0


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda p: p.update(version=""), "incidents.version"),
        (lambda p: p.update(more=1), "incidents.more"),
        (lambda p: p.pop("merging"), "merging"),
        (lambda p: p.update(repeats=3), "repeats"),
        (lambda p: p["merging"].update(merge_within_m=101.0), "merging.merge_within_m"),
        (lambda p: p["merging"].update(suggest_within_m=111.0), "merging.suggest_within_m"),
        (lambda p: p["merging"].update(suggest_within_m=0), "merging.suggest_within_m"),
        (lambda p: p["merging"].update(suggest_within_m=True), "merging.suggest_within_m"),
        (lambda p: p["merging"].update(least_similarity=1.1), "merging.least_similarity"),
        (lambda p: p["merging"].update(automatic="yes"), "merging.automatic"),
        (lambda p: p["merging"].update(closed_within_hours=0), "merging.closed_within_hours"),
        (lambda p: p["merging"]["mass"].update(reporters_from=1), "merging.mass.reporters_from"),
        (lambda p: p["merging"]["mass"].update(urgency="U9"), "merging.mass.urgency"),
        (lambda p: p["merging"]["mass"].update(extra=1), "merging.mass.extra"),
        (lambda p: p["merging"]["mass"].pop("within_hours"), "merging.mass.within_hours"),
        (lambda p: p["merging"]["supervise"].update(reporters_from=4), "merging.supervise.reporters_from"),
        (lambda p: p["merging"]["supervise"].update(level=4), "merging.supervise.level"),
        (lambda p: p["merging"].pop("supervise"), "merging.supervise"),
        (lambda p: p["repeats"].update(linked_until_days=15), "repeats.linked_until_days"),
        (lambda p: p["repeats"].update(matter_window_days=30), "repeats.matter_window_days"),
        (lambda p: p["repeats"].update(reopen_days=-1), "repeats.reopen_days"),
        (lambda p: p["replays"].update(sources="demo"), "replays.sources"),
        (lambda p: p["leads"].update(least_published_count=4), "leads.least_published_count"),
        (lambda p: p["leads"].update(confirm_within_minutes=0), "leads.confirm_within_minutes"),
        (lambda p: p["leads"].update(subject=[]), "leads.subject"),
        (lambda p: p["leads"]["subject"][0].update(level="CITY"), "leads.subject[0].level"),
        (lambda p: p["leads"]["subject"][0].update(level="COUNTY"), "leads.subject[2].level"),
        (lambda p: p["not_accepted"][0].update(reason="BECAUSE"), "not_accepted[0].reason"),
        (lambda p: p["not_accepted"][0].update(basis=""), "not_accepted[0].basis"),
        (lambda p: p["not_accepted"][0].update(route=" "), "not_accepted[0].route"),
        (lambda p: p["not_accepted"][0].update(words=[]), "not_accepted[0].words"),
        (lambda p: p["not_accepted"][0].update(needs=["UPPER"]), "not_accepted[0]"),
        (lambda p: p["not_accepted"][0].update(examples=["路灯坏了"]), "not_accepted[0]"),
        (lambda p: p["not_accepted"][0].update(id=p["not_accepted"][1]["id"]), "not_accepted"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(change: Change, field: str) -> None:
    parsed = deepcopy(PARSED)
    change(parsed)
    with pytest.raises(InvalidRules) as refusal:
        read_incident_rules(parsed)
    assert field in [problem.field for problem in refusal.value.problems]


def test_every_fault_is_told_at_once() -> None:
    parsed = deepcopy(PARSED)
    parsed["merging"]["least_similarity"] = parsed["repeats"]["reopen_days"] = "x"
    with pytest.raises(InvalidRules) as refusal:
        read_incident_rules(parsed)
    assert len(refusal.value.problems) >= 2


def test_a_pack_may_refuse_nothing() -> None:
    parsed = deepcopy(PARSED)
    del parsed["not_accepted"]
    assert not read_incident_rules(parsed).may_refuse("不服法院判决，要求改判")


# ---- leads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("村支书把捐款花了", SubjectLevel.VILLAGE),
        ("镇干部要好处费", SubjectLevel.TOWNSHIP),
        ("村支书和镇长一起分了", SubjectLevel.TOWNSHIP),
        ("局长收了村支书的红包", SubjectLevel.COUNTY),
        ("有人收红包", SubjectLevel.TOWNSHIP),
    ],
)
def test_whom_it_is_about_is_told_by_words_the_highest_counts(text: str, level: SubjectLevel) -> None:
    assert subject_level(text, RULES) is level


@pytest.mark.parametrize(
    ("kind", "level", "area", "target"),
    [
        (LeadKind.DISCIPLINE, SubjectLevel.VILLAGE, AREA, "discipline:990101001"),
        (LeadKind.DISCIPLINE, SubjectLevel.VILLAGE, Area("990101"), "discipline:990101"),
        (LeadKind.DISCIPLINE, SubjectLevel.TOWNSHIP, AREA, "discipline:990101"),
        (LeadKind.DISCIPLINE, SubjectLevel.COUNTY, AREA, "discipline:9901"),
        (LeadKind.SECURITY, SubjectLevel.VILLAGE, AREA, "police:990101"),
        (LeadKind.THREAT, SubjectLevel.VILLAGE, AREA, "police:990101"),
    ],
)
def test_a_lead_goes_one_level_above_whom_it_is_about(
    kind: LeadKind, level: SubjectLevel, area: Area, target: str
) -> None:
    assert target_of(kind, level, area) == target


def standing(state: LeadState = LeadState.HANDED_OVER, by: str = "rec-1") -> Standing:
    return Standing(LeadKind.DISCIPLINE, state, "discipline:990101001", by, TUESDAY_MORNING)


@pytest.mark.parametrize("state", LeadState)
@pytest.mark.parametrize("to", LeadState)
def test_a_lead_takes_no_step_that_is_not_in_the_table(state: LeadState, to: LeadState) -> None:
    allowed = {
        ("SUSPECTED", "HANDED_OVER"), ("SUSPECTED", "DISMISSED"), ("HANDED_OVER", "RECEIVED"),
        ("HANDED_OVER", "RETURNED_NOT_LEAD"), ("RECEIVED", "RECEIVED"), ("RECEIVED", "RETURNED_NOT_LEAD"),
    }  # fmt: skip
    assert may_move(standing(state), to) is ((state.value, to.value) in allowed)


@pytest.mark.parametrize(
    ("role", "unit", "follows"),
    [
        ("discipline_officer", "discipline:990101001", True),
        ("discipline_officer", "discipline:990101", False),
        ("discipline_officer", "990101001", False),
        ("discipline_officer", None, False),
        ("police_officer", "discipline:990101001", False),
        ("lead_officer", "discipline:990101001", False),
        ("", "discipline:990101001", False),
    ],
)
def test_only_an_officer_of_the_very_body_follows_a_lead_up(role: str, unit: str | None, follows: bool) -> None:
    assert may_follow_up(standing(), role, unit) is follows
    assert not may_follow_up(standing(LeadState.SUSPECTED), role, unit)
    assert not may_follow_up(standing(LeadState.DISMISSED), role, unit)


def test_only_the_lead_officer_confirms_and_only_what_is_suspected() -> None:
    assert may_confirm(standing(LeadState.SUSPECTED), "lead_officer", None)
    assert not may_confirm(standing(), "lead_officer", None)
    assert not may_confirm(standing(LeadState.SUSPECTED), "discipline_officer", "discipline:990101001")


@pytest.mark.parametrize(("hours", "reads"), [(0, True), (24, True), (24.01, False), (1000, False)])
def test_the_recorder_reads_for_a_day_and_adds_for_good_in_person(hours: float, reads: bool) -> None:
    now = TUESDAY_MORNING + timedelta(hours=hours)
    assert may_read(standing(), "talk_recorder", None, "rec-1", now, RULES) is reads
    assert may_add(standing(), "talk_recorder", "rec-1")
    for person in ("rec-2", "", None):
        assert not may_read(standing(), "talk_recorder", None, person, now, RULES)
        assert not may_add(standing(), "talk_recorder", person)
    assert not may_add(standing(by=""), "talk_recorder", "")


@pytest.mark.parametrize(
    ("unit", "may"), [("990101001", True), ("990101001001", False), ("990101001001001", False), ("990101001002", True)]
)
def test_nobody_of_the_village_calls_on_whoever_said_it(unit: str, may: bool) -> None:
    assert may_visit(unit, AREA) is may
    assert may_visit(unit, Area("990101"))


@pytest.mark.parametrize(("count", "shown"), [(0, None), (4, None), (5, 5), (70, 70)])
def test_a_count_below_five_is_never_shown(count: int, shown: int | None) -> None:
    assert published(count, RULES) == shown
