"""HTTP of what gateways hand in signed: replies of citizens to messages that one sent for us, and receipts of those."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from services.notify import desk_store, receipt_store, store
from services.notify.api import answered
from services.notify.channels.signing import Sign
from services.notify.core.callback import CallbackRefused, Claim, sender_of
from services.notify.core.delivery import REFERENCE, ReceiptState, judge_receipt
from services.notify.core.followup import Answer, RecordedBy
from services.notify.core.message import MessageState
from services.notify.core.reply_view import MOST_WORDS
from services.notify.desk import Desk
from services.notify.desk_api import Body
from services.notify.outcomes import Outcomes
from services.notify.store import Settled
from shared.clock import Clock, utc_now
from shared.database import Database, Transaction
from shared.edge import sound_line
from shared.errors import Rejected
from shared.problems import problem, problems_of
from shared.strict_json import Limits
from shared.telemetry import log
from shared.terms import Satisfaction

REPLIES: Final = "/v1/callbacks/replies"
RECEIPTS: Final = "/v1/callbacks/receipts"
PATHS: Final = (REPLIES, RECEIPTS)
_LIMITS: Final = Limits()
B = TypeVar("B", bound=BaseModel)


class ReplyBody(Body):
    """What a citizen replied to a message. `message_id` is the reference that the message was sent with."""

    message_id: Annotated[UUID, Field(strict=False)]
    contacted: bool
    solved: bool
    satisfaction: Annotated[Satisfaction, Field(strict=False)]
    words: Annotated[str, Field(max_length=MOST_WORDS)] = ""


class ReceiptBody(Body):
    """Whether what a gateway took arrived. `reference` is its own id of it, or ours where it was described so."""

    reference: Annotated[str, Field(pattern=f"^{REFERENCE.pattern}$")]
    state: Annotated[ReceiptState, Field(strict=False)]


_REPLY: Final = TypeAdapter(ReplyBody)
_RECEIPT: Final = TypeAdapter(ReceiptBody)


@dataclass(frozen=True)
class Callbacks:
    """What is behind the doors. `keys` are the gateways' by name; `now` is the time that signatures are judged by."""

    database: Database
    desk: Desk
    outcomes: Outcomes
    keys: Mapping[str, Sequence[Sign]]
    now: Clock = utc_now

    async def signed(self, request: Request) -> tuple[str, str, bytes] | None:
        """Whose it is, under which id, and its bytes; None when nobody we know has signed it, or not now."""
        raw = await request.body()
        claim = Claim(*(_only(request, f"webhook-{part}") for part in ("id", "timestamp", "signature")))
        try:
            return sender_of(self.keys, claim, raw, self.now()), str(claim.identity), raw
        except CallbackRefused as refused:
            log.warning("callback_refused", reason=str(refused))
            return None

    async def reply(self, tx: Transaction, gateway: str, body: ReplyBody) -> JSONResponse:
        """The citizen's judgement."""
        answer = Answer(body.contacted, body.solved, body.satisfaction, RecordedBy.CITIZEN)
        return answered(await self.desk.answer_message(tx, body.message_id, answer, body.words.strip()))

    async def receipt(self, tx: Transaction, gateway: str, body: ReceiptBody) -> JSONResponse:
        """The first receipt of a reference counts. One that comes before the gateway's own answer, or of something we
        never sent, is kept for a while and answered 202."""
        message_id, state = await receipt_store.hear_receipt(tx, gateway, body.reference, body.state, self.now())
        if message_id is None:
            return JSONResponse({"reference": body.reference, "state": state}, 202)
        waiting = await store.read_sent(tx, [message_id])
        verdict = judge_receipt(state)
        await self.outcomes.record(tx, [Settled(m, verdict, None, MessageState.SENT) for m in waiting])
        return JSONResponse({"reference": body.reference, "state": state})


def router(callbacks: Callbacks) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    async def once(
        request: Request, reader: TypeAdapter[B], act: Callable[[Transaction, str, B], Awaitable[JSONResponse]]
    ) -> JSONResponse:
        found = await callbacks.signed(request)
        if found is None:
            return problem(401, "callback-refused", "Nobody we know has signed this, or not now.")
        gateway, identity, raw = found
        body = _read(reader, raw)
        async with callbacks.database.transaction() as tx:
            if not await desk_store.hear_callback(tx, gateway, identity, callbacks.now()):
                return problem(409, "callback-repeated", "This was handed in before: it need not come again.")
            return await act(tx, gateway, body)

    @routes.post(REPLIES, openapi_extra=_shown(ReplyBody))
    async def take_reply(request: Request) -> JSONResponse:
        """A citizen's reply, signed by the gateway by the rules of Standard Webhooks; the same id is taken once."""
        return await once(request, _REPLY, callbacks.reply)

    @routes.post(RECEIPTS, openapi_extra=_shown(ReceiptBody))
    async def take_receipt(request: Request) -> JSONResponse:
        """Whether a message arrived, signed by the gateway that took it; the same id is taken once."""
        return await once(request, _RECEIPT, callbacks.receipt)

    return routes


def _shown(body: type[BaseModel]) -> dict[str, Any]:
    schema = {"required": True, "content": {"application/json": {"schema": body.model_json_schema()}}}
    return {"requestBody": schema}


def _only(request: Request, name: str) -> str | None:
    found = request.headers.getlist(name)
    return found[0] if len(found) == 1 else None


def _read(adapter: TypeAdapter[B], raw: bytes) -> B:
    """The body, strictly. Raises Rejected."""
    try:
        return adapter.validate_json(sound_line(raw, _LIMITS))
    except ValidationError as error:
        raise Rejected(*problems_of(error)) from error
