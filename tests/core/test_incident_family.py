"""Tickets of one incident in the core: one is worked on, the others wait, end with it, or are worked on again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.family_words import ChildJoined, ChildLeft, MainEnded, MainResolved
from services.dispatch.core.story import Clock
from services.dispatch.core.triggers import ApproveHang, AskInfo, ProposeHang, Sign, Withdraw
from services.notify.core.contacts import AddressBook
from services.notify.core.followup import open_follow_up
from services.notify.core.plan import plan
from services.notify.core.record import Record, counts_of, hear
from shared.events import (
    Envelope,
    Event,
    TicketAssigned,
    TicketAudited,
    TicketClosed,
    TicketEvaluated,
    TicketReopened,
    event_id,
)
from shared.intake_events import (
    TicketMerged,
    TicketNotAccepted,
    TicketRouted,
    TicketSplit,
    TicketSupplemented,
    TicketTransferred,
    WithdrawalRequested,
)
from shared.joint_events import (
    IncidentDeadlineSet,
    TicketPutAside,
    TicketRecalled,
    TicketResolvedWith,
    TicketTakenUp,
    WishPassedOver,
)
from shared.terms import (
    AssignmentKind,
    CloseReason,
    FollowUpOutcome,
    IncidentId,
    LeadId,
    NotAcceptedReason,
    Satisfaction,
    Source,
    SplitReason,
    TakeUpReason,
    TransferTarget,
)
from tests.builders import ticket
from tests.core.course import BIG, BOOK, TICK, Course, actor, local, supported
from tests.services.notify.values import rules

SPLIT = TicketSplit(incident_id=IncidentId(ticket(9)), reason=SplitReason.OTHER_PLACE)
SOLVED = MainResolved(ticket(9), "transport")
NO = TicketEvaluated(
    cycle=1, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED
)


def waiting(at: str = "2026-03-10T09:15", *, own_follow_up: bool = True) -> Course:
    """A matter that triage merged, of which intake has said so."""
    course = Course(at, merged_into=ticket(9))
    course.merge(own_follow_up=own_follow_up)
    return course


def test_what_triage_merged_is_nobodys_work() -> None:
    course = waiting()
    assert course.case.state is TicketState.MERGED
    assert (course.case.assignments, course.timers) == ((), {})
    assert [type(event) for event in course.stated] == [TicketPutAside]
    assert course.last(TicketPutAside).due_at == local("2026-03-11T00:00")


def test_what_is_merged_later_is_taken_from_its_unit_and_its_clocks_stop() -> None:
    course = Course("2026-03-10T09:15")
    course.work()
    stated = course.merge()
    assert [type(event) for event in stated] == [TicketRecalled, TicketPutAside]
    assert (course.case.state, course.timers) == (TicketState.MERGED, {})
    assert course.case.lead.state is AssignmentState.RECALLED


def test_what_is_split_off_at_triage_gets_the_deadline_it_would_have_had() -> None:
    alone, course = Course("2026-03-10T09:15"), waiting()
    course.give(SPLIT, "2026-03-10T11:00")
    assert course.last(TicketTakenUp).reason is TakeUpReason.SPLIT
    assert (course.case.state, course.case.lead.unit) == (TicketState.DISPATCHED, alone.case.lead.unit)
    assert course.clock(Clock.RESOLVE) == alone.clock(Clock.RESOLVE)
    assert course.case.due_at == local("2026-03-11T00:00")


def test_a_limit_that_passed_while_it_waited_has_passed() -> None:
    course = waiting()
    course.give(SPLIT, "2026-03-11T10:00")
    course.wait("2026-03-11T10:01")
    assert course.case.light.value == "RED"


def test_it_is_resolved_with_the_other_and_its_own_citizen_is_asked() -> None:
    course = waiting()
    stated = course.give(SOLVED, "2026-03-10T16:00")
    assert [type(event) for event in stated] == [TicketResolvedWith, TicketAudited]
    assert course.last(TicketAudited).follow_up
    assert course.last(TicketResolvedWith).unit == "transport"
    assert course.case.state is TicketState.FOLLOWING_UP


def test_the_same_citizen_is_asked_once_only() -> None:
    course = waiting(own_follow_up=False)
    course.give(SOLVED, "2026-03-10T16:00")
    assert not course.last(TicketAudited).follow_up
    assert course.last(TicketClosed).reason is CloseReason.NO_FOLLOW_UP_DUE
    assert course.why[-1] == "AUDIT_ASKED_ONCE"


def test_a_citizen_who_says_no_has_the_unit_that_did_the_work_back() -> None:
    course = waiting()
    course.give(SOLVED, "2026-03-10T16:00")
    course.give(NO)
    assert course.last(TicketReopened).cycle == 2
    assert course.case.lead.unit == "transport"


def test_when_the_other_ends_unsolved_it_is_worked_on_by_itself() -> None:
    course = waiting()
    course.give(MainEnded(ticket(9)), "2026-03-10T16:00")
    assert course.last(TicketTakenUp).reason is TakeUpReason.MAIN_ENDED
    assert course.last(TicketAssigned).due_at == local("2026-03-11T00:00")


def test_words_for_one_that_waits_no_longer_change_nothing() -> None:
    course = Course("2026-03-10T09:15")
    before = course.case
    course.give(SOLVED)
    course.give(MainEnded(ticket(9)))
    assert course.case == before


def test_only_its_citizen_may_do_anything_with_a_ticket_that_waits() -> None:
    course = Course("2026-03-10T09:15")
    lead = course.case.lead
    course.merge()
    assert course.refuse(Sign(lead.id)) == "MERGED"
    course.give(Withdraw())
    assert course.last(TicketClosed).reason is CloseReason.WITHDRAWN


def test_a_split_that_follows_a_withdrawal_is_no_wish_of_anybody() -> None:
    course = waiting()
    course.give(WithdrawalRequested())
    course.give(TicketSplit(incident_id=IncidentId(ticket(9)), reason=SplitReason.WITHDRAWN))
    assert course.case.state is TicketState.WITHDRAWN
    assert not course.all(WishPassedOver)


def asking() -> Course:
    """The citizen was asked for what is missing, until Friday 24:00."""
    course = supported("2026-03-10T09:00")
    course.give(AskInfo("哪一段?"), "2026-03-10T10:00")
    return course


def put_off() -> Course:
    """It waits with a plan."""
    course, centre = supported("2026-03-10T09:00"), Role.COMMAND_CENTRE
    course.give(ProposeHang("FUNDS", "housing", "方案", "纪要", 60), by=actor(centre, person="leader-1"))
    course.give(ApproveHang(), by=actor(centre, person="leader-2"))
    return course


def handed_in() -> Course:
    """Its result waits for an auditor."""
    course = supported("2026-03-10T09:00", book=replace(BOOK, audit=replace(BOOK.audit, automatic_for=frozenset())))
    part = course.part(AssignmentKind.SUPPORT)
    course.work(part)
    course.resolve(part)
    course.work()
    course.resolve()
    return course


@pytest.mark.parametrize(
    ("make", "state", "clock"),
    [
        (asking, TicketState.NEED_INFO, Clock.SUPPLEMENT), (put_off, TicketState.HUNG, Clock.HANG),
        (handed_in, TicketState.RESOLVED, Clock.AUDIT),
    ],
)  # fmt: skip
def test_merged_from_wherever_it_stood_and_split_it_stands_there_again_with_its_clocks(
    make: Callable[[], Course], state: TicketState, clock: Clock
) -> None:
    course = make()
    before, running = course.case, course.clock(clock)
    course.merge()
    assert (course.case.state, course.timers) == (TicketState.MERGED, {})
    course.give(SPLIT)
    assert (course.case.state, course.clock(clock)) == (state, running)
    assert (course.case.due_at, course.case.paused_at, course.case.hang) == (
        before.due_at,
        before.paused_at,
        before.hang,
    )
    assert sorted(key.clock for key in course.timers) == sorted(text.partition(":")[0] for text in before.clocks)


@pytest.mark.parametrize("split_at", ["2026-05-20T10:00", "2026-07-01T10:00"])
def test_what_was_put_off_and_merged_over_its_review_is_due_as_if_it_had_waited_alone(split_at: str) -> None:
    alone, merged = put_off(), put_off()
    alone.wait(split_at)
    merged.merge()
    merged.wait(split_at)
    merged.give(SPLIT)
    merged.wait(merged.now + TICK)
    assert (merged.case.state, merged.case.due_at, merged.case.moves) == (
        alone.case.state, alone.case.due_at, alone.case.moves
    )  # fmt: skip
    for course in (alone, merged):
        course.wait("2026-08-15T00:00")
    assert (merged.case.due_at, merged.case.level) == (alone.case.due_at, alone.case.level)


def test_after_a_split_its_citizen_hears_on_the_days_on_which_he_would_have() -> None:
    alone, merged = put_off(), put_off()
    merged.merge()
    merged.wait("2026-04-15T10:00")
    merged.give(SPLIT)
    for course in (alone, merged):
        course.wait("2026-04-20T00:00")
    assert merged.clock(Clock.HANG) == alone.clock(Clock.HANG)


def test_what_was_handed_in_stays_handed_in_and_ends_when_the_other_is_solved() -> None:
    course = handed_in()
    lead = course.case.lead
    assert not [type(event) for event in course.merge() if isinstance(event, TicketRecalled)]
    assert course.case.lead == lead
    course.give(SOLVED)
    assert course.last(TicketResolvedWith).unit == "transport"
    former = course.case.assignment(lead.id)
    assert former is not None and former.state is AssignmentState.RECALLED
    assert [share.unit for share in course.case.assignments if share.is_live] == []


def test_one_that_was_put_off_ends_with_the_other_and_waits_for_nothing_more() -> None:
    course = put_off()
    course.merge()
    course.give(SOLVED)
    assert (course.case.state, course.case.hang, course.case.paused_at) == (TicketState.FOLLOWING_UP, None, None)


def test_a_citizen_who_answers_while_it_is_merged_is_waited_for_no_longer() -> None:
    alone, merged = asking(), asking()
    supplied = TicketSupplemented(supplement_id=ticket(7))
    alone.give(supplied, "2026-03-11T10:00")
    merged.merge()
    merged.give(supplied, "2026-03-11T10:00")
    merged.give(SPLIT, "2026-03-12T15:00")
    assert merged.case.state is TicketState.DISPATCHED
    assert merged.case.due_at == alone.case.due_at, "the wait ended with the answer, not with the split"


def test_a_wait_for_the_citizen_that_ran_out_while_it_was_merged_gives_no_more_time_than_it_was() -> None:
    alone, merged = asking(), asking()
    merged.merge()
    merged.give(SPLIT, "2026-03-20T15:00")
    merged.wait("2026-03-20T15:01")
    alone.wait("2026-03-20T15:01")
    assert merged.case.due_at == alone.case.due_at


def test_whose_citizen_is_being_asked_is_not_merged_and_that_is_said() -> None:
    course = Course("2026-03-10T09:15")
    course.work()
    course.resolve()
    course.merge()
    assert course.last(WishPassedOver) == WishPassedOver(wish="ticket.merged", code="BEING_ASKED")
    assert course.case.state is TicketState.FOLLOWING_UP
    twice = waiting()
    twice.merge(8)
    assert twice.last(WishPassedOver).code == "MERGED"


def test_the_earliest_deadline_of_an_incident_counts() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    own = course.case.due_at
    before = course.clock(Clock.RESOLVE)
    course.give(ChildJoined(ticket(2), local("2026-03-13T00:00"), True))
    assert course.case.due_at == course.case.lead.due_at == local("2026-03-13T00:00")
    course.give(ChildJoined(ticket(3), local("2026-03-12T00:00"), True))
    course.give(ChildJoined(ticket(4), local("2026-03-20T00:00"), True))
    assert [event.due_at for event in course.all(IncidentDeadlineSet)] == [
        local("2026-03-13T00:00"), local("2026-03-12T00:00")
    ]  # fmt: skip
    course.give(ChildLeft(local("2026-03-12T00:00"), local("2026-03-13T00:00")))
    assert course.case.due_at == local("2026-03-13T00:00")
    course.give(ChildLeft(local("2026-03-13T00:00"), local("2026-03-20T00:00")))
    assert (course.case.due_at, course.case.lead.due_at, course.case.own_due_at) == (own, own, None)
    assert course.clock(Clock.RESOLVE) == before


def test_who_asks_again_about_a_closed_matter_reopens_it_and_another_reporter_does_not() -> None:
    course = Course("2026-03-10T09:15")
    course.work()
    course.resolve()
    course.give(
        TicketEvaluated(cycle=1, outcome=FollowUpOutcome.ANSWERED, solved=True, satisfaction=Satisfaction.SATISFIED)
    )
    course.give(ChildJoined(ticket(2), local("2026-03-12T00:00"), True), "2026-03-11T09:00")
    assert course.case.state is TicketState.CLOSED
    course.give(ChildJoined(ticket(3), local("2026-03-12T00:00"), False))
    assert course.all(TicketReopened)


def test_what_was_closed_too_long_ago_is_not_reopened_by_one_who_joins() -> None:
    course = Course("2026-03-10T09:15")
    course.give(Withdraw())
    before = course.case
    course.give(ChildJoined(ticket(3), local("2026-03-12T00:00"), False))
    assert course.case == before
    assert course.why[-1].startswith("WISH_PASSED_OVER code=NOT_CLOSED")


@pytest.mark.parametrize(
    ("word", "state", "reason", "why"),
    [
        (TicketNotAccepted(ticket_no="1", source="s", reason=NotAcceptedReason.RECONSIDERATION, rule="r.7"),
         TicketState.NOT_ACCEPTED, CloseReason.NOT_ACCEPTED, "NOT_ACCEPTED reason=RECONSIDERATION rule=r.7"),
        (TicketTransferred(ticket_no="1", source="s", target=TransferTarget.OTHER_TERRITORY),
         TicketState.TRANSFERRED, CloseReason.TRANSFERRED, "TRANSFERRED target=OTHER_TERRITORY"),
        (TicketRouted(lead_id=LeadId(ticket(8))), TicketState.ROUTED, CloseReason.ROUTED, "ROUTED_APART"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("merged", [False, True])
def test_what_intake_ends_after_triage_is_worked_on_no_further(
    word: TicketNotAccepted | TicketTransferred | TicketRouted, state: TicketState, reason: CloseReason, why: str,
    merged: bool,
) -> None:  # fmt: skip
    course = Course("2026-03-10T09:15", category=BIG, merged_into=ticket(9) if merged else None)
    course.give(word)
    assert (course.case.state, course.case.close_reason, course.case.closed_at) == (state, reason, course.now)
    assert not course.timers and not any(share.is_live for share in course.case.assignments)
    assert course.last(TicketClosed).reason is reason
    assert why in course.why


# ---- at the seam with notify ----------------------------------------------------------------------------------


def heard(events: list[Event]) -> Record:
    """What notify's measures know after these events of one ticket."""
    record = Record()
    for version, event in enumerate(events, 1):
        record = hear(record, told(event, version))
    return record


def told(event: Event, version: int = 1) -> Envelope:
    at = local("2026-03-10T16:00")
    return Envelope(event_id(Source.DISPATCH, ticket(1), version), Source.DISPATCH, ticket(1), version, at, event)


def test_notify_asks_the_citizen_of_a_ticket_that_waited() -> None:
    course = waiting()
    course.give(SOLVED, "2026-03-10T16:00")
    asked = open_follow_up(told(course.last(TicketAudited)), rules(), course.now)
    assert asked is not None and asked.cycle == 1
    own = waiting(own_follow_up=False)
    own.give(SOLVED, "2026-03-10T16:00")
    assert open_follow_up(told(own.last(TicketAudited)), rules(), own.now) is None


def test_notify_counts_the_work_once_and_tells_no_unit_of_a_ticket_that_waits() -> None:
    course = waiting()
    course.give(SOLVED, "2026-03-10T16:00")
    record = heard(course.stated)
    assert (record.township, record.category, record.units) == ("990101001", "150101", frozenset({"transport"}))
    assert counts_of(record, lambda at: "2026-03") == {}
    assert [m for e in course.stated for m in plan(told(e), AddressBook(), course.now)] == []


def test_notify_charges_the_judgement_to_who_did_the_work() -> None:
    course = Course("2026-03-10T09:15")
    course.merge()
    course.give(SOLVED, "2026-03-10T16:00")
    assert heard(course.stated).units == {"transport"}


def test_merging_again_after_triage_keeps_the_word_of_intake() -> None:
    course = Course("2026-03-10T09:15", merged_into=ticket(9))
    assert course.case.merge is not None and not course.case.merge.is_said
    course.merge(own_follow_up=False)
    assert course.case.merge.is_said and not course.case.merge.own_follow_up
    assert [event.into for event in course.all(TicketPutAside)] == [ticket(9)]
    assert TicketMerged.type.endswith("ticket.merged.v1")
