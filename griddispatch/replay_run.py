"""One replay from the ledger into a topic: what it may do, where it stands, and going on after a break."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from services.dispatch.app import snapshots
from shared.database import Database, connect
from shared.errors import Problem, Rejected
from shared.kafka import Outgoing, Producer, TopicMismatch, apply_topics
from shared.kafka_security import PLAINTEXT, Security
from shared.reconciliation import TOPIC_OF
from shared.replay import BEGINNING, Page, Place, Selection, SoleWriter, pages, read_place, send_in_order
from shared.retelling import forget_marks
from shared.terms import Source, TicketId
from shared.topics import TOPICS, Topic

HOLDER = "griddispatch-replay"


@dataclass(frozen=True)
class Request:
    """What is to be told again, and where to."""

    source: Source
    topic: str
    selection: Selection
    rebuild: bool = False

    def check(self) -> None:
        """Raises Rejected for what would harm the readers of a contract topic."""
        own = TOPIC_OF[self.source].name
        in_contract = self.topic in {topic.name for topic in TOPICS}
        if in_contract and not self.rebuild:
            reason = f"{self.topic} belongs to the contract: choose a topic beside it, or --rebuild after it was lost"
            raise Rejected(Problem("to-topic", "contract_topic", reason))
        if self.rebuild and self.topic != own:
            raise Rejected(Problem("to-topic", "foreign_topic", f"only {own} can be written again from here"))
        if self.rebuild and self.selection.leaves_gaps:
            reason = "a contract topic gets whole stories: leave out --from, --to and --type"
            raise Rejected(Problem("rebuild", "leaves_gaps", reason))

    def written(self) -> dict[str, Any]:
        """As JSON, for telling whether a journal is about the same."""
        chosen = self.selection
        return {
            "source": self.source.value, "topic": self.topic, "rebuild": self.rebuild,
            "ticket": chosen.ticket and str(chosen.ticket), "from": chosen.since and chosen.since.isoformat(),
            "to": chosen.until and chosen.until.isoformat(), "types": chosen.types and list(chosen.types),
        }  # fmt: skip


@dataclass
class Counts:
    """What a run came across; `sent` is the same as `events` unless it was a dry run."""

    events: int = 0
    tickets: int = 0
    types: Counter[str] = field(default_factory=Counter)
    _last_ticket: TicketId | None = None

    def add(self, page: Page) -> None:
        """Count a page; a ticket that goes on over a page's end counts once."""
        self.events += len(page.records)
        self.types.update(page.types)
        if page.tickets:
            self.tickets += len(page.tickets) - (page.tickets[0] == self._last_ticket)
            self._last_ticket = page.tickets[-1]


class Journal:
    """A file that says how far a replay came, replaced as a whole after every page."""

    def __init__(self, path: Path, request: Request) -> None:
        self._path = path
        self._request = request.written()

    def resume(self) -> Place:
        """Where to go on; the beginning when there is no file. Raises Rejected for a file about something else."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            about, last, finished = kept["request"], read_place(kept["last"]), kept["finished"]
        except FileNotFoundError:
            return BEGINNING
        except (ValueError, KeyError, TypeError) as error:
            raise Rejected(Problem("journal", "bad_form", f"{self._path.name} is no journal of a replay")) from error
        if about != self._request:
            raise Rejected(Problem("journal", "another_replay", f"{self._path.name} is about another replay: {about}"))
        if finished:
            raise Rejected(Problem("journal", "finished", f"{self._path.name}: this replay is done; name a new file"))
        return last

    def note(self, last: Place, *, finished: bool) -> None:
        """Everything up to here is acknowledged."""
        kept = {"request": self._request, "last": str(last), "finished": finished}
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(json.dumps(kept) + "\n", encoding="utf-8")
        beside.replace(self._path)


async def counted(database: Database, request: Request) -> Counts:
    """What a replay would send. Raises Rejected, Unavailable."""
    request.check()
    counts = Counts()
    async for page in pages(database, request.source, request.topic, request.selection):
        counts.add(page)
    return counts


async def replayed(
    database: Database, producer: Producer, request: Request, journal: Journal | None, passed: Callable[[Place], None]
) -> Counts:
    """Send everything, from where the journal stands; `passed` hears of every place up to which all is acknowledged.

    Raises Rejected, Unavailable; then what was passed need not be sent again.
    """
    request.check()
    after = journal.resume() if journal else BEGINNING
    counts = Counts()
    beside = snapshots(database) if request.rebuild and request.source is Source.DISPATCH else _nothing
    async with _alone(database, request) as keep:
        async for page in pages(database, request.source, request.topic, request.selection, after):
            await keep()
            await send_in_order(producer.send, [*page.records, *await beside(page.tickets)])
            after = page.last
            counts.add(page)
            if journal:
                journal.note(after, finished=False)
            passed(after)
    if journal:
        journal.note(after, finished=True)
    if request.rebuild and request.selection == Selection():
        await forget_marks(database, request.topic)
    return counts


async def prepare_topic(
    bootstrap: str, request: Request, replicas: int, security: Security = PLAINTEXT
) -> str:  # fmt: skip
    """Make sure that the topic is there; a sentence on what was found. Raises Unavailable, TopicMismatch."""
    own = TOPIC_OF[request.source]
    wanted = own if request.rebuild else Topic(request.topic, own.key, own.writer, (), own.retention, own.partitions)
    try:
        created = await apply_topics(bootstrap, [wanted], replicas=replicas, security=security)
    except TopicMismatch as mismatch:
        if request.rebuild:
            raise
        return f"{mismatch}; each ticket keeps its order, but not its partition number"
    return f"{request.topic}: {'created' if created else 'is there'}, {wanted.partitions} partitions"


@asynccontextmanager
async def ledger_of(dsn: str) -> AsyncIterator[Database]:
    """The database of the service. Raises Unavailable, or Rejected when it has no tables."""
    database = await connect(dsn, size=2, application="griddispatch-replay")
    try:
        yield database
    except asyncpg.UndefinedTableError as error:
        raise Rejected(Problem("dsn", "not_migrated", "no tables here; run: griddispatch db migrate")) from error
    finally:
        await database.close()


@asynccontextmanager
async def _alone(database: Database, request: Request) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """For a contract topic: no relay publishes meanwhile, so what is newer comes after what is written again."""
    if not request.rebuild:
        yield _pass
        return
    writer = SoleWriter(database, HOLDER, asyncio.get_running_loop().time)
    await writer.take()
    try:
        yield writer.keep
    finally:
        await writer.release()


async def _pass() -> None:
    """Nothing to keep."""


async def _nothing(tickets: Sequence[TicketId]) -> list[Outgoing]:
    return []
