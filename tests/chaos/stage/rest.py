"""Coming to rest: no clock runs on, nothing is under way, every reader has followed every story to its end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from shared.topics import TOPICS
from tests.chaos.checker.evidence import Heal, Replay
from tests.chaos.stage.collect import state_digest
from tests.chaos.stage.ground import SERVICES
from tests.chaos.stage.records import from_ledger, produce
from tests.chaos.stage.stage import Stage, until

WITHOUT_CLOCKS = {
    "intake": (), "dispatch": ("api", "relay", "stream"), "notify": ("api", "relay", "stream", "courier"),
}  # fmt: skip

READ_AGAIN_S = 120.0
READ_A_SECOND = 200.0
"""How long reading everything once more may take: so long, and a second for so many events."""
_BEHIND = """
SELECT '{reader}' AS reader, '{writer}' AS writer, h.ticket_id, h.version AS wanted, coalesce(p.version, 0) AS reached FROM {writer}.head AS h
LEFT JOIN {reader}.position AS p ON p.ticket_id = h.ticket_id AND p.source = '/griddispatch/{writer}'
WHERE coalesce(p.version, 0) < h.version
"""
ONLY_READING = ("api", "relay", "stream")
"""Nothing is triaged, sent or asked meanwhile: whatever changes, changed because it was told again."""


async def come_to_rest(stage: Stage, within_s: float = 120.0, *, notice: bool = True) -> bool:
    """Stop the clocks, wait until nothing moves, stop sending, then end every service; whether it became quiet."""
    began = stage.clocks_stopped = time.time()
    for service in ("dispatch", "notify"):
        await stage.drain(service)
        stage.launch(service, only=WITHOUT_CLOCKS[service])
    for service in SERVICES:
        await stage.ready(service)
    stage.fault("rolling restart", "dispatch, notify", began)
    quiet = await quieten(stage, within_s, notice=notice)
    await stage.drain("notify")  # what falls due to be sent from now on stays: its event would find no reader
    stage.launch("notify", only=ONLY_READING)
    await stage.ready("notify")
    quiet &= await comes_true(lambda: _is_told(stage), within_s)
    for service in ("intake", "dispatch", "notify"):
        await stage.drain(service)
    return quiet


async def _is_told(stage: Stage) -> bool:
    stage.revive()
    return await untold(stage) == 0


async def comes_true(check: Callable[[], Awaitable[bool]], within_s: float) -> bool:
    """Whether it came true in time."""
    try:
        await until(check, within_s, "rest")
    except TimeoutError:
        return False
    return True


async def tell_again(stage: Stage) -> None:
    """With every clock stopped, tell all ledgers once more and let every reader read it: nothing may change."""
    before, again = await state_digest(stage), 0
    for service in SERVICES:
        records = await from_ledger(stage, service)
        again += len(records)
        await produce(stage, records, "all once more")
    for service in SERVICES:
        stage.launch(service, only=ONLY_READING)
    for service in SERVICES:
        await stage.ready(service)

    async def read_whole() -> bool:
        stage.revive()
        return await lag(stage) == 0 and await untold(stage) == 0

    await until(read_whole, READ_AGAIN_S + again / READ_A_SECOND, "everything read once more")
    for service in SERVICES:
        await stage.drain(service)
    stage.replays.append(Replay(what="every ledger", before=before, after=await state_digest(stage)))


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

    async def check() -> bool:
        stage.revive()
        return await moving(stage) == 0 and await moving(stage) == 0

    quiet = await comes_true(check, within_s)
    if notice:
        stage.heals.append(Heal(seconds=time.time() - began, backlog=backlog, quiet=quiet))
    return quiet


async def catch_up(stage: Stage, within_s: float) -> None:
    """While life goes on: how long until what was written before now is published and followed by every reader."""
    began = time.time()
    before = await behind(stage)

    async def followed() -> bool:
        now = await behind(stage)
        return not any(key in now and now[key].reached < before[key].wanted for key in before)

    quiet = await comes_true(followed, within_s)
    stage.heals.append(Heal(seconds=time.time() - began, backlog=len(before), quiet=quiet))


class Behind(NamedTuple):
    """How far a reader has followed a story, and how far it goes."""

    reached: int
    wanted: int


async def behind(stage: Stage) -> dict[tuple[str, str, UUID], Behind]:
    """By reader, writer and ticket: the stories that are not followed to their end."""
    pairs = [(reader, topic.writer) for topic in TOPICS if topic.writer in SERVICES for reader in topic.readers]
    rows = await stage.query(
        " UNION ALL ".join(_BEHIND.format(reader=reader, writer=writer) for reader, writer in pairs)
    )
    return {
        (row["reader"], row["writer"], row["ticket_id"]): Behind(row["reached"], row["wanted"]) for row in rows
    }  # fmt: skip


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
    rows = await stage.query("SELECT " + " + ".join(counts) + " AS n")
    return int(rows[0]["n"]) + len(await behind(stage))
