"""Dead letters: a record is kept once however often it is read, and no record is taken for another."""

from shared.codec import Record
from shared.database import connect
from shared.deadletters import bury
from tests.builders import PATIENT
from tests.conftest import TestDatabase


async def test_a_record_is_kept_once_and_another_at_its_old_place_is_kept_too(database: TestDatabase) -> None:
    db = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    first = Record("tickets-inbound", 3, 41, b"key", b"not json", [])
    after_kafka_was_lost = Record("tickets-inbound", 3, 41, b"key", b"not json either", [])
    for record in (first, first, after_kafka_was_lost):
        async with db.transaction() as tx:
            await bury(tx, [(record, "unreadable", 1)], "test")
    rows = await db.fetch('SELECT value FROM dead_letter WHERE topic = $1 AND "offset" = 41 ORDER BY id', first.topic)
    assert [row["value"] for row in rows] == [b"not json", b"not json either"]
    await db.close()
