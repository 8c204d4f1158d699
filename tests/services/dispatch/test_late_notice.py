"""A holiday notice that came late, on a real database: every open deadline in its reach is counted again, once."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

from services.dispatch.core.calendar import YearTable
from services.dispatch.core.sheets import Validity
from services.dispatch.core.standstill_orders import Standstill
from services.dispatch.decisions import Decider
from services.dispatch.recounting import Recounting
from tests.builders import calendar, eventually, rulebook
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import Desk, counted_faulty, make_unreadable, open_desk

ACCEPTED = datetime(2026, 12, 28, 2, tzinfo=UTC)
NOTICE = YearTable(2027, frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}))
COUNTED_AGAIN = datetime(2027, 1, 4, 16, tzinfo=UTC)


def informed(desk: Desk) -> Decider:
    """The same service, started anew with the notice."""
    known = calendar()
    return replace(desk.decider, book=rulebook(calendar=replace(known, years=(*known.years, NOTICE))))


async def test_a_start_with_a_late_notice_moves_open_deadlines_once(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        desk.set_time(ACCEPTED)
        for n in (1, 2, 3):
            await desk.take_on(n, category="180101", accepted_at=ACCEPTED)
        await desk.work(3)
        assert await Recounting(desk.database, desk.decider).recount() == 0, "nothing new is known yet"
        late = Recounting(desk.database, informed(desk))
        assert (await late.recount(), await late.recount()) == (3, 0)
        for n in (1, 2):
            assert datetime.fromisoformat((await desk.ticket(n))["due_at"]) == COUNTED_AGAIN
            assert (await desk.stated(n)).count("ticket.deadline-recounted") == 1
        rows = await desk.database.fetch("SELECT due_at FROM timer WHERE clock = 'RESOLVE'")
        assert {row["due_at"] for row in rows} == {COUNTED_AGAIN}
        assert (await desk.stated(3)).count("ticket.deadline-recounted") == 1, "its citizen is asked until another day"
        (asked,) = await desk.database.fetch("SELECT due_at FROM timer WHERE clock = 'FOLLOW_UP'")
        assert asked["due_at"] == COUNTED_AGAIN


async def test_a_start_with_an_order_of_standstill_moves_what_is_in_hand_in_its_area_once(
    database: TestDatabase,
) -> None:
    order = Standstill("FM-1", "1", ("990101001",), Validity(date(2026, 12, 29), date(2026, 12, 30)))
    async with open_desk(database) as desk:
        desk.set_time(ACCEPTED)
        await desk.take_on(1, category="180101", accepted_at=ACCEPTED)
        await desk.take_on(2, category="180101", accepted_at=ACCEPTED, township="990101100", village=None, grid=None)
        before = {n: (await desk.ticket(n))["due_at"] for n in (1, 2)}
        ordered = replace(desk.decider, org=replace(desk.decider.org, standstills=(order,)))
        flooded = Recounting(desk.database, ordered)
        assert (await flooded.recount(), await flooded.recount()) == (1, 0)
        assert datetime.fromisoformat((await desk.ticket(1))["due_at"]) == datetime(2027, 1, 7, 16, tzinfo=UTC)
        assert (await desk.ticket(2))["due_at"] == before[2]
        rows = await desk.database.fetch("SELECT due_at FROM timer WHERE clock = 'RESOLVE'")
        assert datetime(2027, 1, 7, 16, tzinfo=UTC) in {row["due_at"] for row in rows}


async def test_a_ticket_that_cannot_be_counted_again_holds_up_no_other(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        desk.set_time(ACCEPTED)
        for n in (1, 2, 3):
            await desk.take_on(n, category="180101", accepted_at=ACCEPTED)
        await make_unreadable(desk, 2)
        faulty = counted_faulty("recounting")
        assert await Recounting(desk.database, informed(desk)).recount() == 2
        assert counted_faulty("recounting") == faulty + 1
        for n in (1, 3):
            assert datetime.fromisoformat((await desk.ticket(n))["due_at"]) == COUNTED_AGAIN


async def test_the_pass_is_made_at_the_start_and_ends_when_asked_to(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        desk.set_time(ACCEPTED)
        await desk.take_on(1, category="180101", accepted_at=ACCEPTED)
        stopping = asyncio.Event()
        running = asyncio.create_task(Recounting(desk.database, informed(desk)).run(stopping))

        async def moved() -> bool:
            return "ticket.deadline-recounted" in await desk.stated(1)

        await eventually(moved, what="counting again")
        stopping.set()
        async with asyncio.timeout(20):
            await running
