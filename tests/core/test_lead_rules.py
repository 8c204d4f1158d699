"""Sensitive leads as values: who gets one, by when, who hears of one that lies, and who reads it for how long."""

from datetime import datetime, timedelta

import pytest

from services.intake.app import read_calendar, read_incidents
from services.intake.core.leads import (
    Area,
    LeadState,
    Standing,
    SubjectLevel,
    body_above,
    may_add,
    may_confirm,
    may_follow_up,
    may_move,
    may_read,
    take_over_by,
    target_of,
)
from shared.terms import LeadKind, Urgency
from tests.builders import PACK, TUESDAY_MORNING

HERE = Area("990101", "990101001", "990101001001")


@pytest.mark.parametrize(
    ("kind", "level", "area", "target"),
    [
        (LeadKind.DISCIPLINE, SubjectLevel.VILLAGE, HERE, "discipline:990101001"),
        (LeadKind.DISCIPLINE, SubjectLevel.VILLAGE, Area("990101"), "discipline:990101"),
        (LeadKind.DISCIPLINE, SubjectLevel.TOWNSHIP, HERE, "discipline:990101"),
        (LeadKind.DISCIPLINE, SubjectLevel.COUNTY, HERE, "discipline:9901"),
        (LeadKind.SECURITY, SubjectLevel.VILLAGE, HERE, "police:990101"),
        (LeadKind.THREAT, SubjectLevel.COUNTY, HERE, "police:990101"),
    ],
)
def test_a_lead_goes_one_level_above_whom_it_is_about(
    kind: LeadKind, level: SubjectLevel, area: Area, target: str
) -> None:
    assert target_of(kind, level, area) == target


def test_a_lead_left_lying_goes_up_once_more() -> None:
    assert [body_above(target) for target in ("discipline:990101001", "police:990101")] == [
        "discipline:990101", "police:9901",
    ]  # fmt: skip


FRIDAY_NIGHT = datetime.fromisoformat("2026-03-13T20:00:00+08:00")
RULES, DAYS = read_incidents(PACK).leads, read_calendar(PACK)


@pytest.mark.parametrize(
    ("kind", "urgency", "by"),
    [
        (LeadKind.DISCIPLINE, Urgency.U3, "2026-03-17T00:00:00+08:00"),  # Monday 24:00
        (LeadKind.SECURITY, Urgency.U2, "2026-03-13T22:00:00+08:00"),
        (LeadKind.SECURITY, Urgency.U1, "2026-03-13T20:10:00+08:00"),
        (LeadKind.THREAT, Urgency.U3, "2026-03-13T20:10:00+08:00"),
    ],
)
def test_a_lead_is_taken_in_hand_within_its_limit(kind: LeadKind, urgency: Urgency, by: str) -> None:
    assert take_over_by(kind, urgency, FRIDAY_NIGHT, RULES, DAYS) == datetime.fromisoformat(by)


def standing(state: LeadState = LeadState.HANDED_OVER) -> Standing:
    return Standing(LeadKind.DISCIPLINE, state, "discipline:990101", "rec-1", TUESDAY_MORNING)


def test_a_lead_moves_only_where_there_is_a_step() -> None:
    assert may_move(standing(), LeadState.RECEIVED)
    assert not may_move(standing(LeadState.DISMISSED), LeadState.RECEIVED)


@pytest.mark.parametrize(
    ("state", "role", "unit", "person", "after", "reads"),
    [
        (LeadState.HANDED_OVER, "discipline_officer", "discipline:990101", "d-1", 999, True),
        (LeadState.HANDED_OVER, "discipline_officer", "discipline:990101001", "d-2", 0, False),
        (LeadState.SUSPECTED, "discipline_officer", "discipline:990101", "d-1", 0, False),
        (LeadState.SUSPECTED, "lead_officer", "990101", "l-1", 0, True),
        (LeadState.HANDED_OVER, "lead_officer", "990101", "l-1", 0, False),
        (LeadState.HANDED_OVER, "talk_recorder", None, "rec-1", 24, True),
        (LeadState.HANDED_OVER, "talk_recorder", None, "rec-1", 25, False),
        (LeadState.HANDED_OVER, "talk_recorder", None, "rec-2", 0, False),
        (LeadState.HANDED_OVER, "talk_recorder", None, None, 0, False),
    ],
)
def test_who_reads_a_lead_and_how_long(
    state: LeadState, role: str, unit: str | None, person: str | None, after: int, reads: bool
) -> None:
    lead, now = standing(state), TUESDAY_MORNING + timedelta(hours=after)
    assert may_read(lead, role, unit, person, now, RULES) is reads


def test_writing_on_is_for_good_and_deciding_is_for_those_it_was_given_to() -> None:
    assert may_add(standing(), "talk_recorder", "rec-1")
    assert may_follow_up(standing(), "discipline_officer", "discipline:990101")
    assert not may_confirm(standing(), "lead_officer", None)
