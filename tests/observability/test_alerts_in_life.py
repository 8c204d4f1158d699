"""The product drives the metrics that alerts look at to where they fire: each trouble is made once, on real parts."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, make_asgi_app

from services.intake import samples as intake_samples
from services.notify.core.contacts import AddressBook
from services.notify.core.delivery import DELAYS
from shared.database import connect
from shared.kafka import Producer
from shared.relay import Relay
from shared.sampling import pools, watch_delay
from shared.terms import Source, Urgency
from shared.topics import INTAKE
from shared.wake import Wake
from tests.builders import PATIENT, TUESDAY_MORNING, eventually
from tests.conftest import TestDatabase
from tests.observability.metrics import value
from tests.observability.rules import alerts
from tests.observability.test_live import ask, prometheus
from tests.services.dispatch.desk import open_desk
from tests.services.intake.counter import open_counter
from tests.services.intake.test_leads import suspected
from tests.services.notify.stage import Stage, serving
from tests.services.notify.test_notify_courier import FAILED, Scripted, with_channel
from tests.services.notify.values import MORNING, assigned, envelope

TOO_MANY = 8000 + 100
HELD_UP_S = 0.6


@pytest.fixture
async def notify_stage(notify_dsn: str) -> AsyncIterator[Stage]:
    """Everybody on the console."""
    database = await connect(notify_dsn, size=8, application="test", patience=PATIENT)
    yield Stage(database, AddressBook())
    await database.close()


def beyond(histogram: str, bound: str) -> float:
    """How many observations of a histogram without labels lie above a bound."""
    return (value(f"{histogram}_count") or 0) - (value(f"{histogram}_bucket", le=bound) or 0)


@pytest.mark.timeout(180)
async def test_too_many_series_show_in_the_scrape(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("griddispatch_by_mistake", "With a label that is not bounded.", ["ticket"], registry=registry)
    for n in range(TOO_MANY):  # the alert is at 8000
        gauge.labels(ticket=str(n)).set(1)
    (expr,) = [rule.expr for rule in alerts() if rule.name == "SeriesTooMany"]
    async with serving(make_asgi_app(registry)) as address:
        port = urlsplit(address).port
        assert port is not None
        async with (
            prometheus({"dispatch": [port]}, tmp_path) as base,
            httpx.AsyncClient(trust_env=False, timeout=60) as http,
        ):

            async def noticed() -> bool:
                try:
                    return bool(await ask(http, base, expr))
                except (httpx.HTTPError, ValueError):  # while it starts it answers in plain words
                    return False

            await eventually(noticed, within_s=60, what="Prometheus counting the series")


async def test_a_blocked_event_loop_shows_in_its_delay() -> None:
    name, stopping = "griddispatch_event_loop_delay_seconds", asyncio.Event()
    before = beyond(name, "0.5")
    watch = asyncio.create_task(watch_delay(stopping, every_s=0.01))

    async def noted() -> bool:
        until = time.perf_counter() + HELD_UP_S
        while time.perf_counter() < until:
            pass  # somebody computes in the loop instead of beside it
        return beyond(name, "0.5") > before

    await eventually(noted, within_s=60, what="the delay being noted")
    stopping.set()
    await asyncio.wait_for(watch, 30)


async def test_a_pool_whose_every_connection_is_taken_shows_as_full(database: TestDatabase) -> None:
    name = "griddispatch_database_connections"
    pool = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    async with pool.transaction(), pool.transaction():
        await pools({"taken": pool}).take()
        assert value(name, pool="taken", state="used") == value(name, pool="taken", state="limit") == 2
    await pools({"taken": pool}).take()
    assert value(name, pool="taken", state="used") == 0
    await pool.close()


async def test_a_relay_that_leads_nothing_says_so(database: TestDatabase) -> None:
    pool = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    for holder, leads in (("first", True), ("second", False)):
        producer, stopping = Producer("127.0.0.1:1", holder), asyncio.Event()
        relay = Relay(pool, producer, source=Source.INTAKE, topic=INTAKE.name, holder=holder, wake=Wake())
        running = asyncio.create_task(relay.run(stopping))

        async def shown(leads: bool = leads) -> bool:
            return bool(value("griddispatch_relay_shards")) is leads

        await eventually(shown, within_s=60, what=f"{holder} saying what it leads")
        stopping.set()
        await asyncio.wait_for(running, 30)
        await pool.fetch("UPDATE relay_lease SET holder = 'elsewhere', expires_at = clock_timestamp() + interval '1 h'")
    await pool.close()


async def test_a_lead_that_nobody_judges_grows_old(intake_dsn: str) -> None:
    async with open_counter(intake_dsn) as counter:
        await suspected(counter)
        counter.later(hours=5)
        await intake_samples.waiting(counter.database, counter.now).take()
        assert value("griddispatch_leads_suspected") == 1
        assert (value("griddispatch_leads_suspected_age_seconds") or 0) > 4 * 3600


async def test_a_clock_that_rings_late_counts_as_late(database: TestDatabase) -> None:
    before = beyond("griddispatch_timer_lateness_seconds", "5.0")
    async with open_desk(database) as desk:
        await desk.take_on(1)
        desk.set_time(TUESDAY_MORNING + timedelta(days=1))
        assert await desk.timers.ring_due() == 1
    assert beyond("griddispatch_timer_lateness_seconds", "5.0") > before


async def test_a_first_attempt_that_comes_late_counts_as_late(notify_stage: Stage) -> None:
    before = beyond("griddispatch_first_attempt_delay_seconds", "10.0")
    await notify_stage.hear(envelope(assigned()))
    notify_stage.now = MORNING + timedelta(minutes=1)
    assert await notify_stage.courier.deliver("console") == 1
    assert beyond("griddispatch_first_attempt_delay_seconds", "10.0") == before + 1


async def test_an_endpoint_that_fails_again_and_again_is_left_alone(notify_stage: Stage) -> None:
    courier = with_channel(notify_stage, Scripted(FAILED))
    await notify_stage.hear(envelope(assigned(urgency=Urgency.U1)))
    await courier.deliver("console")
    assert value("griddispatch_endpoints_left_alone") == 0
    for delay in DELAYS:
        notify_stage.now += delay * 1.2
        await courier.deliver("console")
    assert value("griddispatch_endpoints_left_alone") == 1
