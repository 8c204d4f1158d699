"""A name, a number and an address go through the whole product, and come out nowhere: three processes, every way out."""

from pathlib import Path

import httpx
import pytest

from griddispatch.embedded import NoidaBroker
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.builders import eventually
from tests.conftest import TestDatabase
from tests.e2e.world import CANARIES, World, living, matter
from tests.services.notify.stage import Receiver

pytestmark = pytest.mark.timeout(240)

MATTERS = 5
ASKED = {
    "intake": ("/metrics", "/v1/tickets/{id}", "/v1/tickets/{id}/explanation", "/v1/merges", "/v1/leads",
               "/v1/listening/sessions", "/open311/v2/requests.json"),
    "dispatch": ("/metrics", "/v1/tickets/{id}", "/v1/tickets/{id}/explanation", "/v1/tickets/{id}/notes",
                 "/v1/assignments", "/v1/queue", "/v1/overview", "/v1/units", "/v1/places", "/v1/burden"),
    "notify": ("/metrics", "/v1/followups/{id}", "/v1/notifications?ticket_id={id}", "/v1/rates?period=2026-03",
               "/v1/rates?period=2026-03&format=csv", "/v1/alerts", "/v1/recurring-problems", "/v1/follow-up-tasks",
               "/v1/subscriptions", "/v1/sampling/2026-03"),
}  # fmt: skip
"""Everything that tells of tickets without showing words: views, lists, exports and figures."""
TABLES = (
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('dispatch', 'notify')"
)


async def by_further_doors(world: World) -> None:
    """Alone, and as a CloudEvent; the citizen adds something; and what is refused is not quoted anywhere."""
    intake = world.url("intake")
    taken = await world.http.post(f"{intake}/v1/tickets", json=matter(90, "single"))
    assert taken.status_code == 201, taken.text
    world.accepted["single"] = taken.json()["ticket_id"].encode()
    event = {"specversion": "1.0", "type": "org.griddispatch.report.v1", "source": "/x", "id": "c-1",
             "data": matter(91, "event")}  # fmt: skip
    sent = await world.http.post(
        f"{intake}/v1/events", json=event, headers={"Content-Type": "application/cloudevents+json"}
    )
    assert sent.status_code == 201, sent.text
    world.accepted["event"] = sent.json()["ticket_id"].encode()
    told = taken.json()
    added = await world.http.post(
        f"{intake}/v1/public/tickets/{told['ticket_no']}/supplements",
        json={"query_code": told["query_code"], "text": "CANARY-NAME CANARY-ADDRESS 13800000000"},
    )
    assert added.status_code == 200, added.text
    refused = await world.http.post(f"{intake}/v1/tickets", json={**matter(92), "channel": "CANARY-NAME"})
    assert refused.status_code == 422


async def views(world: World) -> dict[str, bytes]:
    """What each view, list, export and figure answers, with its headers."""
    told = {}
    for service, paths in ASKED.items():
        for path in paths:
            for ticket_id in world.accepted.values() if "{id}" in path else [b""]:
                address = world.url(service) + path.replace("{id}", ticket_id.decode())
                answer = await world.http.get(address)
                assert answer.status_code in (200, 403, 404), f"{address}: {answer.text}"
                told[address] = answer.content + repr(answer.headers).encode()
    return told


async def tables(world: World) -> dict[str, bytes]:
    """Every row of the two services that may know nothing of anybody."""
    names = [row["name"] for row in await world.query(TABLES)]
    assert len(names) > 30
    return {n: repr([r["t"] for r in await world.query(f"SELECT x::text AS t FROM {n} AS x")]).encode() for n in names}


async def test_what_comes_in_at_any_door_of_the_product_comes_out_nowhere(
    database: TestDatabase, tmp_path: Path
) -> None:
    broker, receiver = NoidaBroker(), Receiver(204)
    broker.start()
    try:
        await apply_topics(broker.bootstrap, TOPICS)
        async with receiver.open() as url:
            place = httpx.URL(url)
            world = World(database, broker, tmp_path)
            world.extra["LOOPBACK_TARGETS"] = f"{place.host}:{place.port}"
            async with living(world):
                subscribed = await world.http.post(
                    f"{world.url('notify')}/v1/subscriptions", json={"name": "all", "url": url}
                )
                assert subscribed.status_code == 201, subscribed.text
                await world.hand_in(MATTERS)
                await by_further_doors(world)
                await world.work_until_closed()
                await world.settle()

                async def is_told() -> bool:
                    return len(receiver.requests) >= MATTERS

                await eventually(is_told, within_s=60, what="webhooks")
                outside = await views(world)
                outside |= {f"record {n} {s.type!r}": s.value for n, s in enumerate(world.records)}
                outside |= {f"webhook {n}": body + repr(h).encode() for n, (h, body) in enumerate(receiver.requests)}
                outside |= await tables(world)
                logs = world.personal_data_in_logs()
                assert await world.drain() == {"intake": 0, "dispatch": 0, "notify": 0}
    finally:
        broker.stop()
    assert logs == world.personal_data_in_logs() == []
    assert [name for name, told in outside.items() if any(canary in told for canary in CANARIES)] == []
    assert len(world.records) > 5 * MATTERS and len(world.closed) == MATTERS + 2
