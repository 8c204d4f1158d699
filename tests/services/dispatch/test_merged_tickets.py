"""Tickets of one incident on a real database: what is decided of one reaches the others in the same transaction."""

from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest

from services.dispatch.core.triggers import Contact, Resolve, Sign
from services.dispatch.hands import Cause
from shared.events import TicketEvaluated
from shared.intake_events import (
    ReopenRequested,
    TicketMerged,
    TicketNotAccepted,
    TicketSplit,
    TicketSupplemented,
    WithdrawalRequested,
)
from shared.terms import FollowUpOutcome, IncidentId, NotAcceptedReason, Satisfaction, SplitReason, Urgency
from tests.builders import rulebook, ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import Desk, open_desk

YES = TicketEvaluated(
    cycle=1, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED
)
SPLIT = TicketSplit(incident_id=IncidentId(ticket(1)), reason=SplitReason.OTHER_PLACE)
BIG = "180101"


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def into(n: int, *, own_follow_up: bool = True) -> TicketMerged:
    """Merged into the n-th ticket."""
    return TicketMerged(
        incident_id=IncidentId(ticket(n)), into=ticket(n), rule="merge.component", reporters=2, mass=False,
        urgency=Urgency.U3, own_follow_up=own_follow_up,
    )  # fmt: skip


async def joined(desk: Desk, n: int, main: int = 1, **changes: object) -> None:
    """A ticket that triage merged."""
    await desk.take_on(n, merged_into=ticket(main), **changes)
    await desk.receive(n, into(main))


async def states(desk: Desk, *numbers: int) -> list[str]:
    return [(await desk.ticket(n))["state"] for n in numbers]


async def test_when_the_main_ticket_closes_those_that_wait_are_resolved_with_it(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await joined(desk, 2)
        await joined(desk, 3)
        await desk.work(1)
        assert await states(desk, 1, 2, 3) == ["FOLLOWING_UP", "MERGED", "MERGED"]
        await desk.judge(1, YES)
        assert await states(desk, 1, 2, 3) == ["CLOSED", "FOLLOWING_UP", "FOLLOWING_UP"]
        assert await desk.stated(2) == ["ticket.put-aside", "ticket.resolved-with", "ticket.audited"]
        await desk.judge(2, YES)
        assert await states(desk, 2, 3) == ["CLOSED", "FOLLOWING_UP"]


async def test_a_ticket_that_waits_is_watched_by_the_clocks_of_the_one_it_waits_for(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await joined(desk, 2)
        overview = (await desk.http.get("/v1/overview")).json()
        assert overview["unwatched"] == []
        await joined(desk, 4, main=3)
        assert (await desk.http.get("/v1/overview")).json()["unwatched"] == [str(ticket(4))], "nobody has heard of 3"


async def test_a_main_ticket_that_comes_late_finds_those_that_wait_for_it(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await joined(desk, 2, accepted_at=local("2026-03-09T09:00"))
        shown = await desk.take_on(1, category=BIG)
        assert shown["due_at"] == "2026-03-09T16:00:00Z", "the earliest deadline of the incident"
        await desk.receive(2, SPLIT)
        assert (await desk.ticket(1))["due_at"] == "2026-03-17T16:00:00Z"
        assert (await desk.ticket(2))["state"] == "DISPATCHED"


async def test_a_ticket_merged_by_the_desk_and_split_again_has_its_clocks_back(database: TestDatabase) -> None:
    query = (
        "SELECT clock, cycle, step, fire_at, clock_limit, started_at, due_at FROM timer WHERE ticket_id = $1 ORDER BY 1"
    )
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.take_on(2)
        before = [tuple(row) for row in await desk.database.fetch(query, ticket(2))]
        await desk.receive(2, into(1))
        assert await desk.database.fetch(query, ticket(2)) == []
        live = "SELECT 1 FROM assignment WHERE ticket_id = $1 AND ended_at IS NULL"
        assert await desk.database.fetch(live, ticket(2)) == []
        await desk.receive(2, SPLIT)
        assert [tuple(row) for row in await desk.database.fetch(query, ticket(2))] == before
        assert len(await desk.database.fetch(live, ticket(2))) == 1


async def test_when_the_main_ticket_is_withdrawn_the_others_are_worked_on(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await joined(desk, 2)
        await desk.receive(1, WithdrawalRequested())
        assert await states(desk, 1, 2) == ["WITHDRAWN", "DISPATCHED"]
        await joined(desk, 3)
        assert await states(desk, 3) == ["DISPATCHED"], "nothing is waited for that has ended unsolved"


async def test_whoever_joins_a_closed_ticket_is_resolved_with_it_or_reopens_it(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.work(1)
        await desk.judge(1, YES)
        await joined(desk, 2)
        assert await states(desk, 1, 2) == ["CLOSED", "FOLLOWING_UP"]
        await desk.take_on(3, merged_into=ticket(1))
        await desk.receive(3, into(1, own_follow_up=False))
        assert await states(desk, 1, 3) == ["DISPATCHED", "MERGED"]
        await desk.receive(1, ReopenRequested(by=ticket(3), closed_at=desk.time[0]))
        assert (await desk.stated(1))[-1] != "ticket.reopened", "it was reopened already"


async def test_a_wish_that_cannot_be_granted_is_stated_and_explained(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, urgency="U2")
        await desk.receive(1, WithdrawalRequested())
        assert (await desk.stated(1))[-1] == "ticket.wish-passed-over"
        shown = (await desk.http.get(f"/v1/tickets/{ticket(1)}/explanation")).json()
        assert "WISH_PASSED_OVER code=TOO_URGENT wish=ticket.withdrawal-requested" in str(shown)


async def test_what_intake_does_not_accept_leaves_the_units_queue(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, category=BIG)
        await desk.receive(
            1, TicketNotAccepted(ticket_no="1", source="s", reason=NotAcceptedReason.OUT_OF_TERRITORY, rule="r.1")
        )
        shown = await desk.ticket(1)
        assert (shown["state"], shown["public_state"], shown["close_reason"]) == (
            "NOT_ACCEPTED", "未受理", "NOT_ACCEPTED"
        )  # fmt: skip
        assert await desk.database.fetch("SELECT 1 FROM timer") == []
        assert await desk.database.fetch("SELECT 1 FROM assignment WHERE ended_at IS NULL") == []


@pytest.mark.parametrize("change", ["merged_into = ticket_id", "merged_into = NULL", "state = 'DISPATCHED'"])
async def test_the_database_refuses_a_ticket_that_waits_for_nobody(database: TestDatabase, change: str) -> None:
    async with open_desk(database) as desk:
        await joined(desk, 2)
        with pytest.raises(asyncpg.CheckViolationError):
            await desk.database.fetch(f"UPDATE ticket_case SET {change}")


async def test_one_that_waits_for_its_citizen_is_merged_and_waits_for_him_again_after_a_split(
    database: TestDatabase,
) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, category=BIG)
        await desk.take_on(2, category=BIG)
        assert (await desk.order(2, "ask-info", question="哪一段?")).status_code == 200
        before = await desk.database.fetch("SELECT clock, fire_at FROM timer WHERE ticket_id = $1", ticket(2))
        await desk.receive(2, into(1))
        assert await states(desk, 1, 2) == ["DISPATCHED", "MERGED"]
        assert await desk.database.fetch("SELECT clock FROM timer WHERE ticket_id = $1", ticket(2)) == []
        await desk.receive(2, SPLIT)
        after = await desk.database.fetch("SELECT clock, fire_at FROM timer WHERE ticket_id = $1", ticket(2))
        assert await states(desk, 2) == ["NEED_INFO"]
        assert sorted(map(tuple, after)) == sorted(map(tuple, before))


async def test_one_whose_result_is_in_keeps_it_and_ends_with_the_main_ticket(database: TestDatabase) -> None:
    by_hand = replace(rulebook(), audit=replace(rulebook().audit, automatic_for=frozenset()))
    async with open_desk(database) as desk:
        careful = replace(desk.decider, book=by_hand)
        await desk.take_on(1)
        await desk.take_on(2)
        async with desk.database.transaction() as tx:
            lead = (await careful.decide(tx, {ticket(2): [Cause(TicketSupplemented(supplement_id=ticket(7)), "t")]}))[
                ticket(2)
            ].case
            assert lead is not None
            acts = (Sign(lead.lead.id, "w1"), Contact(lead.lead.id, "w1"), Resolve(lead.lead.id, "DONE", "好了"))
            await careful.decide(tx, {ticket(2): [Cause(act, "t") for act in acts]})
        assert await states(desk, 2) == ["RESOLVED"]
        await desk.receive(2, into(1))
        assert await states(desk, 2) == ["MERGED"]
        await desk.work(1)
        await desk.judge(1, YES)
        assert await states(desk, 1, 2) == ["CLOSED", "FOLLOWING_UP"]
