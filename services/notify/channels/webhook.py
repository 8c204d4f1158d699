"""Webhooks by the Standard Webhooks rules: signed, never redirected, bounded in time, size and number."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from standardwebhooks import Webhook

from services.notify.channels.base import SEND_S
from services.notify.core.contacts import Endpoint
from services.notify.core.delivery import Outcome, Result, read_answer
from services.notify.core.message import Message
from shared.clock import utc_now

CONNECT_S = 5.0
CONCURRENCY = 4
MAX_ANSWER_BYTES = 64 * 1024
IDLE_S = 2.0
"""Idle connections are dropped before usual servers drop them: a request sent into a closing one ends in doubt."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


KEY_PREFIX = "whsec_"
LEAST_KEY_BYTES = 24


class KeyRefused(ValueError):
    """A signing key is missing or unfit. The message never quotes it."""


def read_keys(secret: str) -> tuple[Webhook, ...]:
    """The signing keys of an endpoint: one, or two with a blank between them. Raises KeyRefused."""
    keys: list[Webhook] = []
    for text in secret.split():
        try:
            key = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
        except binascii.Error:
            raise KeyRefused("is not base64") from None
        if not text.startswith(KEY_PREFIX) or len(key) < LEAST_KEY_BYTES:
            raise KeyRefused(f"must be {KEY_PREFIX} and at least {LEAST_KEY_BYTES} random bytes in base64")
        keys.append(Webhook(key))
    if not keys:
        raise KeyRefused("is empty")
    return tuple(keys)


class WebhookChannel:
    """One endpoint's queue out: at most CONCURRENCY requests at once, to its URL and nowhere else."""

    batch = CONCURRENCY

    def __init__(
        self, endpoint: Endpoint, keys: Sequence[Webhook], payload: Callable[[Message], str], *, send_s: float = SEND_S
    ) -> None:
        """`keys` sign every request; during a rotation the new one and the old one."""
        self._url = endpoint.url
        self._keys = tuple(keys)
        self._payload = payload
        self._send_s = send_s
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(send_s, connect=min(CONNECT_S, send_s)),
            limits=httpx.Limits(max_connections=CONCURRENCY, keepalive_expiry=IDLE_S),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"user-agent": "griddispatch", "accept-encoding": "identity"},
        )

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        """Send each in a request of its own."""
        return list(await asyncio.gather(*(self._send(message) for message in messages)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _send(self, message: Message) -> Result:
        answer: httpx.Response | None = None
        async with self._slots:
            try:
                async with asyncio.timeout(self._send_s):
                    body = self._payload(message)
                    headers = self._headers(message, body, utc_now())
                    async with self._client.stream("POST", self._url, content=body.encode(), headers=headers) as answer:
                        await _drain(answer)
            except _NEVER_SENT as error:
                return Result(Outcome.FAILED, type(error).__name__)
            except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
                if answer is None:
                    return Result(Outcome.AMBIGUOUS, type(error).__name__)
        return read_answer(answer.status_code, answer.headers.get("retry-after"), utc_now())

    def _headers(self, message: Message, body: str, now: datetime) -> dict[str, str]:
        """The id stays over all attempts; time and signature are of this one."""
        return {
            "content-type": "application/json",
            "webhook-id": str(message.id),
            "webhook-timestamp": str(int(now.astimezone(UTC).timestamp())),
            "webhook-signature": " ".join(key.sign(str(message.id), now, body) for key in self._keys),
        }


async def _drain(answer: httpx.Response) -> None:
    """Read so much that the connection can serve again, and no more: the words themselves mean nothing to us."""
    taken = 0
    async for chunk in answer.aiter_raw():
        taken += len(chunk)
        if taken > MAX_ANSWER_BYTES:
            return
