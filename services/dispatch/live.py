"""The one loop that feeds the live stream: it follows the latest states and the alerts, and makes a frame of each.

It follows `tickets-state` and no table: a record has its final place there whatever commits late, every copy of the
service sees the same places, and an old place still leads to the latest state of every ticket.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson

from services.dispatch.watchers import Change, Watchers
from shared import telemetry
from shared.codec import Record
from shared.errors import Unavailable
from shared.notify_events import SurgeAlert
from shared.outcome import backoff_s
from shared.snapshot import TicketSnapshot
from shared.tail import Place, Tail
from shared.telemetry import log
from shared.topics import NOTIFY, STATE
from shared.wake import pause

TOPICS: Final = (STATE, NOTIFY)
PLACES: Final[tuple[Place, ...]] = tuple((topic.name, n) for topic in TOPICS for n in range(topic.partitions))
BACKLOG: Final = 400
"""So many records of each partition are read again at a start, so that whoever comes back finds where he stood."""
ALERTS_KEPT: Final = 50
_ALERT: Final = SurgeAlert.type.encode()


class Live:
    """Follows the topics until asked to stop; what is lost on the way is what `Watchers` says is missed."""

    def __init__(self, make_tail: Callable[[], Tail], watchers: Watchers) -> None:
        self._make_tail = make_tail
        self.watchers = watchers
        self._alerts: dict[str, dict[str, object]] = {}

    @property
    def is_following(self) -> bool:
        """Whether news comes in."""
        return self.watchers.is_following

    @property
    def alerts(self) -> list[dict[str, object]]:
        """The latest alerts seen, the newest first."""
        return sorted(self._alerts.values(), key=lambda alert: str(alert["window_end"]), reverse=True)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow; Kafka away is no reason to end."""
        failures = 0
        while not stopping.is_set():
            tail = self._make_tail()
            try:
                self.watchers.begin(await tail.start(self.watchers.after, BACKLOG))
                self.watchers.follow(True)
                failures = 0
                await self._follow(tail, stopping)
            except Unavailable as error:
                self.watchers.follow(False)
                failures += 1
                log.warning("live_stream_waits", error=str(error), failures=failures)
                await pause(stopping, backoff_s(failures, random.random(), first_s=0.5, cap_s=10))
            finally:
                self.watchers.follow(False)
                await tail.stop()

    async def _follow(self, tail: Tail, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            records = await tail.poll()
            if records:
                self.take(records)
                await pause(stopping, pause_s(self.watchers.count))

    def take(self, records: Sequence[Record]) -> None:
        """Tell the watchers what these records say; what is no news, or cannot be read, is passed over."""
        changes = [change for change in map(self._change, records) if change is not None]
        self.watchers.tell(changes, {(r.topic, r.partition): r.offset + 1 for r in records})
        telemetry.STREAM_CHANGES.inc(len(changes))
        telemetry.STREAM_WATCHERS.set(self.watchers.count)

    def _change(self, record: Record) -> Change | None:
        try:
            if record.topic == STATE.name:
                return _ticket_change(record)
            return self._alert_change(record) if dict(record.headers).get("ce_type") == _ALERT else None
        except ValueError as error:  # not only of its model: a key may be no text
            log.warning("live_record_unreadable", topic=record.topic, offset=record.offset, error=str(error)[:300])
            return None

    def _alert_change(self, record: Record) -> Change:
        alert = SurgeAlert.model_validate_json(record.value or b"")
        told = {"id": (record.key or b"").decode(), **alert.model_dump(mode="json")}
        self._alerts[str(told["id"])] = told
        for known in list(self._alerts)[:-ALERTS_KEPT]:
            del self._alerts[known]
        news = frame("alert", orjson.dumps(told))
        return Change((record.topic, record.partition), record.offset, news, place_of(told))


def place_of(alert: Mapping[str, object]) -> str | None:
    """The township an alert is about; None where it says none."""
    return str(alert["township"]) if alert["township"] else None


def _ticket_change(record: Record) -> Change | None:
    if record.value is None:
        return None
    s = TicketSnapshot.model_validate_json(record.value)
    units = s.supporting if s.unit is None else (s.unit, *s.supporting)
    gone = orjson.dumps({"ticket_id": str(s.ticket_id), "version": s.version})
    return Change(
        (record.topic, record.partition), record.offset, frame("ticket", record.value),
        s.grid or s.township or s.county, units, s.light.value, frame("gone", gone),
    )  # fmt: skip


def frame(event: str, body: bytes) -> bytes:
    """One event of the stream; JSON has no bare line breaks."""
    return b"event: " + event.encode() + b"\ndata: " + body + b"\n\n"


def pause_s(watchers: int) -> float:
    """How long news gathers before it is handed on: the more watch, the longer, so that the cost stays in bounds."""
    return min(0.5, 0.02 + watchers / 2000)
