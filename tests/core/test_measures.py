"""The rules of measuring: months that begin within another, working days, the draw, and everything that is refused."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.core.measures import load_measures
from services.notify.core.record import Cycle, Mark, Record
from services.notify.core.rules import RulesRefused
from services.notify.core.sampling import LOTS, Way, choose, choose_check, is_drawn, lot_of, same_house
from shared.errors import Rejected
from shared.terms import MatterSize, TicketId, TicketType, Urgency
from shared.workdays import WorkdaysRefused, load_workdays
from tests.builders import calendar
from tests.services.notify.measured import measures, practice_source, workdays
from tests.services.notify.values import MORNING, local, rules_source, ticket

RULES = measures()
SAMPLING = RULES.sampling
SMALL = Record(ticket_type=TicketType.COMPLAINT, size=MatterSize.SMALL)
calendar_month = replace(RULES, rates=replace(RULES.rates, month_from_day=1))


# Months


@pytest.mark.parametrize(
    ("instant", "period"),
    [
        ("2026-02-18T23:59:59.999999+08:00", "2026-02"),
        ("2026-02-19T00:00:00+08:00", "2026-03"),
        ("2026-03-18T23:59:59+08:00", "2026-03"),
        ("2026-12-19T00:00:00+08:00", "2027-01"),
        ("2026-12-18T16:00:00+00:00", "2027-01"),
        ("2026-01-31T12:00:00+08:00", "2026-02"),
    ],
)
def test_a_month_begins_on_the_nineteenth_of_the_one_before(instant: str, period: str) -> None:
    assert RULES.period_of(datetime.fromisoformat(instant)) == period


def test_a_month_may_be_the_calendars() -> None:
    assert calendar_month.period_of(local("31 23:59")) == "2026-03"
    assert calendar_month.span_of("2026-12") == (
        datetime.fromisoformat("2026-12-01T00:00:00+08:00"), datetime.fromisoformat("2027-01-01T00:00:00+08:00"),
    )  # fmt: skip


@given(st.datetimes(datetime(2021, 1, 1), datetime(2039, 12, 31)), st.integers(1, 28))
def test_every_instant_lies_in_the_span_of_its_period(naive: datetime, from_day: int) -> None:
    rules = replace(RULES, rates=replace(RULES.rates, month_from_day=from_day))
    instant = naive.replace(tzinfo=MORNING.tzinfo)
    since, until = rules.span_of(rules.period_of(instant))
    assert since <= instant < until


@pytest.mark.parametrize("period", ["2026-13", "2026-3", "26-03", "2026-03 ", "", "２０２６-03", "1999-01"])
def test_what_is_no_period_is_refused(period: str) -> None:
    with pytest.raises(Rejected, match="YYYY-MM"):
        RULES.span_of(period)


# Working days


@pytest.mark.parametrize(
    ("start", "days", "until"),
    [
        ("2026-03-10T09:15:00+08:00", 2, "2026-03-13T00:00:00+08:00"),
        ("2026-03-13T16:00:00+08:00", 2, "2026-03-18T00:00:00+08:00"),
        ("2026-02-13T10:00:00+08:00", 1, "2026-02-15T00:00:00+08:00"),  # the Saturday before Spring Festival is worked
        ("2026-02-14T10:00:00+08:00", 2, "2026-02-26T00:00:00+08:00"),
        ("2026-03-14T03:00:00+08:00", 1, "2026-03-17T00:00:00+08:00"),
    ],
)
def test_limits_in_working_days_end_at_midnight(start: str, days: int, until: str) -> None:
    found = workdays().deadline(datetime.fromisoformat(start), days)
    assert found == datetime.fromisoformat(until)


def test_every_day_is_worked_or_not_as_the_working_calendar_says() -> None:
    days, whole = workdays(), calendar()
    for n in range((date(2028, 12, 31) - date(2020, 1, 1)).days + 1):
        day = date(2020, 1, 1) + timedelta(days=n)
        assert days.is_worked(day) == whole.is_working_day(day), day


def test_a_calendar_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(WorkdaysRefused, match="fixed_statutory_dates"):
        load_workdays({"zone": "Asia/Shanghai", "years": {}})


# The draw


def test_a_lot_can_be_drawn_again_by_anybody_who_has_the_seed() -> None:
    number = int.from_bytes(sha256(b"seed" + str(ticket(7)).encode()).digest()[:8], "big")
    assert lot_of("seed", ticket(7)) == number * 1_000_000 // 2**64


def test_a_share_is_drawn_exactly_up_to_its_border() -> None:
    assert is_drawn(199_999, 0.2)
    assert not is_drawn(200_000, 0.2)
    assert is_drawn(LOTS - 1, 1.0)
    assert not is_drawn(0, 0.0)


def test_lots_fall_evenly() -> None:
    drawn = sum(is_drawn(lot_of("seed", TicketId(UUID(int=n))), 0.2) for n in range(20_000))
    assert 3_800 < drawn < 4_200


@pytest.mark.parametrize(
    ("record", "cycle", "why"),
    [
        (Record(size=MatterSize.BIG), 1, "ALWAYS:BIG"),
        (Record(urgency=Urgency.U1), 1, "ALWAYS:U1"),
        (Record(urgency=Urgency.U2), 1, "ALWAYS:U2"),
        (Record(supervised=True), 1, "ALWAYS:SUPERVISED"),
        (Record(hangs=(Mark(MORNING, "water"),)), 1, "ALWAYS:HUNG"),
        (SMALL, 2, "ALWAYS:REOPENED"),
        (Record(ticket_type=TicketType.REPORT), 1, "DEDICATED"),
    ],
)
def test_some_citizens_are_always_called(record: Record, cycle: int, why: str) -> None:
    assert choose(record, cycle, LOTS - 1, 1000, SAMPLING) == (Way.CALL, why)


@pytest.mark.parametrize(
    ("lot", "before", "expected"),
    [
        (199_999, 500, (Way.CALL, "LOT")),
        (200_000, 29, (Way.CALL, "LEAST")),
        (200_000, 30, (Way.NONE, "NOT_DRAWN")),
    ],
)
def test_of_small_matters_a_fifth_is_called_and_thirty_in_any_case(
    lot: int, before: int, expected: tuple[Way, str]
) -> None:
    assert choose(SMALL, 1, lot, before, SAMPLING) == expected


def test_of_questions_one_in_twenty_is_called_however_few_there_are() -> None:
    question = Record(ticket_type=TicketType.CONSULT)
    assert choose(question, 1, 49_999, 0, SAMPLING) == (Way.CALL, "LOT")
    assert choose(question, 1, 50_000, 0, SAMPLING) == (Way.NONE, "NOT_DRAWN")


def test_of_patrols_own_finds_one_in_ten_is_looked_at() -> None:
    assert Counter(choose_check(lot, SAMPLING)[0] for lot in (0, 99_999, 100_000)) == {Way.FIELD_CHECK: 2, Way.NONE: 1}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("water", "water", True),
        ("water", "waterworks", False),
        ("990101001", "990101001001001", True),
        ("990101001001001", "990101001", True),
        ("990101001", "990101002", False),
        ("water", "990101001", False),
    ],
)
def test_units_within_one_another_are_one_house(one: str, other: str, same: bool) -> None:
    assert same_house(one, other) is same


def test_a_ticket_belongs_to_every_unit_that_led() -> None:
    assert Record(cycles=(Cycle(1, "water"), Cycle(2, "roads"), Cycle(3))).units == {"water", "roads"}


# Refusals


def test_the_default_pack_measures_as_its_figures_say() -> None:
    assert (RULES.exclusion.panel, RULES.exclusion.ask_within_working_days) == (2, 2)
    assert RULES.playbook_of("150101") == "general"
    assert RULES.practice.recurring.counted_again_within_days == 90


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda t: t["calls"].pop("seed"), "measures.calls.seed"),
        (lambda t: t["calls"].update(seed=""), "measures.calls.seed"),
        (lambda t: t["calls"].update(lease_minutes=0), "measures.calls.lease_minutes"),
        (lambda t: t["calls"].update(lease="30"), "measures.calls.lease"),
        (lambda t: t["links"].update(answer_days="7"), "measures.links.answer_days"),
        (lambda t: t["links"].update(reopen_days=0), "measures.links.reopen_days"),
        (lambda t: t["recurring"].update(least=1), "measures.recurring.least"),
        (lambda t: t["alerts"].pop("SPREAD"), "measures.alerts.SPREAD"),
        (lambda t: t["alerts"].update(STORM="x"), "measures.alerts"),
        (lambda t: t["playbooks"].pop("*"), "measures.playbooks"),
        (lambda t: t["playbooks"].update({"15": "unwritten"}), "measures.plans.unwritten"),
        (lambda t: t["plans"].pop("general"), "measures.plans.general"),
        (lambda t: t["plans"]["general"].update(steps=[]), "measures.plans.general.steps"),
        (lambda t: t["plans"]["general"].pop("zh"), "measures.plans.general.zh"),
        (lambda t: t["plans"]["general"]["steps"][0].update(en=""), "measures.plans.general.steps"),
        (lambda t: t.pop("plans"), "measures.plans"),
        (lambda t: t.pop("recurring"), "measures.recurring"),
        (lambda t: t.update(luck=1), "measures.luck"),
    ],
)
def test_wrong_rules_are_refused_with_the_place_of_the_fault(spoil: Callable[[Any], object], problem: str) -> None:
    source = practice_source()
    spoil(source)
    with pytest.raises(RulesRefused) as refused:
        load_measures(rules_source(), source)
    assert any(found.startswith(problem) for found in refused.value.problems), refused.value.problems


def test_the_faults_of_both_files_are_told_together() -> None:
    notify, practice = rules_source(), practice_source()
    notify["rates"]["least_valid"] = 0
    practice["calls"]["lease_minutes"] = 0
    with pytest.raises(RulesRefused) as refused:
        load_measures(notify, practice)
    places = [problem.partition(":")[0] for problem in refused.value.problems]
    assert places == ["notify.rates.least_valid", "measures.calls.lease_minutes"]
