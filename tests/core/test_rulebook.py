"""What the default pack says, read through the rulebook: every table against figures written here by hand."""

from datetime import time, timedelta

import pytest

from services.dispatch.core.deadlines import parse_limit
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.rule_sections import Timer
from services.dispatch.core.rulebook import load_rulebook
from shared.terms import AssignmentKind, MatterSize, TicketType, Urgency, WhistleKind
from tests.builders import calendar, categories, pack, rulebook

BOOK = rulebook()
NONE = "–"


@pytest.mark.parametrize(
    ("timer", "critical", "urgent", "small", "big"),
    [
        (Timer.ACCEPT, "10 min", "30 min", "2 NH", "2 NH"),
        (Timer.DISPATCH, "2 min", "5 min", "5 min", "5 min"),
        (Timer.DISPATCH_BY_HAND, "5 min", "10 min", "30 min", "30 min"),
        (Timer.SIGN, "15 min", "30 min", "1 WH", "4 WH"),
        (Timer.FIRST_CONTACT, "30 min", "2 NH", "2 WH", "1 WD"),
        (Timer.ARRIVAL, "30 min", "2 NH", NONE, NONE),
        (Timer.FIRST_FEEDBACK, "2 NH", "2 NH", NONE, NONE),
        (Timer.FIRST_DISPOSAL, "2 NH", NONE, NONE, NONE),
        (Timer.RETURN_WINDOW, "1 NH", "1 NH", "1 WH", "1 WD"),
        (Timer.RETURN_DECISION, "15 min", "30 min", "1 WH", "1 WD"),
        (Timer.EXTENSION_DECISION, NONE, "1 NH", NONE, "4 WH"),
        (Timer.AUDIT, "30 min", "1 NH", "4 WH", "1 WD"),
        (Timer.SUPPLEMENT, NONE, NONE, "1 ND", "3 ND"),
    ],
)
def test_each_timer_has_its_limits(timer: Timer, critical: str, urgent: str, small: str, big: str) -> None:
    found = (
        BOOK.timer(timer, MatterSize.BIG, Urgency.U1),
        BOOK.timer(timer, MatterSize.SMALL, Urgency.U2),
        BOOK.timer(timer, MatterSize.SMALL, Urgency.U3),
        BOOK.timer(timer, MatterSize.BIG, Urgency.U3),
    )
    assert found == tuple(None if text == NONE else parse_limit(text) for text in (critical, urgent, small, big))


def test_a_matter_without_a_size_has_the_timers_of_a_big_one() -> None:
    assert BOOK.timer(Timer.SIGN, MatterSize.UNSIZED, Urgency.U3) == parse_limit("4 WH")


@pytest.mark.parametrize(
    ("row", "urgency", "limit"),
    [
        ("BIG", Urgency.U1, "24 NH"),
        ("BIG", Urgency.U2, "24 NH"),
        ("COMPLEX", Urgency.U1, "24 NH"),
        ("COMPLEX", Urgency.U2, "24 NH"),
        ("REPORT", Urgency.U1, "2 NH"),
        ("REPORT", Urgency.U2, "24 NH"),
    ],
)
def test_long_rows_have_stage_limits(row: str, urgency: Urgency, limit: str) -> None:
    assert BOOK.stage_limits[row, urgency] == parse_limit(limit)


def test_a_complex_matter_keeps_its_working_days_when_it_is_urgent() -> None:
    urgent = BOOK.resolve_limits(TicketType.COMPLAINT, MatterSize.BIG, Urgency.U2, is_complex=True)
    assert urgent == (parse_limit("15 WD"),)


def test_a_report_stays_a_report_however_complex() -> None:
    limits = BOOK.resolve_limits(TicketType.REPORT, MatterSize.BIG, Urgency.U3, is_complex=True)
    assert limits == (parse_limit("15 WD"),)


def test_support_parts_are_due_before_the_whole() -> None:
    assert BOOK.support_limits == {
        "BIG": parse_limit("3 WD"), "COMPLEX": parse_limit("10 WD"), "REPORT": parse_limit("10 WD"),
    }  # fmt: skip


@pytest.mark.parametrize(("category", "code"), [("140101", "WH4"), ("180101", "WD20"), ("150103", "WH2")])
def test_a_case_has_the_class_of_its_category(category: str, code: str) -> None:
    found = BOOK.case_class_of(category)
    assert found is not None
    assert found.code == code


def test_a_category_of_no_class_has_none() -> None:
    assert BOOK.case_class_of("010101") is None


def test_the_longest_code_that_fits_gives_the_class() -> None:
    source = pack()
    source["case_class"][0]["categories"] = ["18"]
    book = load_rulebook(source, categories(), calendar())
    by_root, by_leaf = book.case_class_of("180201"), book.case_class_of("180101")
    assert by_root is not None
    assert by_leaf is not None
    assert (by_root.code, by_leaf.code) == ("WH2", "WD20")


def test_whistles_call_within_their_time() -> None:
    limits = {kind: str(whistle.report_in) for kind, whistle in BOOK.whistles.items()}
    assert limits == {
        WhistleKind.EMERGENCY: "30 min", WhistleKind.ENFORCEMENT: "4 WH", WhistleKind.KEY_ISSUE: "2 WD",
    }  # fmt: skip
    assert [kind for kind, whistle in BOOK.whistles.items() if whistle.meeting] == [WhistleKind.KEY_ISSUE]


@pytest.mark.parametrize(
    ("kind", "permitted"),
    [
        (DutyKind.BASIC, {"LEAD", "SUPPORT", "COORDINATE", "FIRST_DISPOSAL"}),
        (DutyKind.COOPERATE, {"SUPPORT", "COORDINATE", "FIRST_DISPOSAL"}),
        (DutyKind.TAKEN_BACK, {"FIRST_DISPOSAL"}),
        (None, {"COORDINATE", "FIRST_DISPOSAL"}),
    ],
)
def test_each_kind_of_duty_permits_what_it_must(kind: DutyKind | None, permitted: set[str]) -> None:
    assert BOOK.duties.permit(kind).permits == {AssignmentKind(name) for name in permitted}
    assert BOOK.duties.permit(kind).first_disposal_for == {Urgency.U1, Urgency.U2}


def test_the_ladder_has_the_figures_of_the_file() -> None:
    source = pack()
    source["ladder"] |= {"morning": time(9), "level_2_percent": 30, "level_2_least_minutes": 45}
    book = load_rulebook(source, categories(), calendar())
    assert (book.ladder.morning, book.ladder.level_2_percent) == (time(9), 30)
    assert book.ladder.level_2_least == timedelta(minutes=45)


def test_a_missed_arrival_at_a_critical_matter_is_level_2_at_once() -> None:
    assert (BOOK.critical_arrival.level_2_percent, BOOK.critical_arrival.level_2_least) == (0, timedelta())
    assert BOOK.critical_arrival.level_3_percent == 100
    assert BOOK.supervision.critical_arrival_level_3 == parse_limit("60 min")


def test_what_follows_has_its_figures() -> None:
    assert (BOOK.repeats.reopen_days, BOOK.repeats.supervise_from, BOOK.repeats.complex_from) == (15, 3, 5)
    assert (BOOK.returns.auto_grant, BOOK.returns.max_redispatches, BOOK.returns.returns_per_unit) == (True, 2, 1)
    assert BOOK.audit.automatic_for == {MatterSize.SMALL, MatterSize.BIG, MatterSize.UNSIZED}
    assert (str(BOOK.audit.rework_least), str(BOOK.hang.resume_least)) == ("4 WH", "3 WD")
    assert (BOOK.joint.max_forwards, BOOK.joint.least_supports_of_big) == (2, 1)
    assert (BOOK.extension.times, BOOK.extension.limit_times, str(BOOK.extension.at_most)) == (1, 2, "10 WD")
    assert (BOOK.hang.review_days, BOOK.hang.citizen_told_every_days, BOOK.hang.renewals) == (90, 30, 2)
    assert (BOOK.supervision.hastens_to_level_1, BOOK.supervision.hastens_counted_per_day) == (3, 1)


def test_an_urgency_limit_longer_than_the_base_is_allowed_and_noted() -> None:
    source = pack()
    source["limits"]["CONSULT"] = {"base": "2 NH", "U2": "24 NH"}
    book = load_rulebook(source, categories(), calendar())
    assert book.notes == ("limits.CONSULT.U2: 24 NH is longer than the base 2 NH and lengthens nothing",)


def test_small_categories_come_from_the_tree() -> None:
    assert {"150101", "140101", "260105"} <= BOOK.small_categories
    assert "150105" not in BOOK.small_categories
