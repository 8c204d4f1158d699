"""Clocks on a real database: each rings once, in the transaction of its effect, whoever else is ringing."""

import asyncio
import time
from datetime import UTC, datetime

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.dispatch.decisions import timer_cause
from services.dispatch.store import read_due_timers
from services.dispatch.timers import Timers
from shared.errors import Unavailable
from shared.events import TicketEvaluated
from shared.steadiness import SteadyClock
from shared.terms import FollowUpOutcome, Satisfaction
from tests.builders import ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import Desk, counted_faulty, open_desk


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def sampled(name: str) -> float:
    """What a counter shows."""
    return REGISTRY.get_sample_value(name) or 0.0


async def ring_until(desk: Desk, now: datetime) -> None:
    """Let every clock ring at its own instant, up to `now`."""
    while True:
        rows = await desk.database.fetch("SELECT min(fire_at) AS at FROM timer WHERE fire_at < $1", now)
        if rows[0]["at"] is None:
            return
        desk.set_time(max(desk.time[0], rows[0]["at"].replace(microsecond=rows[0]["at"].microsecond + 1)))
        await desk.timers.ring_due()


async def test_an_untouched_ticket_is_never_silently_overdue(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await ring_until(desk, local("2026-03-24T09:00"))
        assert await desk.stated(1) == [
            "ticket.assigned", "ticket.escalated", "ticket.signed",  # 2 WH: nobody called the citizen; deemed signed
            "ticket.light-changed", "ticket.light-changed", "ticket.converted",  # Tue 18:00 yellow, 24:00 red and big
            "ticket.assigned",  # a big matter has support
            "ticket.escalated", "ticket.escalated",  # Wed 08:30 and 12:00
            "ticket.signed", "ticket.escalated",  # Thu 09:00 the support is deemed signed, 24:00 there is no plan
            "ticket.reminded",  # Mon 08:30 of the big one's last days
            "ticket.light-changed", "ticket.escalated", "ticket.escalated", "ticket.escalated",  # Tue 24:00, +1, +3 WD
            "ticket.reminded", "ticket.reminded",  # every working morning from then on
        ]  # fmt: skip
        assert (await desk.ticket(1))["level"] == 3


async def test_each_level_is_escalated_exactly_once_with_four_timer_loops(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in range(1, 61):
            await desk.take_on(n, category="180101")
        desk.set_time(local("2026-04-20T10:00"))
        loops = [Timers(desk.database, desk.decider, 50, SteadyClock()) for _ in range(4)]
        while any(await asyncio.gather(*(loop.ring_due() for loop in loops))):
            pass
        rows = await desk.database.fetch(
            "SELECT payload->>'level' AS level, count(*) AS n, count(DISTINCT ticket_id) AS tickets FROM event"
            " WHERE type LIKE '%escalated%' AND payload->>'clock' = 'RESOLVE' GROUP BY 1 ORDER BY 1"
        )
        assert [(r["level"], r["n"], r["tickets"]) for r in rows] == [("1", 60, 60), ("2", 60, 60), ("3", 60, 60)]


async def test_a_follow_up_that_never_comes_back_is_heard_of(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.work(1)
        await ring_until(desk, local("2026-03-19T09:00"))
        assert (await desk.stated(1))[5:] == [
            "ticket.reminded", "ticket.light-changed", "ticket.light-changed", "ticket.escalated", "ticket.escalated"
        ]  # fmt: skip
        assert (await desk.ticket(1))["state"] == "FOLLOWING_UP"


async def test_a_fault_in_one_tickets_clock_does_not_hold_up_the_others(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in (1, 2, 3):
            await desk.take_on(n, category="180101")
        await desk.database.fetch("UPDATE timer SET clock_limit = 'nonsense' WHERE ticket_id = $1", ticket(2))
        desk.set_time(local("2026-03-18T09:00"))
        faulty = counted_faulty("timers")
        await desk.timers.ring_due()
        assert counted_faulty("timers") == faulty + 1
        assert "ticket.escalated" in await desk.stated(1)
        assert "ticket.escalated" in await desk.stated(3)
        assert await desk.timers.ring_due() == 0, "the troubled ticket is left aside for a while"
        assert len(await desk.database.fetch("SELECT 1 FROM timer WHERE ticket_id = $1", ticket(2))) > 0


async def test_clocks_out_of_step_are_mended_and_hold_up_nobody(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in range(1, 8):
            await desk.take_on(n, category="180101")
        timers, mended = (
            Timers(desk.database, desk.decider, 3, SteadyClock()),
            sampled("griddispatch_timers_mended_total"),
        )
        await desk.database.fetch("DELETE FROM timer WHERE clock <> 'RESOLVE'")
        await desk.database.fetch(
            "UPDATE timer SET fire_at = fire_at - interval '1 day' WHERE ticket_id <> $1", ticket(7)
        )
        desk.set_time(local("2026-03-18T09:00"))
        while await timers.ring_due():
            pass
        assert sampled("griddispatch_timers_mended_total") == mended + 6
        for n in (1, 7):
            assert "ticket.escalated" in await desk.stated(n)
        assert await desk.stated(1) == await desk.stated(7)


async def test_a_clock_moved_earlier_in_the_same_transaction_is_not_taken_for_stuck(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        mended = sampled("griddispatch_timers_mended_total")
        desk.set_time(local("2026-03-10T18:30"))
        async with desk.database.transaction() as tx:
            await desk.decider.ledger.lock(tx, [ticket(1)])
            due = (await read_due_timers(tx, [ticket(1)], desk.time[0]))[ticket(1)]
            await desk.decider.decide(tx, {ticket(1): [timer_cause(timer) for timer, _ in (*due, *due)]})
        assert sampled("griddispatch_timers_mended_total") == mended
        (resolve,) = await desk.database.fetch("SELECT step FROM timer WHERE clock = 'RESOLVE'")
        assert resolve["step"] == "red"


async def test_more_troubled_tickets_than_a_pass_takes_do_not_hold_up_the_others(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in range(1, 7):
            await desk.take_on(n, category="180101")
        sick = [ticket(n) for n in range(1, 6)]
        await desk.database.fetch(
            "UPDATE timer SET clock_limit = 'nonsense', fire_at = fire_at WHERE ticket_id = ANY($1::uuid[])", sick
        )
        desk.set_time(local("2026-03-18T09:00"))
        timers = Timers(desk.database, desk.decider, 2, SteadyClock())
        while await timers.ring_due():
            pass
        assert "ticket.escalated" in await desk.stated(6)
        left = await desk.database.fetch("SELECT DISTINCT ticket_id FROM timer WHERE fire_at < now()")
        assert {row["ticket_id"] for row in left} >= set(sick)


async def test_a_ticket_cannot_be_open_without_a_clock_unnoticed(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        assert (await desk.http.get("/v1/overview")).json()["unwatched"] == []
        await desk.database.fetch("DELETE FROM timer")
        assert (await desk.http.get("/v1/overview")).json()["unwatched"] == [str(ticket(1))]


async def test_a_reopened_ticket_runs_under_a_new_deadline_and_old_clocks_stay_silent(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.work(1)
        no = TicketEvaluated(
            cycle=1,
            outcome=FollowUpOutcome.ANSWERED,
            contacted=True,
            solved=False,
            satisfaction=Satisfaction.DISSATISFIED,
        )
        await desk.judge(1, no)
        rows = await desk.database.fetch("SELECT clock, cycle FROM timer ORDER BY clock")
        assert [(r["clock"], r["cycle"]) for r in rows] == [("CONTACT", 2), ("RESOLVE", 2), ("SIGN", 2)]


async def test_a_closed_case_that_never_ended_is_impossible(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.work(1)
        with pytest.raises(asyncpg.CheckViolationError, match="final_has_ended"):
            await desk.database.fetch("UPDATE ticket_case SET previous_state = state, state = 'CLOSED'")


class Clocks:
    """The wall clock, moved by hand, and the monotonic one; from the look `jump_at` on it is a minute ahead."""

    def __init__(self, jump_at: int) -> None:
        self.looks = 0
        self.jump_at = jump_at
        self.goes_wrong = True

    def __call__(self) -> tuple[float, float]:
        self.looks += 1
        ahead = 60.0 if self.goes_wrong and self.looks >= self.jump_at else 0.0
        return time.time() + ahead, time.monotonic()


async def test_a_clock_that_is_stepped_while_clocks_ring_lets_none_ring(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        told = await desk.stated(1)
        desk.set_time(local("2026-03-24T09:00"))
        clocks = Clocks(jump_at=3)  # two looks begin the first pass: nothing was known of this clock before it
        timers = Timers(desk.database, desk.decider, 200, SteadyClock(clocks))
        with pytest.raises(Unavailable, match="stepped while clocks rang"):
            await timers.ring_due()
        assert await timers.ring_due() == 0, "it disagrees with the database"
        assert await desk.stated(1) == told
        clocks.goes_wrong = False
        for _ in range(5):
            await timers.ring_due()
        assert len(await desk.stated(1)) > len(told), "it agreed with the database for a while"
