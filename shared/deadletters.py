"""The dead-letter table: what could not be applied, kept with its bytes, mirrored to a topic, replayed by hand."""

import asyncio
from collections.abc import Sequence

import asyncpg

from shared.codec import Record
from shared.database import Database, Transaction, named_queries
from shared.errors import Unavailable
from shared.kafka import Outgoing, Producer
from shared.positions import headers_from_json, headers_to_json
from shared.telemetry import log
from shared.topics import Topic
from shared.wake import Wake

_SQL = named_queries("shared", "sql", "messaging.sql")

MIRROR_POLL_S = 5.0
MIRROR_BATCH = 200
REASON_LIMIT = 2000
MIRRORED_BYTES = 900_000
"""What a larger record held stays in the table alone: with what is said of it, it would be too large for the topic, and
one that Kafka never takes would hold up all behind it."""


async def bury(tx: Transaction, records: Sequence[tuple[Record, str, int]], code: str) -> None:
    """Keep each (record, reason, tries) once; `code` names the running release."""
    if records:
        await tx.conn.executemany(
            _SQL["bury"],
            [
                (r.topic, r.partition, r.offset, r.key, r.value, headers_to_json(r), _storable(reason), tries, code)
                for r, reason, tries in records
            ],
        )


def _storable(reason: str) -> str:
    """PostgreSQL text holds neither NUL nor lone surrogates; a reason may quote either."""
    return reason[:REASON_LIMIT].replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


class DeadLetterMirror:
    """Copies new rows of the table to `<service>-dead`, with where they came from and why they died."""

    def __init__(self, database: Database, producer: Producer, topic: Topic, wake: Wake) -> None:
        self._database = database
        self._producer = producer
        self._topic = topic
        self._wake = wake

    async def run(self, stopping: asyncio.Event) -> None:
        """Mirror until asked to stop."""
        while not stopping.is_set():
            try:
                mirrored = await self._pass()
            except Unavailable as error:
                log.warning("dead_letter_mirror_waits", error=str(error))
                mirrored = 0
            if not mirrored:
                await self._wake.wait(MIRROR_POLL_S)
        await self._producer.discard()

    async def _pass(self) -> int:
        rows = await self._database.fetch(_SQL["read_unmirrored"], MIRROR_BATCH)
        if rows:
            acknowledged = await self._producer.send([self._outgoing(row) for row in rows])
            done = [row["id"] for row, ok in zip(rows, acknowledged, strict=True) if ok]
            await self._database.fetch(_SQL["mark_mirrored"], done)
            return len(done)
        return 0

    def _outgoing(self, row: asyncpg.Record) -> Outgoing:
        origin = {
            "dlq-original-topic": row["topic"],
            "dlq-original-partition": str(row["partition"]),
            "dlq-original-offset": str(row["offset"]),
            "dlq-reason": row["reason"],
            "dlq-tries": str(row["tries"]),
            "dlq-code": row["code"],
            "dlq-failed-at": row["failed_at"].isoformat(),
        }
        key, value, headers = row["key"], row["value"], headers_from_json(row["headers"])
        size = sum(map(len, (key or b"", value or b"", row["headers"])))
        if size > MIRRORED_BYTES:
            key, value, headers, origin["dlq-left-out"] = None, None, [], str(size)
        if key is None:
            value = b""  # the client sends no record without both
        headers += [(name, text.encode()) for name, text in origin.items()]
        return Outgoing(self._topic.name, key, value, headers, row["partition"] % self._topic.partitions)
