"""Duty lists, validity and rosters as values: what holds on which day, and which line is closest."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.core.duties import Deployment, Duties, DutyEntry, DutyKind, IssuingBody, LeadBasis, LeadEntry
from services.dispatch.core.roster import RosterEntry, Rosters, Rule, Worker, WorkerRole, Workers, read_rule
from services.dispatch.core.sheets import ALWAYS, Fault, Severity, Validity, decode, read_day, read_sheet

DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(12)]
days = st.sampled_from(DAYS)
categories = st.sampled_from(("15", "1501", "1502", "150101", "150102", "16"))
townships = st.sampled_from(("*", "990101001", "990101100"))


@st.composite
def validities(draw: st.DrawFn) -> Validity:
    first, last = draw(st.none() | days), draw(st.none() | days)
    return Validity(last, first) if first and last and last < first else Validity(first, last)


@st.composite
def entries(draw: st.DrawFn) -> DutyEntry:
    kind = draw(st.sampled_from(DutyKind))
    return DutyEntry(
        draw(townships), draw(categories), kind, "roads", True, draw(st.booleans()), "v", draw(validities())
    )


@given(validities(), validities())
def test_two_validities_meet_when_some_day_is_in_both(one: Validity, other: Validity) -> None:
    edges = [DAYS[0] - timedelta(days=1), *DAYS, DAYS[-1] + timedelta(days=1)]
    assert one.meets(other) == any(one.holds(day) and other.holds(day) for day in edges)
    assert one.meets(other) == other.meets(one)


@given(st.lists(entries(), max_size=8), st.sampled_from(("150101", "150102", "150201", "160101")), days)
def test_no_line_that_holds_is_closer_than_the_one_found(lines: list[DutyEntry], category: str, on: date) -> None:
    place = "990101001"
    fitting = [
        line for line in lines
        if category.startswith(line.category) and line.township in ("*", place) and line.validity.holds(on)
    ]  # fmt: skip
    found = Duties.of(lines).entry(category, place, on)
    if not fitting:
        assert found is None
    else:
        assert found in fitting
        closest = max((len(line.category), line.township != "*") for line in fitting)
        assert (len(found.category), found.township != "*") == closest


@given(st.lists(entries(), max_size=8), days)
def test_a_grid_never_has_a_duty_that_needs_enforcement(lines: list[DutyEntry], on: date) -> None:
    found = Duties.of(lines).entry("150101", "990101001001001", on)
    assert found is None or not found.needs_enforcement


def test_among_leads_of_one_code_law_goes_before_habit_and_the_township_before_the_county() -> None:
    lines = [
        LeadEntry("*", "15", "a", LeadBasis.STATUTORY), LeadEntry("990101001", "1501", "b", LeadBasis.PRINCIPAL),
        LeadEntry("*", "1501", "c", LeadBasis.STATUTORY), LeadEntry("990101001", "1501", "d", LeadBasis.STATUTORY),
    ]  # fmt: skip
    found = Duties.of(leads=lines).lead_entries("150101", "990101001", DAYS[0])
    assert [line.unit for line in found] == ["d", "c", "b", "a"]


def test_the_closest_deployment_is_the_one_that_counts() -> None:
    body = IssuingBody.COUNTY_COMMITTEE_AND_GOVERNMENT
    broad = Deployment("D-1", body, "1", ("15",), ("*",), 1, 0, ALWAYS)
    close = Deployment("D-2", body, "2", ("1501", "16"), ("990101001",), 0, 1, Validity(DAYS[3], DAYS[5]))
    duties = Duties.of(deployments=[broad, close])
    asked = [duties.deployment("150101", "990101001", day) for day in (DAYS[2], DAYS[3], DAYS[5], DAYS[6])]
    assert asked == [broad, close, close, broad]
    assert duties.deployment("150101", "990101100", DAYS[3]) == broad
    assert duties.deployment("160101", "990101100", DAYS[3]) is None


def test_nothing_is_listed_where_nothing_was_read() -> None:
    empty = Duties()
    assert empty.entry("150101", "990101001", DAYS[0]) is None
    assert empty.deployment("150101", "990101001", DAYS[0]) is None
    assert Rosters().serves("market", DAYS[0]) is False
    assert Workers().accountable("990101001001001", DAYS[0]) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("REST_DAYS", Rule()),
        ("MON", Rule(weekday=0)),
        ("SUN", Rule(weekday=6)),
        ("2026-10-01", Rule(date(2026, 10, 1), date(2026, 10, 1))),
        ("2026-10-01..2026-10-07", Rule(date(2026, 10, 1), date(2026, 10, 7))),
        ("", None),
        ("rest_days", None),
        ("2026-10-07..2026-10-01", None),
        ("2026-10-01..", None),
        ("..2026-10-01", None),
        ("2026-10-01...2026-10-07", None),
        ("2026-W40-4", None),
    ],
)
def test_the_days_of_a_roster_are_read(text: str, rule: Rule | None) -> None:
    assert read_rule(text) == rule


def test_a_roster_serves_on_its_days_while_it_is_valid() -> None:
    rosters = Rosters.of([RosterEntry("market", Rule(weekday=5), Validity(date(2026, 1, 4), date(2026, 1, 17)))])
    saturdays = [date(2026, 1, day) for day in (3, 10, 17, 24)]
    assert [rosters.serves("market", day) for day in saturdays] == [False, True, True, False]
    assert not rosters.serves("market", date(2026, 1, 11))
    calendar = rosters.duty_roster("market", date(2026, 1, 1), date(2026, 1, 31))
    assert calendar.dates == {date(2026, 1, 10), date(2026, 1, 17)}


def test_a_leader_is_told_but_never_accountable() -> None:
    workers = Workers.of([Worker("L1", WorkerRole.LEADER, "g"), Worker("C1", WorkerRole.PAIRED_CADRE, "g")])
    assert [worker.id for worker in workers.of_grid("g", DAYS[0])] == ["L1", "C1"]
    assert workers.accountable("g", DAYS[0]) is None


def test_the_leaders_of_buildings_and_courtyards_are_told_last_and_there_may_be_many() -> None:
    micro = [Worker(f"M{n}", WorkerRole.MICRO_GRID_LEADER, "g") for n in (2, 1)]
    workers = Workers.of([*micro, Worker("W1", WorkerRole.WORKER, "g")])
    assert [worker.id for worker in workers.of_grid("g", DAYS[0])] == ["W1", "M1", "M2"]
    accountable = workers.accountable("g", DAYS[0])
    assert accountable is not None and accountable.id == "W1"
    assert Workers.of(micro).accountable("g", DAYS[0]) is None, "a building's leader is never accountable for the grid"


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-2-1", "20260201", "2026-02-01T00:00", "２０２６-02-01", "", " 2026-02-01"]
)
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text) is None


@pytest.mark.parametrize(
    ("raw", "text", "codes"),
    [
        ("镇".encode(), "镇", []),
        ("\ufeff镇".encode(), "镇", []),
        ("镇".encode("gb18030"), "镇", [(1, Severity.GAP)]),
        ("a\n镇".encode("gb18030"), "a\n镇", [(2, Severity.GAP)]),
        ("镇".encode("utf-16"), None, [(0, Severity.ERROR)]),
        (b"a\x00b", None, [(0, Severity.ERROR)]),
        (b"ok\nok\n\xff\xff", None, [(3, Severity.ERROR)]),
    ],
)
def test_a_file_is_utf_8_or_else_gb_18030_which_is_said(
    raw: bytes, text: str | None, codes: list[tuple[int, Severity]]
) -> None:
    faults: list[Fault] = []
    assert decode("x.csv", raw, faults) == text
    assert [(fault.line, fault.severity) for fault in faults] == codes


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_sheets(raw: bytes) -> None:
    faults: list[Fault] = []
    text = decode("x.csv", b"unit,days\n" + raw, faults)
    if text is not None:
        for row in read_sheet("x.csv", text, ("unit", "days"), faults):
            assert set(row.cells) == {"unit", "days"}
            assert row.line >= 2


def test_a_header_that_is_wrong_is_said_with_what_is_wrong() -> None:
    faults: list[Fault] = []
    assert read_sheet("x.csv", "unit,unit,when\nmarket,a,b\n", ("unit", "days"), faults) == []
    assert [str(fault) for fault in faults] == [
        "x.csv:1: bad_header: the header lacks 'days', has the unknown 'when', has twice 'unit'"
    ]
