"""When Kafka forgot: a log that gives out offsets anew is another than was written to, and the ledger is told again."""

from collections.abc import Mapping
from typing import Final

from shared import telemetry
from shared.database import Database, named_queries
from shared.kafka import Send
from shared.relay import Companion
from shared.replay import Place, Selection, pages, send_in_order
from shared.telemetry import log
from shared.terms import Source, TicketId

STRETCH: Final = 500
"""Events told again between two looks at what is new."""

_SQL = named_queries("shared", "sql", "recovery.sql")


class Marks:
    """What Kafka acknowledged of one topic, by partition.

    A mark that was noted before a send can only be at or below the offset which that send is given: no clock, and no
    other relay, can make it otherwise. One that is above it tells of a log that was lost or cut off.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._known: Mapping[int, int] = {}
        self._reached: dict[int, int] = {}
        self._fallen: dict[int, tuple[int, int]] = {}

    def see(self, topic: str, partition: int, offset: int) -> None:
        """Take note of an acknowledgement."""
        if topic != self.topic or offset < 0:
            return
        mark = self._known.get(partition, 0)
        if offset < mark:
            self._fallen.setdefault(partition, (mark, offset))
        self._reached[partition] = max(self._reached.get(partition, 0), offset + 1)

    @property
    def fallen(self) -> str:
        """Which partitions gave out an offset below their mark, in words; empty when none did."""
        return "; ".join(f"partition {p}: {offset} after {mark}" for p, (mark, offset) in sorted(self._fallen.items()))

    def reached(self) -> dict[int, int]:
        """What was seen since it was last asked for: the next offset by partition."""
        reached, self._reached = self._reached, {}
        return reached

    def know(self, marks: Mapping[int, int]) -> None:
        """Judge by these from now on; what fell before them is over."""
        self._known, self._fallen = marks, {}


class Retelling:
    """Tells a whole ledger again once its log has forgotten it: a page at a time between other work, across breaks."""

    def __init__(self, database: Database, source: Source, marks: Marks) -> None:
        self._database = database
        self._source = source
        self._marks = marks
        self._topic = marks.topic
        self._after: Place | None = None
        self._knows = False

    async def renew(self, *, takes_over: bool) -> None:
        """Note what was acknowledged, and look whether there is something to tell again. Raises Unavailable.

        While nothing is acknowledged that costs nothing, unless this process `takes_over` from another.
        """
        if self._marks.fallen:
            await self._begin(self._marks.fallen)
        reached = self._marks.reached()
        self._knows = self._knows and not takes_over
        if not reached and self._knows:
            return
        rows = await self._database.fetch(_SQL["note_marks"], self._topic, list(reached), list(reached.values()))
        self._marks.know({row["partition"]: row["next_offset"] for row in rows})
        open_ = await self._database.fetch(_SQL["read_retelling"], self._topic)
        self._after = Place(TicketId(open_[0]["ticket_id"]), open_[0]["version"]) if open_ else None
        self._knows = True

    async def _begin(self, offsets: str) -> None:
        async with self._database.transaction() as tx:
            await tx.conn.execute(_SQL["forget_marks"], self._topic)
            await tx.conn.execute(_SQL["begin_retelling"], self._topic, offsets[:500])
        telemetry.LOGS_FORGOTTEN.labels(topic=self._topic).inc()
        log.error("log_forgotten", topic=self._topic, offsets=offsets[:500])
        self._marks.know({})

    async def tell_on(self, send: Send, beside: Companion) -> int:
        """Tell the next page; how many events. Raises Unavailable; then that page comes again."""
        if self._after is None:
            return 0
        async for page in pages(self._database, self._source, self._topic, Selection(), self._after, STRETCH):
            await send_in_order(send, [*page.records, *await beside(page.tickets)])
            await self._move(page.last, finished=False)
            telemetry.EVENTS_RETOLD.labels(topic=self._topic).inc(len(page.records))
            return len(page.records)
        await self._move(self._after, finished=True)
        log.info("log_told_again", topic=self._topic)
        return 0

    async def _move(self, to: Place, *, finished: bool) -> None:
        await self._database.fetch(_SQL["move_retelling"], self._topic, to.ticket_id, to.version, finished)
        self._after = None if finished else to


async def forget_marks(database: Database, topic: str) -> None:
    """The topic was written again whole by hand: its marks begin anew, and nothing is left to be told. Raises
    Unavailable."""
    await database.fetch(_SQL["forget_marks"], topic)
    await database.fetch(_SQL["finish_retelling"], topic)
