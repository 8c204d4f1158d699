"""The sampling loop: each sample in its turn, under a deadline, and none able to hold up the others."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.database import connect
from shared.errors import Unavailable
from shared.sampling import Sample, Sampling, age_s, lag, messaging, pools, watch_delay
from tests.builders import PATIENT, eventually, ticket
from tests.conftest import TestDatabase
from tests.observability.metrics import labels_of, value

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


class Look:
    """A sample that counts how often it was taken, and fails or dawdles on request."""

    def __init__(self, name: str, every: int = 1) -> None:
        self.taken = 0
        self.trouble: Exception | None = None
        self.dawdles = False
        self.sample = Sample(name, self._take, every)

    async def _take(self) -> None:
        self.taken += 1
        if self.dawdles:
            await asyncio.Event().wait()
        if self.trouble:
            raise self.trouble


async def test_what_looks_at_everything_is_taken_more_seldom() -> None:
    often, seldom = Look("often"), Look("seldom", every=4)
    sampling = Sampling([often.sample, seldom.sample], every_s=60)
    for _ in range(9):
        await sampling.round()
    assert (often.taken, seldom.taken) == (9, 3)


async def test_what_takes_long_is_taken_a_tenth_of_the_time() -> None:
    look, now = Look("slow"), [0.0]

    async def take() -> None:
        look.taken += 1
        now[0] += 3.0

    sampling = Sampling([Sample("slow", take)], every_s=15, tick=lambda: now[0])
    for _ in range(5):
        await sampling.round()
        now[0] += 12.0
    assert (look.taken, now[0]) == (2, 66.0), "it began at 0 and took 3 s; the first round after 30 s took it again"


async def test_a_sample_that_fails_is_counted_and_holds_up_nothing() -> None:
    broken, sound = Look("broken"), Look("sound")
    broken.trouble = Unavailable("database: away")
    await Sampling([broken.sample, sound.sample], every_s=60).round()
    assert value("griddispatch_samples_failed_total", sample="broken") == 1
    assert value("griddispatch_sampled_timestamp_seconds", sample="broken") is None
    assert value("griddispatch_sampled_timestamp_seconds", sample="sound") is not None


async def test_a_sample_that_hangs_is_cut_off() -> None:
    hanging, sound = Look("hanging"), Look("after-hanging")
    hanging.dawdles = True
    await Sampling([hanging.sample, sound.sample], every_s=60, deadline_s=0.05).round()
    assert value("griddispatch_samples_failed_total", sample="hanging") == 1
    assert sound.taken == 1


async def test_a_fault_of_ours_in_a_sample_is_not_swallowed() -> None:
    wrong = Look("wrong")
    wrong.trouble = KeyError("no such column")
    with pytest.raises(KeyError):
        await Sampling([wrong.sample], every_s=60).round()


async def test_the_loop_samples_at_once_and_ends_when_asked() -> None:
    look, stopping = Look("prompt"), asyncio.Event()
    loop = asyncio.create_task(Sampling([look.sample], every_s=3600).run(stopping))

    async def taken() -> bool:
        return look.taken == 1

    await eventually(taken, what="the first round")
    stopping.set()
    await asyncio.wait_for(loop, 20)


async def test_a_loop_that_is_held_up_shows_in_the_delay() -> None:
    stopping = asyncio.Event()
    before = value("griddispatch_event_loop_delay_seconds_count") or 0
    watch = asyncio.create_task(watch_delay(stopping, every_s=0.01))

    async def noted() -> bool:
        return (value("griddispatch_event_loop_delay_seconds_count") or 0) > before

    await eventually(noted, what="a delay being noted")
    stopping.set()
    await asyncio.wait_for(watch, 20)


async def test_partitions_that_went_elsewhere_are_not_shown_any_more() -> None:
    mine = {("tickets-intake", 0): 7, ("tickets-intake", 1): 0}

    async def read() -> dict[tuple[str, int], int]:
        return mine

    sample = lag("a-group", read)
    await sample.take()
    assert value("griddispatch_consumer_lag_records", group="a-group", topic="tickets-intake", partition="0") == 7
    del mine[("tickets-intake", 0)]
    await sample.take()
    shown = [s["partition"] for s in labels_of("griddispatch_consumer_lag_records") if s["group"] == "a-group"]
    assert shown == ["1"]


async def test_the_messaging_core_tells_what_waits_and_since_when(database: TestDatabase) -> None:
    pool = await connect(database.dsn("intake"), size=1, application="test", patience=PATIENT)
    await pool.fetch(
        "INSERT INTO outbox (shard, ticket_id, version, queued_at) VALUES (0, $1, 1, now() - interval '90 s')",
        ticket(1),
    )
    await pool.fetch(
        "INSERT INTO parked (ticket_id, source, version, topic, headers, parked_at)"
        " VALUES ($1, 's', 3, 't', '[]', clock_timestamp() - interval '70 s')",
        ticket(1),
    )
    await pool.fetch(
        "INSERT INTO dead_letter (topic, partition, \"offset\", headers, reason, tries, code) VALUES ('t', 0, 1, '[]', 'r', 1, 'c')"
    )
    await messaging(pool).take()
    await pools({"api": pool}).take()
    await pool.close()
    assert value("griddispatch_outbox_events") == 1
    assert 90 <= (value("griddispatch_outbox_age_seconds") or 0) < 3600
    assert value("griddispatch_parked_events") == 1
    assert 70 <= (value("griddispatch_parked_age_seconds") or 0) < 3600
    assert value("griddispatch_dead_letters") == 1
    assert value("griddispatch_database_connections", pool="api", state="limit") == 1


async def test_a_database_that_is_away_is_trouble_and_not_zero(database: TestDatabase) -> None:
    pool = await connect(database.dsn("intake"), size=1, application="test", patience=PATIENT)
    await pool.close()
    with pytest.raises(Unavailable):
        await messaging(pool).take()


def test_an_age_is_never_below_zero() -> None:
    assert age_s(None, NOON) == 0
    assert age_s(NOON + timedelta(hours=1), NOON) == 0
    assert age_s(NOON - timedelta(minutes=2), NOON) == 120
