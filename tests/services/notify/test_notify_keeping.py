"""What notify forgets: in time, a lot at a time, and at once what intake erased; rates and judgements never."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.notify import desk_store, store
from services.notify.desk_store import Link
from services.notify.keeping import RULE, Keeping
from services.notify.rates import compare
from services.notify.seals import Seals
from shared.audit import verify
from shared.database import Database
from shared.erasing import digest_of
from shared.intake_events import TicketWordsErased
from shared.terms import Source
from tests.services.notify.measured import MeasuredStage, told
from tests.services.notify.subscribed import SubscribedStage
from tests.services.notify.values import MORNING, SATISFIED, assigned, escalated, ticket

DAY = timedelta(days=1)
YEAR = Keeping(messages=365 * DAY, words=3 * 365 * DAY)


async def forget(stage: MeasuredStage, keeping: Keeping, now: datetime) -> int:
    """One step of the job that forgets."""
    async with stage.database.transaction() as tx:
        return await keeping.forget_due(tx, now)


async def count(database: Database, table: str) -> int:
    (row,) = await database.fetch(f"SELECT count(*)::int AS n FROM {table}")
    return int(row["n"])


async def say(stage: MeasuredStage, words: str, n: int) -> None:
    """The citizen of the n-th ticket writes something beside an answer."""
    async with stage.database.transaction() as tx:
        await desk_store.add_words(tx, (ticket(n), 1), stage.desk.seals.seal(ticket(n), words), stage.clock())


@pytest.fixture
def sealing(measured: MeasuredStage) -> MeasuredStage:
    """A desk with a key."""
    measured.desk = replace(measured.desk, seals=Seals({"k1": b"k" * 32}))
    return measured


# In time


async def test_what_was_delivered_is_forgotten_after_its_time_with_its_attempts(measured: MeasuredStage) -> None:
    await measured.hear(told(assigned()))
    await measured.courier.deliver("console")
    settled = measured.clock()
    assert await forget(measured, YEAR, settled + YEAR.messages) == 0, "to the instant it is kept"
    assert await count(measured.database, "attempt") == 1
    assert await forget(measured, YEAR, settled + YEAR.messages + timedelta(microseconds=1)) == 1
    assert (await count(measured.database, "message"), await count(measured.database, "attempt")) == (0, 0)


async def test_what_still_waits_is_kept_however_old_it_is(measured: MeasuredStage) -> None:
    await measured.hear(told(assigned()))
    assert await forget(measured, YEAR, measured.clock() + 10 * YEAR.messages) == 0
    assert await count(measured.database, "message") == 1


async def test_a_lot_at_a_time_and_the_oldest_first(measured: MeasuredStage) -> None:
    for n in range(1, 6):
        await measured.hear(told(assigned(), n))
        await measured.courier.deliver("console")
        measured.now += DAY
    small = replace(YEAR, lot=2)
    late = measured.clock() + YEAR.messages
    assert [await forget(measured, small, late) for _ in range(4)] == [2, 2, 1, 0]


async def test_what_travelled_in_another_outlives_it(notify_database: Database) -> None:
    stage = MeasuredStage(notify_database)
    await stage.hear(*(told(escalated(level=1), n) for n in (1, 2, 3)))
    await stage.courier.deliver("console")
    (row,) = await stage.database.fetch("SELECT count(DISTINCT carrier)::int AS n, count(*)::int AS all FROM message")
    assert (row["n"], row["all"]) == (1, 3), "they travelled together"
    one = replace(YEAR, lot=1)
    late = stage.clock() + YEAR.messages + DAY
    assert [await forget(stage, one, late) for _ in range(4)] == [1, 1, 1, 0]


async def test_forgetting_moves_no_rate_and_no_judgement(sealing: MeasuredStage) -> None:
    await sealing.handled()
    await sealing.courier.deliver("console")
    await sealing.answer(SATISFIED)
    await say(sealing, "灯还是不亮", 1)
    before, stories = await sealing.counts(), await sealing.told()
    assert await forget(sealing, YEAR, MORNING + YEAR.words + DAY) >= 3
    assert (await count(sealing.database, "message"), await count(sealing.database, "reply_words")) == (0, 0)
    assert (await sealing.counts(), await sealing.told()) == (before, stories)
    assert await compare(sealing.database, sealing.measures) == {}
    assert (await store.follow_ups_of(sealing.database, ticket(1)))[0].answer == SATISFIED


async def test_words_are_erased_by_rule_and_the_log_proves_it(sealing: MeasuredStage) -> None:
    await say(sealing, "early", 1)
    sealing.now += DAY
    await say(sealing, "late", 2)
    assert await forget(sealing, YEAR, MORNING + YEAR.words + timedelta(seconds=1)) == 1
    assert [w["words"] for w in await sealing.desk.words_of(sealing.database, ticket(1))] == []
    assert [w["words"] for w in await sealing.desk.words_of(sealing.database, ticket(2))] == ["late"]
    (entry,) = await entries(sealing.database, "erase_by_rule")
    assert entry == {"rule": RULE, "count": 1, "sha256": digest_of([ticket(1)])}
    assert (await verify(sealing.database))[1] == []


async def test_links_are_forgotten_when_they_have_run_out(measured: MeasuredStage) -> None:
    now = measured.clock()
    async with measured.database.transaction() as tx:
        for n, digest in ((1, b"a" * 32), (2, b"b" * 32)):
            await desk_store.add_link(tx, digest, Link(ticket(n), 1, "ANSWER", now + n * DAY, None))
    assert await forget(measured, YEAR, now + DAY) == 0
    assert await forget(measured, YEAR, now + DAY + timedelta(seconds=1)) == 1


# At once


async def erased_at_intake(stage: MeasuredStage, n: int) -> None:
    """Intake states that it erased the n-th ticket's words."""
    hearing = SubscribedStage(stage.database, "https://receiver.example/hook")
    await hearing.heard(told(TicketWordsErased(), n, by=Source.INTAKE))


async def entries(database: Database, act: str) -> list[dict[str, object]]:
    """What the audit log says of an act, in order."""
    rows = await database.fetch(
        "SELECT entry -> 'detail' AS detail FROM audit WHERE entry ->> 'act' = $1 ORDER BY at", act
    )
    return [json.loads(row["detail"]) for row in rows]


async def test_an_erasure_at_intake_reaches_the_words_and_nothing_else(sealing: MeasuredStage) -> None:
    for n in (1, 2):
        await sealing.handled(n)
        await sealing.answer(SATISFIED, n)
        await say(sealing, "my own words", n)
    before, stories = await sealing.counts(), await sealing.told()
    await erased_at_intake(sealing, 1)
    assert await sealing.desk.words_of(sealing.database, ticket(1)) == []
    assert [w["words"] for w in await sealing.desk.words_of(sealing.database, ticket(2))] == ["my own words"]
    assert (await sealing.counts(), await sealing.told()) == (before, stories), "figures and ledger stay"
    assert await compare(sealing.database, sealing.measures) == {}
    assert await entries(sealing.database, "erase_words") == [{"erased": 1}]
    assert (await verify(sealing.database))[1] == []


async def test_an_erasure_that_comes_twice_is_done_once_and_one_that_finds_nothing_says_so(
    sealing: MeasuredStage,
) -> None:
    await erased_at_intake(sealing, 1)
    await erased_at_intake(sealing, 1)
    assert await entries(sealing.database, "erase_words") == [{"erased": 0}]


async def test_no_table_of_notify_holds_the_erased_words(sealing: MeasuredStage) -> None:
    await sealing.handled()
    await sealing.answer(SATISFIED)
    await say(sealing, "CANARY", 1)
    sealed = bytes((await sealing.database.fetch("SELECT sealed FROM reply_words"))[0]["sealed"])
    await erased_at_intake(sealing, 1)
    tables = await sealing.database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    for table in (row["tablename"] for row in tables):
        rows = await sealing.database.fetch(f'SELECT t::text AS said FROM "{table}" AS t')
        assert not [row for row in rows if "CANARY" in row["said"] or sealed.hex() in row["said"]], table
