"""Manners: nobody is disturbed at night but by what is urgent, and nobody is supervised twice a day for one thing."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.courtesy import USUAL, Notice, handling, merge_notices, next_bundles
from services.notify.core.message import Audience, PlannedMessage, Template
from services.notify.core.plan import plan, plan_ask, with_urgency
from shared.events import FollowUpAsked
from shared.terms import Urgency
from tests.services.notify.values import MORNING, assigned, envelope, escalated, follow_up, local, ticket

BOOK = AddressBook()
BOTH = {Audience.OFFICIAL, Audience.CITIZEN}


def notice(
    at: datetime = MORNING, version: int = 1, urgency: Urgency = Urgency.U3, to: str = "unit:water"
) -> PlannedMessage:
    (message,) = plan(envelope(escalated(to=to, notify_at=at), version=version), BOOK, MORNING)
    return replace(message, urgency=urgency)


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("10 07:59", BOTH),
        ("10 08:00", {Audience.CITIZEN}),
        ("10 08:29", {Audience.CITIZEN}),
        ("10 08:30", set()),
        ("10 20:29", set()),
        ("10 20:30", {Audience.CITIZEN}),
        ("10 20:59", {Audience.CITIZEN}),
        ("10 21:00", BOTH),
        ("11 00:00", BOTH),
    ],
)
def test_officials_are_left_in_peace_from_nine_to_eight_and_citizens_from_half_past_eight(
    moment: str, quiet: set[Audience]
) -> None:
    assert set(USUAL.quiet(local(moment))) == quiet


def test_quiet_hours_end_the_next_morning_or_this_one() -> None:
    assert USUAL.quiet(local("10 23:00"))[Audience.OFFICIAL] == local("11 08:00")
    assert USUAL.quiet(local("11 03:00"))[Audience.OFFICIAL] == local("11 08:00")
    assert USUAL.quiet(local("10 20:45"))[Audience.CITIZEN] == local("11 08:30")


def test_the_second_notice_of_a_ticket_within_a_day_is_merged_and_not_sent_again() -> None:
    first, second = notice(local("10 08:30"), 1), notice(local("10 12:00"), 2)
    kept, merged = merge_notices([first, second], [], USUAL)
    assert kept.suppressed == ""
    assert merged.suppressed == f"merged into notice {first.id}"


def test_a_notice_after_a_day_is_sent() -> None:
    kept = merge_notices([notice(local("10 08:30"), 1), notice(local("11 08:30"), 2)], [], USUAL)
    assert [m.suppressed for m in kept] == ["", ""]


def test_a_notice_is_merged_with_one_that_stands_already_and_not_with_itself() -> None:
    planned = notice(local("10 12:00"), 2)
    standing = Notice(UUID(int=1), ticket(1), "unit:water", local("10 08:30"))
    assert merge_notices([planned], [standing], USUAL)[0].suppressed
    itself = replace(standing, id=planned.id, due_at=planned.send_at)
    assert not merge_notices([planned], [itself], USUAL)[0].suppressed


def test_the_next_level_hears_of_it_although_the_unit_was_told_today() -> None:
    first, higher = notice(local("10 08:30"), 1), notice(local("10 12:00"), 2, to="role:command-centre")
    assert [m.suppressed for m in merge_notices([first, higher], [], USUAL)] == ["", ""]


@pytest.mark.parametrize("urgency", [Urgency.U1, Urgency.U2])
def test_nothing_urgent_is_merged(urgency: Urgency) -> None:
    pair = [notice(local("10 08:30"), 1, urgency), notice(local("10 09:00"), 2, urgency)]
    assert [m.suppressed for m in merge_notices(pair, [], USUAL)] == ["", ""]


def test_a_notice_that_is_suppressed_holds_back_no_other() -> None:
    drill = replace(notice(local("10 08:30"), 1), suppressed="exercise")
    assert merge_notices([drill, notice(local("10 09:00"), 2)], [], USUAL)[1].suppressed == ""


def test_supervision_is_as_urgent_as_its_ticket() -> None:
    told = plan(envelope(assigned(urgency=Urgency.U1)), BOOK, MORNING)
    (with_assignment,) = with_urgency([*told, notice(version=2)], {})[1:]
    (known,) = with_urgency([notice()], {ticket(1): Urgency.U2})
    (unknown,) = with_urgency([notice()], {ticket(2): Urgency.U1})
    assert (with_assignment.urgency, known.urgency, unknown.urgency) == (Urgency.U1, Urgency.U2, Urgency.U3)


def test_notices_to_one_person_are_bundled_by_the_hour_and_urgent_ones_are_not() -> None:
    kept = handling(notice(), USUAL)
    assert (kept.bundle, kept.window) == ("escalated/unit:water", timedelta(hours=1))
    assert handling(notice(urgency=Urgency.U1), USUAL).bundle == ""


def test_assignments_are_bundled_where_the_endpoint_asks_for_it() -> None:
    (told,) = plan(envelope(assigned()), BOOK, MORNING)
    assert handling(told, USUAL).bundle == ""
    collecting = Endpoint("bot", ChannelKind.WECOM, digest=timedelta(minutes=10))
    assert handling(replace(told, endpoint=collecting), USUAL).window == timedelta(minutes=10)


def test_a_survey_is_never_bundled_and_protects_the_citizen() -> None:
    asked = plan_ask(envelope(FollowUpAsked(cycle=1, attempt=1)), follow_up(), BOOK, MORNING)
    collecting = Endpoint("bot", ChannelKind.WECOM, digest=timedelta(minutes=10))
    kept = handling(replace(asked, endpoint=collecting), USUAL)
    assert (kept.bundle, kept.audience) == ("", Audience.CITIZEN)


@pytest.mark.parametrize(("urgency", "minutes"), [(Urgency.U1, 2), (Urgency.U2, 15), (Urgency.U3, 180)])
def test_the_second_channel_is_taken_the_sooner_the_more_urgent_it_is(urgency: Urgency, minutes: int) -> None:
    message = replace(notice(urgency=urgency), endpoint=Endpoint("bot", ChannelKind.WECOM, fallback="phone"))
    assert handling(message, USUAL).give_up_at == message.send_at + timedelta(minutes=minutes)


def test_without_a_second_channel_the_first_is_tried_for_four_days() -> None:
    assert handling(notice(), USUAL).give_up_at == MORNING + timedelta(hours=96)


def test_the_first_bundle_leaves_at_once_and_the_next_an_hour_after_it() -> None:
    left = {"new": datetime.fromisoformat("1970-01-01T00:00:00+00:00"), "told": MORNING - timedelta(minutes=20)}
    assert next_bundles(left, {"new": 3600, "told": 3600}, MORNING) == {
        "new": MORNING, "told": MORNING + timedelta(minutes=40),
    }  # fmt: skip


def reminder(at: datetime, number: int) -> PlannedMessage:
    """A reminder to the unit, planned for an instant."""
    return replace(notice(at, number), template=Template.REMINDED)


def test_of_one_ticket_a_unit_is_reminded_once_within_a_day() -> None:
    first, second, next_day = (
        reminder(local("10 08:30"), 1),
        reminder(local("10 12:00"), 2),
        reminder(local("11 08:30"), 3),
    )
    kept = merge_notices([first, second, next_day], [], USUAL)
    assert [m.suppressed for m in kept] == ["", f"merged into notice {first.id}", ""]


def test_a_reminder_holds_no_formal_notice_back() -> None:
    first, formal = reminder(local("10 08:30"), 1), notice(local("10 12:00"), 2)
    assert [m.suppressed for m in merge_notices([first, formal], [], USUAL)] == ["", ""]
    standing = Notice(first.id, ticket(1), "unit:water", first.send_at, Template.REMINDED)
    assert not merge_notices([formal], [standing], USUAL)[0].suppressed


def test_reminders_travel_in_bundles_by_the_hour_and_urgent_ones_at_once() -> None:
    planned = reminder(local("10 08:30"), 1)
    assert (handling(planned, USUAL).bundle, handling(planned, USUAL).window) == (
        "reminded/unit:water", USUAL.bundle_every
    )  # fmt: skip
    assert handling(replace(planned, urgency=Urgency.U1), USUAL).bundle == ""
