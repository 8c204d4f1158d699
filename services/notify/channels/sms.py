"""SMS through any provider that HTTP can reach: its description says what is sent and how the answer is read."""

import json
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote_plus
from uuid import UUID

import orjson

from services.notify.channels.base import BATCH, SEND_S, in_turn
from services.notify.channels.guard import Guard
from services.notify.channels.http import Answer, HttpClient, InDoubt, NotSent
from services.notify.core.contacts import Endpoint
from services.notify.core.delivery import REFERENCE, Awaited, Outcome, Result, read_answer
from services.notify.core.gateways import BodyFormat, SmsGateway
from services.notify.core.message import Message
from services.notify.core.render import Form, Renderer, cut
from shared.clock import utc_now

_MEDIA_TYPES = {BodyFormat.JSON: "application/json", BodyFormat.FORM: "application/x-www-form-urlencoded"}


class SmsChannel:
    """One phone's queue out."""

    batch = BATCH

    def __init__(
        self, endpoint: Endpoint, gateway: SmsGateway, secret: str, renderer: Renderer, guard: Guard, *,
        send_s: float = SEND_S,
    ) -> None:  # fmt: skip
        """`secret` is what the description puts in for $secret; may be empty."""
        self._to = endpoint.to[0]
        self._language = endpoint.language
        self._gateway = gateway
        self._secret = secret
        self._renderer = renderer
        self._client = HttpClient(gateway.target, guard, send_s=send_s)

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        """Send each in a request of its own."""
        return await in_turn(messages, self._send)

    async def close(self) -> None:
        """Close the connections."""
        self._client.close()

    async def _send(self, message: Message) -> Result:
        text = cut(self._renderer.words(message, self._language, Form.SMS), self._gateway.limit)
        fields = {"to": self._to, "text": text, "id": str(message.id), "secret": self._secret}
        body = self._gateway.body.substitute({name: _put(word, self._gateway.format) for name, word in fields.items()})
        headers = [("content-type", _MEDIA_TYPES[self._gateway.format])]
        headers += [
            (name, value.substitute({**fields, "text": ""}))
            for name, value in self._gateway.headers
            if name != "content-type"
        ]
        try:
            answer = await self._client.send(body.encode(), headers, method=self._gateway.method)
        except NotSent as error:
            return Result(Outcome.FAILED, str(error))
        except InDoubt as error:
            return Result(Outcome.AMBIGUOUS, str(error))
        return read_sms_answer(self._gateway, answer, message.id)


def read_sms_answer(gateway: SmsGateway, answer: Answer, message_id: UUID) -> Result:
    """What an answer means by the gateway's own test of success; receipts are still to come."""
    result = read_answer(answer.status, answer.retry_after, utc_now())
    if result.outcome is not Outcome.DELIVERED:
        return result
    if answer.status not in gateway.statuses:
        return Result(Outcome.FAILED, f"HTTP {answer.status} is no success here", is_alive=True)
    if not gateway.pointer:
        return _awaiting(gateway, answer, message_id, result)
    found = _find(answer.body, gateway.pointer)
    if found is None:
        return Result(Outcome.AMBIGUOUS, "unreadable answer")
    if found not in gateway.values:
        return Result(Outcome.FAILED, "the provider says no", is_alive=True)
    return _awaiting(gateway, answer, message_id, result)


def _awaiting(gateway: SmsGateway, answer: Answer, message_id: UUID, taken: Result) -> Result:
    if gateway.receipts is None:
        return taken
    pointer = gateway.receipts.pointer
    reference = _find(answer.body, pointer) if pointer else str(message_id)
    if reference is None or not REFERENCE.fullmatch(reference):
        return Result(Outcome.AMBIGUOUS, "taken, without an id to know its receipt by")
    return replace(taken, awaited=Awaited(gateway.name, reference, gateway.receipts.within))


def _find(body: bytes, pointer: str) -> str | None:
    """The value at a place like /code, as text; None when there is none."""
    try:
        found = orjson.loads(body)
        for key in pointer.removeprefix("/").split("/"):
            found = found[int(key)] if isinstance(found, list) else found[key]
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError):
        return None
    return found if isinstance(found, str) else orjson.dumps(found).decode()


def _put(word: str, body_format: BodyFormat) -> str:
    if body_format is BodyFormat.FORM:
        return quote_plus(word)
    return json.dumps(word, ensure_ascii=False)[1:-1]
