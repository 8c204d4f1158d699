"""Time that stands still or is added: information awaited, extensions, matters that wait with a plan."""

from dataclasses import replace

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.story import Clock, ClockKey
from services.dispatch.core.triggers import (
    ApproveHang,
    AskExtension,
    AskInfo,
    GrantExtension,
    PassAudit,
    ProposeHang,
    RefuseExtension,
    Resolve,
    Rework,
    SupplyInfo,
    Unhang,
)
from shared.events import TicketAudited, TicketEscalated
from shared.joint_events import (
    TicketExtended,
    TicketExtensionRefused,
    TicketExtensionRequested,
    TicketHangTold,
    TicketHung,
    TicketInfoRequested,
    TicketInfoSupplied,
    TicketReworked,
    TicketUnhung,
)
from shared.terms import Light, MatterSize, Urgency
from tests.core.course import BIG, BOOK, Course, actor, local, supported, urgent


def big(at: str = "2026-03-09T10:00") -> Course:
    return Course(at, category=BIG)


# ---- information ------------------------------------------------------------------------------------------


def test_the_clock_stands_still_while_the_citizen_is_asked_once() -> None:
    course = big()
    course.give(AskInfo("哪一栋楼?"), "2026-03-09T14:00")
    assert course.last(TicketInfoRequested).answer_by == local("2026-03-13T00:00")
    assert (course.case.state, ClockKey(Clock.RESOLVE) in course.timers) == (TicketState.NEED_INFO, False)
    course.give(SupplyInfo(), "2026-03-10T14:00")
    assert course.last(TicketInfoSupplied) == TicketInfoSupplied(
        cycle=1, answered=True, due_at=local("2026-03-18T00:00")
    )
    assert course.case.due_at == course.case.lead.due_at == local("2026-03-18T00:00")
    assert course.refuse(AskInfo("几单元?")) == "ASKED_BEFORE"


def test_an_answer_that_never_comes_ends_the_wait() -> None:
    course = Course("2026-03-10T09:15")
    course.give(AskInfo("哪一盏?"))
    course.wait("2026-03-12T00:00:00.000001")
    assert course.case.state is TicketState.DISPATCHED
    assert not course.last(TicketInfoSupplied).answered
    assert ClockKey(Clock.RESOLVE) in course.timers


def test_what_is_urgent_late_or_not_in_hand_does_not_wait_for_information() -> None:
    assert urgent().refuse(AskInfo("几楼?")) == "TOO_URGENT"
    assert big().refuse(AskInfo("几楼?"), "2026-03-17T00:00:01") == "AFTER_EXPIRY"
    assert big().refuse(SupplyInfo()) == "NOTHING_ASKED"
    course = big()
    course.give(AskInfo("几楼?"))
    assert course.refuse(AskInfo("几楼?")) == "NOT_DISPATCHED"


# ---- extension --------------------------------------------------------------------------------------------


def test_an_extension_is_asked_for_once_before_the_deadline_and_granted_by_the_command_centre() -> None:
    course = big()
    course.give(AskExtension("3 WD", "材料到货晚"), "2026-03-12T09:00")
    event = course.last(TicketExtensionRequested)
    assert (event.until, event.decide_by) == (local("2026-03-20T00:00"), local("2026-03-12T14:30"))
    assert course.refuse(GrantExtension(), by=actor(Role.REVIEWER)) == "ROLE_MAY_NOT"
    course.give(GrantExtension(), by=actor(Role.COMMAND_CENTRE))
    assert course.last(TicketExtended).due_at == course.case.due_at == local("2026-03-20T00:00")
    assert course.refuse(AskExtension("1 WD", "再延")) == "EXTENDED_BEFORE"
    assert course.refuse(GrantExtension()) == "NOTHING_ASKED"


@pytest.mark.parametrize(
    ("limit", "code"), [("10 WD", None), ("11 WD", "EXTENSION_TOO_LONG"), ("a while", "UNKNOWN_LIMIT")]
)
def test_an_extension_is_at_most_ten_working_days(limit: str, code: str | None) -> None:
    course = big()
    if code is None:
        course.give(AskExtension(limit, "原因"))
        assert course.last(TicketExtensionRequested).until == local("2026-03-31T00:00")
    else:
        assert course.refuse(AskExtension(limit, "原因")) == code


def test_an_undecided_extension_is_refused() -> None:
    course = big()
    course.give(AskExtension("3 WD", "材料到货晚"), "2026-03-12T09:00")
    course.wait("2026-03-12T14:30:01")
    assert course.last(TicketExtensionRefused).expired
    assert course.case.due_at == local("2026-03-17T00:00")


def test_a_refused_extension_leaves_the_deadline() -> None:
    course = big()
    course.give(AskExtension("3 WD", "材料到货晚"))
    (event,) = course.give(RefuseExtension("可按期办结"))
    assert isinstance(event, TicketExtensionRefused)
    assert not event.expired


def test_no_extension_after_expiry_nor_for_small_or_critical_matters() -> None:
    assert big().refuse(AskExtension("3 WD", "晚"), "2026-03-17T09:00") == "AFTER_EXPIRY"
    assert Course().refuse(AskExtension("3 WD", "晚")) == "CONVERT_INSTEAD"
    assert urgent().refuse(AskExtension("12 NH", "晚")) == "TOO_URGENT"


def test_an_urgent_matter_is_put_off_by_hours() -> None:
    course = supported("2026-10-02T03:10", urgency=Urgency.U2)
    course.give(AskExtension("12 NH", "配件在途"))
    course.give(GrantExtension())
    assert course.case.due_at == local("2026-10-03T15:10")


# ---- hanging ----------------------------------------------------------------------------------------------

FIRST, SECOND = (actor(Role.COMMAND_CENTRE, None, name) for name in ("leader-1", "leader-2"))


def proposal(days: int = 90, ground: str = "FUNDS", owner: str = "housing") -> ProposeHang:
    return ProposeHang(ground, owner, "明年列入预算", "会议纪要2026-3", days)


def hung(days: int = 90) -> Course:
    course = supported()
    course.give(proposal(days), "2026-03-11T10:00", FIRST)
    course.give(ApproveHang(), by=SECOND)
    return course


def test_a_waiting_matter_has_an_owner_a_review_and_no_other_clock() -> None:
    course = hung()
    assert course.last(TicketHung) == TicketHung(
        cycle=1, ground="FUNDS", owner="housing", review_at=local("2026-06-10T00:00")
    )
    assert {key.clock for key in course.timers} == {Clock.HANG}
    assert course.case.state is TicketState.HUNG


def test_the_citizen_hears_every_thirty_days_and_at_the_review_it_is_handled_again() -> None:
    course = hung()
    course.wait("2026-06-10T00:00:01")
    assert len(course.all(TicketHangTold)) == 3
    unhung = course.last(TicketUnhung)
    assert unhung.automatic
    assert course.case.state is TicketState.DISPATCHED
    assert {Clock.RESOLVE, Clock.PART} <= {key.clock for key in course.timers}


def test_what_is_handled_again_has_three_working_days_left_at_least() -> None:
    course = big()
    course.give(proposal(), "2026-03-16T23:00", FIRST)
    course.give(ApproveHang(), by=SECOND)
    course.give(Unhang(), "2026-03-17T08:00")
    assert course.case.due_at == local("2026-03-21T00:00")


def test_a_level_that_was_stated_is_not_stated_again_after_waiting() -> None:
    course = big()
    course.wait("2026-03-17T00:00:01")
    course.give(proposal(), by=FIRST)
    course.give(ApproveHang(), by=SECOND)
    course.give(Unhang(), "2026-03-18T09:00")
    course.wait("2026-04-10T00:00")
    levels = [e.level for e in course.all(TicketEscalated) if e.clock == "RESOLVE"]
    assert levels == [1, 2, 3]
    assert course.case.light is Light.RED


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (proposal(91), "REVIEW_TOO_LATE"),
        (proposal(ground="WEATHER"), "NO_SUCH_GROUND"),
        (proposal(owner="nobody"), "NO_SUCH_UNIT"),
    ],
)
def test_a_proposal_needs_a_ground_an_owner_and_an_early_review(command: ProposeHang, code: str) -> None:
    assert big().refuse(command, by=FIRST) == code


def test_a_matter_waits_at_most_three_times() -> None:
    course = big()
    for _ in range(3):
        course.give(proposal(10), by=FIRST)
        course.give(ApproveHang(), by=SECOND)
        course.give(Unhang())
    assert course.refuse(proposal(10), by=FIRST) == "NO_MORE_RENEWALS"
    assert course.refuse(Unhang()) == "NOT_HUNG"
    assert course.refuse(ApproveHang(), by=SECOND) == "NOTHING_PROPOSED"


# ---- audit ------------------------------------------------------------------------------------------------

AUDITED = replace(BOOK, audit=replace(BOOK.audit, automatic_for=frozenset({MatterSize.SMALL})))


def resolved() -> Course:
    course = Course("2026-03-09T10:00", category=BIG, book=AUDITED)
    course.work()
    course.wait("2026-03-16T10:00")
    course.resolve()
    return course


def test_a_big_result_waits_for_an_auditor_under_a_clock_of_the_centre() -> None:
    course = resolved()
    assert (course.case.state, {key.clock for key in course.timers}) == (TicketState.RESOLVED, {Clock.AUDIT})
    assert course.clock(Clock.AUDIT).due_at == local("2026-03-18T00:00")
    course.wait("2026-03-18T00:00:01")
    assert [(e.clock, e.to) for e in course.all(TicketEscalated) if e.clock == "AUDIT"] == [
        ("AUDIT", "role:command-centre")
    ]
    course.give(PassAudit())
    assert not course.last(TicketAudited).automatic
    assert course.case.state is TicketState.FOLLOWING_UP


def test_a_result_sent_back_has_the_time_it_lay_there_and_four_hours_at_least() -> None:
    course = resolved()
    course.give(Rework("无照片"), "2026-03-17T10:00")
    assert course.last(TicketReworked).due_at == course.case.due_at == local("2026-03-18T00:00")
    assert course.case.lead.state is AssignmentState.REWORK
    course.resolve()
    assert course.refuse(Rework("x"), by=actor(Role.LIAISON)) == "ROLE_MAY_NOT"
    course.give(PassAudit())
    assert course.refuse(PassAudit()) == "NOT_RESOLVED"


def test_having_the_citizen_come_in_person_needs_a_legal_basis() -> None:
    course = Course()
    course.work()
    assert course.refuse(Resolve(course.case.lead.id, "CITIZEN_CALLED_IN", "请到窗口办理")) == "BASIS_NEEDED"
    course.give(Resolve(course.case.lead.id, "CITIZEN_CALLED_IN", "请到窗口办理", legal_basis="户口登记条例第六条"))


def test_the_follow_up_of_a_result_before_the_long_rest_starts_on_the_make_up_day() -> None:
    course = Course("2026-02-13T10:00")
    course.work()
    course.wait("2026-02-13T16:00")
    course.resolve()
    assert course.clock(Clock.FOLLOW_UP).started_at == local("2026-02-13T16:00")
    assert BOOK.calendar.next_working_day(local("2026-02-13T16:00").date()).isoformat() == "2026-02-14"
