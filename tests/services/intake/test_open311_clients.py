"""Clients that others wrote hold a whole session with a really running intake."""

import asyncio
import importlib.util
from typing import Any

import httpx
import pytest

from tests.services.intake.desk import Desk
from tests.services.intake.open311_door import LAMP, POINT, V2, open_door, served

IS_THERE = importlib.util.find_spec("georeport") is not None


@pytest.mark.skipif(not IS_THERE, reason="NOT COVERED: the client `georeport` is not installed")
@pytest.mark.parametrize("output_format", ["json", "xml"])
async def test_the_georeport_client_reads_services_and_requests(desk: Desk, output_format: str) -> None:
    georeport: Any = importlib.import_module("georeport")
    async with open_door(desk) as door, served(door.app) as address:
        number, other = await door.take_in(), await door.take_in(service_code="999999", description="别的")
        client = georeport.GeoReport(f"{address}{V2}/", jurisdiction="990101", output_format=output_format)
        services = await asyncio.to_thread(client.get_service_list)
        definition = await asyncio.to_thread(client.get_service_definition, LAMP)
        request = await asyncio.to_thread(client.get_service_request, number)
        requests = await asyncio.to_thread(
            client.get_service_requests, service_code=f"{LAMP},999999", start_date="2026-03-01T00:00:00Z", status="open"
        )
        named = await asyncio.to_thread(client.get_service_requests, service_request_id=f"{number},{other}")
    assert LAMP in {service["service_code"] for service in services}
    assert definition["service_code"] == LAMP
    assert (request["service_request_id"], request["status"]) == (number, "open")
    assert {ticket["service_request_id"] for ticket in requests} == {number, other}
    assert len(named) == 2


async def test_a_session_as_the_client_three_speaks_it(desk: Desk) -> None:
    """It runs on Python 2 alone, so its requests are made here as its source makes them: dates, count, empty key."""
    async with (
        open_door(desk) as door,
        served(door.app) as address,
        httpx.AsyncClient(base_url=address + V2, timeout=60) as http,
    ):
        whose = {"jurisdiction_id": "990101"}
        form = {"service_code": LAMP, "address_string": "东风社区", "description": "路灯坏了", **POINT, "api_key": ""}
        name = {"first_name": "某", "last_name": "李", "phone": "555-5555"}
        posted = await http.post("/requests.json", data=form | name | whose)
        (receipt,) = posted.json()
        span = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-11T00:00:00Z", "page_size": "5"}
        listed = await http.get("/requests.json", params=span | whose)
        one = await http.get(f"/requests/{receipt['service_request_id']}.json", params=whose)
        discovery = await http.get("/discovery.json", params=whose)
    assert [ticket["service_request_id"] for ticket in listed.json()] == [receipt["service_request_id"]]
    assert one.json() == listed.json()
    assert discovery.json()["endpoints"][0]["url"] == f"{address}{V2}"
