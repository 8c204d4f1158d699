"""Asking citizens: the use cases behind stream, clock and HTTP, each one transaction over many follow-ups."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.notify import desk_store, rates_store, store
from services.notify.aside import Aside
from services.notify.core.contacts import AddressBook
from services.notify.core.courtesy import USUAL, Courtesy
from services.notify.core.followup import (
    Answer,
    Ended,
    FollowUp,
    FollowUpState,
    Move,
    advance,
    close_elsewhere,
    open_follow_up,
    take_answer,
)
from services.notify.core.links import Links, Purpose, code_of, digest_of
from services.notify.core.plan import plan_ask, plan_unreachable
from services.notify.core.render import NO_LINKS
from services.notify.core.rules import FollowUpRules
from services.notify.core.sampling import same_house
from services.notify.desk_store import Link
from services.notify.store import Key
from shared import telemetry
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import NotFound
from shared.events import Draft, Envelope, FollowUpAsked, TicketEvaluated
from shared.ledger import Ledger
from shared.positions import Apply
from shared.rounds import keep_looking
from shared.terms import TicketId

POLL_S = 0.5
BATCH = 200


class OwnUnit(Exception):
    """Whoever handled a ticket does not write its citizen's judgement down."""


Reply = FollowUp | Ended | NotFound | OwnUnit
"""What became of an answer: the follow-up that holds it, or why it was refused."""


async def _nobody_listens(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
    """Nobody measures."""


@dataclass(frozen=True)
class FollowUps:
    """Opens follow-ups, moves them on and takes answers. `on_messages` rings when there is something to send."""

    ledger: Ledger
    rules: FollowUpRules
    book: AddressBook
    now: Clock
    on_messages: Callable[[], None]
    on_stated: Apply = _nobody_listens
    """Hears what is stated, in the transaction that states it and after everything else that it locks."""
    courtesy: Courtesy = USUAL
    links: Links = NO_LINKS

    async def follow(self, tx: Transaction, audited: Sequence[Envelope], closed: Collection[Key]) -> None:
        """Open what `audited` begins, asking at once where a band is open, and end what is in `closed`."""
        now = self.now()
        opened = {(f.ticket_id, f.cycle): f for e in audited if (f := open_follow_up(e, self.rules, now))}
        keys = {*opened, *closed}
        if not keys:
            return
        versions = await store.lock_stories(tx, self.ledger, [ticket_id for ticket_id, _ in keys])
        known = await store.read_follow_ups(tx, keys)
        standing = [f for key, f in {**opened, **known}.items() if key in closed and f.state is FollowUpState.OPEN]
        ended = [close_elsewhere(f, now) for f in standing]
        begun = [advance(f, self.rules, now) for key, f in opened.items() if key not in known and key not in closed]
        await self._save(tx, versions, [*ended, *begun], now)

    async def advance_due(self, tx: Transaction, due: Collection[Key]) -> None:
        """Move on what is still due once its story is locked: the next attempt, or giving up."""
        now = self.now()
        versions = await store.lock_stories(tx, self.ledger, [ticket_id for ticket_id, _ in due])
        known = await store.read_follow_ups(tx, due)
        moves = [advance(f, self.rules, now) for f in known.values()]
        await self._save(tx, versions, [m for m in moves if m.follow_up != known[_key(m.follow_up)]], now)

    async def take(self, tx: Transaction, answers: Sequence[tuple[Key, Answer]], by_unit: str = "") -> list[Reply]:
        """Record citizens' answers; a reply each, in order. The same answer twice gets the same reply.

        `by_unit` is the unit of the agent who writes them down: one that handled a ticket, or lies within one that
        did, or around it, is refused.
        """
        now = self.now()
        keys = {key for key, _ in answers}
        versions = await store.lock_stories(tx, self.ledger, [ticket_id for ticket_id, _ in keys])
        standing = dict(await store.read_follow_ups(tx, keys))
        own = await _handled_by(tx, versions, by_unit)
        moves: list[Move] = []
        replies: list[Reply] = []
        for key, answer in answers:
            if key[0] in own:
                replies.append(OwnUnit("the unit that handled it does not ask the citizen"))
                continue
            try:
                move = take_answer(standing[key], answer, now)
            except KeyError:
                replies.append(NotFound("no such follow-up"))
                continue
            except Ended as ended:
                replies.append(ended)
                continue
            if move.event is not None:
                moves.append(move)
            standing[key] = move.follow_up
            replies.append(move.follow_up)
        await self._save(tx, versions, moves, now)
        return replies

    async def _save(
        self, tx: Transaction, versions: Mapping[TicketId, int], moves: Sequence[Move], now: datetime
    ) -> None:
        if not moves:
            return
        await store.save_follow_ups(tx, [move.follow_up for move in moves])
        stated = [(m.follow_up, m.event) for m in moves if m.event is not None]
        drafts = [Draft(f.ticket_id, event, now, f.caused_by) for f, event in stated]
        await self.ledger.append(tx, versions, drafts)
        envelopes = self.ledger.envelopes(versions, drafts)
        await self._tell(tx, [(e, f) for e, (f, _) in zip(envelopes, stated, strict=True)], now)
        over = [m.follow_up for m in moves if m.follow_up.state is not FollowUpState.OPEN]
        await store.suppress_asks(tx, [f.ticket_id for f in over], "the follow-up has ended", now)
        await self.on_stated(tx, envelopes)
        outcomes = Counter(e.event.outcome.value for e in envelopes if isinstance(e.event, TicketEvaluated))
        if outcomes:
            tx.on_commit(partial(_count, outcomes))

    async def _tell(self, tx: Transaction, stated: Sequence[tuple[Envelope, FollowUp]], now: datetime) -> None:
        """Have citizens asked, and tell those whom nobody reached how to come back; with links, where there are any."""
        asked = [(e, f) for e, f in stated if isinstance(e.event, FollowUpAsked)]
        silent = [(e, f) for e, f in stated if f.state is FollowUpState.UNREACHABLE]
        messages = [plan_ask(e, f, self.book, now) for e, f in asked]
        messages += [plan_unreachable(e, f, self.book, now) for e, f in silent]
        if not messages:
            return
        await store.add_messages(tx, messages, now, self.courtesy)
        if self.links.are_made:
            made = [(f, Purpose.ANSWER) for _, f in asked] + [(f, Purpose.REOPEN) for _, f in silent]
            await desk_store.add_links(tx, [self._link(f, purpose, now) for f, purpose in made])
        tx.on_commit(self.on_messages)

    def _link(self, follow_up: FollowUp, purpose: Purpose, now: datetime) -> tuple[bytes, Link]:
        token = self.links.token(code_of(purpose, *_key(follow_up)))
        expires_at = self.links.expires_at(purpose, now)
        return digest_of(token), Link(*_key(follow_up), purpose.value, expires_at, None)


class FollowUpLoop:
    """Moves follow-ups on when their time comes. Any number of copies may run."""

    def __init__(self, database: Database, follow_ups: FollowUps) -> None:
        self._database = database
        self._follow_ups = follow_ups
        self._aside = Aside("followups")

    async def run(self, stopping: asyncio.Event) -> None:
        """Ask and give up until asked to stop."""
        await keep_looking("followups", self.advance_due, stopping, POLL_S, BATCH)

    async def advance_due(self) -> int:
        """One pass; how many follow-ups were due."""
        due = await store.due_follow_ups(self._database, self._follow_ups.now(), BATCH, self._aside.keys())
        if due:
            await self._aside.each(due, self._advance)
        return len(due)

    async def _advance(self, due: Collection[Key]) -> None:
        async with self._database.transaction() as tx:
            await self._follow_ups.advance_due(tx, due)


async def _handled_by(tx: Transaction, ticket_ids: Collection[TicketId], unit: str) -> frozenset[TicketId]:
    """Those of the tickets that the unit's house handled; none for no unit."""
    records = await rates_store.read_records(tx, ticket_ids) if unit else {}
    return frozenset(t for t, record in records.items() if any(same_house(unit, other) for other in record.units))


def _key(follow_up: FollowUp) -> Key:
    return follow_up.ticket_id, follow_up.cycle


def _count(outcomes: Mapping[str, int]) -> None:
    for outcome, count in outcomes.items():
        telemetry.EVALUATIONS.labels(outcome=outcome).inc(count)
