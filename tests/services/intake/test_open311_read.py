"""Reading by Open311: services, tickets and their progress, page by page, and nothing that is not the public's."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest
import pytest_asyncio

from services.intake.core.open311_query import SPAN
from shared.database import named_queries
from tests.builders import GRID
from tests.services.intake.desk import IN_FIRST_GRID, Desk, report
from tests.services.intake.open311_door import LAMP, V2, Door, open_door

UNCLASSIFIED = "999999"


@pytest_asyncio.fixture
async def door(desk: Desk) -> AsyncIterator[Door]:
    """The door without keys."""
    async with open_door(desk) as opened:
        yield opened


async def number_of(desk: Desk, ticket_id: str) -> str:
    """A ticket's number."""
    return str((await desk.rows("SELECT ticket_no FROM ticket WHERE id = $1", ticket_id))[0][0])


async def age(door: Door, number: str, by: timedelta) -> None:
    """Let a ticket be older."""
    await door.desk.rows("UPDATE ticket SET received_at = received_at - $2::interval WHERE ticket_no = $1", number, by)


async def test_every_leaf_of_the_category_tree_is_a_service(door: Door) -> None:
    services = {service["service_code"]: service for service in await door.get("services.json")}
    assert len(services) > 150
    assert services[LAMP] | {"keywords": ""} == {
        "service_code": "150101",
        "service_name": "路灯 / Street lamps",
        "description": services[LAMP]["description"],
        "metadata": False,
        "type": "realtime",
        "keywords": "",
        "group": services[LAMP]["group"],
    }
    assert "灯不亮" in services[LAMP]["keywords"].split(", ")
    assert UNCLASSIFIED in services


async def test_services_in_xml_are_the_same_as_in_json(door: Door) -> None:
    listed = await door.get("services.json")
    root = ElementTree.fromstring((await door.http.get(f"{V2}/services.xml")).content)
    assert [element.findtext("service_code") for element in root] == [service["service_code"] for service in listed]
    assert {element.findtext("metadata") for element in root} == {"false"}


async def test_a_service_without_questions_has_an_empty_definition(door: Door) -> None:
    assert await door.get(f"services/{LAMP}.json") == {"service_code": LAMP, "attributes": []}
    assert (await door.http.get(f"{V2}/services/0.xml")).status_code == 404


async def test_discovery_says_where_the_interface_is(door: Door) -> None:
    (endpoint,) = (await door.get("discovery.json"))["endpoints"]
    assert endpoint["url"] == "http://intake/open311/v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert endpoint["type"] == "test"
    root = ElementTree.fromstring((await door.http.get(f"{V2}/discovery.xml")).content)
    assert root.findtext("endpoints/endpoint/specification") == "http://wiki.open311.org/GeoReport_v2"


async def test_discovery_gives_the_public_address_where_one_is_set(desk: Desk) -> None:
    async with open_door(desk, public_url="https://311.example.org/open311/v2") as door:
        (endpoint,) = (await door.get("discovery.json"))["endpoints"]
    assert endpoint["url"] == "https://311.example.org/open311/v2"


async def test_a_ticket_shows_progress_and_its_grid_but_not_its_point(door: Door) -> None:
    number = await door.take_in()
    (before,) = await door.get(f"requests/{number}.json")
    await door.desk.triage_loop().triage_batch()
    (after,) = await door.get(f"requests/{number}.json")
    assert (before["status"], before["service_code"], before["address"]) == ("open", LAMP, None)
    assert after["address"] == "东风社区第一网格，东风街道 / Dongfeng Community Grid 1, Dongfeng Subdistrict"
    assert after["address_id"] == GRID
    assert (after["long"], after["lat"]) != (IN_FIRST_GRID["lon"], IN_FIRST_GRID["lat"])
    assert after["requested_datetime"] == "2026-03-10T01:15:00Z"
    assert after["status_notes"] == "已受理 / Accepted"
    assert [after[name] for name in ("description", "media_url", "zipcode", "expected_datetime")] == [None] * 4


@pytest.mark.parametrize(
    ("state", "status"),
    [("已受理", "open"), ("办理中", "open"), ("已办结", "open"), ("待评价", "open"), ("已结案", "closed")],
)
async def test_a_ticket_is_closed_when_the_citizen_has_had_the_last_word(door: Door, state: str, status: str) -> None:
    number = await door.take_in()
    closed_at = "now()" if status == "closed" else "'infinity'"
    await door.desk.rows(f"UPDATE ticket SET public_state = $1, closed_at = {closed_at}", state)
    (ticket,) = await door.get(f"requests/{number}.json")
    other = "open" if status == "closed" else "closed"
    assert (ticket["status"], ticket["status_notes"][:3]) == (status, state)
    assert await door.numbers(status=status) == [number]
    assert await door.numbers(status=other) == []
    assert await door.numbers(status="open,closed") == [number]


async def test_tickets_of_every_door_are_listed_the_newest_first(door: Door) -> None:
    posted = await door.take_in()
    taken = await number_of(door.desk, await door.desk.take_in(report(1)))
    await age(door, posted, timedelta(hours=1))
    assert await door.numbers() == [taken, posted]
    root = ElementTree.fromstring((await door.http.get(f"{V2}/requests.xml")).content)
    assert [element.findtext("service_request_id") for element in root] == [taken, posted]
    assert root.tag == "service_requests"


async def test_a_search_covers_ninety_days_unless_it_says_less(door: Door) -> None:
    new, edge, old = [await door.take_in(description=text) for text in ("new", "edge", "old")]
    await age(door, edge, SPAN)
    await age(door, old, SPAN + timedelta(microseconds=1))
    assert await door.numbers() == [new, edge]
    assert await door.numbers(start_date="2026-03-10T00:00:00Z") == [new]
    assert await door.numbers(end_date="2026-03-10T09:14:59+08:00") == [edge, old]
    assert await door.numbers(start_date="2026-03-10T09:15:00+08:00", end_date="2026-03-10T01:15:00Z") == [new]


async def test_a_search_by_service_knows_what_triage_found(door: Door) -> None:
    lamp = await door.take_in()
    other = await number_of(door.desk, await door.desk.take_in(report(1, text="无人知道这是什么")))
    assert await door.numbers(service_code=UNCLASSIFIED) == [other]
    assert await door.numbers(service_code=f"{LAMP},{UNCLASSIFIED}, 010101,nothing") == [other, lamp]
    await door.desk.triage_loop().triage_batch()
    assert await door.numbers(service_code=LAMP) == [lamp]


async def test_ids_override_everything_else_and_unknown_ones_are_left_out(door: Door) -> None:
    first, second = await door.take_in(), await door.take_in(description="井盖不见了")
    ids = f"{first},{second},99010126031010000010,x,{'9' * 20}"
    assert sorted(await door.numbers(service_request_id=ids, status="closed")) == sorted([first, second])
    assert await door.numbers(service_request_id="x") == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"service_request_id": ",".join(map(str, range(51)))},
        {"service_code": ",".join(map(str, range(51)))},
        {"status": "stale"},
        {"start_date": "2026-03-10"},
        {"start_date": "2026-03-10T00:00:00"},
        {"start_date": "2026-02-30T00:00:00Z"},
        {"start_date": "9999-12-31T23:59:59-12:00"},
        {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-01T00:00:01Z"},
        {"start_date": "2026-01-02T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "1000000000"},
        {"page": "12", "page_size": "1000"},
        {"page_size": "1001"},
        {"limit": "0"},
        {"limit": "²"},
        {"limit": "10", "page_size": "20"},
        {"after": "now"},
        {"after": f"{'9' * 17}.{'0' * 32}"},
    ],
)
async def test_a_search_that_cannot_be_meant_is_refused(door: Door, parameters: dict[str, str]) -> None:
    answer = await door.http.get(f"{V2}/requests.json", params=parameters)
    assert answer.status_code == 400
    assert {error["code"] for error in answer.json()} == {400}


async def test_a_parameter_given_twice_is_refused_and_an_unknown_one_left_alone(door: Door) -> None:
    assert (await door.http.get(f"{V2}/requests.json?page=1&page=2")).status_code == 400
    assert (await door.http.get(f"{V2}/requests.json?extensions=true")).status_code == 200


async def test_a_plus_sign_that_was_not_encoded_is_understood(door: Door) -> None:
    number = await door.take_in()
    answer = await door.http.get(f"{V2}/requests.json?start_date=2026-03-10T09:15:00+08:00")
    assert [ticket["service_request_id"] for ticket in answer.json()] == [number]


async def test_pages_hold_each_ticket_once_by_number_and_by_link(door: Door) -> None:
    posted = {await door.take_in(description=f"第{n}件") for n in range(7)}
    by_number = [number for page in ("1", "2", "3") for number in await door.numbers(page=page, page_size="3")]
    by_link: list[str] = []
    address = f"{V2}/requests.json?limit=3&status=open"
    while address:
        answer = await door.http.get(address)
        by_link += [ticket["service_request_id"] for ticket in answer.json()]
        address = answer.headers.get("link", "").removesuffix('>; rel="next"').removeprefix("<")
    assert by_link == by_number
    assert set(by_link) == posted
    assert len(by_link) == 7


async def test_a_ticket_that_comes_while_pages_are_read_moves_nothing(door: Door) -> None:
    for n in range(4):
        await age(door, await door.take_in(description=f"第{n}件"), timedelta(minutes=n + 1))
    first = await door.http.get(f"{V2}/requests.json?limit=2")
    await door.take_in(description="新来的")
    rest = await door.http.get(first.headers["link"].removesuffix('>; rel="next"').removeprefix("<"))
    numbers = [ticket["service_request_id"] for answer in (first, rest) for ticket in answer.json()]
    assert len(set(numbers)) == 4


@pytest.mark.parametrize(
    "secret",
    [
        {"confidential": True},
        {"exercise": True},
        {"ticket_type": "REPORT"},
        {"text": "我要反映村干部贪污挪用低保金的问题"},
    ],
)
async def test_what_is_not_for_the_public_is_not_listed_and_by_number_only_its_progress_shows(
    door: Door, secret: dict[str, Any]
) -> None:
    number = await number_of(door.desk, await door.desk.take_in(report(1, **secret)))
    await door.desk.triage_loop().triage_batch()
    code = (await door.desk.rows("SELECT category FROM ticket"))[0][0]
    assert await door.numbers() == await door.numbers(service_code=code) == []
    (ticket,) = await door.get(f"requests/{number}.json")
    assert {name: value for name, value in ticket.items() if value is not None} == {
        "service_request_id": number,
        "status": "open",
        "status_notes": "已受理 / Accepted",
    }


async def test_a_token_is_the_tickets_id(door: Door) -> None:
    ticket_id = await door.desk.take_in(report(1))
    number = await number_of(door.desk, ticket_id)
    assert await door.get(f"tokens/{ticket_id}.json") == [{"service_request_id": number, "token": ticket_id}]
    for token in (str(uuid4()), "12345"):
        assert (await door.http.get(f"{V2}/tokens/{token}.xml")).status_code == 404


async def test_of_a_sensitive_lead_neither_number_nor_token_is_known(door: Door) -> None:
    async def told(paths: tuple[str, str]) -> list[tuple[int, bytes]]:
        answers = [await door.http.get(f"{V2}/{path}.json") for path in paths]
        return [(answer.status_code, answer.content) for answer in answers]

    ticket_id = await door.desk.take_in(report(1))
    number = await number_of(door.desk, ticket_id)
    await door.desk.rows("UPDATE ticket SET hidden = true")
    hidden = await told((f"tokens/{ticket_id}", f"requests/{number}"))
    assert hidden == await told((f"tokens/{uuid4()}", "requests/99010126031010000010"))
    assert [status for status, _ in hidden] == [404, 404]


@pytest.mark.parametrize(
    "path", ["services.json", f"services/{LAMP}.json", "requests.json", "requests/1.json", "tokens/1.json"]
)
async def test_another_jurisdiction_is_not_found_and_our_own_need_not_be_named(door: Door, path: str) -> None:
    elsewhere = await door.http.get(f"{V2}/{path}", params={"jurisdiction_id": "city.gov"})
    assert (elsewhere.status_code, elsewhere.json()[0]["description"]) == (404, "jurisdiction_id was not found.")
    ours = await door.http.get(f"{V2}/{path}", params={"jurisdiction_id": "990101"})
    assert "jurisdiction_id" not in ours.text


@pytest.mark.parametrize("path", ["services.yaml", "requests.html", "requests/1.", "tokens/1.jsonp", "discovery.txt"])
async def test_there_is_xml_and_json_and_nothing_else(door: Door, path: str) -> None:
    assert (await door.http.get(f"{V2}/{path}")).status_code == 404


@pytest.mark.parametrize("number", ["0", "99010126031010000010", "%00", "x" * 300, "1'%20OR%201=1"])
async def test_an_unknown_ticket_is_not_found_and_never_echoed(door: Door, number: str) -> None:
    answer = await door.http.get(f"{V2}/requests/{number}.xml")
    assert answer.status_code == 404
    assert ElementTree.fromstring(answer.content).findtext("error/description") == "service_request_id was not found."


async def test_a_list_walks_its_own_index_and_reads_nothing_else_however_much_is_stored(door: Door) -> None:
    """One ticket in a thousand is closed: a page of closed ones must not pass by all the open ones."""
    await door.desk.rows(
        "INSERT INTO ticket (id, ticket_no, query_code, source, channel, exercise, confidential, received_at, updated_at,"
        " given_category, public_state, closed_at) SELECT gen_random_uuid(), n::text, '', 's', 'APP', false, false,"
        " now() - n * interval '1 min', now(), CASE n % 50 WHEN 0 THEN '150101' ELSE (160000 + n % 50)::text END,"
        " CASE n % 1000 WHEN 0 THEN '已结案' ELSE '办理中' END, CASE n % 1000 WHEN 0 THEN now() ELSE 'infinity' END"
        " FROM generate_series(1, 20000) AS n"
    )
    await door.desk.rows("ANALYZE ticket")
    queries = named_queries("services.intake", "sql", "open311.sql")
    common = "now() - interval '90 days', now(), 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{%s}', '{%%x%%}', 100, 0"
    # Every closed ticket here is of the one service: its own index and that of all closed ones are equally short.
    for name, states, more, read in (
        ("list_requests", "t", "", {"ticket_listed_closed": 20}),
        ("list_requests", "f", "", {"ticket_listed_open": 100}),
        ("list_requests", "f,t", "", {"ticket_listed_open": 100, "ticket_listed_closed": 1}),
        ("list_requests_of_services", "t", ", '{150101}'", {"ticket_listed_closed": 20}),
        ("list_requests_of_services", "f", ", '{150101}'", {"ticket_listed_open_by_service": 100}),
    ):
        async with door.desk.database.transaction() as tx:
            await tx.conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            await tx.conn.execute(f"PREPARE q AS {queries[name]}")
            explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE q({common % states}{more})"
            (plan,) = json.loads((await tx.conn.fetch(explain))[0][0])
            await tx.conn.execute("DEALLOCATE q")
        found = rows_read(plan["Plan"])
        if states == "t":
            found = {index.removesuffix("_by_service"): rows for index, rows in found.items()}
        assert found == read, (name, states)


def rows_read(node: dict[str, Any]) -> dict[str, int]:
    """How many rows were read by which index; by `heap` where a table was read through."""
    found: dict[str, int] = {}
    for below in node.get("Plans", []):
        found |= rows_read(below)
    if "Scan" in node["Node Type"] and node.get("Relation Name") == "ticket" and node["Actual Loops"]:
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        found[node.get("Index Name", "heap")] = round(rows * node["Actual Loops"])
    return found
