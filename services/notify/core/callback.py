"""What others hand in signed, by the Standard Webhooks rules: over the very bytes, within minutes, under an id."""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(seconds=300)
"""How far a signature's time may be from ours."""
KEPT: Final = timedelta(minutes=20)
"""How long an id is remembered: for the window on both sides, and ten minutes beyond."""
MOST_SIGNATURES: Final = 10
Sign = Callable[[str, datetime, str], str]
"""(id, time in UTC, body) → the signature with its version."""
_IDENTITY: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_STAMP: Final = re.compile(r"[0-9]{1,11}", re.ASCII)


class CallbackRefused(Exception):
    """Nobody we know has signed this, or not now. The message is for the log."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the three headers say; each is None unless it stood there exactly once."""

    identity: str | None
    stamp: str | None
    signatures: str | None


def sender_of(keys: Mapping[str, Sequence[Sign]], claim: Claim, body: bytes, now: datetime) -> str:
    """Whose signature it is. Raises CallbackRefused.

    `keys` are the senders' by name, two while one is being changed. An id with a dot could move the boundary of what
    was signed, so there is none.
    """
    if claim.identity is None or claim.stamp is None or claim.signatures is None:
        raise CallbackRefused("a header is missing, or stands there twice")
    if not _IDENTITY.fullmatch(claim.identity) or not _STAMP.fullmatch(claim.stamp):
        raise CallbackRefused("the id or the time is badly formed")
    signed_at = datetime.fromtimestamp(int(claim.stamp), UTC)
    if abs(now - signed_at) > WINDOW:
        raise CallbackRefused("its time is over, or has not come")
    given = claim.signatures.split(" ")
    if len(given) > MOST_SIGNATURES:
        raise CallbackRefused("too many signatures")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CallbackRefused("the body is no text") from error
    for name, ring in keys.items():
        for sign in ring:
            wanted = sign(claim.identity, signed_at, text).encode()
            if sum(hmac.compare_digest(wanted, one.encode()) for one in given):  # each compared, whichever fits
                return name
    raise CallbackRefused("no signature fits")
