"""Webhooks by the Standard Webhooks rules."""

from collections.abc import Callable, Sequence

from services.notify.channels.base import BATCH, SEND_S, in_turn
from services.notify.channels.guard import Guard
from services.notify.channels.http import HttpClient, InDoubt, NotSent
from services.notify.channels.signing import Sign, sign
from services.notify.core.contacts import Endpoint
from services.notify.core.delivery import Outcome, Result, read_answer
from services.notify.core.message import Message
from services.notify.core.target import read_url
from shared.clock import utc_now


class WebhookChannel:
    """One endpoint's queue out: a few requests at once, to its URL and nowhere else."""

    batch = BATCH

    def __init__(
        self, endpoint: Endpoint, keys: Sequence[Sign], payload: Callable[[Message], str], guard: Guard, *,
        send_s: float = SEND_S,
    ) -> None:  # fmt: skip
        """`keys` sign every request; during a rotation the new one and the old one. Raises TargetRefused."""
        self._keys = tuple(keys)
        self._payload = payload
        self._client = HttpClient(read_url(endpoint.url, guard.loopback), guard, send_s=send_s)

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        """Send each in a request of its own."""
        return await in_turn(messages, self._send)

    async def close(self) -> None:
        """Close the connections."""
        self._client.close()

    async def _send(self, message: Message) -> Result:
        body = self._payload(message)
        headers = [("content-type", "application/json"), *sign(self._keys, str(message.id), utc_now(), body)]
        if message.traceparent is not None:
            headers.append(("traceparent", message.traceparent))
        try:
            answer = await self._client.send(body.encode(), headers)
        except NotSent as error:
            return Result(Outcome.FAILED, str(error))
        except InDoubt as error:
            return Result(Outcome.AMBIGUOUS, str(error))
        return read_answer(answer.status, answer.retry_after, utc_now())
