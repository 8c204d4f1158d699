"""A matter that comes back as a new ticket: what was known of the earlier one counts."""

from tests.builders import ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import open_desk
from tests.services.dispatch.test_joint_api import by


async def test_who_accepted_the_earlier_ticket_does_not_accept_the_next_one(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, repeats_90d=2)
        await desk.work(1)
        assert (await desk.order(1, "pass-audit", by("auditor", person="auditor-1"))).status_code == 200
        await desk.take_on(2, repeats_90d=3, repeat_of=ticket(1))
        await desk.work(2)
        refused = await desk.order(2, "pass-audit", by("auditor", person="auditor-1"))
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:griddispatch:problem:VERIFIED_BEFORE")
        assert (await desk.order(2, "pass-audit", by("auditor", person="auditor-2"))).status_code == 200
        assert (await desk.ticket(2))["verifiers"] == ["auditor-1", "auditor-2"]


async def test_a_repeat_of_a_ticket_that_is_not_known_here_is_taken_on(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        shown = await desk.take_on(2, repeats_90d=3, repeat_of=ticket(1))
        assert (shown["by_person"], shown["verifiers"]) == (True, [])
