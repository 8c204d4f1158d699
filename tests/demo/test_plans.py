"""Workers and citizens: the same seed plans the same, people keep their hours, and most matters end in time."""

from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest

from griddispatch.demo.agenda import Agenda
from griddispatch.demo.hours import (
    FIRST_SHIFT,
    HOUR,
    MIDNIGHT,
    ZONE,
    after_work,
    fitting_speed,
    into_shift,
    night_clock,
)
from griddispatch.demo.plans import Act, Facts, plan_reply, plan_work, read_facts

CENTRES = {"g1": (119.1, 33.1), "g2": (119.2, 33.2)}
NIGHT = MIDNIGHT.timestamp() + 2 * HOUR


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def facts(size: str = "SMALL", urgency: str = "U3", cycle: int = 1, due_at: str = "2026-03-07T24:00") -> Facts:
    due = at("2026-03-08T00:00") if due_at.endswith("24:00") else at(due_at)
    return Facts("a1", size, urgency, "g1", cycle, due)


def plan(seed: int, given: Facts, now: float = NIGHT) -> tuple[Act, ...]:
    return plan_work(Random(f"{seed}/work"), given, now, CENTRES)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03-07T03:00", "2026-03-07T08:30"),
        ("2026-03-07T08:30", "2026-03-07T08:30"),
        ("2026-03-07T17:29", "2026-03-07T17:29"),
        ("2026-03-07T17:30", "2026-03-08T08:30"),
        ("2026-03-07T23:59", "2026-03-08T08:30"),
    ],
)
def test_a_shift_opens_at_half_past_eight_and_closes_at_half_past_five(given: str, expected: str) -> None:
    assert into_shift(at(given)) == at(expected)


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        ("2026-03-07T03:00", 1, "2026-03-07T09:30"),
        ("2026-03-07T16:30", 2, "2026-03-08T09:30"),
        ("2026-03-07T08:30", 9, "2026-03-08T08:30"),
        ("2026-03-07T08:30", 20, "2026-03-09T10:30"),
    ],
)
def test_work_goes_on_the_next_morning(start: str, hours: float, expected: str) -> None:
    assert after_work(at(start), hours * HOUR) == at(expected)


def test_the_same_seed_plans_the_same_and_another_one_otherwise() -> None:
    assert plan(7, facts()) == plan(7, facts())
    assert plan(7, facts()) != plan(8, facts())


def test_a_plan_signs_first_resolves_last_and_never_goes_back() -> None:
    for seed in range(300):
        acts = plan(seed, facts("BIG", due_at="2026-03-16T17:30"))
        names = [act.command for act in acts]
        assert names[0] == "sign"
        assert names[-1] == "resolve"
        assert "contact" in names
        assert [act.at for act in acts] == sorted(act.at for act in acts)


def test_nobody_works_outside_the_shift_except_on_duty() -> None:
    for seed in range(300):
        assert all(into_shift(act.at) == act.at for act in plan(seed, facts()))
        assert plan(seed, facts(urgency="U2"))[0].at < FIRST_SHIFT.timestamp()


def test_what_the_night_brought_is_signed_within_half_an_hour_of_the_shift() -> None:
    signed = [plan(seed, facts())[0].at - FIRST_SHIFT.timestamp() for seed in range(300)]
    assert min(signed) >= 120
    assert max(signed) <= 1800


def test_small_matters_mostly_end_the_same_day_and_some_are_late() -> None:
    late = sum(plan(seed, facts())[-1].at > facts().due_at for seed in range(1000))
    assert 50 <= late <= 110


def test_some_check_in_and_a_few_return() -> None:
    commands = Counter(act.command for seed in range(1000) for act in plan(seed, facts()))
    assert 350 <= commands["check-in"] <= 450
    assert 20 <= commands["return"] <= 60


def test_most_check_ins_are_in_the_ticket_s_grid() -> None:
    places = Counter(
        act.body["lon"] for seed in range(1000) for act in plan(seed, facts()) if act.command == "check-in"
    )
    assert places[119.1] > 8 * places[119.2] > 0


def test_nine_in_ten_citizens_who_answer_are_content_and_silence_stays_silence() -> None:
    replies = [plan_reply(Random(seed), seed, 1, NIGHT) for seed in range(2000)]
    spoken = [reply for reply in replies if reply is not None]
    unhappy = [r for r in spoken if not r.body["solved"] or r.body["satisfaction"] == "DISSATISFIED"]
    assert 1660 <= len(spoken) <= 1780
    assert len(unhappy) == 167, "one in twelve"
    assert all(10 * 60 <= reply.at - NIGHT <= 24 * HOUR for reply in spoken)


def test_the_citizen_of_the_first_matter_says_no_once_and_seldom_again() -> None:
    first = [plan_reply(Random(seed), 1, 1, NIGHT) for seed in range(300)]
    assert all(reply and reply.body["satisfaction"] == "DISSATISFIED" for reply in first)
    again = [plan_reply(Random(seed), 1, 2, NIGHT) for seed in range(300)]
    assert 0 < sum(bool(reply and reply.body["satisfaction"] == "DISSATISFIED") for reply in again) < 30


def test_facts_are_read_from_the_event() -> None:
    read = read_facts(
        {
            "assignment_id": "a9", "size": "BIG", "urgency": "U3", "grid": None, "cycle": 2, "kind": "LEAD",
            "due_at": "2026-03-07T16:00:00Z",
        }
    )  # fmt: skip
    assert read == Facts("a9", "BIG", "U3", None, 2, datetime(2026, 3, 7, 16, tzinfo=UTC).timestamp())


def test_an_agenda_gives_out_what_is_due_in_order_and_no_more_than_asked() -> None:
    agenda: Agenda[str] = Agenda()
    for when, entry in ((3.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "z")):
        agenda.add(when, entry)
    assert agenda.take_due(0.5, 10) == []
    assert agenda.take_due(5.0, 2) == ["a", "b"]
    assert agenda.take_due(5.0, 10) == ["c"]
    assert len(agenda) == 1


def test_the_feed_fits_into_the_night_at_the_speed_chosen() -> None:
    for tickets, rate in ((60, None), (2000, None), (20_000, None), (2000, 100.0)):
        speed = fitting_speed(tickets, rate)
        clock = night_clock(datetime(2026, 1, 1, tzinfo=UTC), tickets, rate, speed)
        feed_s = tickets / (rate or 800)
        assert clock.shown >= MIDNIGHT
        assert clock.shown.timestamp() + feed_s * speed <= FIRST_SHIFT.timestamp()


def test_a_clock_too_fast_for_the_feed_begins_at_midnight() -> None:
    assert night_clock(datetime(2026, 1, 1, tzinfo=UTC), 20_000, None, 7200).shown == MIDNIGHT
