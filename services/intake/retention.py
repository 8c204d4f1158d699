"""Retention: words kept for as long as they may be are erased, and the log proves when and by which rule."""

from datetime import datetime
from typing import Final

from services.intake import privacy_store, store
from services.intake.core.privacy import Retention, Rule
from shared.database import Transaction
from shared.erasing import prove_rule

LOT: Final = 200


class Eraser:
    """Erases a lot at a time, each with its entry in the audit log, in one transaction."""

    def __init__(self, retention: Retention, lot: int = LOT) -> None:
        self._retention = retention
        self._lot = lot

    async def erase_due(self, tx: Transaction, now: datetime) -> int:
        """Erase what is due now; how much it was."""
        identities = await privacy_store.due_identities(tx, now - self._retention.identity, self._lot)
        for ticket_id in identities:
            await store.erase_words(tx, ticket_id)
        leads = await privacy_store.erase_due_leads(tx, now - self._retention.lead, self._lot)
        words = await privacy_store.erase_due_words(tx, now - self._retention.talk, self._lot)
        for rule, erased in ((Rule.IDENTITY, identities), (Rule.LEAD, leads), (Rule.TALK, words)):
            await prove_rule(tx, rule.value, erased, now)
        return len(identities) + len(leads) + len(words)
