"""All that is open, page by page: the same whatever the pages, and what is missing is found."""

from collections import Counter

import pytest

from services.dispatch.open_work import look_over
from shared.actors import EVERYWHERE
from tests.builders import ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import open_desk


@pytest.mark.parametrize("page", [1, 2, 4, 5, 100])
async def test_pages_of_any_size_count_every_open_ticket_once(database: TestDatabase, page: int) -> None:
    async with open_desk(database) as desk:
        for n in range(1, 6):
            await desk.take_on(n)
        await desk.work(3)
        await desk.database.fetch("DELETE FROM timer WHERE ticket_id = $1", ticket(2))
        await desk.database.fetch("DELETE FROM assignment WHERE ticket_id = $1", ticket(4))
        work = await look_over(desk.database, EVERYWHERE, page)
        assert work.tickets == Counter({("DISPATCHED", "GREEN"): 4, ("FOLLOWING_UP", "GREEN"): 1})
        assert work.unwatched == [ticket(2)]
        assert work.unassigned == 1
        (row,) = await desk.database.fetch("SELECT accepted_at FROM ticket_case WHERE ticket_id = $1", ticket(4))
        assert work.unassigned_since == row["accepted_at"]


async def test_only_what_lies_in_the_area_is_counted(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        (row,) = await desk.database.fetch("SELECT place FROM ticket_case")
        assert (await look_over(desk.database, row["place"])).tickets.total() == 1
        assert (await look_over(desk.database, "000")).tickets.total() == 0
        assert (await look_over(desk.database, "")).tickets.total() == 0
