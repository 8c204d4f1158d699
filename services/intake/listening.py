"""Listening at work: sessions, what is brought up in them, and promises whose day is watched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from services.intake import listening_store
from services.intake.core.listening import (
    CHANNELS,
    ItemState,
    area_of,
    check_closing,
    check_promise,
    check_self_fixed,
    check_step,
    may_read,
    may_record,
)
from services.intake.core.repeats import LOCAL, caller_number
from services.intake.core.report import NewTicket, Place, Reporter
from services.intake.incident_store import sealed_of
from services.intake.listening_store import Item, Move, Session
from services.intake.officers import Actor
from services.intake.receive import Accepted, Incoming, Receiver, Refused
from services.intake.store import Receipt
from services.intake.vault import Marks, OriginalWords, Vault
from shared.acting import acting
from shared.actors import EVERYWHERE, covers
from shared.database import Transaction
from shared.errors import CannotOpen, Conflict, NotFound
from shared.events import Draft
from shared.intake_events import CommitmentKept, CommitmentMade, CommitmentMissed, SessionClosed
from shared.ledger import Ledger
from shared.telemetry import log
from shared.terms import ItemId, SessionId, TicketId

BY_RULE = "rule"
WORDS_LOST = "承诺事项,原话已无法读取,请与主办单位核实"
"""What a ticket says that is made of words nobody can open."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something as it is brought up; `theme` is a category's code, `point` longitude and latitude in WGS84 degrees."""

    text: str
    theme: str | None = None
    point: tuple[float, float] | None = None
    address: str | None = None
    reporter: Reporter | None = None


class Listening:
    """Everything that is done with sessions. Whoever may not know of one is told that there is none."""

    def __init__(self, ledger: Ledger, vault: Vault, marks: Marks, receiver: Receiver) -> None:
        """`receiver` takes in what becomes a ticket."""
        self._ledger = ledger
        self._vault = vault
        self._marks = marks
        self._receiver = receiver

    async def open(
        self, tx: Transaction, session: Session, external_id: str, topic: OriginalWords, actor: Actor, now: datetime
    ) -> tuple[SessionId, bool]:
        """Record a session; its id, and whether it is new. The same again by the same unit is the same session.

        Raises NotFound for those who may not record this unit's, and for a place outside the area one acts for.
        """
        if not may_record(actor.role, actor.unit, session.unit):
            raise NotFound(f"no unit {session.unit}")
        area = area_of(session.unit, session.grid, session.village, session.township) or self._receiver.county
        if not covers(acting().area or EVERYWHERE, area):
            raise NotFound("no such place")
        if await listening_store.insert_session(tx, session, area, external_id, actor.name, now) is None:
            known = await listening_store.find_session(tx, session.unit, external_id)
            if known is None:
                raise NotFound(f"no session {external_id}")
            return known, False
        await self._keep(tx, session.id, None, "SESSION", topic, now)
        return session.id, True

    async def add(self, tx: Transaction, session_id: SessionId, told: Told, actor: Actor, now: datetime) -> ItemId:
        """Write down what somebody brought up. Raises NotFound, and Conflict once the session is closed."""
        session = await self._session(tx, session_id, actor)
        if session.closed_at is not None:
            raise Conflict("the session is closed", 0)
        item_id = ItemId(UUID(bytes=uuid7().bytes))
        caller = self._caller(told.reporter)
        await listening_store.insert_item(tx, item_id, session_id, told.theme, told.point, actor.name, caller, now)
        words = OriginalWords(None, told.text, told.address, told.reporter)
        await self._keep(tx, session_id, item_id, "SAID", words, now)
        return item_id

    async def answer(self, tx: Transaction, item_id: ItemId, text: str, actor: Actor, now: datetime) -> None:
        """It was answered on the spot 当场解答. Raises NotFound and Conflict."""
        item = await self._item(tx, item_id, actor)
        await self._end(tx, item, Move(ItemState.ANSWERED, actor.name), text, now)

    async def commit(
        self, tx: Transaction, item_id: ItemId, text: str, due_on: date, actor: Actor, now: datetime
    ) -> None:
        """It was promised by a day 承诺限期. Raises NotFound, Conflict, and Rejected for a day that cannot be."""
        check_promise(due_on, now.astimezone(LOCAL).date())
        item = await self._item(tx, item_id, actor)
        await self._end(tx, item, Move(ItemState.COMMITTED, actor.name, due_on), text, now)
        made = CommitmentMade(item_id=item_id, unit=item.unit, due_on=due_on)
        await self._state(tx, Draft(_story(item.session_id), made, now))

    async def fulfil(self, tx: Transaction, item_id: ItemId, text: str, actor: Actor, now: datetime) -> None:
        """What was promised is done. Raises NotFound and Conflict, also once it became a ticket."""
        item = await self._item(tx, item_id, actor)
        await self._end(tx, item, Move(ItemState.KEPT, actor.name), text, now)
        assert item.due_on is not None
        kept = CommitmentKept(item_id=item_id, unit=item.unit, due_on=item.due_on)
        await self._state(tx, Draft(_story(item.session_id), kept, now))

    async def make_ticket(
        self, tx: Transaction, item_id: ItemId, self_fixed: bool, actor: Actor, now: datetime
    ) -> Receipt:
        """It becomes a ticket, which takes its words along; `self_fixed` when the patrol has fixed it already 自办件.

        Raises NotFound and Conflict; Rejected for something fixed by others than a patrol.
        """
        item = await self._item(tx, item_id, actor)
        if self_fixed:
            check_self_fixed(item.kind)
        return await self._hand_in(tx, item, actor.name, now, item.unit if self_fixed else None)

    async def close(self, tx: Transaction, session_id: SessionId, actor: Actor, now: datetime) -> None:
        """Close a session. Raises NotFound, and Conflict while something is open; again changes nothing."""
        session = await self._session(tx, session_id, actor)
        if session.closed_at is not None:
            return
        tally = await listening_store.count_items(tx, session_id)
        check_closing(tally)
        await listening_store.close_session(tx, session_id, actor.name, now)
        closed = SessionClosed(
            session_id=session_id, kind=session.kind, unit=session.unit, held_at=session.held_at,
            township=session.township, village=session.village, grid=session.grid, heads=session.heads,
            items=tally.items, answered=tally.of(ItemState.ANSWERED), ticketed=tally.of(ItemState.TICKET),
            committed=tally.of(ItemState.COMMITTED, ItemState.KEPT),
        )  # fmt: skip
        await self._state(tx, Draft(_story(session_id), closed, now))

    async def turn_missed(self, tx: Transaction, now: datetime, limit: int = 20) -> int:
        """Promises whose day is over become tickets: who was promised something is not forgotten. How many."""
        missed = await listening_store.list_missed(tx, now.astimezone(LOCAL).date(), limit)
        for item_id in missed:
            await self._turn(tx, item_id, now)
        return len(missed)

    async def _turn(self, tx: Transaction, item_id: ItemId, now: datetime) -> None:
        item = await listening_store.lock_item(tx, item_id)
        if item is None or item.state is not ItemState.COMMITTED or item.due_on is None:
            return  # somebody was quicker
        receipt = await self._hand_in(tx, item, BY_RULE, now, None, missed=True)
        missed = CommitmentMissed(item_id=item_id, unit=item.unit, due_on=item.due_on, became=receipt.ticket_id)
        await self._state(tx, Draft(_story(item.session_id), missed, now))

    async def read(
        self, tx: Transaction, item_id: ItemId, actor: Actor, purpose: str, now: datetime
    ) -> Sequence[dict[str, object]]:
        """What is left of the words on either side, with the view logged. Raises NotFound, also where nothing is."""
        item = await listening_store.read_item(tx, item_id)
        if item is None or not may_read(actor.role, actor.unit, item.unit):
            raise NotFound(f"no item {item_id}")
        rows = await listening_store.read_words(tx, item_id)
        opened = [(row, self._vault.open(row["id"], sealed_of(row))) for row in rows if row["sealed"] is not None]
        if not opened:
            raise NotFound(f"the words of {item_id} were erased")
        await listening_store.log_view(tx, item_id, actor.name, purpose, now)
        return [
            {
                "kind": row["kind"], "written_at": row["written_at"], "text": words.text, "address": words.address,
                "reporter": words.reporter,
            }
            for row, words in opened
        ]  # fmt: skip

    async def _hand_in(
        self, tx: Transaction, item: Item, by: str, now: datetime, self_fixed_by: str | None, *, missed: bool = False
    ) -> Receipt:
        check_step(item.state, ItemState.TICKET)
        session = await listening_store.lock_session(tx, item.session_id)
        assert session is not None
        report = _report(item, session, await self._said(tx, item.id))
        (received,) = await self._receiver.receive(tx, [Incoming(report)], door="listening")
        if isinstance(received, Refused):
            raise Conflict("it was handed in before, and differently", 0)
        ticket_id = received.receipt.ticket_id
        if isinstance(received, Accepted):
            await listening_store.mark_ticket(tx, ticket_id, item.session_id, self_fixed_by)
        move = Move(ItemState.TICKET, by, ticket_id=ticket_id, missed=missed)
        await listening_store.move_item(tx, item.id, move, now)
        await listening_store.erase_item_words(tx, item.id)
        return received.receipt

    async def _said(self, tx: Transaction, item_id: ItemId) -> OriginalWords:
        """What was brought up; where that cannot be read any more, that it cannot: a promise outlives its words."""
        said = (await listening_store.read_words(tx, item_id))[0]
        try:
            return self._vault.open(said["id"], sealed_of(said))
        except (CannotOpen, NotFound):
            log.error("item_words_lost", item_id=str(item_id))
            return OriginalWords(None, WORDS_LOST)

    async def _end(self, tx: Transaction, item: Item, move: Move, text: str, now: datetime) -> None:
        check_step(item.state, move.to)
        await listening_store.move_item(tx, item.id, move, now)
        await self._keep(tx, item.session_id, item.id, move.to.value, OriginalWords(None, text), now)

    async def _keep(
        self, tx: Transaction, session_id: SessionId, item_id: ItemId | None, kind: str, words: OriginalWords,
        now: datetime,
    ) -> None:  # fmt: skip
        word_id = UUID(bytes=uuid7().bytes)
        sealed = self._vault.seal(word_id, words)
        await listening_store.insert_word(tx, word_id, session_id, item_id, kind, sealed, now)

    def _caller(self, reporter: Reporter | None) -> bytes | None:
        number = caller_number(reporter.phone) if reporter and reporter.phone else None
        return self._marks.of("caller", number)[0] if number else None

    async def _session(self, tx: Transaction, session_id: SessionId, actor: Actor) -> Session:
        session = await listening_store.lock_session(tx, session_id)
        if session is None or not may_record(actor.role, actor.unit, session.unit):
            raise NotFound(f"no session {session_id}")
        return session

    async def _item(self, tx: Transaction, item_id: ItemId, actor: Actor) -> Item:
        item = await listening_store.lock_item(tx, item_id)
        if item is None or not may_record(actor.role, actor.unit, item.unit):
            raise NotFound(f"no item {item_id}")
        return item

    async def _state(self, tx: Transaction, draft: Draft) -> None:
        versions = await self._ledger.lock(tx, [draft.ticket_id])
        await self._ledger.append(tx, versions, [draft])


def _report(item: Item, session: Session, words: OriginalWords) -> NewTicket:
    place = Place(
        item.lon, item.lat, words.address, village_code=session.village,
        township_code=session.township or (session.village or "")[:9] or None,
    )  # fmt: skip
    return NewTicket(
        f"listening.{item.kind.lower()}", CHANNELS[item.kind], words.text, f"item-{item.id}", location=place,
        reporter=words.reporter, reported_at=session.held_at,
    )  # fmt: skip


def _story(session_id: SessionId) -> TicketId:
    """A session has a story of its own in the ledger."""
    return TicketId(session_id)
