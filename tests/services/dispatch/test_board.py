"""The console's views on a real database: filtered and paged, counted, explained, and never a 500."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from httpx import ASGITransport, AsyncClient

from services.dispatch.api import router as command_router
from services.dispatch.board_api import Drawn, router
from services.dispatch.commands import Commands
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.naming import Naming, category_names
from services.dispatch.core.org import Org
from services.dispatch.elsewhere import Elsewhere
from services.dispatch.live import PLACES, TOPICS, Live
from services.dispatch.places import Places
from services.dispatch.watchers import Watchers
from shared.contract_labels import LABELS
from shared.tail import Tail
from shared.terms import Urgency
from tests.builders import GRID, TUESDAY_MORNING, categories, grids, org, ticket
from tests.conftest import TestDatabase
from tests.core.course import BIG, TOWN, entry, org_with
from tests.open_access import ADDRESS, open_app
from tests.services.dispatch.desk import Desk, open_desk
from tests.services.dispatch.test_joint_api import by
from tests.services.dispatch.test_merged_tickets import into

OTHER_GRID = "990101002001001"


@asynccontextmanager
async def board(database: TestDatabase, *, duties: Org | None = None) -> AsyncIterator[tuple[Desk, AsyncClient]]:
    labels = {value: (label.zh, label.en) for kind in LABELS.values() for value, label in kind.items()}
    naming = Naming(org(), category_names(categories()), labels, ZoneInfo("Asia/Shanghai"))
    live = Live(lambda: Tail("127.0.0.1:1", TOPICS, client_id="t"), Watchers(PLACES))
    async with open_desk(database, org=duties) as desk:
        commands = Commands(desk.database, desk.decider, Places(grids()))
        app = open_app("dispatch")
        app.include_router(command_router(desk.database, commands))
        app.include_router(router(desk.database, commands, naming, Drawn(grids()), live, Elsewhere()))
        async with AsyncClient(transport=ASGITransport(app), base_url=ADDRESS) as http:
            yield desk, http


async def get(http: AsyncClient, path: str, **query: Any) -> Any:
    answer = await http.get(f"/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def numbers(http: AsyncClient, **query: Any) -> list[str]:
    return sorted(t["ticket_id"][-1] for t in (await get(http, "queue", **query))["tickets"])


async def test_the_file_names_the_ticket_that_is_waited_for_and_those_that_wait(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        for n in (1, 2, 3):
            await desk.take_on(n)
        for n in (2, 3):
            await desk.receive(n, into(1))
        numbers_of = {n: (await get(http, f"tickets/{ticket(n)}"))["ticket_no"] for n in (1, 2, 3)}
        main, child = [await get(http, f"tickets/{ticket(n)}/file") for n in (1, 2)]
        assert main["into"] is None
        assert [w["ticket_no"] for w in main["waiting"]] == [numbers_of[2], numbers_of[3]]
        assert child["into"] == {"ticket_id": str(ticket(1)), "ticket_no": numbers_of[1]}
        assert child["waiting"] == []


async def test_the_queue_shows_what_was_asked_for(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        await desk.take_on(1)
        await desk.take_on(2, category="180101")
        await desk.take_on(3, urgency=Urgency.U2)
        await desk.take_on(4, grid=OTHER_GRID, township=OTHER_GRID[:9], village=OTHER_GRID[:12])
        await desk.take_on(5, grid=None, village=None, place_level="TOWNSHIP")
        await desk.work(1)
        assert await numbers(http) == ["1", "2", "3", "4", "5"]
        assert await numbers(http, state="FOLLOWING_UP") == ["1"]
        assert await numbers(http, category="18") == ["2"]
        assert await numbers(http, urgency=["U1", "U2"]) == ["3"]
        assert await numbers(http, grid=OTHER_GRID[:9]) == ["4"]
        assert await numbers(http, grid=GRID) == ["1", "2", "3"]
        assert await numbers(http, light="RED") == []
        lead = (await desk.ticket(2))["assignments"][-1]["unit"]
        assert await numbers(http, unit=lead, category="1801") == ["2"]
        assert await numbers(http, unit="nobody") == []
        late = (TUESDAY_MORNING + timedelta(days=2)).isoformat()
        assert "2" not in await numbers(http, due_before=late)


async def test_the_queue_comes_page_by_page_without_gap_or_repeat(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        for n in range(1, 8):
            await desk.take_on(n)
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = await get(http, "queue", limit=3, **after)
            seen += [t["ticket_id"] for t in page["tickets"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert seen == [str(ticket(n)) for n in range(1, 8)]


async def test_what_is_more_pressing_comes_first_on_every_page(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        for n in range(1, 6):
            await desk.take_on(n, category=BIG, vulnerable=n == 4)
        assert (await desk.order(5, "hasten", by("citizen"))).status_code == 200
        lead = (await desk.ticket(1))["assignments"][-1]["unit"]
        for path, key, unit in (
            ("queue", "tickets", None),
            ("queue", "tickets", lead),
            ("assignments", "assignments", lead),
        ):
            seen: list[str] = []
            query: dict[str, str] = {"unit": unit} if unit else {}
            while True:
                page = await get(http, path, limit=2, **query)
                seen += [line["ticket_id"] for line in page[key]]
                if page["next"] is None:
                    break
                query["after"] = page["next"]
            assert len(seen) == 5, path
            assert [set(seen[:2]), set(seen[2:])] == [{str(ticket(n)) for n in ns} for ns in ((4, 5), (1, 2, 3))], path
        pressing, ordinary = (await get(http, "queue", limit=3))["tickets"][::2]
        assert (pressing["due_at"], pressing["queue_at"] < ordinary["queue_at"]) == (ordinary["due_at"], True)
        assert "queue_at" not in (await get(http, "assignments", limit=1))["assignments"][0]


async def test_a_filter_that_is_none_is_refused_in_words(database: TestDatabase) -> None:
    async with board(database) as (_, http):
        for query in (
            "state=SLEEPING", "light=BLUE", "urgency=U9", "grid=x", "category=1;drop", "after=x", "limit=0",
            "limit=1001", "due_before=yesterday", "due_before=2026-03-10T00:00:00", "unit=" + "u" * 81,
        ):  # fmt: skip
            answer = await http.get(f"/v1/queue?{query}")
            assert answer.status_code == 422, query
            assert answer.json()["problems"][0]["field"]


async def test_places_are_counted_by_light(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        await desk.take_on(1)
        await desk.take_on(2)
        await desk.take_on(3, grid=OTHER_GRID, township=OTHER_GRID[:9], village=OTHER_GRID[:12])
        assert (await get(http, "places"))["places"] == {GRID: {"GREEN": 2}, OTHER_GRID: {"GREEN": 1}}


async def test_the_units_board_shows_load_and_what_came_in_time(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        for n in (1, 2, 3):
            await desk.take_on(n)
        await desk.work(1)
        desk.set_time(TUESDAY_MORNING + timedelta(days=1))
        await desk.work(2)
        (row,) = (await get(http, "units"))["units"]
        assert (row["unit"], row["open"], row["overdue"], row["results"], row["on_time"], row["on_time_rate"]) == (
            f"grid:{GRID}", 1, 1, 2, 1, 0.5
        )  # fmt: skip
        assert (await http.get("/v1/units?days=32")).status_code == 422


async def test_a_tickets_file_says_what_happened_what_runs_and_why(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        await desk.take_on(1)
        await desk.command(1, "sign", handler="worker-7")
        file = await get(http, f"tickets/{ticket(1)}/file")
        assert [line["type"] for line in file["story"]] == ["ticket.assigned", "ticket.signed"]
        assert file["ticket"]["version"] == 2
        clock = next(c for c in file["clocks"] if c["clock"] == "RESOLVE")
        assert (clock["name"], clock["ahead"][0]["step"]) == (["办结", "resolving"], "yellow")
        first = file["decisions"][0]["reasons"][0]
        assert first["zh"] == "“路灯”属于网格当日能化解的小事"
        assert not first["refused"]
        assert (await http.get(f"/v1/tickets/{uuid4()}/file")).status_code == 404


async def test_what_was_refused_stands_among_the_reasons(database: TestDatabase) -> None:
    async with board(database, duties=org_with(entry("18", DutyKind.COOPERATE))) as (desk, http):
        await desk.take_on(1, category=BIG)
        refused = await desk.order(1, "designate", unit=TOWN, reason="属地")
        assert refused.status_code == 409
        lines = [r for d in (await get(http, f"tickets/{ticket(1)}/file"))["decisions"] for r in d["reasons"]]
        assert any(line["refused"] for line in lines)


async def test_the_system_view_counts_what_waits(database: TestDatabase) -> None:
    async with board(database) as (desk, http):
        await desk.take_on(1)
        await desk.database.fetch(
            'INSERT INTO dead_letter (topic, partition, "offset", key, headers, reason, tries, code)'
            " VALUES ('tickets-intake', 0, 7, '\\xff41', '[]', '<b>broken</b>', 1, 'x')"
        )
        state = await get(http, "system")
        assert (state["outbox"]["depth"], state["parked"]["events"], state["dead"]["letters"]) == (1, 0, 1)
        assert (state["dead_letters"][0]["key"], state["dead_letters"][0]["reason"]) == ("\\xffA", "<b>broken</b>")
        assert state["late"]["clocks"] == 0
        assert state["stream"] == {"is_following": False, "watchers": 0}
        desk.set_time(TUESDAY_MORNING + timedelta(days=30))
        assert (await get(http, "system"))["late"]["clocks"] > 0


async def test_everything_has_a_name_in_two_languages(database: TestDatabase) -> None:
    async with board(database) as (_, http):
        names = await get(http, "names")
        assert names["categories"]["150101"][0] == "路灯"
        assert names["units"]["water"]["zh"] == "自来水公司"
        assert names["commands"]["designate"]["roles"] == ["command_centre"]
        assert set(names["commands"]["resolve"]["schema"]["properties"]) == {
            "action", "reply", "note", "evidence", "legal_basis"
        }  # fmt: skip
        area = await get(http, "area")
        assert len(area["grids"]) == len(grids()["features"])
        assert area["grids"][0]["rings"][0][0] == [119.198785, 33.403522]
