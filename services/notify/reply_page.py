"""The page behind the links in messages: whoever holds one answers, or comes back, and nobody else."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request, Response

from services.notify.core.followup import Answer, FollowUp, RecordedBy
from services.notify.core.reply_view import ENTRANCE_HEADERS, HEADERS, MOST_WORDS, Seen, Standing, entrance, reply_page
from services.notify.desk import Desk
from services.notify.followups import OwnUnit
from shared.database import Database, Transaction
from shared.errors import Malformed, NotFound, Unavailable
from shared.page_routes import add_steps, language_asked, sent
from shared.plain_pages import SHOWN, posted, read_fields, read_judged

PATH: Final = "/r"
FORMS: Final = (f"{PATH}/look", f"{PATH}/answer", f"{PATH}/reopen")
"""Where the page's forms are posted to."""
_MOST_TOKEN: Final = 64
_STATUS: Final = {Standing.UNKNOWN: 404, Standing.OVER: 410}

_STEPS: Final = {
    "/look": ("", "look_at_link", "What a link is good for."),
    "/answer": ("answer", "page_answer", "The citizen's judgement."),
    "/reopen": ("reopen", "page_come_back", "The citizen comes back with a matter that was closed."),
}
FIELDS: Final = posted(("token",), ("lang", "contacted", "solved", "satisfaction", "words"))

Fields = Mapping[str, str]


class ReplyPage:
    """The page's work behind its routes."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self._database = database
        self._desk = desk

    async def show(self, request: Request, act: str) -> Response:
        """Do what the form asks for, and show how the link stands then."""
        fields: Fields = {}
        try:
            fields = read_fields(await request.body())
            token = _token(fields.get("token", ""))
            async with self._database.transaction() as tx:
                return await self._show(tx, request, act, fields, token)
        except Malformed:
            return _enter(request, fields, 400, "unreadable")
        except Unavailable:
            return _enter(request, fields, 503, "away")

    async def _show(self, tx: Transaction, request: Request, act: str, fields: Fields, token: str) -> Response:
        said, status = "", 200
        try:
            if act == "answer":
                said, status = await self._answer(tx, token, fields)
            elif act == "reopen":
                await self._desk.reopen_by_link(tx, token)
                said = "returned"
        except NotFound:
            status = 409  # what the link is good for instead, the page says by itself
        seen = await self._desk.look(tx, token)
        if seen.standing in _STATUS:
            return _enter(request, fields, _STATUS[seen.standing], seen.standing.value)
        return self._sent(request, token, seen, said, fields, status)

    async def _answer(self, tx: Transaction, token: str, fields: Fields) -> tuple[str, int]:
        """Record an answer. The sentence about it, and the status."""
        judged, words = read_judged(fields), fields.get("words", "").strip()
        if judged is None:
            return "incomplete", 422
        if len(words) > MOST_WORDS:
            return "too_long", 422
        match await self._desk.answer_by_link(tx, token, Answer(*judged, RecordedBy.CITIZEN), words):
            case FollowUp():
                return "answered", 200
            case NotFound() | OwnUnit():
                return "", 404
            case ended:
                return ("answered_before" if ended.follow_up.answer else "ended"), 409

    def _sent(
        self, request: Request, token: str, seen: Seen, said: str, fields: Fields, status: int
    ) -> Response:  # fmt: skip
        zone, words = self._desk.rules.zone, self._desk.seals.is_able
        language = language_asked(request, fields)
        page = reply_page(language, token, seen, zone, said=said, words=words, draft=fields)
        return sent(page, status, HEADERS)


def router(database: Database, desk: Desk) -> APIRouter:
    """The routes. Tokens stand in bodies only: no address, and so no log of addresses, holds one."""
    page = ReplyPage(database, desk)
    routes = APIRouter(prefix=PATH)

    @routes.get("", response_class=Response, responses=SHOWN)
    async def open_reply(request: Request, lang: str = "") -> Response:
        """Where links in messages lead; what stands behind their # comes by the next request."""
        return _enter(request, {"lang": lang}, 200, "")

    add_steps(routes, page.show, _STEPS, FIELDS)
    return routes


def _token(said: str) -> str:
    """The token in what somebody pasted: a whole link, or its end. Nothing for what is too long to be one."""
    token = said.rpartition("#")[2].strip()
    return token if len(token) <= _MOST_TOKEN and token.isascii() else ""


def _enter(request: Request, fields: Fields, status: int, said: str) -> Response:
    return sent(entrance(language_asked(request, fields), said), status, ENTRANCE_HEADERS)
