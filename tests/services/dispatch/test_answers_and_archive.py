"""Answering directly and putting away, on real tables: what is stated, what is kept, and that nothing is done early."""

from datetime import timedelta

from services.dispatch.archiver import Archiver
from shared.events import TicketEvaluated
from shared.terms import FollowUpOutcome, Satisfaction
from tests.builders import TUESDAY_MORNING, ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import counted_faulty, make_unreadable, open_desk
from tests.services.dispatch.test_joint_api import by

YEARS = timedelta(days=1095)
QUESTION = {"ticket_type": "CONSULT", "category": "200101"}


async def sound() -> bool:
    """A clock that is not in doubt."""
    return False


async def doubtful() -> bool:
    """A clock that jumped."""
    return True


async def test_what_was_answered_in_the_call_ends_as_it_comes_in(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        shown = await desk.take_on(1, answered_by="K-2026-0031", **QUESTION)
        assert (shown["state"], shown["public_state"], shown["assignments"]) == ("ANSWERED", "已结案", [])
        assert await desk.stated(1) == ["ticket.answered"]
        assert await desk.database.fetch("SELECT FROM timer") == []
        (why,) = (await desk.http.get(f"/v1/tickets/{ticket(1)}/explanation")).json()
        assert "ANSWERED knowledge=K-2026-0031" in why["explanation"]


async def test_an_agent_answers_what_a_unit_has_not_begun_and_the_words_are_kept(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, **QUESTION)
        answer = {"knowledge": "K-7", "reply": "周六也办"}
        assert (await desk.order(1, "answer", by("liaison"), **answer)).status_code == 403
        assert (await desk.order(1, "answer", knowledge="周六", reply="也办")).status_code == 422
        told = await desk.order(1, "answer", by("hotline_agent"), **answer)
        assert (told.status_code, told.json()["state"]) == (200, "ANSWERED")
        assert await desk.stated(1) == ["ticket.assigned", "ticket.recalled", "ticket.answered"]
        (note,) = (await desk.http.get(f"/v1/tickets/{ticket(1)}/notes")).json()
        assert (note["kind"], note["words"]) == ("ANSWER", "周六也办")


async def test_a_citizen_for_whom_it_was_no_answer_is_dispatched_after_all(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, answered_by="K-7", **QUESTION)
        no = TicketEvaluated(
            cycle=1, outcome=FollowUpOutcome.ANSWERED, solved=False, satisfaction=Satisfaction.DISSATISFIED
        )
        await desk.judge(1, no)
        shown = await desk.ticket(1)
        assert (shown["state"], shown["cycle"], shown["closed_at"]) == ("DISPATCHED", 2, None)
        assert await desk.stated(1) == ["ticket.answered", "ticket.reopened", "ticket.assigned"]


async def test_a_lot_is_put_away_the_oldest_first_and_each_once(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in (1, 2, 3):
            desk.set_time(TUESDAY_MORNING + timedelta(minutes=n))
            await desk.take_on(n, answered_by="K-7", **QUESTION)
        await desk.take_on(4)
        archiver = Archiver(desk.database, desk.decider, sound, lot=2)
        assert await archiver.archive_due() == 0
        desk.set_time(TUESDAY_MORNING + timedelta(minutes=3) + YEARS)
        assert [await archiver.archive_due() for _ in range(3)] == [2, 1, 0]
        assert await desk.stated(1) == ["ticket.answered", "ticket.archived"]
        states = {(await desk.ticket(n))["state"] for n in (1, 2, 3)}
        assert (states, (await desk.ticket(4))["state"]) == ({"ARCHIVED"}, "DISPATCHED")
        rows = await desk.database.fetch("SELECT ticket_id FROM ticket_case WHERE archived_at IS NOT NULL")
        assert {row["ticket_id"] for row in rows} == {ticket(1), ticket(2), ticket(3)}


async def test_nothing_is_put_away_while_the_clock_is_in_doubt(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, answered_by="K-7", **QUESTION)
        desk.set_time(TUESDAY_MORNING + YEARS)
        assert await Archiver(desk.database, desk.decider, doubtful).archive_due() == 0
        assert (await desk.ticket(1))["state"] == "ANSWERED"


async def test_a_ticket_that_cannot_be_put_away_holds_up_no_other(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in (1, 2, 3):
            await desk.take_on(n, answered_by="K-7", **QUESTION)
        await make_unreadable(desk, 2)
        desk.set_time(TUESDAY_MORNING + YEARS)
        before, archiver = counted_faulty("archiver"), Archiver(desk.database, desk.decider, sound)
        assert await archiver.archive_due() == 2
        assert await archiver.archive_due() == 0, "it is left aside for a while"
        assert counted_faulty("archiver") == before + 1
