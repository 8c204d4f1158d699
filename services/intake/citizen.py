"""The citizen with number and code: see how it stands, add something, ask for speed, take it back."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Final, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, StringConstraints
from uuid_utils.compat import uuid7

from services.intake import incident_store
from services.intake.core.incidents import incident_of
from services.intake.core.numbers import check_ticket_number
from services.intake.core.progress import PublicState
from services.intake.core.repeats import LOCAL, days_since
from services.intake.doors import Refusal
from services.intake.forms import SOMETHING, Form, answer, read_form, taking
from services.intake.incident_store import Ending
from services.intake.merging import Merging, recounted
from services.intake.vault import OriginalWords, Vault
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import NotFound, Problem
from shared.events import Draft
from shared.intake_events import ReopenRequested, TicketHastened, TicketSupplemented, WithdrawalRequested
from shared.ledger import Ledger
from shared.problems import problem
from shared.terms import SplitReason, TicketId, TicketType, Urgency

MOST_TRIES: Final = 5
"""Codes that may be tried for a number within the window; then even the right one is not heard."""

WINDOW: Final = timedelta(minutes=15)
MOST_SUPPLEMENTS: Final = 20
_NO_CODE: Final = b"------"
_ENDED: Final = {"NOT_ACCEPTED": "未受理", "TRANSFERRED": "已转办", "ROUTED": "已转办", "WITHDRAWN": "已结案"}


def _said(text: str) -> str:
    if text.isspace() or not text:
        raise ValueError("must hold more than blanks")
    return text


class CodeForm(Form):
    """The query code, unless it stands in the header `X-Query-Code`; it must never stand in a URL."""

    query_code: Annotated[str, StringConstraints(max_length=32)] | None = None


class SupplementForm(CodeForm):
    """What the citizen adds, in their own words."""

    text: Annotated[str, StringConstraints(max_length=4000), AfterValidator(_said), SOMETHING]


F = TypeVar("F", bound=CodeForm)


class CitizenView(BaseModel):
    """How a matter stands. `reason`, `basis` and `route` are told where it was not taken on."""

    ticket_no: str
    public_state: str
    received_at: datetime
    updated_at: datetime
    reason: str | None
    basis: str | None
    route: str | None
    supplements: int
    withdrawal_asked: bool


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many codes were tried; again after so many seconds."""

    wait_s: int


@dataclass(frozen=True, slots=True)
class Declined:
    """What the citizen asks for cannot be done, and why."""

    code: str
    title: str


Outcome: TypeAlias = dict[str, object] | Locked | Declined | None
"""None: there is no such ticket, or the code is wrong; which of them is not told."""

Act: TypeAlias = Callable[[Transaction, asyncpg.Record, datetime], Awaitable[Declined | dict[str, object]]]


class CitizenDesk:
    """What a citizen may do with a ticket of their own, proven by its number and code."""

    def __init__(self, database: Database, ledger: Ledger, vault: Vault, merging: Merging, now: Clock) -> None:
        self._database = database
        self._ledger = ledger
        self._vault = vault
        self._merging = merging
        self._now = now

    async def enter(self, ticket_no: str, code: str, act: Act) -> Outcome:
        """Judge the code and, if it is right, act; the same few steps are taken whatever comes of it."""
        now = self._now()
        if not check_ticket_number(ticket_no):
            return None  # anybody can work that out without asking
        async with self._database.transaction() as tx:
            tries, since = await incident_store.try_code(tx, ticket_no, now, now - WINDOW)
            row = await incident_store.read_by_number(tx, ticket_no)
            wanted = row["query_code"].encode() if row is not None else _NO_CODE
            is_right = hmac.compare_digest(code.strip().upper().encode("utf-8", "replace"), wanted)
            if tries > MOST_TRIES:
                return Locked(max(1, ceil((since + WINDOW - now).total_seconds())))
            if row is None or not is_right:
                return None
            await incident_store.forget_tries(tx, ticket_no)
            return await act(tx, row, now)

    async def view(self, tx: Transaction, row: asyncpg.Record, now: datetime) -> dict[str, object]:
        """How it stands."""
        return {
            "ticket_no": row["ticket_no"],
            "public_state": _ENDED.get(row["ended"] or "", row["public_state"]),
            "received_at": row["received_at"],
            "updated_at": row["updated_at"],
            "reason": row["ended_why"] if row["ended"] != "ROUTED" else None,
            "basis": row["ended_basis"],
            "route": row["ended_route"],
            "supplements": await incident_store.count_supplements(tx, row["id"]),
            "withdrawal_asked": row["withdrawal_at"] is not None,
        }

    def supplement(self, text: str) -> Act:
        """Add something; the words go to the vault."""

        async def act(tx: Transaction, row: asyncpg.Record, now: datetime) -> Declined | dict[str, object]:
            row = await self._alone(tx, row)
            if declined := _closed(row):
                return declined
            if await incident_store.count_supplements(tx, row["id"]) >= MOST_SUPPLEMENTS:
                return Declined("too_many", f"No more than {MOST_SUPPLEMENTS} additions are taken.")
            supplement_id, ticket_id = UUID(bytes=uuid7().bytes), TicketId(row["id"])
            sealed = self._vault.seal(supplement_id, OriginalWords(None, text))
            await incident_store.insert_supplement(tx, supplement_id, ticket_id, sealed, now)
            await self._state(tx, Draft(ticket_id, TicketSupplemented(supplement_id=supplement_id), now))
            return await self.view(tx, row, now)

        return act

    async def hasten(self, tx: Transaction, row: asyncpg.Record, now: datetime) -> Declined | dict[str, object]:
        """Ask for speed: it counts once a day, and no clock moves. Before triage nobody could heed it: then it is
        stated with the verdict.
        """
        row = await self._alone(tx, row)
        if declined := _closed(row):
            return declined
        ticket_id = TicketId(row["merged_into"] or row["id"])
        counts = await incident_store.count_hastens(tx, [ticket_id], now.astimezone(LOCAL).date(), now)
        for hastened, count in counts.items() if row["state"] == "TRIAGED" else ():
            await self._state(tx, Draft(hastened, TicketHastened(count=count), now))
        return {**await self.view(tx, row, now), "counted": bool(counts)}

    async def withdraw(self, tx: Transaction, row: asyncpg.Record, now: datetime) -> Declined | dict[str, object]:
        """Take the matter back: what nobody has begun ends here, anything else whoever works on it ends."""
        row = await self._alone(tx, row)
        if row["withdrawal_at"] is not None:
            return await self.view(tx, row, now)
        declined = _closed(row) or await self._kept(tx, row)
        if declined:
            return declined
        ticket_id = TicketId(row["id"])
        drafts = [Draft(ticket_id, WithdrawalRequested(), now)]
        await incident_store.ask_withdrawal(tx, ticket_id, now)
        if row["merged_into"] is not None:
            drafts.append(await self._leave(tx, ticket_id, TicketId(row["merged_into"]), now))
        if row["state"] == "RECEIVED" or row["merged_into"] is not None:
            await incident_store.end_tickets(tx, [Ending(ticket_id, "WITHDRAWN")], now)
        await self._state(tx, *drafts)
        return await self.view(tx, await self._alone(tx, row), now)

    async def reopen(self, tx: Transaction, row: asyncpg.Record, now: datetime) -> Declined | dict[str, object]:
        """Come back with a closed matter; asked once a day, and told to whoever may open it again."""
        row = await self._alone(tx, row)
        if declined := self.reopening_refused(row, now):
            return declined
        ticket_id = TicketId(row["merged_into"] or row["id"])
        if await incident_store.count_hastens(tx, [ticket_id], now.astimezone(LOCAL).date(), now):
            await self._state(tx, Draft(ticket_id, ReopenRequested(closed_at=row["closed_at"]), now))
        return await self.view(tx, row, now)

    def reopening_refused(self, row: asyncpg.Record, now: datetime) -> Declined | None:
        """Why a matter cannot be had done again, if it cannot."""
        if row["ended"] is not None:
            return Declined("closed", "The matter was not worked on here: hand it in anew.")
        if row["public_state"] != PublicState.CLOSED:
            return Declined("not_closed", "The matter is open: ask for speed instead.")
        if days_since(row["closed_at"], now) > self._merging.rules.repeats.reopen_days:
            return Declined("too_late", "It was closed too long ago: hand it in anew.")
        return None

    async def read(self, tx: Transaction, row: asyncpg.Record) -> asyncpg.Record:
        """The ticket as it is now."""
        again = await incident_store.read_by_number(tx, row["ticket_no"])
        assert again is not None
        return again

    async def _alone(self, tx: Transaction, row: asyncpg.Record) -> asyncpg.Record:
        """The ticket as it is now, and as it stays until the transaction ends: nobody else merges or moves it."""
        await incident_store.lock_groups_of(tx, [TicketId(row["id"])])
        await incident_store.lock_ticket(tx, TicketId(row["id"]))
        return await self.read(tx, row)

    async def _kept(self, tx: Transaction, row: asyncpg.Record) -> Declined | None:
        """Why a matter cannot be taken back, if it cannot: it is not this citizen's alone any more."""
        if row["state"] == "SUSPECTED" or row["ticket_type"] == TicketType.REPORT:
            return Declined("under_way", "A report that is being looked into cannot be taken back.")
        if row["urgency"] in (Urgency.U1, Urgency.U2):
            return Declined("urgent", "An urgent matter cannot be taken back.")
        if row["is_main"]:
            return Declined("others_wait", "Others have reported the same: it goes on for them.")
        if row["merged_into"] is not None:
            incident_id = incident_of(TicketId(row["merged_into"]))
            if (await self._merging.tallies(tx, [incident_id]))[incident_id].mass:
                return Declined("mass", "Many have reported the same: it goes on for them.")
        return None

    async def _leave(self, tx: Transaction, ticket_id: TicketId, main: TicketId, now: datetime) -> Draft:
        """The ticket leaves its incident, which is counted anew."""
        incident_id = incident_of(main)
        await incident_store.lock_incident(tx, incident_id)
        await incident_store.split_ticket(tx, ticket_id, now, "citizen", SplitReason.WITHDRAWN)
        return Draft(main, recounted(incident_id, (await self._merging.tallies(tx, [incident_id]))[incident_id]), now)

    async def _state(self, tx: Transaction, *drafts: Draft) -> None:
        versions = await self._ledger.lock(tx, [draft.ticket_id for draft in drafts])
        await self._ledger.append(tx, versions, drafts)


def _closed(row: asyncpg.Record) -> Declined | None:
    if row["ended"] is not None or row["public_state"] == PublicState.CLOSED:
        return Declined("closed", "The matter is closed.")
    return None


def router(desk: CitizenDesk) -> APIRouter:
    """The routes. A code stands in the body or in `X-Query-Code`, never in the address, which logs keep."""
    routes = APIRouter(prefix="/v1/public/tickets/{ticket_no}")

    @routes.post("", response_model=CitizenView, **taking(CodeForm, 400, 404, 422, 429, 503))
    async def see(request: Request, ticket_no: str) -> Response:
        """How it stands."""
        return await _enter(request, ticket_no, desk, CodeForm, lambda form: desk.view)

    @routes.post("/supplements", response_model=CitizenView, **taking(SupplementForm, 400, 404, 409, 422, 429, 503))
    async def supplement(request: Request, ticket_no: str) -> Response:
        """Add something, in at most 4000 characters."""
        return await _enter(request, ticket_no, desk, SupplementForm, lambda form: desk.supplement(form.text))

    @routes.post("/hastening", response_model=CitizenView, **taking(CodeForm, 400, 404, 409, 422, 429, 503))
    async def hasten(request: Request, ticket_no: str) -> Response:
        """Ask for speed; once a day counts."""
        return await _enter(request, ticket_no, desk, CodeForm, lambda form: desk.hasten)

    @routes.post("/reopening", response_model=CitizenView, **taking(CodeForm, 400, 404, 409, 422, 429, 503))
    async def ask_reopening(request: Request, ticket_no: str) -> Response:
        """Come back with a matter that was closed not long ago."""
        return await _enter(request, ticket_no, desk, CodeForm, lambda form: desk.reopen)

    @routes.post("/withdrawal", response_model=CitizenView, **taking(CodeForm, 400, 404, 409, 422, 429, 503))
    async def withdraw(request: Request, ticket_no: str) -> Response:
        """Take the matter back."""
        return await _enter(request, ticket_no, desk, CodeForm, lambda form: desk.withdraw)

    return routes


async def _enter(
    request: Request, ticket_no: str, desk: CitizenDesk, model: type[F], act_of: Callable[[F], Act]
) -> Response:  # fmt: skip
    try:
        form = await read_form(request, model)
        code = _code(request, form)
    except Refusal as refusal:
        return problem(refusal.status, refusal.code, refusal.title, refusal.problems)
    match await desk.enter(ticket_no, code, act_of(form)):
        case Locked(wait_s=wait_s):
            title = "Too many codes were tried for this number."
            return problem(429, "too_many_tries", title, headers={"Retry-After": str(wait_s)})
        case Declined(code=reason, title=title):
            return problem(409, reason, title)
        case None:
            raise NotFound("no such number and code")
        case view:
            return answer(view, headers={"Cache-Control": "no-store"})


def _code(request: Request, form: CodeForm) -> str:
    """The code, wherever it stands; refused when it is missing, or said twice."""
    said = [*request.headers.getlist("x-query-code"), *([form.query_code] if form.query_code is not None else [])]
    if len(said) != 1:
        reason = Problem("query_code", "missing", "must be given once, here or in the header X-Query-Code")
        raise Refusal(422, "rejected", "The input is not acceptable.", (reason,))
    return said[0]
