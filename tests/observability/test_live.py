"""The three services, running: one trace from door to message, metrics as Prometheus takes them, every panel answered."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from griddispatch.embedded import NoidaBroker
from griddispatch.embedded.process import ChildProcess, Program, free_port
from shared.kafka import apply_topics
from shared.ledger import SHARDS
from shared.topics import TOPICS
from tests.builders import eventually
from tests.conftest import TestDatabase
from tests.e2e.world import SERVICES, World, living
from tests.observability.collector import Collector
from tests.observability.rules import alerts
from tests.observability.test_dashboards import FILES, page
from tests.services.notify.stage import serving

pytestmark = pytest.mark.timeout(300)

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
MOST_SERIES = 10_000
TRACED = (
    ("dispatch", "griddispatch_batch_seconds"),
    ("dispatch", "griddispatch_ticket_milestone_seconds"),
    ("notify", "griddispatch_batch_seconds"),
    ("notify", "griddispatch_first_attempt_delay_seconds"),
)
MUST_ANSWER = ("受理与派单", "各入口", "未发布", "消费积压", "连接池", "发送")
"""Titles of panels that must have something to show once a matter went all the way."""


@pytest.fixture
def noida() -> Any:
    """An embedded broker of one's own, with every topic."""
    broker = NoidaBroker()
    broker.start()
    asyncio.run(apply_topics(broker.bootstrap, TOPICS))
    yield broker
    broker.stop()


@asynccontextmanager
async def prometheus(ports: Mapping[str, Sequence[int]], folder: Path) -> AsyncIterator[str]:
    """A real Prometheus that scrapes the copies of these services every second; its address.

    Skips loudly where there is none.
    """
    binary = shutil.which("prometheus")
    if binary is None:
        if os.environ.get("GRIDDISPATCH_REQUIRE_PROMTOOL") == "1":
            pytest.fail("Prometheus is required and not here: Debian's package prometheus")
        pytest.skip("NOT COVERED: Prometheus is not here (Debian: apt-get install prometheus)")
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in copies]}]}
        for job, copies in ports.items()
    ]
    rules = Path(__file__).parent.parent.parent / "deploy" / "prometheus"
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": jobs,
        "rule_files": [str(rules / "alerts.yml"), str(rules / "slo.yml")],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    argv = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        "--enable-feature=exemplar-storage",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    child = ChildProcess("prometheus", Program(argv), folder / "prometheus.log")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await asyncio.to_thread(child.terminate, 20.0)


async def scrape(world: World, service: str, accept: str = "text/plain") -> str:
    return (await world.http.get(f"{world.url(service)}/metrics", headers={"Accept": accept})).text


async def ask(http: httpx.AsyncClient, base: str, query: str, at_s: float | None = None) -> list[Any]:
    """What Prometheus answers to a panel's query, now or of an instant in seconds."""
    asked = {"query": query.replace("$__rate_interval", "5m")} | ({} if at_s is None else {"time": str(at_s)})
    answer = await http.get(f"{base}/api/v1/query", params=asked)
    body = answer.json()
    assert body["status"] == "success", (query, body)
    found: list[Any] = body["data"]["result"]
    return found


async def test_one_trace_and_every_metric_of_a_matter(
    database: TestDatabase, noida: NoidaBroker, tmp_path: Path
) -> None:
    collector = Collector()
    async with serving(collector.app) as address:
        extra = {"TRACING_ENDPOINT": address, "SAMPLE_EVERY_S": "0.5"}
        async with living(World(database, noida, tmp_path, extra=extra)) as world:
            await hand_in_traced(world)
            await world.hand_in(6)
            await world.work_until_closed()
            await check_expositions(world)
            await check_exemplars(world)
            await check_panels(world, tmp_path)
            await world.settle()
            traced = await world.query(
                "SELECT array_agg(DISTINCT split_part(traceparent, '-', 2)) AS traces FROM dispatch.event"
                f" WHERE ticket_id = '{world.accepted['traced-1'].decode()}'"
            )
            assert await world.drain() == {"intake": 0, "dispatch": 0, "notify": 0}
    told = collector.of(TRACE)
    assert ("griddispatch-intake", "POST /v1/tickets") in told
    assert ("griddispatch-dispatch", "process tickets-intake") in told
    assert ("griddispatch-notify", "process tickets-dispatch") in told
    assert ("griddispatch-notify", "send") in told
    assert {s.parent_id for s in collector.spans if s.name == "POST /v1/tickets" and s.trace_id == TRACE} == {PARENT}
    assert TRACE in traced[0]["traces"]


async def hand_in_traced(world: World) -> None:
    """A matter by the single door, from a caller who traces."""
    body = {
        "source": "hotline-12345",
        "channel": "PHONE",
        "text": "小区门口的路灯不亮了",
        "external_id": "traced-1",
        "location": {"lon": 119.25, "lat": 33.15},
    }
    headers = {"Content-Type": "application/json", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    answer = await world.http.post(f"{world.url('intake')}/v1/tickets", content=json.dumps(body), headers=headers)
    assert answer.status_code == 201
    world.accepted["traced-1"] = answer.json()["ticket_id"].encode()


async def check_expositions(world: World) -> None:
    """What each service exposes is well formed, small, and holds nobody's words."""
    lint = shutil.which("promtool")
    for service in SERVICES:
        text = await scrape(world, service)
        series = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert len(series) < MOST_SERIES / 4, f"{service}: {len(series)}"
        assert "路灯" not in text
        if lint is not None:
            done = await asyncio.to_thread(
                subprocess.run, [lint, "check", "metrics"], input=text, text=True, capture_output=True, timeout=60
            )
            ours = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("griddispatch_")]
            assert ours == [], "\n".join(ours)


def read_openmetrics(text: str) -> list[Metric]:
    """Every family of a text; raises ValueError where that is not OpenMetrics."""
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


async def check_exemplars(world: World) -> None:
    """Beside how long things took stands the trace of one of them: whoever sees something slow sees where it went."""
    told = {service: await scrape(world, service, "application/openmetrics-text") for service in SERVICES}
    assert all(read_openmetrics(text) for text in told.values())
    answered = [line for line in told["intake"].splitlines() if f'# {{trace_id="{TRACE}"}}' in line]
    assert any('_request_seconds_bucket{le="' in a and 'route="/v1/tickets"' in a for a in answered), answered
    for service, histogram in TRACED:
        assert re.search(rf'{histogram}_bucket{{.*# {{trace_id="[0-9a-f]{{32}}"}}', told[service]), (service, histogram)


async def check_panels(world: World, folder: Path) -> None:
    """Every query of every panel is answered; and with a sample, where something must have happened by now."""
    alone = {service: [port] for service, port in world.ports.items()}
    async with prometheus(alone, folder) as base, httpx.AsyncClient(trust_env=False, timeout=20) as http:
        await until_scraped(http, base, len(SERVICES))
        empty = [
            (path.stem, panel["title"], target["expr"])
            for path in FILES
            for panel in page(path)["panels"]
            for target in panel["targets"]
            if not await ask(http, base, target["expr"])
        ]
        span = {"start": str(time.time() - 3600), "end": str(time.time())}
        asked = {"query": "griddispatch_http_request_seconds_bucket", **span}
        found = (await http.get(f"{base}/api/v1/query_exemplars", params=asked)).json()["data"]
        await check_absences(world, http, base)
    assert not [e for e in empty if e[1].startswith(MUST_ANSWER)]
    assert TRACE in {e["labels"]["trace_id"] for series in found for e in series["exemplars"]}


async def until_scraped(http: httpx.AsyncClient, base: str, copies: int) -> None:
    """Wait until Prometheus has seen every copy a few times."""

    async def scraped() -> bool:
        try:
            return len(await ask(http, base, "up == 1 and count_over_time(up[1m]) > 3")) == copies
        except (httpx.HTTPError, ValueError):  # while it starts it answers in plain words
            return False

    await eventually(scraped, within_s=60, what=f"Prometheus scraping all {copies}")


async def check_absences(world: World, http: httpx.AsyncClient, base: str) -> None:
    """What the alerts on absent services ask is answered when one is, and not before."""
    asks = {rule.name: rule.expr for rule in alerts()}
    assert await ask(http, base, asks["ServiceDown"]) == await ask(http, base, asks["ServiceMissing"]) == []
    before_it_was_scraped = time.time() - 86_400
    missing = await ask(http, base, asks["ServiceMissing"], before_it_was_scraped)
    assert {found["metric"]["job"] for found in missing} == set(SERVICES)
    await asyncio.to_thread(world.children["notify"].terminate, 30.0)

    async def is_missed() -> bool:
        return [found["metric"]["job"] for found in await ask(http, base, asks["ServiceDown"])] == ["notify"]

    await eventually(is_missed, within_s=60, what="Prometheus missing notify")
    world.launch("notify")
    await eventually(lambda: world.is_ready("notify"), within_s=60, what="notify being back")


COPY = "dispatch-2"
MATTERS = 12
TOGETHER = {
    "sum(up)": 4,
    "sum(max by (state, light) (griddispatch_tickets_open))": MATTERS,
    "sum(griddispatch_tickets_assigned_total)": MATTERS,
    'sum by (job) (griddispatch_relay_shards{job="dispatch"})': SHARDS,
    'sum by (group) (griddispatch_consumer_lag_records{group="dispatch-stream"})': 0,
    'max(count by (topic, partition) (griddispatch_consumer_lag_records{group="dispatch-stream"}))': 1,
}
"""What is true of two copies of dispatch with twelve tickets, by what it takes to ask it."""


async def test_two_processes_of_one_service_on_one_host_add_up(
    database: TestDatabase, noida: NoidaBroker, tmp_path: Path
) -> None:
    async with living(World(database, noida, tmp_path, extra={"SAMPLE_EVERY_S": "0.5"})) as world:
        world.ports[COPY] = free_port()
        program = world.program("dispatch", PORT=str(world.ports[COPY]), INSTANCE=COPY, KAFKA_STATIC_MEMBER=COPY)
        world.children[COPY] = ChildProcess(COPY, program, tmp_path / f"{COPY}.log")
        await eventually(lambda: world.is_ready(COPY), within_s=60, what="the second copy being ready")
        await world.hand_in(MATTERS)
        copies = {s: [world.ports[s]] for s in SERVICES} | {"dispatch": [world.ports["dispatch"], world.ports[COPY]]}
        async with prometheus(copies, tmp_path) as base, httpx.AsyncClient(trust_env=False, timeout=20) as http:
            await until_scraped(http, base, len(SERVICES) + 1)
            answers: dict[str, list[float]] = {}

            async def is_true() -> bool:
                for query in TOGETHER:
                    answers[query] = [float(found["value"][1]) for found in await ask(http, base, query)]
                return all(answers[query] == [truth] for query, truth in TOGETHER.items())

            try:
                await eventually(is_true, within_s=90, what="the figures of two copies")
            except AssertionError as late:
                raise AssertionError(answers) from late
