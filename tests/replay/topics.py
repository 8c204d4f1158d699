"""Reading topics whole, and a ledger to tell again."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import ConsumerRecord

from griddispatch.embedded import Broker
from griddispatch.topic_reader import TopicReader
from shared.database import Database, connect
from shared.events import Draft
from shared.ledger import Ledger
from shared.terms import Source
from tests.builders import PATIENT, TUESDAY_MORNING, received, ticket, triaged
from tests.conftest import TestDatabase

Content = tuple[int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""Of a record: partition, key, value, headers."""


async def read_topic(broker: Broker, topic: str) -> list[ConsumerRecord]:
    """Every record of a topic, partition by partition in order."""
    records: list[ConsumerRecord] = []
    async with TopicReader(broker.bootstrap, topic) as reader:
        await reader.read_on(records.append)
    return sorted(records, key=lambda r: (r.partition, r.offset))


def contents(records: Sequence[ConsumerRecord]) -> dict[bytes | None, list[Content]]:
    """What every record says, by ticket, in order."""
    stories: defaultdict[bytes | None, list[Content]] = defaultdict(list)
    for r in records:
        stories[r.key].append((r.partition, r.key, r.value, tuple(r.headers)))
    return stories


def versions(records: Sequence[ConsumerRecord]) -> dict[bytes | None, list[int]]:
    """The versions of every ticket, in order."""
    return {
        key: [int(dict(headers)["ce_version"]) for *_, headers in story] for key, story in contents(records).items()
    }


@asynccontextmanager
async def ledger_database(database: TestDatabase) -> AsyncIterator[Database]:
    """Intake's database."""
    db = await connect(database.dsn("intake"), size=4, application="test", patience=PATIENT)
    yield db
    await db.close()


async def state(database: Database, *drafts: Draft) -> None:
    """State facts in one transaction."""
    ledger = Ledger(Source.INTAKE, lambda: None)
    async with database.transaction() as tx:
        reached = await ledger.lock(tx, sorted({d.ticket_id for d in drafts}))
        await ledger.append(tx, reached, drafts)


async def tell_stories(database: Database, tickets: int) -> None:
    """Each ticket is received at its number of minutes past the morning, and triaged an hour later."""
    for n in range(1, tickets + 1):
        begun = TUESDAY_MORNING + timedelta(minutes=n)
        await state(
            database,
            Draft(ticket(n), received(), begun, "the-cause", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
            Draft(ticket(n), triaged(), begun + timedelta(hours=1)),
        )
