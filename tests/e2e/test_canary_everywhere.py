"""A name, a number and an address go through the whole product, and come out nowhere: three processes, every way out."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from griddispatch.embedded import NoidaBroker
from shared.actors import EVERYWHERE
from shared.audit import verify
from shared.database import connect
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.builders import PATIENT, eventually
from tests.conftest import TestDatabase
from tests.e2e.world import CANARIES, World, living, matter
from tests.open_access import acting_as
from tests.services.notify.stage import Receiver

pytestmark = pytest.mark.timeout(240)

MATTERS = 5
OTHER = "13900000001"
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
HERS = matter(90, "single") | {"source": "hotline-e2e"}
HIS = matter(91, "event") | {"source": "hotline-e2e", "text": "路面井盖破损 CANARY-WORDS",
                             "reporter": {"name": "CANARY-NAME", "phone": OTHER}}  # fmt: skip
"""Of a source whose callers are known again, as they are of every real one."""
OFFICER = acting_as("privacy_officer", "", "po-1")
SECOND = acting_as("privacy_officer", "", "po-2")
TABLES = (
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('dispatch', 'notify')"
)


async def by_further_doors(world: World) -> None:
    """Alone, and as a CloudEvent; the citizen adds something; and what is refused is not quoted anywhere."""
    intake = world.url("intake")
    taken = await world.http.post(f"{intake}/v1/tickets", json=HERS)
    assert taken.status_code == 201, taken.text
    world.accepted["single"] = taken.json()["ticket_id"].encode()
    event = {"specversion": "1.0", "type": "org.griddispatch.report.v1", "source": "/x", "id": "c-1",
             "data": HIS}  # fmt: skip
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


async def exported(world: World, phone: str) -> list[Any]:
    """The tickets of a person, as an officer exports them."""
    asked = {"phone": phone, "purpose": "本人申请查阅"}
    answer = await world.http.post(f"{world.url('intake')}/v1/privacy/exports", json=asked, headers=OFFICER)
    assert answer.status_code == 200, answer.text
    assert answer.json()["lacking"] == [], "both services were asked"
    return list(answer.json()["tickets"])


async def given_to_whoever_said_it(world: World) -> None:
    """One export has what was said at every door, and beside an answer at notify; nobody else's has any of it."""
    (hers,) = await exported(world, "138 0000 0000")
    (his,) = await exported(world, OTHER)
    assert [one["id"].encode() for one in (hers, his)] == [world.accepted["single"], world.accepted["event"]]
    for one, phone in ((hers, "13800000000"), (his, OTHER)):
        assert one["words"]["reporter"]["phone"] == phone and "CANARY-WORDS" in one["words"]["text"]
        assert {said["words"] for said in one["told"]["words"]} == {world.words}
        assert "follow_up" in {message["template"] for message in one["told"]["notifications"]}
        assert one["told"]["follow_ups"][-1]["state"] == "ANSWERED"
    assert ["CANARY-ADDRESS" in added["text"] for added in hers["supplements"]] == [True]
    assert his["supplements"] == []
    assert await exported(world, "13900000000") == []


async def forgotten_everywhere(world: World) -> None:
    """What two officers erase at intake, notify forgets when it hears of it; the rest stays, and every log verifies."""
    intake, notify, gone = world.url("intake"), world.url("notify"), world.accepted["single"].decode()
    stories = {t: len(v) for t, v in (await told_stories(world)).items()}
    asked = await world.http.post(f"{intake}/v1/tickets/{gone}/erasing", json={"purpose": "本人要求"}, headers=OFFICER)
    assert asked.status_code == 202, asked.text
    settlement = f"{intake}/v1/privacy/acts/{asked.json()['act_id']}/settlement"
    assert (await world.http.post(settlement, json={"granted": True}, headers=SECOND)).status_code == 200
    erasure = f"{intake}/v1/tickets/{gone}/erasure"
    erased = await world.http.post(erasure, json={"purpose": "本人要求"}, headers=OFFICER)
    assert erased.json() == {"erased": True}

    async def words_of(ticket_id: str) -> list[Any]:
        answer = await world.http.get(f"{notify}/v1/followups/{ticket_id}/words")
        return list(answer.json()["words"])

    async def is_forgotten() -> bool:
        return await words_of(gone) == []

    await eventually(is_forgotten, within_s=60, what="notify forgetting what it was told to forget")
    others = [t.decode() for t in world.accepted.values() if t.decode() != gone]
    assert all([await words_of(ticket_id) for ticket_id in others]), "nobody else's words went with it"
    assert (await exported(world, "13800000000"), len(await exported(world, OTHER))) == ([], 1)
    await world.settle()
    for service in ("intake", "notify"):
        log = await connect(world.database.dsn(service), size=1, application="test", area=EVERYWHERE, patience=PATIENT)
        assert (await verify(log))[1] == []
        await log.close()
    after = await told_stories(world)
    assert {t: v for t, v in after.items() if v != list(range(1, len(v) + 1))} == {}, "no version is missing"
    assert {t: len(v) - stories[t] for t, v in after.items() if len(v) != stories[t]} == {f"intake {gone}": 1}


async def told_stories(world: World) -> dict[str, list[int]]:
    """The versions in the ledgers, by service and ticket."""
    found: dict[str, list[int]] = {}
    for service in ("intake", "dispatch", "notify"):
        for row in await world.query(f"SELECT ticket_id, version FROM {service}.event ORDER BY ticket_id, version"):
            found.setdefault(f"{service} {row['ticket_id']}", []).append(row["version"])
    return found


async def test_what_comes_in_at_any_door_of_the_product_comes_out_nowhere(
    database: TestDatabase, tmp_path: Path
) -> None:
    broker, receiver = NoidaBroker(), Receiver(204)
    broker.start()
    try:
        await apply_topics(broker.bootstrap, TOPICS)
        async with receiver.open() as url:
            place = httpx.URL(url)
            world = World(database, broker, tmp_path, words="CANARY-WORDS 灯还是不亮")
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
                await given_to_whoever_said_it(world)
                await forgotten_everywhere(world)
                assert await world.drain() == {"intake": 0, "dispatch": 0, "notify": 0}
    finally:
        broker.stop()
    assert logs == world.personal_data_in_logs() == []
    assert [name for name, told in outside.items() if any(canary in told for canary in CANARIES)] == []
    assert len(world.records) > 5 * MATTERS and len(world.closed) == MATTERS + 2
