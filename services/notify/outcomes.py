"""How messages ended: outcomes, their events, and what goes a second way, in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.notify import receipt_store, store
from services.notify.core.contacts import Endpoint
from services.notify.core.courtesy import Courtesy, reroute
from services.notify.core.delivery import Outcome, judge_receipt
from services.notify.core.message import Message, MessageState
from services.notify.store import Settled
from shared.clock import Clock
from shared.database import Transaction
from shared.events import Draft, Event, NotificationDelivered, NotificationFailed
from shared.ledger import Ledger

_OPEN = (MessageState.QUEUED, MessageState.SENT)


@dataclass(frozen=True)
class Outcomes:
    """Writes outcomes down, whoever learns of them. Locks receipts, then stories, then messages."""

    ledger: Ledger
    now: Clock
    fallbacks: Mapping[str, Endpoint]
    """The endpoints that take over what failed, by the name of the one it failed at."""
    courtesy: Courtesy
    on_second: Callable[[], None]
    """Rings when something goes a second way."""

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Write outcomes, their events, and what goes a second way; a message that has moved meanwhile stays."""
        untried = [s.message for s in settled if s.result is not None and s.result.outcome is Outcome.UNTRIED]
        now = self.now()
        tried = [s for s in settled if s.result is None or s.result.outcome is not Outcome.UNTRIED]
        tried = await self._with_early_receipts(tx, tried)
        final = [s for s in tried if s.verdict.state not in _OPEN]
        final += [_along(s, carried) for s in final for carried in s.message.carried]
        versions = await store.lock_stories(tx, self.ledger, [s.message.ticket_id for s in final])
        await store.release_messages(tx, untried)
        kept = [s for s in tried if s.verdict.state in _OPEN]
        moved = await store.settle_messages(tx, [*kept, *final], now)
        ended = [s for s in final if s.message.id in moved]
        drafts = [
            Draft(s.message.ticket_id, _statement(s), now, s.message.caused_by, s.message.traceparent) for s in ended
        ]
        await self.ledger.append(tx, versions, drafts)
        second = [
            reroute(s.message, self.fallbacks[s.message.endpoint], now)
            for s in ended
            if s.verdict.state is MessageState.FAILED and s.message.endpoint in self.fallbacks
        ]
        await store.add_messages(tx, second, now, self.courtesy)
        if second:
            tx.on_commit(self.on_second)

    async def _with_early_receipts(self, tx: Transaction, tried: Sequence[Settled]) -> list[Settled]:
        """Remember which receipts are awaited; what came before the gateway's answer did, counts at once."""
        awaited = {s.result.awaited: s.message.id for s in tried if s.result is not None and s.result.awaited}
        if not awaited:
            return list(tried)
        early = await receipt_store.expect_receipts(tx, awaited, self.now())
        heard = {awaited[a]: early[a.gateway, a.reference] for a in awaited if (a.gateway, a.reference) in early}
        return [
            replace(s, verdict=judge_receipt(heard[s.message.id])) if s.message.id in heard else s for s in tried
        ]  # fmt: skip


def _along(settled: Settled, carried: Message) -> Settled:
    """What travels with a message ends as it ends."""
    there = replace(carried, carried=())
    return Settled(there, settled.verdict, None, MessageState.CARRIED)


def _statement(settled: Settled) -> Event:
    """The event of a message that has come to its end."""
    message, verdict = settled.message, settled.verdict
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
