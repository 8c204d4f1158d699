"""What notify keeps for how long: what was told, and what citizens wrote; and what is erased at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notify import desk_store, receipt_store, store
from services.notify.core.callback import KEPT
from shared.clock import Clock, utc_now
from shared.database import Transaction
from shared.erasing import prove_erasure, prove_rule
from shared.events import Envelope
from shared.intake_events import TicketWordsErased

LOT: Final = 1_000
RULE: Final = "retention.reply_words"
UNMATCHED: Final = timedelta(days=4)
"""How long a receipt of what nobody here sent is kept: as long as any is waited for."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """For how long messages with their attempts are kept after their end, and words after they were written.

    Records, judgements and counts stay: rates are recounted from them. Nobody's words stand in those.
    """

    messages: timedelta
    words: timedelta
    lot: int = LOT
    real: Clock = utc_now
    """What is signed is judged by the time of the world, and so is kept by it."""

    async def forget_due(self, tx: Transaction, now: datetime) -> int:
        """Forget what is due now, a lot of each kind; how much it was. Words are proven to be gone."""
        words = await desk_store.forget_words(tx, now - self.words, self.lot)
        messages = await store.prune_messages(tx, now - self.messages, self.lot)
        links = await desk_store.forget_links(tx, now, self.lot)
        callbacks = await desk_store.forget_callbacks(tx, self.real() - KEPT, self.lot)
        receipts = await receipt_store.forget_receipts(tx, self.real() - UNMATCHED, self.lot)
        await prove_rule(tx, RULE, words, now)
        return len(words) + messages + links + callbacks + receipts


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Follows intake: whose words were erased there, theirs are erased here in the transaction that hears of it."""

    now: Clock

    async def hear(self, tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        """Erase what the citizens of such tickets wrote, and prove it; judgements and figures stay as they are."""
        tickets = list(dict.fromkeys(e.ticket_id for e in envelopes if isinstance(e.event, TicketWordsErased)))
        if not tickets:
            return
        erased = Counter(await desk_store.erase_words(tx, tickets))
        for ticket_id in tickets:
            await prove_erasure(tx, ticket_id, erased[ticket_id], self.now())
