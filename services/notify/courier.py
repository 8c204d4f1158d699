"""Delivering: lease what is due, send it outside any transaction, record how it went. One lane per endpoint."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from opentelemetry.trace import SpanKind

from services.notify import store
from services.notify.channels.base import Channel
from services.notify.core.breaker import Breaker
from services.notify.core.contacts import Endpoint
from services.notify.core.courtesy import USUAL, Courtesy
from services.notify.core.delivery import LOST, Outcome, Result, Verdict, judge, judge_silence
from services.notify.core.message import Message, MessageState
from services.notify.outcomes import Outcomes
from services.notify.store import Settled
from shared import telemetry, tracing
from shared.clock import Clock
from shared.database import Database
from shared.errors import Unavailable
from shared.failpoint import Reach, nowhere
from shared.ledger import Ledger
from shared.outcome import backoff_s
from shared.telemetry import log
from shared.wake import Wake, pause

POLL_S = 0.5
LEASE_S = 60.0
"""Longer than any batch takes to send and record; then the messages of a courier that died are free again."""
RECORD_S = 30.0
"""How long to try to record outcomes while the database is away; together with sending well within the lease."""
SWEEP_S = 5.0
SWEEP_BATCH = 200
MOST_CARRIED = 100
"""Messages that travel in one at the most."""

_STRAY = Verdict(MessageState.FAILED, None, "its endpoint is no longer in the address book")
_EXPIRED = Verdict(MessageState.FAILED, None, "its endpoint was out of reach for too long")


class Courier:
    """The delivery loop. Any number of copies may run: a lease lets one of them send."""

    def __init__(
        self, database: Database, ledger: Ledger, channels: Mapping[str, Channel], now: Clock, *,
        lease_s: float = LEASE_S, fallbacks: Mapping[str, Endpoint] | None = None, courtesy: Courtesy = USUAL,
        reach: Reach = nowhere,
    ) -> None:  # fmt: skip
        """`channels` by endpoint name: each gets a lane of its own, so that a slow receiver holds up only itself.

        `fallbacks` are the endpoints that take over what failed, by the name of the one it failed at. `reach` is told
        `courier.claimed` and `courier.sent`: where a test may end this process.
        """
        self._database = database
        self._channels = dict(channels)
        self._now = now
        self._lease_s = lease_s
        self._reach = reach
        self._courtesy = courtesy
        self._outcomes = Outcomes(ledger, now, fallbacks or {}, courtesy, self.ring)
        self._breakers = {name: Breaker() for name in channels}
        self._wakes = {name: Wake() for name in channels}

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
        settled = await self._try(name)
        await self._record_surely(settled)
        return len(settled)

    async def sweep(self) -> int:
        """Settle messages whose sender vanished, whose endpoint is gone or whose receipt never came; how many. Raises
        Unavailable."""
        now = self._now()
        lost = await store.read_lost(self._database, SWEEP_BATCH)
        await self._record([Settled(m, self._judge(m, LOST, now), LOST) for m in lost])
        strays = await store.read_strays(self._database, self._channels, SWEEP_BATCH)
        await self._record([Settled(m, _STRAY, None, MessageState.QUEUED) for m in strays])
        silent = await store.read_unreceipted(self._database, now, SWEEP_BATCH)
        await self._record([Settled(m, judge_silence(m.policy), None, MessageState.SENT) for m in silent])
        return len(lost) + len(strays) + len(silent)

    async def _lane(self, name: str, stopping: asyncio.Event) -> None:
        """Try, and record what was tried while the next ones are on their way."""
        failures = 0
        recording: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            while not stopping.is_set():
                tried = 0
                try:
                    settled = await self._try(name)
                    tried = len(settled)
                    failures = 0
                except Unavailable as error:
                    failures += 1
                    log.warning("courier_waits", endpoint=name, error=str(error))
                if recording is not None:
                    await asyncio.wait({recording})
                if tried == 0:
                    trouble = backoff_s(failures, random.random(), cap_s=5) if failures else 0
                    await self._wakes[name].wait(POLL_S + trouble)
                else:
                    recording = group.create_task(self._record_or_leave(name, settled), name=f"courier:{name}:record")

    async def _try(self, name: str) -> list[Settled]:
        """Claim what is due at one endpoint, as much as it is trusted with, and send it. Raises Unavailable."""
        now, channel, breaker = self._now(), self._channels[name], self._breakers[name]
        room = breaker.room(now, channel.batch)
        if room == 0:
            await self._give_up(name, now)
            return []
        quiet = self._courtesy.quiet(now)
        await store.put_off(self._database, name, now, quiet, SWEEP_BATCH)
        await store.tie_bundles(self._database, name, now, quiet, limit=SWEEP_BATCH, most=MOST_CARRIED)
        messages = await store.claim_messages(
            self._database, name, now, limit=room, lease_s=self._lease_s, quiet=quiet
        )  # fmt: skip
        if not messages:
            return []
        for message in messages:
            if message.attempt == 1 and message.due_at is not None:
                delay_s = max(0.0, (now - message.due_at).total_seconds())
                telemetry.FIRST_ATTEMPT_DELAY.observe(delay_s, tracing.exemplar((message.traceparent,)))
        self._reach("courier.claimed")
        started = tracing.now_ns()
        results = await channel.send_many(messages)
        self._reach("courier.sent")
        traces = [message.traceparent for message in messages]
        tracing.note("send", traces, started, SpanKind.CLIENT, **{"griddispatch.channel": messages[0].channel})
        now = self._now()
        self._breakers[name] = breaker.after(results, now, random.random())
        telemetry.ENDPOINTS_LEFT_ALONE.set(sum(b.open_until is not None for b in self._breakers.values()))
        if breaker.open_until is None and self._breakers[name].open_until is not None:
            log.warning("endpoint_left_alone", endpoint=name, until=str(self._breakers[name].open_until))
        return [Settled(m, self._judge(m, r, now), r) for m, r in zip(messages, results, strict=True)]

    def _judge(self, message: Message, result: Result, now: datetime) -> Verdict:
        return judge(message.policy, message.attempt, result, now, random.random(), message.give_up_at)

    async def _give_up(self, name: str, now: datetime) -> None:
        """While an endpoint is left alone: what waited for it long enough goes its second way, or has failed."""
        expired = await store.read_expired(self._database, name, now, SWEEP_BATCH)
        await self._record([Settled(m, _EXPIRED, None, MessageState.QUEUED) for m in expired])

    async def _sweep(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                found = await self.sweep()
                if found:
                    log.warning("messages_swept", found=found)
            except Unavailable as error:
                log.warning("courier_waits", endpoint="", error=str(error))
            await pause(stopping, SWEEP_S)

    async def _record_or_leave(self, name: str, settled: Sequence[Settled]) -> None:
        """Record; what cannot be recorded is found by the sweep once its lease has run out."""
        try:
            await self._record_surely(settled)
        except Unavailable as error:
            log.warning("outcomes_not_recorded", endpoint=name, messages=len(settled), error=str(error))

    async def _record_surely(self, settled: Sequence[Settled]) -> None:
        """Record, again and again while the database is away: what was sent should not be sent twice.

        Repeating is harmless: a message that has moved does not move again, and states no second event.
        """
        deadline = asyncio.get_running_loop().time() + RECORD_S
        failures = 0
        while True:
            try:
                return await self._record(settled)
            except Unavailable:
                failures += 1
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(backoff_s(failures, random.random(), cap_s=2))

    async def _record(self, settled: Sequence[Settled]) -> None:
        """Write outcomes down in one transaction, and count them once that is durable."""
        if not settled:
            return
        async with self._database.transaction() as tx:
            await self._outcomes.record(tx, settled)
        tried = [s for s in settled if s.result is None or s.result.outcome is not Outcome.UNTRIED]
        for (channel, outcome), count in Counter(map(_label, tried)).items():
            telemetry.NOTIFICATIONS.labels(channel=channel, outcome=outcome).inc(count)


def _label(settled: Settled) -> tuple[str, str]:
    return settled.message.channel, settled.result.outcome.value.lower() if settled.result else "untried"
