"""HTTP of what others hand in signed: the replies of citizens to messages that a gateway sent for us."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter, ValidationError

from services.notify import desk_store
from services.notify.api import answered
from services.notify.channels.signing import Sign
from services.notify.core.callback import CallbackRefused, Claim, sender_of
from services.notify.core.followup import Answer, RecordedBy
from services.notify.core.reply_view import MOST_WORDS
from services.notify.desk import Desk
from services.notify.desk_api import Body
from shared.clock import Clock, utc_now
from shared.database import Database
from shared.edge import sound_line
from shared.errors import Problem, Rejected
from shared.problems import problem
from shared.strict_json import Limits
from shared.telemetry import log
from shared.terms import Satisfaction

PATH: Final = "/v1/callbacks/replies"
_LIMITS: Final = Limits()


class ReplyBody(Body):
    """What a citizen replied to a message. `message_id` is the reference that the message was sent with."""

    message_id: Annotated[UUID, Field(strict=False)]
    contacted: bool
    solved: bool
    satisfaction: Annotated[Satisfaction, Field(strict=False)]
    words: Annotated[str, Field(max_length=MOST_WORDS)] = ""


_BODY: Final = TypeAdapter(ReplyBody)


def router(
    database: Database, desk: Desk, keys: Mapping[str, Sequence[Sign]], now: Clock = utc_now
) -> APIRouter:  # fmt: skip
    """The route. `keys` are the gateways' by name; `now` is the time that signatures are judged by."""
    routes = APIRouter()
    schema = {"required": True, "content": {"application/json": {"schema": ReplyBody.model_json_schema()}}}

    @routes.post(PATH, openapi_extra={"requestBody": schema})
    async def take_reply(request: Request) -> JSONResponse:
        """A citizen's reply, signed by the gateway by the rules of Standard Webhooks; the same id is taken once."""
        raw, instant = await request.body(), now()
        claim = Claim(*(_only(request, f"webhook-{part}") for part in ("id", "timestamp", "signature")))
        try:
            sender = sender_of(keys, claim, raw, instant)
        except CallbackRefused as refused:
            log.warning("callback_refused", reason=str(refused))
            return problem(401, "callback-refused", "Nobody we know has signed this, or not now.")
        body = _read(raw)
        answer = Answer(body.contacted, body.solved, body.satisfaction, RecordedBy.CITIZEN)
        async with database.transaction() as tx:
            if not await desk_store.hear_callback(tx, sender, str(claim.identity), instant):
                return problem(409, "callback-repeated", "This was handed in before: it need not come again.")
            return answered(await desk.answer_message(tx, body.message_id, answer, body.words.strip()))

    return routes


def _only(request: Request, name: str) -> str | None:
    found = request.headers.getlist(name)
    return found[0] if len(found) == 1 else None


def _read(raw: bytes) -> ReplyBody:
    """The body, strictly. Raises Rejected."""
    try:
        return _BODY.validate_json(sound_line(raw, _LIMITS))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise Rejected(*(Problem(".".join(map(str, e["loc"])), e["type"], e["msg"]) for e in found)) from error
