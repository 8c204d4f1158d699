"""Privacy at work: words are unlocked for a purpose, masked by role, handed to whom they concern, and forgotten."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from services.intake import listening_store, privacy_store, share_store, store
from services.intake.core.listening import ItemState
from services.intake.core.privacy import ERASE, ERASE_ITEM, UNLOCK, Guard, masked_name, masked_phone, masked_text
from services.intake.core.repeats import caller_number
from services.intake.incident_store import sealed_of
from services.intake.listening_store import Item
from services.intake.officers import Actor
from services.intake.ratings import Ratings
from services.intake.relay_calls import RelayCalls
from services.intake.store import Sealed
from services.intake.vault import Marks, OriginalWords, Vault, unlock
from shared import actors, pending_acts
from shared.acting import acting
from shared.audit import Entry, append
from shared.database import Database, Transaction
from shared.errors import CannotOpen, Conflict, NotFound, Problem, Rejected
from shared.events import Draft
from shared.intake_events import TicketWordsErased
from shared.ledger import Ledger
from shared.pending_acts import PendingAct
from shared.telemetry import log
from shared.terms import ItemId, TicketId


@dataclass(frozen=True, slots=True)
class Privacy:
    """Everything that is done with identities. Whoever has an interest in a matter is told that there is none."""

    vault: Vault
    marks: Marks
    county: str
    ledger: Ledger
    calls: RelayCalls | None = None
    notify: Ratings | None = None
    """Where the rest of what is kept of a person is asked for."""
    most: int = 500
    """Tickets, and items from sessions, that one export carries, the latest first."""

    async def unlock(
        self, tx: Transaction, ticket_id: TicketId, actor: Actor, viewer: str, purpose: str, now: datetime
    ) -> Mapping[str, object]:
        """The words for a stated purpose, the view logged. A confidential matter's take a second person's approval.

        Raises NotFound, also for who has an interest in it; Conflict without an approval, Forbidden for a third person.
        """
        guard, _ = await self._guard(tx, ticket_id, actor)
        if guard.confidential:
            await pending_acts.use(tx, UNLOCK, str(ticket_id), {"purpose": purpose}, _person(actor), now)
        return await unlock(tx, self.vault, ticket_id, viewer=viewer, purpose=purpose, now=now)

    async def ask(
        self, tx: Transaction, act: str, ticket_id: TicketId, actor: Actor, why: str, now: datetime
    ) -> PendingAct:
        """Ask for an act that takes two. Raises NotFound, Forbidden for a key, Conflict when it waits already."""
        _, township = await self._guard(tx, ticket_id, actor)
        code = township or self.county
        return await pending_acts.ask(tx, act, str(ticket_id), {"purpose": why}, _person(actor), code, now)

    async def settle(self, tx: Transaction, act_id: UUID, actor: Actor, granted: bool, now: datetime) -> PendingAct:
        """Approve or deny what somebody else asked for. Raises as pending_acts.approve."""
        decide = pending_acts.approve if granted else pending_acts.deny
        return await decide(tx, pending_acts.ActId(act_id), _person(actor), now)

    async def waiting(self, database: Database, actor: Actor, now: datetime) -> list[PendingAct]:
        """What waits for a second person."""
        return await pending_acts.list_waiting(database, _person(actor), now)

    async def contact(
        self, tx: Transaction, ticket_id: TicketId, actor: Actor, purpose: str, now: datetime
    ) -> dict[str, object]:
        """What a handler sees of the reporter: a masked name and number, nothing of a confidential one; logged."""
        guard, words = await self._seen(tx, ticket_id, actor, purpose, now)
        return _contact(guard, words, self.calls is not None) | {"ticket_id": ticket_id}

    async def words(
        self, tx: Transaction, ticket_id: TicketId, actor: Actor, purpose: str, now: datetime
    ) -> dict[str, object]:
        """What was said of a matter, for who has it in hand: masked, without address, with what was added; logged.

        Of a confidential matter nothing but that it is one. Raises NotFound for everybody else.
        """
        if actor.unit is None or actor.unit not in await share_store.units_with(tx, ticket_id):
            raise NotFound(f"no ticket {ticket_id}")
        guard, words = await self._seen(tx, ticket_id, actor, purpose, now)
        told = _contact(guard, words, self.calls is not None) | {"ticket_id": ticket_id}
        if guard.confidential:
            return {**told, "title": None, "text": None, "supplements": []}
        name = words.reporter.name if words.reporter else None
        added = [
            {"added_at": row["added_at"], "text": masked_text(self.vault.open(row["id"], sealed_of(row)).text, name)}
            for row in await privacy_store.read_supplements(tx, ticket_id)
            if row["sealed"] is not None
        ]
        title = masked_text(words.title, name) if words.title else None
        return {**told, "title": title, "text": masked_text(words.text, name), "supplements": added}

    async def call(self, database: Database, ticket_id: TicketId, actor: Actor, purpose: str, now: datetime) -> str:
        """A relay number that leads to the reporter for a while; logged before it is asked for.

        Raises NotFound, Conflict where nobody can be called, Unavailable when no number is lent.
        """
        async with database.transaction() as tx:
            _, words = await self._seen(tx, ticket_id, actor, f"call: {purpose}", now)
        if self.calls is None or words.reporter is None or not words.reporter.phone:
            raise Conflict("there is no number to call, or no telephone system to lend one", 0)
        return await self.calls.lend(UUID(bytes=uuid7().bytes), words.reporter.phone, actor.name)

    async def block(
        self, tx: Transaction, ticket_id: TicketId, unit: str | None, person: str | None, actor: Actor, now: datetime
    ) -> None:
        """Keep a unit, with all below it, or a person from a matter they have an interest in 回避; logged."""
        await self._guard(tx, ticket_id, actor)
        if unit is None and person is None:
            raise Rejected(Problem("unit", "missing", "a unit or a person must be named"))
        await privacy_store.insert_block(tx, ticket_id, unit, person, actor.name, now)
        detail = (("unit", unit), ("person", person))
        await append(tx, Entry(actor.name, "block_view", "done", now, subject=str(ticket_id), detail=detail))

    async def erase(self, tx: Transaction, ticket_id: TicketId, actor: Actor, why: str, now: datetime) -> bool:
        """Forget a matter's words for good, as two people agreed; False when nothing was left. The ledger stays whole.

        It is stated, so that whoever else keeps words of this citizen forgets them too. Raises NotFound, Conflict
        without an approval, Forbidden for a third person.
        """
        await self._guard(tx, ticket_id, actor)
        versions = await self.ledger.lock(tx, [ticket_id])
        await pending_acts.use(tx, ERASE, str(ticket_id), {"purpose": why}, _person(actor), now)
        erased = await store.erase_words(tx, ticket_id)
        await self.ledger.append(tx, versions, [Draft(ticket_id, TicketWordsErased(), now)])
        detail = (("erased", erased),)
        await append(tx, Entry(actor.name, "erase_matter", "done", now, subject=str(ticket_id), detail=detail))
        return erased

    async def ask_item(self, tx: Transaction, item_id: ItemId, actor: Actor, why: str, now: datetime) -> PendingAct:
        """Ask that what was said about something brought up in a session is forgotten; raises as `ask`.

        Raises Conflict also for what became a ticket: its words are that one's.
        """
        code = (await self._item(tx, item_id)).area or self.county
        return await pending_acts.ask(tx, ERASE_ITEM, str(item_id), {"purpose": why}, _person(actor), code, now)

    async def erase_item(self, tx: Transaction, item_id: ItemId, actor: Actor, why: str, now: datetime) -> bool:
        """Forget what was said about it on either side, as two people agreed; False when nothing was left.

        How it stands remains, also a promise with its day: a session's counts are true without anybody's words.
        Raises as `ask_item`, Conflict without an approval, Forbidden for a third person.
        """
        await self._item(tx, item_id)
        await pending_acts.use(tx, ERASE_ITEM, str(item_id), {"purpose": why}, _person(actor), now)
        erased = await listening_store.erase_item_words(tx, item_id) > 0
        detail = (("erased", erased),)
        await append(tx, Entry(actor.name, "erase_item", "done", now, subject=str(item_id), detail=detail))
        return erased

    async def export(
        self, database: Database, phone: str, actor: Actor, purpose: str, now: datetime
    ) -> dict[str, object]:
        """Everything kept of the person with this telephone in the actor's area: words, additions, what they brought up
        in sessions, and who looked; and from notify what they were told, and said to it. `lacking` names what is not
        there: `notify` that could not be asked, `older tickets` and `older items` beyond `most`, `unopened words` that
        are null because no key opens them. Each view is logged.
        Raises Rejected for no number, Unavailable when notify does not answer.
        """
        async with database.transaction() as tx:
            tickets, items, lacking = await self._kept_here(tx, phone, actor, purpose, now)
        if self.notify is None:
            return {"tickets": tickets, "items": items, "lacking": ["notify", *lacking]}
        kept = await self.notify.kept_of([TicketId(ticket["id"]) for ticket in tickets])
        told = [{**ticket, "told": kept[TicketId(ticket["id"])]} for ticket in tickets]
        return {"tickets": told, "items": items, "lacking": lacking}

    async def _kept_here(
        self, tx: Transaction, phone: str, actor: Actor, purpose: str, now: datetime
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
        """Tickets, items, and what there is more of than an export carries."""
        number = caller_number(phone)
        if number is None:
            raise Rejected(Problem("phone", "bad_form", "must be a telephone number"))
        marks, area = self.marks.of("caller", number), acting().area
        matters = await privacy_store.find_by_caller(tx, marks, area, self.most + 1)
        talks = await privacy_store.find_items_by_caller(tx, marks, area, self.most + 1)
        unopened: list[UUID] = []
        tickets = [await self._told(tx, row, actor, purpose, now, unopened) for row in matters[: self.most]]
        items = [await self._brought_up(tx, row, actor, purpose, now, unopened) for row in talks[: self.most]]
        detail = (("tickets", len(tickets)), ("items", len(items)))
        await append(tx, Entry(actor.name, "export_subject", "done", now, detail=detail))
        missing = {
            "older tickets": len(matters) > self.most, "older items": len(talks) > self.most,
            "unopened words": bool(unopened),
        }  # fmt: skip
        return tickets, items, [name for name, is_missing in missing.items() if is_missing]

    async def _brought_up(
        self, tx: Transaction, row: asyncpg.Record, actor: Actor, purpose: str, now: datetime, unopened: list[UUID]
    ) -> dict[str, Any]:
        """Something from a session that became no ticket: what was said on either side, and who read it."""
        views = [dict(view) for view in await privacy_store.read_views_of_item(tx, row["id"])]
        words = []
        for said in await listening_store.read_words(tx, row["id"]):
            if said["sealed"] is not None:
                opened = self._opened(said["id"], sealed_of(said), unopened)
                told = asdict(opened) if opened else {"text": None}
                words.append({"kind": said["kind"], "written_at": said["written_at"], **told})
        await listening_store.log_view(tx, row["id"], actor.name, purpose, now)
        return {**dict(row), "said": words, "views": views}

    async def _told(
        self, tx: Transaction, row: asyncpg.Record, actor: Actor, purpose: str, now: datetime, unopened: list[UUID]
    ) -> dict[str, Any]:
        ticket_id = TicketId(row["id"])
        views = [dict(view) for view in await privacy_store.read_views_of(tx, ticket_id)]
        sealed = await store.read_sealed(tx, ticket_id)
        words = self._opened(ticket_id, sealed, unopened) if sealed is not None and sealed.words is not None else None
        additions = []
        for added in await privacy_store.read_supplements(tx, ticket_id):
            if added["sealed"] is not None:
                opened = self._opened(added["id"], sealed_of(added), unopened)
                additions.append({"added_at": added["added_at"], "text": opened.text if opened else None})
        await store.log_view(tx, ticket_id, actor.name, purpose, now)
        return {**dict(row), "words": words, "supplements": additions, "views": views}

    def _opened(self, words_id: UUID, sealed: Sealed, unopened: list[UUID]) -> OriginalWords | None:
        """Words for an export, which one lost key must not keep from its citizen; None of what does not open."""
        try:
            return self.vault.open(words_id, sealed)
        except CannotOpen as error:
            log.error("cannot_open", error=str(error))
            unopened.append(words_id)
            return None

    async def _seen(
        self, tx: Transaction, ticket_id: TicketId, actor: Actor, purpose: str, now: datetime
    ) -> tuple[Guard, OriginalWords]:
        """A matter's words for showing a part of them, with the view logged."""
        guard, _ = await self._guard(tx, ticket_id, actor)
        sealed = await store.read_sealed(tx, ticket_id)
        if sealed is None:
            raise NotFound(f"no ticket {ticket_id}")
        words = self.vault.open(ticket_id, sealed)
        await store.log_view(tx, ticket_id, actor.name, purpose, now)
        return guard, words

    async def _item(self, tx: Transaction, item_id: ItemId) -> Item:
        """Something brought up, as it stays until the transaction ends."""
        item = await listening_store.lock_item(tx, item_id)
        if item is None:
            raise NotFound(f"no item {item_id}")
        if item.state is ItemState.TICKET:
            raise Conflict(f"it became ticket {item.ticket_id}, whose words are forgotten there", 0)
        return item

    async def _guard(self, tx: Transaction, ticket_id: TicketId, actor: Actor) -> tuple[Guard, str]:
        known = await privacy_store.read_guard(tx, ticket_id)
        if known is None or known[0].blocks(actor.unit, actor.person):
            raise NotFound(f"no ticket {ticket_id}")
        return known


def _contact(guard: Guard, words: OriginalWords, has_telephones: bool) -> dict[str, object]:
    """Of the reporter as much as a handler may see, and whether there is a way to call them."""
    reporter = None if guard.confidential else words.reporter
    return {
        "confidential": guard.confidential,
        "name": masked_name(reporter.name) if reporter else None,
        "phone": masked_phone(reporter.phone) if reporter else None,
        "may_call": bool(has_telephones and words.reporter and words.reporter.phone),
    }


def _person(actor: Actor) -> actors.Actor:
    """The same actor where two persons are told apart, for the area they may act in."""
    asking = acting().actor
    if asking.role:
        return asking
    return actors.Actor(actor.role, actor.unit, actor.person, acting().area)
