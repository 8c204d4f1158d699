"""Links for citizens: each is good for one thing about one ticket; its token follows from a key and is kept nowhere."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from shared.terms import TicketId

_TOKEN_CHARACTERS = 32


class Purpose(StrEnum):
    """What a link is good for."""

    ANSWER = "ANSWER"
    REOPEN = "REOPEN"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links that stand in messages. `page` is where citizens land; without a key or a page there are none.

    The token stands behind a #, so that no log of addresses holds it.
    """

    page: str = ""
    key: bytes = b""
    answer_for: timedelta = timedelta(days=7)
    reopen_for: timedelta = timedelta(days=15)

    @property
    def are_made(self) -> bool:
        """Whether messages hold links at all."""
        return bool(self.page and self.key)

    def expires_at(self, purpose: Purpose, now: datetime) -> datetime:
        """Until when a link made at `now` is good."""
        return now + (self.answer_for if purpose is Purpose.ANSWER else self.reopen_for)

    def token(self, code: str) -> str:
        """The token for what `code_of` says; nobody can make it without the key."""
        mark = hmac.digest(self.key, code.encode(), "sha256")
        return base64.urlsafe_b64encode(mark).decode()[:_TOKEN_CHARACTERS]

    def url(self, code: str) -> str:
        """The address for a message; empty for no code, or where no links are made."""
        return f"{self.page}#{self.token(code)}" if code and self.are_made else ""


def code_of(purpose: Purpose, ticket_id: TicketId, cycle: int) -> str:
    """What a link is about, as a message keeps it: it opens nothing."""
    return f"{purpose}/{ticket_id}/{cycle}"


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode()).digest()
