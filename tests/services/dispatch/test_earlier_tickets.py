"""What was known and decided of earlier tickets counts: of the same matter, and of the same category."""

from datetime import timedelta
from typing import Any

from tests.builders import TUESDAY_MORNING, ticket
from tests.conftest import TestDatabase
from tests.core.course import BIG
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


async def test_minutes_and_decisions_on_returns_are_precedents_of_their_category(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n, changes in ((1, {}), (2, {"confidential": True}), (3, {"category": "150101"})):
            await desk.take_on(n, **({"category": BIG} | changes))
        for n in (1, 2):
            assert (await desk.order(n, "hold-meeting", minutes=f"会议纪要{n}")).status_code == 200
        desk.set_time(TUESDAY_MORNING + timedelta(hours=1))
        assert (await desk.order(1, "hold-meeting", minutes="第二次会议")).status_code == 200

        async def precedents(category: str, **query: Any) -> list[str]:
            answer = await desk.http.get("/v1/precedents", params={"category": category} | query)
            assert answer.status_code == 200, answer.text
            return [line["words"] for line in answer.json()["precedents"]]

        assert await precedents(BIG) == await precedents(BIG[:2]) == ["第二次会议", "会议纪要1"]
        assert await precedents(BIG, limit=1) == ["第二次会议"]
        assert await precedents("15") == []
        assert (await desk.http.get("/v1/precedents?category=x")).status_code == 422
