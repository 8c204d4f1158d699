"""The checker's own hash, ids and calendar, against values from elsewhere and by hand."""

import ast
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.chaos.checker.calendar import OutsideTheTable, due, first_level_due, handling_due, is_worked
from tests.chaos.checker.stories import derived_id, murmur2

CHECKER = Path(__file__).parent / "checker"


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("key", "hashed"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_the_hash_of_a_key_is_kafkas(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed & 0x7FFFFFFF


def test_a_derived_id_is_of_version_five() -> None:
    assert derived_id(b"x")[14] == "5" and derived_id(b"x")[19] in "89ab"


@pytest.mark.parametrize(
    ("day", "worked"),
    [("2026-02-14", True), ("2026-02-15", False), ("2026-02-24", True), ("2026-05-09", True), ("2026-10-07", False)],
)
def test_make_up_days_are_worked_and_holidays_are_not(day: str, worked: bool) -> None:
    assert is_worked(date.fromisoformat(day)) is worked


def test_a_year_without_a_table_is_said_so() -> None:
    with pytest.raises(OutsideTheTable):
        is_worked(date(2031, 1, 1))


@pytest.mark.parametrize(
    ("limit", "start", "end"),
    [
        ("same day", "2026-03-10T17:00", "2026-03-11T00:00"),
        ("same day", "2026-03-10T17:00:01", "2026-03-12T00:00"),
        ("5 WD", "2026-02-13T10:00", "2026-02-28T00:00"),  # over the Spring Festival, with a Saturday worked
        ("1 WH", "2026-03-10T11:30", "2026-03-10T14:00"),  # over the noon break
        ("4 WH", "2026-03-13T16:30", "2026-03-16T11:30"),  # over a weekend
        ("24 NH", "2026-02-15T10:00", "2026-02-16T10:00"),
        ("15 min", "2026-03-10T23:50", "2026-03-11T00:05"),
    ],
)
def test_limits_end_where_a_person_with_a_calendar_says(limit: str, start: str, end: str) -> None:
    assert due(limit, shanghai(start)) == shanghai(end)


def test_urgency_shortens_a_deadline_and_never_lengthens_it() -> None:
    accepted = shanghai("2026-03-10T09:00")
    assert handling_due("COMPLAINT", "SMALL", "U2", accepted) == shanghai("2026-03-11T00:00")
    assert handling_due("COMPLAINT", "BIG", "U2", accepted) == shanghai("2026-03-11T09:00")


@pytest.mark.parametrize(
    ("size", "accepted", "due_at", "level_1"),
    [
        ("SMALL", "2026-03-09T12:57", "2026-03-10T00:00", "2026-03-10T08:30"),  # the same day bound, urgent or not
        ("SMALL", "2026-03-09T18:00", "2026-03-10T18:00", "2026-03-10T18:00"),  # 24 hours bound
        ("BIG", "2026-03-09T10:00", "2026-03-17T00:00", "2026-03-17T00:00"),
    ],
)
def test_what_the_same_day_bound_is_escalated_in_the_morning(
    size: str, accepted: str, due_at: str, level_1: str
) -> None:
    assert first_level_due(size, shanghai(due_at), shanghai(accepted)) == shanghai(level_1)


@pytest.mark.parametrize("path", sorted(CHECKER.glob("*.py")), ids=lambda path: path.name)
def test_the_checker_shares_nothing_with_what_it_checks(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [n for n in names if n.split(".")[0] in ("services", "shared", "griddispatch")], path.name
