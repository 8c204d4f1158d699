"""Following up by people: who is drawn, whose task it is, and links that are good for one thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID

from services.notify import desk_store, store
from services.notify.core.followup import Answer, Finished, FollowUp, FollowUpState
from services.notify.core.links import Purpose, digest_of
from services.notify.core.measures import MeasureRules
from services.notify.core.panel import Person
from services.notify.core.record import Record
from services.notify.core.reply_view import UNKNOWN, Seen, stand
from services.notify.core.sampling import Draw, Way, choose, choose_answer, choose_check, lot_of
from services.notify.desk_store import Link, Tally, Task
from services.notify.followups import FollowUps, Reply
from services.notify.seals import Seals
from services.notify.store import Key
from shared.database import Database, Transaction
from shared.ending_events import TicketAnswered
from shared.errors import CannotOpen, NotFound
from shared.events import Draft, Envelope
from shared.notify_events import ReopenAsked
from shared.telemetry import log
from shared.terms import TicketId

TOKEN_BYTES = 18
NO_SEALS = Seals({})


class DeskRefused(Exception):
    """The step is not allowed now; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Desk:
    """The follow-up desk. Methods work in the caller's transaction."""

    follow_ups: FollowUps
    rules: MeasureRules
    seals: Seals = NO_SEALS
    """What citizens' words are sealed with; without a key none are taken."""

    async def draw(self, tx: Transaction, envelopes: Sequence[Envelope], records: Mapping[TicketId, Record]) -> None:
        """Draw for what is finished among these events, in order, each once, no drills; make the tasks that follow."""
        fresh = {
            (e.ticket_id, e.event.cycle): e for e in envelopes if isinstance(e.event, Finished) and not e.event.exercise
        }
        known = await desk_store.known_draws(tx, fresh) if fresh else frozenset()
        wanted = {key: e for key, e in fresh.items() if key not in known}
        if not wanted:
            return
        months = {(self.rules.period_of(e.time), _finished(e).unit) for e in wanted.values()}
        tallies = await desk_store.lock_tallies(tx, sorted(months))
        draws, tasks = [], []
        for envelope in wanted.values():
            drawn = self._draw(envelope, records.get(envelope.ticket_id, Record()), tallies)
            draws.append(drawn)
            if drawn.way is not Way.NONE:
                number = _finished(envelope).ticket_no
                made_at = self.follow_ups.now()
                task = Task(drawn.ticket_id, drawn.cycle, drawn.way, number, drawn.unit, drawn.dedicated, made_at)
                tasks.append(task)
        await desk_store.save_draws(tx, draws, tallies)
        await desk_store.add_tasks(tx, tasks)

    def asks_about(self, ticket_id: TicketId) -> bool:
        """Whether the citizen of a ticket that was answered directly is drawn to be asked about the answer."""
        way, _ = choose_answer(lot_of(self.rules.practice.calls.seed, ticket_id), self.rules.sampling)
        return way is Way.CALL

    def _draw(self, envelope: Envelope, record: Record, tallies: dict[tuple[str, str], Tally]) -> Draw:
        """One draw; moves the tally of its unit's month on."""
        event, sampling = _finished(envelope), self.rules.sampling
        month = (self.rules.period_of(envelope.time), event.unit)
        lot, tally = lot_of(self.rules.practice.calls.seed, envelope.ticket_id), tallies[month]
        if isinstance(event, TicketAnswered):
            way, why = choose_answer(lot, sampling)
        elif event.follow_up:
            way, why = choose(record, event.cycle, lot, tally.by_lot, sampling)
        else:
            way, why = choose_check(lot, sampling)
        by_lot = tally.by_lot + (way is Way.CALL and why in ("LOT", "LEAST"))
        tallies[month] = Tally(tally.drawn + 1, by_lot)
        dedicated = record.ticket_type in sampling.dedicated_staff_types
        return Draw(
            envelope.ticket_id, event.cycle, *month, tally.drawn + 1, lot, way, why, dedicated, envelope.time
        )  # fmt: skip

    async def claim(self, tx: Transaction, by: Person, limit: int, area: str, *, dedicated: bool) -> list[Task]:
        """Give an agent tasks in an area for a while. Never one that the agent's own house handled."""
        now = self.follow_ups.now()
        until = now + timedelta(minutes=self.rules.practice.calls.lease_minutes)
        return await desk_store.claim_tasks(
            tx, by.id, by.unit, limit, dedicated=dedicated, now=now, until=until, area=area
        )

    async def miss(self, tx: Transaction, key: Key, by: Person) -> None:
        """Nobody answered the agent's call. Raises NotFound, DeskRefused."""
        await self._held(tx, key, by, Way.CALL)
        await desk_store.miss_task(tx, key)

    async def finish_check(self, tx: Transaction, key: Key, by: Person, *, confirmed: bool) -> None:
        """Somebody of another house looked at what a patrol had fixed. Raises NotFound, DeskRefused."""
        await self._held(tx, key, by, Way.FIELD_CHECK)
        await desk_store.finish_check(tx, key, self.follow_ups.now(), confirmed=confirmed)

    async def _held(self, tx: Transaction, key: Key, by: Person, way: Way) -> Task:
        task = await desk_store.read_task(tx, key)
        if task is None or task.way is not way:
            raise NotFound("no such task")
        if task.agent != by.id or task.lease_until is None or task.lease_until <= self.follow_ups.now():
            raise DeskRefused("NOT_CLAIMED", "the task is not yours: claim it first")
        return task

    # Links

    async def make_link(self, tx: Transaction, key: Key, purpose: Purpose) -> tuple[str, datetime]:
        """A new link's token, which is kept nowhere, and until when it is good. Raises NotFound, DeskRefused."""
        known = await store.read_follow_ups(tx, [key])
        if key not in known:
            raise NotFound("no such follow-up")
        is_open = known[key].state is FollowUpState.OPEN
        if is_open is (purpose is Purpose.REOPEN):
            raise DeskRefused("WRONG_TIME", "one answers while one is asked, and reopens afterwards")
        now, links = self.follow_ups.now(), self.rules.practice.links
        begun = known[key].ended_at or now
        expires_at = now + timedelta(days=links.answer_days) if is_open else begun + timedelta(days=links.reopen_days)
        if expires_at <= now:
            raise DeskRefused("TOO_LATE", "the time for coming back is over")
        token = token_urlsafe(TOKEN_BYTES)
        await desk_store.add_link(tx, digest_of(token), Link(*key, purpose.value, expires_at, None))
        return token, expires_at

    async def look(self, tx: Transaction, token: str) -> Seen:
        """What a link is good for now; looking uses nothing up."""
        link = await desk_store.find_link(tx, digest_of(token))
        known = await store.read_follow_ups(tx, [(link.ticket_id, link.cycle)]) if link else {}
        if link is None or not known:
            return UNKNOWN
        (follow_up,) = known.values()
        return stand(link.purpose, link.expires_at, link.used_at, follow_up, self.follow_ups.now())

    async def answer_by_link(self, tx: Transaction, token: str, answer: Answer, words: str = "") -> Reply:
        """Record the citizen's answer, and their words beside it, sealed, where there is a key for that.

        Raises NotFound for a token that is unknown, expired, or for something else.
        """
        link = await self._link(tx, token, Purpose.ANSWER)
        key, now = (link.ticket_id, link.cycle), self.follow_ups.now()
        (reply,) = await self.follow_ups.take(tx, [(key, answer)])
        if await desk_store.use_link(tx, digest_of(token), now) and isinstance(reply, FollowUp):
            await self._keep_words(tx, key, words, now)
        return reply

    async def answer_message(self, tx: Transaction, message_id: UUID, answer: Answer, words: str = "") -> Reply:
        """Record what the citizen replied to one of our messages; `message_id` is its own. NotFound for any other."""
        key = await desk_store.follow_up_of_message(tx, message_id)
        if key is None:
            return NotFound("no such message")
        (reply,) = await self.follow_ups.take(tx, [(key, answer)])
        if isinstance(reply, FollowUp):
            await self._keep_words(tx, key, words, self.follow_ups.now())
        return reply

    async def words_of(self, database: Database, ticket_id: TicketId) -> list[dict[str, object]]:
        """What the citizen wrote, round by round; None where the key that sealed it is gone."""
        kept = await desk_store.words_of(database, ticket_id)
        return [{"cycle": cycle, "words": self._open(ticket_id, w), "said_at": at} for cycle, w, at in kept]

    async def _keep_words(self, tx: Transaction, key: Key, words: str, now: datetime) -> None:
        if words and self.seals.is_able:
            await desk_store.add_words(tx, key, self.seals.seal(key[0], words), now)

    def _open(self, ticket_id: TicketId, sealed: bytes) -> str | None:
        try:
            return self.seals.open(ticket_id, sealed)
        except CannotOpen:
            log.warning("words_sealed_for_good", ticket_id=str(ticket_id))
            return None

    async def reopen_by_link(self, tx: Transaction, token: str) -> Link:
        """The citizen comes back; stated once, however often the link is followed. Raises NotFound as above."""
        link = await self._link(tx, token, Purpose.REOPEN)
        now, ledger = self.follow_ups.now(), self.follow_ups.ledger
        versions = await store.lock_stories(tx, ledger, [link.ticket_id])
        if await desk_store.use_link(tx, digest_of(token), now):
            await ledger.append(tx, versions, [Draft(link.ticket_id, ReopenAsked(cycle=link.cycle), now)])
        return replace(link, used_at=link.used_at or now)

    async def _link(self, tx: Transaction, token: str, purpose: Purpose) -> Link:
        link = await desk_store.find_link(tx, digest_of(token))
        if link is None or link.purpose != purpose or link.expires_at <= self.follow_ups.now():
            raise NotFound("no such link")
        return link


def _finished(envelope: Envelope) -> Finished:
    assert isinstance(envelope.event, Finished)
    return envelope.event
