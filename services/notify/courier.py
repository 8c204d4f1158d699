"""Delivering: lease what is due, send it outside any transaction, record how it went. One lane per endpoint."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from services.notify import store
from services.notify.channels.base import Channel
from services.notify.core.delivery import LOST, Verdict, judge
from services.notify.core.message import Message, MessageState
from services.notify.store import Settled
from shared import telemetry
from shared.clock import Clock
from shared.database import Database
from shared.errors import Unavailable
from shared.events import Draft, Event, NotificationDelivered, NotificationFailed
from shared.ledger import Ledger
from shared.outcome import backoff_s
from shared.telemetry import log
from shared.wake import Wake

POLL_S = 0.5
LEASE_S = 60.0
"""Longer than any batch takes to send and record; then the messages of a courier that died are free again."""
RECORD_S = 30.0
"""How long to try to record outcomes while the database is away; together with sending well within the lease."""
SWEEP_S = 5.0
SWEEP_BATCH = 200

_STRAY = Verdict(MessageState.FAILED, None, "its endpoint is no longer in the address book")


class Courier:
    """The delivery loop. Any number of copies may run: a lease lets one of them send."""

    def __init__(
        self, database: Database, ledger: Ledger, channels: Mapping[str, Channel], now: Clock, *,
        lease_s: float = LEASE_S,
    ) -> None:  # fmt: skip
        """`channels` by endpoint name: each gets a lane of its own, so that a slow receiver holds up only itself."""
        self._database = database
        self._ledger = ledger
        self._channels = dict(channels)
        self._now = now
        self._lease_s = lease_s
        self._wakes = {name: Wake() for name in channels}
        self._idle = Wake()

    def ring(self) -> None:
        """Something may be due: look at once."""
        for wake in self._wakes.values():
            wake.ring()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until asked to stop, and finish what is in hand."""
        try:
            async with asyncio.TaskGroup() as lanes:
                for name in self._channels:
                    lanes.create_task(self._lane(name, stopping), name=f"courier:{name}")
                lanes.create_task(self._sweep(stopping), name="courier:sweep")
        finally:
            await asyncio.gather(*(channel.close() for channel in self._channels.values()))

    async def deliver(self, name: str) -> int:
        """One pass of one lane; how many messages were tried. Raises Unavailable."""
        channel = self._channels[name]
        messages = await store.claim_messages(
            self._database, name, self._now(), limit=channel.batch, lease_s=self._lease_s
        )
        if messages:
            results = await channel.send_many(messages)
            now = self._now()
            settled = [
                Settled(m, judge(m.policy, m.attempt, result, now, random.random()), result)
                for m, result in zip(messages, results, strict=True)
            ]
            await self._record_surely(settled)
        return len(messages)

    async def sweep(self) -> int:
        """Settle messages whose sender vanished or whose endpoint is gone; how many were found. Raises Unavailable."""
        now = self._now()
        lost = await store.read_lost(self._database, SWEEP_BATCH)
        verdicts = [judge(m.policy, m.attempt, LOST, now, random.random()) for m in lost]
        await self._record([Settled(m, v, LOST) for m, v in zip(lost, verdicts, strict=True)], MessageState.LEASED)
        strays = await store.read_strays(self._database, self._channels, SWEEP_BATCH)
        await self._record([Settled(m, _STRAY, None) for m in strays], MessageState.QUEUED)
        return len(lost) + len(strays)

    async def _lane(self, name: str, stopping: asyncio.Event) -> None:
        failures = 0
        while not stopping.is_set():
            try:
                tried = await self.deliver(name)
                failures = 0
            except Unavailable as error:
                failures += 1
                log.warning("courier_waits", endpoint=name, error=str(error))
                tried = 0
            if tried < self._channels[name].batch:
                await self._wakes[name].wait(POLL_S + backoff_s(failures, random.random(), cap_s=5) * (failures > 0))

    async def _sweep(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                found = await self.sweep()
                if found:
                    log.warning("messages_swept", found=found)
            except Unavailable as error:
                log.warning("courier_waits", endpoint="", error=str(error))
            await _pause(stopping, SWEEP_S)

    async def _record_surely(self, settled: Sequence[Settled]) -> None:
        """Record, again and again while the database is away: what was sent should not be sent twice.

        Repeating is harmless: a message that has moved does not move again, and states no second event.
        """
        deadline = asyncio.get_running_loop().time() + RECORD_S
        failures = 0
        while True:
            try:
                return await self._record(settled, MessageState.LEASED)
            except Unavailable:
                failures += 1
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await self._idle.wait(backoff_s(failures, random.random(), cap_s=2))

    async def _record(self, settled: Sequence[Settled], standing: MessageState) -> None:
        if not settled:
            return
        final = [s for s in settled if s.verdict.state is not MessageState.QUEUED]
        async with self._database.transaction() as tx:
            versions = await store.lock_stories(tx, self._ledger, [s.message.ticket_id for s in final])
            now = self._now()
            moved = await store.settle_messages(tx, settled, now, standing)
            drafts = [
                Draft(s.message.ticket_id, _statement(s.message, s.verdict), now, s.message.caused_by)
                for s in final
                if s.message.id in moved
            ]
            await self._ledger.append(tx, versions, drafts)
        for (channel, outcome), count in Counter(map(_label, settled)).items():
            telemetry.NOTIFICATIONS.labels(channel=channel, outcome=outcome).inc(count)


def _statement(message: Message, verdict: Verdict) -> Event:
    """The event of a message that has come to its end."""
    if verdict.state is MessageState.DELIVERED:
        return NotificationDelivered(
            notification_id=message.id, template=message.template, recipient=message.recipient,
            channel=message.channel, attempts=message.attempt,
        )  # fmt: skip
    reason = f"{'unknown whether it arrived: ' * (verdict.state is MessageState.UNKNOWN)}{verdict.error}"
    return NotificationFailed(
        notification_id=message.id, template=message.template, recipient=message.recipient, channel=message.channel,
        attempts=message.attempt, reason=reason,
    )  # fmt: skip


def _label(settled: Settled) -> tuple[str, str]:
    return settled.message.channel, settled.result.outcome.value.lower() if settled.result else "stray"


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
