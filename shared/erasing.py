"""Erasing words for good: what then stands in the audit log, to show when it was, by which rule, and how much."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from shared.audit import Entry, append
from shared.database import Transaction

RETENTION: Final = "system:retention"
ERASURE: Final = "system:erasure"
"""Who does what follows by itself: from the time something may be kept, and from an erasure that two people agreed."""


def digest_of(ids: Iterable[UUID]) -> str:
    """What stands in the log for a list of ids: SHA-256 over them in order, in hex; order of giving does not count."""
    return sha256(b"".join(sorted(one.bytes for one in ids))).hexdigest()


async def prove_rule(tx: Transaction, rule: str, erased: Sequence[UUID], now: datetime) -> None:
    """Which rule erased how much when. The digest is of the ids, so that whoever has them can check; it names none."""
    if erased:
        detail = (("rule", rule), ("count", len(erased)), ("sha256", digest_of(erased)))
        await append(tx, Entry(RETENTION, "erase_by_rule", "done", now, subject=rule, detail=detail))


async def prove_erasure(tx: Transaction, subject: UUID, erased: int, now: datetime) -> None:
    """That an agreed erasure of this matter arrived here, and how much it found: nothing is an answer too."""
    detail = (("erased", erased),)
    await append(tx, Entry(ERASURE, "erase_words", "done", now, subject=str(subject), detail=detail))
