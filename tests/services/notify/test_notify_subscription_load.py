"""Many deliveries: a dead receiver with thousands waiting holds nobody up, and statements stay on their indexes."""

import asyncio
from datetime import timedelta
from uuid import UUID

from services.notify import subscription_store as kept
from services.notify.core.breaker import FAILURES
from shared.database import Database, named_queries
from tests.builders import eventually
from tests.services.notify.stage import Receiver
from tests.services.notify.subscribed import SubscribedStage, said
from tests.services.notify.values import assigned

QUERIES = named_queries("services.notify", "sql", "subscriptions.sql")
WAITING = 10_000
DEAD = "http://127.0.0.1:9/hook"
"""The discard port: nobody listens."""


async def fill(database: Database, subscription: UUID, n: int) -> None:
    """So many events of as many tickets wait for a subscription."""
    await database.fetch(
        """WITH told AS (
            INSERT INTO feed (event_id, ticket_id, source, version, type, time, unit, category, township, grid, exercise,
                heard_at)
            SELECT gen_random_uuid(), gen_random_uuid(), '/griddispatch/dispatch', 1,
                'org.griddispatch.ticket.assigned.v1', now(), '', '', '', '', false, now() FROM generate_series(1, $2)
            RETURNING seq, ticket_id, source
        )
        INSERT INTO delivery (subscription_id, feed_seq, story, replay, state, due_at, created_at)
        SELECT $1, seq, ticket_id || source, false, 'QUEUED', '2026-03-10T01:00:00Z', '2026-03-10T01:00:00Z' FROM told""",
        subscription, n,
    )  # fmt: skip


async def test_a_dead_receiver_with_ten_thousand_waiting_holds_nobody_up(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url, DEAD)
        dead, _ = await stage.subscribe(DEAD)
        alive, _ = await stage.subscribe(url)
        await fill(notify_database, dead.id, WAITING)
        stopping = asyncio.Event()
        running = asyncio.create_task(stage.sender.run(stopping))
        for n in range(1, 41):
            await stage.heard(said(assigned(), n=n))

            async def arrived(so_many: int = n) -> bool:
                return len(receiver.requests) >= so_many

            await eventually(arrived, what=f"the {n}th delivery to the receiver that lives")
        stopping.set()
        stage.bell.ring()
        await running
    tried = await notify_database.fetch(
        "SELECT count(*)::int AS n FROM delivery WHERE attempts > 0 AND subscription_id = $1", dead.id
    )
    assert tried[0]["n"] <= FAILURES + 4, "a dead receiver costs a few attempts, not its queue's"
    assert (await stage.standing(alive.id)).state == "ACTIVE"


async def test_with_a_hundred_thousand_waiting_a_claim_reads_what_it_takes_and_little_more(
    notify_database: Database,
) -> None:
    stage = SubscribedStage(notify_database, DEAD)
    made, _ = await stage.subscribe(DEAD)
    for _ in range(20):
        await fill(notify_database, made.id, 5_000)
    await notify_database.fetch("ANALYZE delivery")
    await notify_database.fetch("ANALYZE feed")
    now = stage.clock() + timedelta(hours=1)
    plan = await notify_database.fetch(
        f"EXPLAIN (ANALYZE, BUFFERS) {QUERIES['claim_deliveries']}", made.id, now, 200, 60.0
    )
    text = "\n".join(row[0] for row in plan)
    assert "Seq Scan on delivery" not in text, text
    assert "Seq Scan on feed" not in text, text
    claimed = await kept.claim_deliveries(notify_database, made.id, now, limit=200, lease_s=60.0)
    assert len(claimed) == 200
    ready = await notify_database.fetch(f"EXPLAIN {QUERIES['ready_subscriptions']}", now, [])
    assert "Seq Scan on delivery" not in "\n".join(row[0] for row in ready)
