"""The citizen's page: how a matter stands, and what its citizen may do, for whoever shows number and code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
from fastapi import APIRouter, Request, Response

from services.intake import citizen_store
from services.intake.bodies import expect, whole_body
from services.intake.citizen import Act, CitizenDesk, Declined, Locked
from services.intake.core.citizen_view import HEADERS, MOST_WORDS, Shown, Step, ask_page, ticket_page
from services.intake.core.citizen_words import WORDS
from services.intake.doors import Refusal
from services.intake.ratings import Ratings
from shared.actors import TooMany
from shared.database import Transaction
from shared.errors import Malformed, Unavailable
from shared.page_routes import add_steps, language_asked, sent
from shared.plain_pages import FORM, SHOWN, posted, read_fields, read_judged
from shared.rate_limit import Policy, RateLimits
from shared.terms import TicketId

BODY_LIMIT: Final = 256 * 1024
WITHIN_S: Final = 20.0
WRONG_CODES: Final = Policy("wrong-codes", 30, 600)
"""Wrong codes that one address may send, whatever the numbers: nobody walks through the numbers with one code."""

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """The page's work behind its routes. Without `ratings` a citizen is told to wait for our call."""

    desk: CitizenDesk
    limits: RateLimits
    ratings: Ratings | None = None

    async def show(self, request: Request, act: str) -> Response:
        """Do what the form asks for, and show how the matter stands then."""
        fields: Fields = {}
        try:
            fields = await _fields(request)
            return await self._show(request, act, fields)
        except Refusal as refusal:
            return _asked(request, fields, refusal.status, "unreadable")
        except Unavailable:
            return _asked(request, fields, 503, "away")

    async def _show(self, request: Request, act: str, fields: Fields) -> Response:
        peer = request.client.host if request.client else ""
        if self.limits.left(WRONG_CODES, peer).remaining < 1:
            return _asked(request, fields, 429, "wait", retry_after_s=WRONG_CODES.window_s)
        note = await self._rate(fields) if act == "rate" else None
        done = _Done(self, act, fields, note)
        outcome = await self.desk.enter(fields.get("ticket_no", ""), fields.get("query_code", ""), done)
        if isinstance(outcome, Locked):
            return _asked(request, fields, 429, "wait", retry_after_s=outcome.wait_s)
        if outcome is None or done.shown is None:
            self._count(peer)
            return _asked(request, fields, 404, "wrong")
        return _sent(ticket_page(language_asked(request, fields), done.shown), done.status)

    async def _rate(self, fields: Fields) -> str:
        """Hand a judgement in, once number and code are proven. The sentence about it."""
        judged = read_judged(fields)
        if judged is None:
            return "incomplete"
        proven: list[TicketId] = []

        async def prove(tx: Transaction, row: asyncpg.Record, now: datetime) -> dict[str, object]:
            proven.append(TicketId(row["id"]))
            return {}

        await self.desk.enter(fields.get("ticket_no", ""), fields.get("query_code", ""), prove)
        if not proven or self.ratings is None:
            return "not_asked"
        return (await self.ratings.rate(proven[0], judged)).value

    def _count(self, peer: str) -> None:
        try:
            self.limits.spend(WRONG_CODES, peer)
        except TooMany:
            return  # counted already


class _Done:
    """One step of the page: what the form asks for, then the view of it, in one transaction."""

    def __init__(self, page: Page, act: str, fields: Fields, note: str | None) -> None:
        self._page = page
        self._act = act
        self._fields = fields
        self._note = note
        self._draft = ""
        self.status = 200
        self.shown: Shown | None = None

    async def __call__(self, tx: Transaction, row: asyncpg.Record, now: datetime) -> Declined | dict[str, object]:
        desk = self._page.desk
        await self._do(tx, row, now)
        again = await desk.read(tx, row)
        view = await desk.view(tx, again, now)
        steps: list[Step] = await citizen_store.read_timeline(tx, TicketId(row["id"]), row["merged_into"])
        self.shown = Shown(
            row["ticket_no"], self._fields["query_code"].strip().upper(), view, steps, self._page.ratings is not None,
            desk.reopening_refused(again, now) is None, self._note, self._draft,
        )  # fmt: skip
        return view

    async def _do(self, tx: Transaction, row: asyncpg.Record, now: datetime) -> None:
        wanted = self._wanted()
        if wanted is None:
            return
        match await wanted(tx, row, now):
            case Declined(code=code):
                self._note, self.status = code if code in WORDS else "closed", 409
            case view:
                again = self._act == "hasten" and not view.get("counted")
                self._note = "done_hasten_again" if again else f"done_{self._act}"

    def _wanted(self) -> Act | None:
        desk = self._page.desk
        match self._act:
            case "supplement":
                text = self._fields.get("text", "").strip()
                if not 1 <= len(text) <= MOST_WORDS:
                    self._note, self.status, self._draft = "refused_supplement", 422, text
                    return None
                return desk.supplement(text)
            case "hasten":
                return desk.hasten
            case "withdraw":
                return desk.withdraw
            case "reopen":
                return desk.reopen
            case _:
                return None


_STEPS: Final = {
    "": ("", "show_page", "How the matter stands."),
    "/supplement": ("supplement", "page_supplement", "Add something."),
    "/hasten": ("hasten", "page_hasten", "Ask for speed."),
    "/withdraw": ("withdraw", "page_withdraw", "Take the matter back."),
    "/rate": ("rate", "page_rate", "Judge the result."),
    "/reopen": ("reopen", "page_reopen", "Have it done again."),
}
PAGE_FORM: Final = posted(("ticket_no", "query_code"), ("lang", "text", "contacted", "solved", "satisfaction"))


def router(page: Page) -> APIRouter:
    """The routes. Numbers and codes stand in bodies only: an address says nothing about anybody."""
    routes = APIRouter(prefix="/c")

    @routes.get("", response_class=Response, responses=SHOWN)
    async def open_page(request: Request, lang: str = "") -> Response:
        """The page that asks for number and code."""
        return _sent(ask_page(language_asked(request, {"lang": lang})))

    @routes.get("/{ticket_no}", response_class=Response, responses=SHOWN)
    async def open_page_of(request: Request, ticket_no: str, lang: str = "") -> Response:
        """The same with a number filled in, as a printed slip has it; whether there is such a ticket is not said."""
        number = ticket_no if len(ticket_no) == 20 and ticket_no.isascii() and ticket_no.isdigit() else ""
        return _sent(ask_page(language_asked(request, {"lang": lang}), number))

    add_steps(routes, page.show, _STEPS, PAGE_FORM)
    return routes


async def _fields(request: Request) -> Fields:
    """The form, each field once. Raises Refusal for anything that is no form in UTF-8."""
    expect(request, (FORM,))
    body = await whole_body(request, BODY_LIMIT, WITHIN_S)
    try:
        return read_fields(body)
    except Malformed as error:
        raise Refusal(400, error.code, "The form cannot be read.", error.problems) from error


def _asked(request: Request, fields: Fields, status: int, note: str, retry_after_s: int | None = None) -> Response:
    """The page that asks again. It never says which part was wrong."""
    page = ask_page(language_asked(request, fields), said=note)
    more = {"Retry-After": str(retry_after_s)} if retry_after_s is not None else {}
    return _sent(page, status, more)


def _sent(page: str, status: int = 200, more: Mapping[str, str] | None = None) -> Response:
    return sent(page, status, {**HEADERS, **(more or {})})
