"""What a channel promises."""

from collections.abc import Sequence
from typing import Protocol

from services.notify.core.delivery import Result
from services.notify.core.message import Message


class Channel(Protocol):
    """A way to one endpoint."""

    batch: int
    """How many messages it can send, all of them, well within the lease."""

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        """Try each message once; how each went, in the order given. Ends within SEND_S and never raises for a message.

        A message's id goes along, the same at every attempt, so that the receiver can tell a repeat.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


SEND_S = 15.0
"""The longest that one attempt may take."""
