"""Asking back on real tables: the clock outlives the ticket's end, rings, is answered once, and then rings no more."""

from datetime import timedelta

from shared.database import Database
from shared.intake_events import TicketTransferred
from shared.terms import TransferTarget
from tests.builders import TUESDAY_MORNING, ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import open_desk
from tests.services.dispatch.test_joint_api import by
from tests.services.dispatch.test_timers import ring_until

GAS = {"urgency": "U1", "category": "070101", "ticket_type": "HELP"}
GONE = TicketTransferred(ticket_no="1", source="hotline-12345", target=TransferTarget.FIRE_119)


async def test_help_that_nobody_asked_about_is_heard_of_until_an_agent_says_that_it_came(
    database: TestDatabase,
) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, **GAS)
        helped = {"note": "消防已到场", "helped": True}
        early = await desk.order(1, "call-back", by("hotline_agent"), **helped)
        assert (early.status_code, early.json()["type"]) == (409, "urn:griddispatch:problem:NOT_TRANSFERRED")
        await desk.receive(1, GONE)
        shown = await desk.ticket(1)
        assert (shown["state"], shown["public_state"]) == ("TRANSFERRED", "已转办")
        assert shown["call_back"]["target"] == "FIRE_119"
        assert await clocks(desk.database) == ["CALL_BACK"]
        await ring_until(desk, TUESDAY_MORNING + timedelta(hours=3))
        assert (await desk.stated(1)).count("ticket.call-back-asked") == 2
        assert (await desk.stated(1)).count("ticket.escalated") >= 1
        assert (await desk.order(1, "call-back", by("liaison"), **helped)).status_code == 403
        assert (await desk.order(1, "call-back", by("hotline_agent"))).status_code == 422
        told = await desk.order(1, "call-back", by("hotline_agent", person="agent-1"), **helped)
        assert (told.status_code, told.json()["state"]) == (200, "TRANSFERRED")
        assert await clocks(desk.database) == []
        again = await desk.order(1, "call-back", by("hotline_agent"), **helped)
        assert (again.status_code, again.json()["type"]) == (409, "urn:griddispatch:problem:CALLED_BACK")
        (note,) = (await desk.http.get(f"/v1/tickets/{ticket(1)}/notes")).json()
        assert (note["kind"], note["words"], note["person"]) == ("CALL_BACK", "消防已到场", "agent-1")
        stated = await desk.stated(1)
        await ring_until(desk, TUESDAY_MORNING + timedelta(days=5))
        assert await desk.stated(1) == stated


async def clocks(database: Database) -> list[str]:
    """Which clocks run."""
    return [row["clock"] for row in await database.fetch("SELECT clock FROM timer ORDER BY clock")]
