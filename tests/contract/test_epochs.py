"""Epochs: what is stated after a restore is never taken for what was forgotten, by id or by order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.codec import Record, decode, encode
from shared.database import Database, Transaction
from shared.epochs import next_epoch, raise_epoch, read_epoch
from shared.errors import Malformed
from shared.events import Envelope, event_id
from shared.ledger import Ledger
from shared.positions import Incoming, apply_in_order
from shared.relay import record_of
from shared.terms import Source
from shared.topics import INTAKE
from tests.builders import TUESDAY_MORNING, draft, received, ticket
from tests.conftest import TestDatabase
from tests.contract.harness import journal, reading_database, writing_database

Mark = tuple[int, int]
"""Epoch and version."""


def event(epoch: int, version: int) -> Incoming:
    """An event about ticket 1, in its record."""
    identity = event_id(Source.INTAKE, ticket(1), version, epoch)
    envelope = Envelope(identity, Source.INTAKE, ticket(1), version, TUESDAY_MORNING, received(), epoch=epoch)
    key, value, headers = encode(envelope)
    return Incoming(envelope, Record(INTAKE.name, 0, 0, key, value, headers))


async def read(database: Database, *story: Mark) -> list[Mark]:
    """Read these one by one; which of them had an effect, in order."""
    applied: list[Mark] = []

    async def note(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        await journal(tx, envelopes)
        applied.extend((e.epoch, e.version) for e in envelopes)

    for epoch, version in story:
        async with database.transaction() as tx:
            await apply_in_order(tx, [event(epoch, version)], note)
    return applied


def test_the_first_epoch_changes_no_id_and_no_header() -> None:
    assert event_id(Source.INTAKE, ticket(1), 2) == event_id(Source.INTAKE, ticket(1), 2, 0)
    assert "ce_epoch" not in dict(event(0, 1).record.headers)


def test_a_later_epoch_has_ids_of_its_own_and_says_so() -> None:
    told = event(7, 2)
    assert told.envelope.id != event(0, 2).envelope.id
    assert dict(told.record.headers)["ce_epoch"] == b"7"
    assert decode(told.record).epoch == 7


@pytest.mark.parametrize("absurd", [b"-1", b"x", b"2147483648"])
def test_an_absurd_epoch_is_refused(absurd: bytes) -> None:
    record = event(0, 1).record
    headers = [*record.headers, ("ce_epoch", absurd)]
    with pytest.raises(Malformed, match=r"epoch|header"):
        decode(Record(record.topic, 0, 0, record.key, record.value, headers))


async def test_news_under_an_old_version_is_news_in_a_later_epoch(database: TestDatabase) -> None:
    async with reading_database(database) as target:
        assert await read(target, (0, 1), (0, 2), (0, 3), (5, 2), (5, 3)) == [(0, 1), (0, 2), (0, 3), (5, 2), (5, 3)]


async def test_a_later_epoch_goes_on_behind_what_was_kept(database: TestDatabase) -> None:
    async with reading_database(database) as target:
        assert await read(target, (0, 1), (0, 2), (5, 3)) == [(0, 1), (0, 2), (5, 3)]


async def test_what_was_forgotten_is_dropped_from_then_on(database: TestDatabase) -> None:
    async with reading_database(database) as target:
        assert await read(target, (0, 1), (5, 2), (0, 2), (0, 3), (5, 2)) == [(0, 1), (5, 2)]


async def test_what_was_forgotten_is_not_released_when_its_turn_would_have_come(database: TestDatabase) -> None:
    async with reading_database(database) as target:
        assert await read(target, (0, 1), (0, 3), (0, 4), (5, 2), (5, 3)) == [(0, 1), (5, 2), (5, 3)]
        assert await target.fetch("SELECT 1 FROM parked") == []


async def test_an_early_event_takes_the_place_of_the_forgotten_one(database: TestDatabase) -> None:
    async with reading_database(database) as target:
        assert await read(target, (0, 1), (0, 3), (5, 3), (5, 2)) == [(0, 1), (5, 2), (5, 3)]


async def test_copies_of_an_early_event_in_one_batch_are_parked_once(database: TestDatabase) -> None:
    async with reading_database(database) as target:
        async with target.transaction() as tx:
            batch = [event(0, 3), event(0, 3), event(5, 3), event(0, 2), event(0, 2)]
            assert await apply_in_order(tx, batch, journal) == 0
        rows = await target.fetch("SELECT version, epoch FROM parked ORDER BY version")
        assert [(row["version"], row["epoch"]) for row in rows] == [(2, 0), (3, 5)]


async def test_what_is_stated_after_the_raise_carries_it_and_what_was_stated_before_does_not(
    database: TestDatabase,
) -> None:
    async with writing_database(database) as source:
        async with source.transaction() as tx:
            await Ledger(Source.INTAKE, lambda: None).append(tx, {}, [draft(1)])
        async with source.transaction() as tx:
            raised = await raise_epoch(tx, datetime.now(UTC), "operator:test", "a drill")
        assert await read_epoch(source) == raised
        ledger = Ledger(Source.INTAKE, lambda: None, raised)
        async with source.transaction() as tx:
            versions = await ledger.lock(tx, [ticket(1)])
            await ledger.append(tx, versions, [draft(1)])
        assert ledger.envelopes(versions, [draft(1)])[0].id == event_id(Source.INTAKE, ticket(1), 2, raised)
        rows = await source.fetch(
            "SELECT ticket_id, version, type, time, caused_by, traceparent, payload, epoch FROM event ORDER BY version"
        )
        first, second = (dict(record_of(row, Source.INTAKE, INTAKE.name).headers) for row in rows)
        assert "ce_epoch" not in first
        assert second["ce_epoch"] == str(raised).encode()
        assert UUID((second["ce_id"] or b"").decode()) == event_id(Source.INTAKE, ticket(1), 2, raised)


def test_two_restores_of_one_dump_do_not_come_to_the_same_epoch() -> None:
    noon = datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert next_epoch(0, noon) < next_epoch(0, noon + timedelta(minutes=5))
    assert next_epoch(next_epoch(0, noon), noon) == next_epoch(0, noon) + 1
