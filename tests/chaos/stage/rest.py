"""Coming to rest: no clock runs on, nothing is under way, every reader has followed every story to its end."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from shared.topics import TOPICS
from tests.chaos.checker.evidence import Heal, Replay
from tests.chaos.stage.collect import evidence_of, state_digest
from tests.chaos.stage.ground import SERVICES
from tests.chaos.stage.records import from_ledger, produce
from tests.chaos.stage.stage import Stage, until

WITHOUT_CLOCKS = {
    "intake": (), "dispatch": ("api", "relay", "stream"), "notify": ("api", "relay", "stream", "courier"),
}  # fmt: skip

READ_AGAIN_S = 120.0
READ_A_SECOND = 200.0
"""How long reading everything once more may take: so long, and a second for so many events."""
ONLY_READING = ("api", "relay", "stream")
"""Nothing is triaged, sent or asked meanwhile: whatever changes, changed because it was told again."""


async def come_to_rest(stage: Stage, within_s: float = 120.0, *, notice: bool = True) -> bool:
    """Stop the clocks, wait until nothing moves, then end every service in order; whether it became quiet."""
    began = time.time()
    for service in ("dispatch", "notify"):
        await stage.drain(service)
        stage.launch(service, only=WITHOUT_CLOCKS[service])
    for service in SERVICES:
        await stage.ready(service)
    stage.fault("rolling restart", "dispatch, notify", began)
    quiet = await quieten(stage, within_s, notice=notice)
    for service in ("intake", "dispatch", "notify"):
        await stage.drain(service)
    return quiet


async def tell_again(stage: Stage) -> None:
    """With every clock stopped, tell all ledgers once more and let every reader read it: nothing may change."""
    evidence = await evidence_of(stage)
    before, within_s = state_digest(evidence), READ_AGAIN_S + len(evidence.ledger) / READ_A_SECOND
    for service in SERVICES:
        await produce(stage, await from_ledger(stage, service), "all once more")
    for service in SERVICES:
        stage.launch(service, only=ONLY_READING)
    for service in SERVICES:
        await stage.ready(service)

    async def read_whole() -> bool:
        stage.revive()
        return await lag(stage) == 0 and await untold(stage) == 0

    await until(read_whole, within_s, "everything read once more")
    for service in SERVICES:
        await stage.drain(service)
    stage.replays.append(Replay(what="every ledger", before=before, after=state_digest(await evidence_of(stage))))


async def lag(stage: Stage) -> int:
    """How many records lie before the groups that have not committed them."""
    address = stage.direct_kafka or stage.kafka.bootstrap
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    client = AIOKafkaConsumer(bootstrap_servers=address)
    async with asyncio.timeout(30):
        await admin.start()
        await client.start()
        try:
            behind = 0
            for service in SERVICES:
                offsets = await admin.list_consumer_group_offsets(f"{service}-stream")
                ends = await client.end_offsets(list(offsets))
                behind += sum(max(0, ends[place] - offsets[place].offset) for place in offsets)
            return behind
        finally:
            await client.stop()
            await admin.close()


async def quieten(stage: Stage, within_s: float, *, notice: bool) -> bool:
    """Wait until nothing is under way; with `notice` how long that took is written down."""
    began = time.time()
    backlog = await moving(stage)
    quiet = True

    async def check() -> bool:
        stage.revive()
        return await moving(stage) == 0 and await moving(stage) == 0

    try:
        await until(check, within_s, "rest")
    except TimeoutError:
        quiet = False
    if notice:
        stage.heals.append(Heal(seconds=time.time() - began, backlog=backlog, quiet=quiet))
    return quiet


async def moving(stage: Stage) -> int:
    """How many things are under way: unpublished, unread, untriaged or due to be sent."""
    counts = [
        "(SELECT count(*) FROM intake.ticket WHERE state = 'RECEIVED' AND NOT EXISTS"
        " (SELECT FROM intake.event AS e WHERE e.ticket_id = ticket.id AND e.version > 1))",
        "(SELECT count(*) FROM notify.message WHERE state = 'LEASED')",
        "(SELECT count(*) FROM notify.message WHERE state = 'QUEUED' AND due_at < $1)",
    ]
    rows = await stage.query("SELECT " + " + ".join(counts) + " AS n", stage.clock())
    return int(rows[0]["n"]) + await untold(stage)


async def untold(stage: Stage) -> int:
    """How many events are not published, or not followed by somebody who reads them."""
    counts = [f"(SELECT count(*) FROM {service}.outbox)" for service in SERVICES]
    for topic in TOPICS:
        for reader in topic.readers if topic.writer in SERVICES else ():
            counts.append(
                f"(SELECT count(*) FROM {topic.writer}.head AS h LEFT JOIN {reader}.position AS p"
                f" ON p.ticket_id = h.ticket_id AND p.source = '/griddispatch/{topic.writer}'"
                " WHERE coalesce(p.version, 0) < h.version)"
            )
    rows = await stage.query("SELECT " + " + ".join(counts) + " AS n")
    return int(rows[0]["n"])
