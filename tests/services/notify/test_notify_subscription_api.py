"""Subscriptions over HTTP: made, shown without keys, changed, turned off and on, and never somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from services.notify import subscription_api
from services.notify.seals import Seals, read_ring
from shared.database import Database
from shared.errors import CannotOpen
from shared.events import TicketAssigned
from tests.open_access import ADDRESS, acting_as, open_app
from tests.services.notify.subscribed import SubscribedStage, said
from tests.services.notify.values import MORNING, assigned, ticket

ROOT = "/v1/subscriptions"
URL = "http://127.0.0.1:9/hook"
CITY = acting_as("integrator", person="city")
OTHER = acting_as("integrator", person="other")


ODD: list[dict[str, Any]] = [
    {},
    {"name": "", "url": URL},
    {"name": "a\nb", "url": URL},
    {"name": "a", "url": "https://10.0.0.1/"},
    {"name": "a", "url": "https://hook.example.org/" + "a" * 2000},
    {"name": "a", "url": URL, "event_types": ["org.griddispatch.lead.created.v1"]},
    {"name": "a", "url": URL, "event_types": ["x"]},
    {"name": "a", "url": URL, "areas": ["99*"]},
    {"name": "a", "url": URL, "categories": ["1"]},
    {"name": "a", "url": URL, "signing": "none"},
    {"name": "a", "url": URL, "owner": "other"},
    {"name": "a", "url": URL, "state": "ACTIVE"},
    {"name": "a", "url": URL, "units": ["u"] * 201},
]


@asynccontextmanager
async def doors(stage: SubscribedStage, headers: dict[str, str] = CITY) -> AsyncIterator[httpx.AsyncClient]:
    app = open_app("notify")
    app.include_router(subscription_api.router(stage.database, stage.subscriptions))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers) as c:
        yield c


async def test_a_subscription_lives_from_making_to_deleting(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database, URL)
    async with doors(stage) as client:
        made = await client.post(ROOT, json={"name": "city", "url": URL, "event_types": [TicketAssigned.type]})
        assert (made.status_code, made.json()["key"][:6]) == (201, "whsec_")
        path = f"{ROOT}/" + made.json()["subscription_id"]
        shown = (await client.get(path)).json()
        assert "key" not in shown
        assert shown["event_types"] == [TicketAssigned.type]
        changed = await client.patch(path, json={"name": "town"}, headers={"If-Match": '"1"'})
        assert (changed.json()["name"], changed.json()["version"]) == ("town", 2)
        assert (await client.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'})).status_code == 409
        assert (await client.post(path + "/disable")).json()["stopped_for"] == "OWNER"
        for refused in (
            await client.post(path + "/ping"),
            await client.post(path + "/replays", json={"since": MORNING.isoformat()}),
        ):
            assert refused.status_code == 409
            assert (refused.json()["reason"], refused.json()["current_version"]) == ("disabled", 3)
        assert (await client.post(path + "/enable")).json()["state"] == "ACTIVE"
        rotated = await client.post(path + "/keys", json={"signing": "ed25519"})
        assert rotated.json()["key"].startswith("whpk_")
        assert (await client.post(path + "/ping")).status_code == 202
        (delivery,) = (await client.get(path + "/deliveries")).json()["deliveries"]
        assert (delivery["state"], delivery["attempts"]) == ("QUEUED", [])
        assert len((await client.get(ROOT)).json()["subscriptions"]) == 1
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404
        assert (await client.get(ROOT)).json()["subscriptions"] == []


async def test_replays_are_asked_for_by_ticket_or_by_time(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database, URL)
    async with doors(stage) as client:
        path = f"{ROOT}/" + (await client.post(ROOT, json={"name": "city", "url": URL})).json()["subscription_id"]
        await stage.heard(said(assigned()))
        since = MORNING.isoformat()
        assert (await client.post(path + "/replays", json={"since": since})).json() == {"queued": 1}
        assert (await client.post(path + "/replays", json={"ticket_id": str(ticket(1))})).json() == {"queued": 1}
        odd: list[dict[str, Any]] = [
            {}, {"since": since, "ticket_id": str(ticket(1))}, {"until": since}, {"since": "2026-03-10T09:00:00"},
        ]  # fmt: skip
        for body in odd:
            assert (await client.post(path + "/replays", json=body)).status_code == 422


async def test_somebody_elses_is_not_found_by_any_door(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database, URL)
    async with doors(stage) as client:
        path = f"{ROOT}/" + (await client.post(ROOT, json={"name": "city", "url": URL})).json()["subscription_id"]
    async with doors(stage, OTHER) as client:
        answers = [
            await client.get(path),
            await client.patch(path, json={"name": "mine"}),
            await client.post(path + "/enable"),
            await client.post(path + "/disable"),
            await client.delete(path),
            await client.post(path + "/keys", json={}),
            await client.post(path + "/ping"),
            await client.post(path + "/replays", json={"since": MORNING.isoformat()}),
            await client.get(path + "/deliveries"),
        ]
        assert [a.status_code for a in answers] == [404] * 9
        assert (await client.get(ROOT)).json() == {"subscriptions": []}


async def test_what_is_odd_is_refused_whole(notify_database: Database) -> None:
    async with doors(SubscribedStage(notify_database, URL)) as client:
        for body in ODD:
            assert (await client.post(ROOT, json=body)).status_code == 422, body
        assert (await client.get(ROOT)).json() == {"subscriptions": []}


async def test_without_a_key_ring_subscribing_is_off(notify_database: Database) -> None:
    async with doors(SubscribedStage(notify_database, URL, seals=Seals({}))) as client:
        assert (await client.post(ROOT, json={"name": "a", "url": URL})).status_code == 409


@pytest.mark.parametrize("text", ["k1", "k1:x", "k1:AAAA", ":AAAA", "K:" + "A" * 43 + "=", "a:b,a:b"])
def test_a_ring_that_cannot_be_read_is_refused_and_never_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="entry 1") as refused:
        read_ring(text)
    assert "AAAA" not in str(refused.value)


def test_a_secret_opens_with_its_own_id_and_ring_only() -> None:
    one, other = Seals({"a": b"1" * 32}), Seals({"a": b"2" * 32})
    sealed = one.seal(ticket(1), "whsec_x")
    assert b"whsec" not in sealed
    assert Seals({"b": b"2" * 32, "a": b"1" * 32}).open(ticket(1), sealed) == "whsec_x"
    for ring, about in ((one, ticket(2)), (other, ticket(1)), (Seals({}), ticket(1))):
        with pytest.raises(CannotOpen):
            ring.open(about, sealed)
