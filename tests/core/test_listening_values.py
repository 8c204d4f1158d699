"""Listening as values: tables of sessions, who may record and read, and how everything brought up comes to an end."""

from datetime import date, timedelta

import pytest

from services.intake.core.listening import (
    ItemState,
    Tally,
    check_closing,
    check_promise,
    check_self_fixed,
    check_step,
    may_read,
    may_record,
)
from services.intake.core.listening_csv import LONGEST_CELL, MOST_LINES, read_table
from shared.errors import Conflict, Malformed, Rejected
from shared.terms import SessionKind

HEADER = "session,kind,unit,held_at,text"
TALK = "S-1,EVENING_TALK,990101001,2026-03-09T19:30:00+08:00"
TODAY = date(2026, 3, 10)


def test_lines_of_one_session_stand_together_and_empty_ones_are_passed_over() -> None:
    body = f"{HEADER}\r\n{TALK},路灯\r\n ,,,\r\nS-2,PATROL,u,t,坑\r\nS-1,,,,垃圾\r\n"
    first, second = read_table(body.encode("utf-8-sig"))
    assert [(line.number, line.cells["text"]) for line in first.lines] == [(2, "路灯"), (5, "垃圾")]
    assert (second.session, list(first.contradictions())) == ("S-2", [])
    assert first.lines[0].of(("kind", "grid")) == {"kind": "EVENING_TALK"}


def test_what_says_otherwise_than_the_first_line_is_named() -> None:
    (block,) = read_table(f"{HEADER}\n{TALK},路灯\nS-1,PATROL,990101001,,垃圾".encode())
    assert list(block.contradictions()) == [(3, "kind")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff", "not_csv"),
        (f'{HEADER}\n"open'.encode(), "not_csv"),
        (b"", "columns_missing"),
        (b"session,kind,unit,held_at\n", "columns_missing"),
        (f"{HEADER},text\n".encode(), "columns_unknown"),
        (f"{HEADER},colour\n".encode(), "columns_unknown"),
        (f"{HEADER}\n{TALK},a,b".encode(), "bad_line"),
        (f"{HEADER}\n{TALK},{'x' * (LONGEST_CELL + 1)}".encode(), "bad_line"),
        (f"{HEADER}\n{f'{TALK},a' + chr(10)}".encode() + f"{TALK},a\n".encode() * MOST_LINES, "too_many_lines"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_table(body)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("role", "unit", "host", "records", "reads"),
    [
        ("talk_recorder", None, "990101001", True, True),
        ("township", "990101001", "990101001001", True, True),
        ("township", "990101001", "990101002", False, False),
        ("liaison", "housing", "housing-2", False, False),
        ("grid_worker", None, "990101001", False, False),
        ("supervisor", None, "990101001", False, True),
        ("handler", "990101001", "990101001", False, False),
    ],
)
def test_who_records_and_who_reads(role: str, unit: str | None, host: str, records: bool, reads: bool) -> None:
    assert (may_record(role, unit, host), may_read(role, unit, host)) == (records, reads)


def test_an_item_takes_the_steps_there_are_and_no_other() -> None:
    check_step(ItemState.OPEN, ItemState.ANSWERED)
    with pytest.raises(Conflict):
        check_step(ItemState.ANSWERED, ItemState.TICKET)


@pytest.mark.parametrize("days", [-1, 181])
def test_a_day_that_cannot_be_promised_is_refused(days: int) -> None:
    check_promise(TODAY + timedelta(days=180), TODAY)
    with pytest.raises(Rejected):
        check_promise(TODAY + timedelta(days=days), TODAY)


def test_only_a_patrol_fixes_what_it_finds() -> None:
    check_self_fixed(SessionKind.PATROL)
    with pytest.raises(Rejected):
        check_self_fixed(SessionKind.EVENING_TALK)


def test_a_session_closes_when_everything_has_an_end() -> None:
    check_closing(Tally({ItemState.ANSWERED: 2, ItemState.TICKET: 1}))
    with pytest.raises(Conflict, match="1 of 3"):
        check_closing(Tally({ItemState.ANSWERED: 2, ItemState.OPEN: 1}))
