"""Posting by Open311: a form is the same report as through every other door, once, and a reason for every refusal."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree

import pytest
import pytest_asyncio

from services.intake.core.open311 import Attribute, Catalogue, DataType, Service
from services.intake.open311_keys import OpenOnLoopback, read_key_ring
from tests.services.intake.desk import SMALL_BODY_LIMIT, Desk, gather
from tests.services.intake.open311_door import LAMP, V2, Door, form, open311, open_door

WHO = {"viewer": "worker-7", "purpose": "回访"}
PERSONAL = {
    "description": "CANARY-TEXT 路灯坏了",
    "address_string": "CANARY-ADDRESS",
    "first_name": "CANARY-FIRST",
    "last_name": "CANARY-LAST",
    "phone": "13800001234",
    "email": "CANARY@example.org",
    "device_id": "CANARY-DEVICE",
    "account_id": "CANARY-ACCOUNT",
    "media_url": "https://example.org/CANARY.jpg",
}


@pytest_asyncio.fixture
async def door(desk: Desk) -> AsyncIterator[Door]:
    """The door without keys."""
    async with open_door(desk) as opened:
        yield opened


def digest(key: str) -> str:
    """How a key stands in the settings."""
    return sha256(key.encode()).hexdigest()


async def test_a_form_becomes_a_ticket_whose_number_is_the_service_request_id(door: Door) -> None:
    answer = await door.post(form())
    (receipt,) = answer.json()
    (row,) = await door.desk.rows("SELECT ticket_no, query_code, source, channel, given_category, lon, lat FROM ticket")
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["location"] == f"{V2}/requests/{row['ticket_no']}.json"
    assert answer.headers["cache-control"] == "no-store"
    assert tuple(row)[2:] == ("open311.demo", "APP", LAMP, 119.225, 33.378)
    assert receipt["service_request_id"] == row["ticket_no"]
    assert row["query_code"] in receipt["service_notice"]
    assert receipt["account_id"] is None


async def test_the_answer_in_xml_holds_the_same(door: Door) -> None:
    answer = await door.post(form(), "xml")
    root = ElementTree.fromstring(answer.content)
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert root.tag == "service_requests"
    assert [child.tag for child in root[0]] == ["service_request_id", "service_notice", "account_id"]
    assert answer.text.startswith('<?xml version="1.0" encoding="utf-8"?>')


async def test_what_is_personal_lies_in_the_vault_and_in_no_answer(door: Door) -> None:
    posted = await door.post(form(**PERSONAL))
    number = posted.json()[0]["service_request_id"]
    await door.desk.triage_loop().triage_batch()
    for answer in (
        posted,
        await door.http.get(f"{V2}/requests/{number}.xml"),
        await door.http.get(f"{V2}/requests.json"),
    ):
        assert "CANARY" not in answer.text
        assert "13800001234" not in answer.text
    (row,) = await door.desk.rows("SELECT id FROM ticket")
    words = (await door.desk.http.get(f"/v1/tickets/{row['id']}/matter", params=WHO)).json()
    assert words["text"] == "CANARY-TEXT 路灯坏了"
    assert words["address"] == "CANARY-ADDRESS"
    assert words["reporter"] == {"name": "CANARY-FIRST CANARY-LAST", "phone": "13800001234", "note": None}
    assert words["extensions"] == {name: PERSONAL[name] for name in ("email", "device_id", "account_id", "media_url")}


async def test_a_name_in_han_characters_has_the_family_first(door: Door) -> None:
    await door.take_in(first_name="某", last_name="王")
    (row,) = await door.desk.rows("SELECT id FROM ticket")
    words = (await door.desk.http.get(f"/v1/tickets/{row['id']}/matter", params=WHO)).json()
    assert words["reporter"]["name"] == "王某"


async def test_without_a_description_the_service_speaks(door: Door) -> None:
    fields = form()
    del fields["description"]
    assert (await door.post(fields)).status_code == 201
    (row,) = await door.desk.rows("SELECT id FROM ticket")
    words = (await door.desk.http.get(f"/v1/tickets/{row['id']}/matter", params=WHO)).json()
    assert words["text"] == open311().catalogue[LAMP].name


@pytest.mark.parametrize(
    ("address_id", "township", "village"),
    [
        ("990101001", "990101001", None),
        ("990101001001", None, "990101001001"),
        ("990101001001001", None, "990101001001"),
    ],
)
async def test_the_id_of_an_address_is_the_code_of_an_area(
    door: Door, address_id: str, township: str | None, village: str | None
) -> None:
    assert (await door.post({"service_code": LAMP, "address_id": address_id})).status_code == 201
    (row,) = await door.desk.rows("SELECT given_township, given_village FROM ticket")
    assert tuple(row) == (township, village)


async def test_the_same_form_from_the_same_client_is_one_ticket_however_often_it_comes(door: Door) -> None:
    answers = await gather(*(door.post(form()) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sorted("idempotent-replay" in answer.headers for answer in answers) == [False] + [True] * 9
    assert await door.desk.count("ticket") == await door.desk.count("event") == 1


async def test_another_form_is_another_ticket(door: Door) -> None:
    assert await door.take_in() != await door.take_in(description="井盖不见了")


@pytest.mark.parametrize(
    ("later", "is_same"),
    [
        (timedelta(0), True),
        (timedelta(minutes=9, seconds=59), True),
        (timedelta(minutes=10), False),
        (timedelta(hours=1), False),
    ],
)
async def test_a_repeat_is_the_same_ticket_for_ten_minutes_wherever_they_begin(
    door: Door, later: timedelta, is_same: bool
) -> None:
    first = await door.take_in()  # five minutes into a window of the clock: the longer waits end in the next one
    door.now += later
    assert (await door.take_in() == first) is is_same


async def test_an_idempotency_key_holds_for_as_long_as_the_ticket(door: Door) -> None:
    first = await door.post(form(), **{"Idempotency-Key": "one"})
    door.now += timedelta(days=30)
    again = await door.post(form(), **{"Idempotency-Key": "one"})
    other = await door.post(form(description="井盖不见了"), **{"Idempotency-Key": "one"})
    assert again.content == first.content
    assert other.status_code == 400
    assert await door.desk.count("ticket") == 1


async def test_only_who_has_a_key_of_this_jurisdiction_may_post(desk: Desk) -> None:
    ring = read_key_ring(f"990101:app-one:{digest('right')}, 990102:app-two:{digest('elsewhere')}")
    async with open_door(desk, keys=ring) as door:
        missing = await door.post(form())
        wrong = [await door.post(form(api_key=key)) for key in ("wrong", "elsewhere", "right ", "r" * 300)]
        in_the_address = await door.http.post(f"{V2}/requests.json?api_key=right", data=form())
        assert await desk.count("ticket") == 0
        right = await door.post(form(api_key="right"))
    assert missing.json() == [{"code": 403, "description": "Missing api_key: the request cannot be created."}]
    assert {answer.status_code for answer in (missing, in_the_address, *wrong)} == {403}
    assert right.status_code == 201
    assert [row["source"] for row in await desk.rows("SELECT source FROM ticket")] == ["open311.app-one"]


async def test_two_clients_with_the_same_form_are_two_tickets(desk: Desk) -> None:
    ring = read_key_ring(f"990101:one:{digest('1')},990101:two:{digest('2')}")
    async with open_door(desk, keys=ring) as door:
        assert await door.take_in(api_key="1") != await door.take_in(api_key="2")
        assert await door.take_in(api_key="1") == await door.take_in(api_key="1")


@pytest.mark.parametrize(
    ("peer", "status"), [("127.0.0.1", 201), ("::1", 201), ("192.0.2.7", 403), ("testclient", 403)]
)
async def test_without_keys_only_this_machine_may_post(desk: Desk, peer: str, status: int) -> None:
    async with open_door(desk, peer=peer) as door:
        assert (await door.post(form(api_key="any"))).status_code == status
        assert (await door.http.get(f"{V2}/requests.json")).status_code == 200


def test_no_keys_at_all_means_open_on_loopback() -> None:
    assert isinstance(read_key_ring(" "), OpenOnLoopback)


@pytest.mark.parametrize("text", ["990101:app", "990101:app:ff", f"990101:App:{'a' * 64}", f"990101:app:{'A' * 64}"])
def test_a_key_that_cannot_be_read_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"Open311 key 1 must be") as refused:
        read_key_ring(text)
    assert text not in str(refused.value)


def test_a_key_must_not_stand_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        read_key_ring(f"990101:one:{'a' * 64},990101:two:{'a' * 64}")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"description": "路灯坏了"}, 400, "service_code was not provided"),
        ({"service_code": ""}, 400, "service_code was not provided"),
        ({"service_code": "15"}, 404, "service_code was not found"),
        ({"service_code": LAMP}, 400, "lat and long or address_string or address_id must be given"),
        ({"service_code": LAMP, "lat": "33"}, 400, "lat and long must be given together"),
        (form(lat="NaN"), 400, "lat must be WGS84 degrees with a decimal point"),
        (form(lat="1e3"), 400, "lat must be WGS84 degrees with a decimal point"),
        (form(lat="91"), 400, "lat must be at most 90"),
        (form(long="-180.5"), 400, "long must be at least -180"),
        (form(address_id="12"), 400, "address_id must be the code of a township, village or grid"),
        (form(description="   "), 400, "description must hold more than blanks"),
        (form(description="a\x00b"), 400, "description contains U+0000"),
        (form(phone="call me"), 400, "phone must match"),
        (form(first_name="x" * 60), 400, "first_name and last_name must have at most 50 characters"),
        (form(media_url="javascript:alert(1)"), 400, "media_url must begin with http:// or https://"),
        (form(media_url="https://" + "x" * 300), 400, "media_url must have at most 200 characters"),
        (form(jurisdiction_id="city.gov"), 404, "jurisdiction_id was not found."),
        (form() | {"attribute[COLOUR]": "red"}, 400, "attribute names an attribute that the service does not have"),
    ],
)
async def test_a_bad_form_is_told_why_and_leaves_no_trace(
    door: Door, fields: dict[str, str], status: int, said: str
) -> None:
    answer = await door.post(fields)
    assert (answer.status_code, answer.json()[0]["code"]) == (status, status)
    assert any(error["description"].startswith(said) for error in answer.json()), answer.text
    assert await door.desk.count("ticket") == await door.desk.count("request") == 0


async def test_every_fault_of_a_form_is_told_at_once_in_xml_too(door: Door) -> None:
    answer = await door.post(form(lat="x", media_url="y"), "xml")
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "errors"
    assert [[part.tag for part in error] for error in root] == [["code", "description"]] * 2


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"service_code=1&service_code=2", {}, 400),
        (b"description=%ff", {}, 400),
        (b"\xff", {}, 400),
        (b"&".join(b"a%d=1" % n for n in range(200)), {}, 400),
        (b"description=" + b"x" * SMALL_BODY_LIMIT, {}, 413),
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"<request/>", {"Content-Type": "text/xml"}, 415),
        (b'<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><r>&f;</r>', {"Content-Type": "text/xml"}, 415),
        (b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"a=1", {"Content-Encoding": "gzip"}, 415),
        (b"a=1", {"Idempotency-Key": "a b"}, 400),
    ],
)
async def test_a_body_that_is_no_form_is_told_so(door: Door, body: bytes, headers: dict[str, str], status: int) -> None:
    sent = {"Content-Type": "application/x-www-form-urlencoded"} | headers
    answer = await door.http.post(f"{V2}/requests.json", content=body, headers=sent)
    assert answer.status_code == status
    assert set(answer.json()[0]) == {"code", "description"}


async def test_a_database_that_is_away_is_said_so(door: Door) -> None:
    await door.desk.database.close()
    answer = await door.post(form())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()[0]["code"] == 503


def asking(*attributes: Attribute) -> Catalogue:
    """A catalogue whose lamp asks for something."""
    return {**open311().catalogue, LAMP: Service(LAMP, "路灯", "路灯", "市政", ("灯",), attributes)}


async def test_answers_to_attributes_go_with_the_report(desk: Desk) -> None:
    pole = Attribute("POLE", DataType.NUMBER, True, 1, "灯杆号 / Pole number")
    fault = Attribute(
        "FAULT", DataType.MULTI, False, 2, "故障 / Fault", {"dark": "不亮", "blink": "闪烁", "tilt": "倾斜"}
    )
    async with open_door(desk, catalogue=asking(pole, fault)) as door:
        answers: dict[str, Any] = {"attribute[POLE]": "17", "attribute[FAULT][]": ["dark", "tilt"]}
        assert (await door.post(form() | answers)).status_code == 201
    (row,) = await desk.rows("SELECT id FROM ticket")
    words = (await desk.http.get(f"/v1/tickets/{row['id']}/matter", params=WHO)).json()
    assert words["extensions"] == {"attribute.pole": "17", "attribute.fault": "dark, tilt"}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "attribute[POLE] is required"),
        ({"attribute[POLE]": "  "}, "attribute[POLE] is required"),
        ({"attribute[POLE]": "many"}, "attribute[POLE] must be a number"),
        ({"attribute[POLE]": "nan"}, "attribute[POLE] must be a number"),
        ({"attribute[POLE]": ["1", "2"]}, "attribute[POLE] takes one value"),
        ({"attribute[POLE]": "1" * 201}, "attribute[POLE] must have at most 200 characters"),
        ({"attribute[POLE]": "1", "attribute[FAULT]": "loud"}, "attribute[FAULT] must be one of dark"),
    ],
)
async def test_answers_that_do_not_fit_are_refused(desk: Desk, answers: dict[str, Any], said: str) -> None:
    pole = Attribute("POLE", DataType.NUMBER, True, 1, "灯杆号 / Pole number")
    fault = Attribute("FAULT", DataType.SINGLE, False, 2, "故障 / Fault", {"dark": "不亮"})
    async with open_door(desk, catalogue=asking(pole, fault)) as door:
        answer = await door.post(form() | answers)
    assert answer.status_code == 400
    assert answer.json() == [{"code": 400, "description": said}]
