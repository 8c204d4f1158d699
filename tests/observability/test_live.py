"""The three services, running: one trace from door to message, metrics as Prometheus takes them, every panel answered."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from griddispatch.embedded import NoidaBroker
from griddispatch.embedded.process import ChildProcess, Program, free_port
from shared.kafka import apply_topics
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
MUST_ANSWER = ("受理与派单", "各入口", "未发布", "消费积压", "连接池", "发送")
"""Titles of panels that must have something to show once a matter went all the way."""


@pytest.fixture(scope="module")
def noida(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The embedded broker, with every topic."""
    broker = NoidaBroker()
    broker.start()
    asyncio.run(apply_topics(broker.bootstrap, TOPICS))
    yield broker
    broker.stop()


@asynccontextmanager
async def prometheus(ports: Mapping[str, int], folder: Path) -> AsyncIterator[str]:
    """A real Prometheus that scrapes these services every second; its address. Skips loudly where there is none."""
    binary = shutil.which("prometheus")
    if binary is None:
        if os.environ.get("GRIDDISPATCH_REQUIRE_PROMTOOL") == "1":
            pytest.fail("Prometheus is required and not here: Debian's package prometheus")
        pytest.skip("NOT COVERED: Prometheus is not here (Debian: apt-get install prometheus)")
    jobs = [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in ports.items()]
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
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    child = ChildProcess("prometheus", Program(argv), folder / "prometheus.log")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await asyncio.to_thread(child.terminate, 20.0)


async def scrape(world: World, service: str) -> str:
    return (await world.http.get(f"{world.url(service)}/metrics")).text


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


async def check_panels(world: World, folder: Path) -> None:
    """Every query of every panel is answered; and with a sample, where something must have happened by now."""
    async with prometheus(world.ports, folder) as base, httpx.AsyncClient(trust_env=False, timeout=20) as http:

        async def scraped() -> bool:
            try:
                up = await ask(http, base, "up == 1 and count_over_time(up[1m]) > 3")
                return len(up) == len(SERVICES)
            except (httpx.HTTPError, ValueError):  # while it starts it answers in plain words
                return False

        await eventually(scraped, within_s=60, what="Prometheus scraping all three")
        empty = [
            (path.stem, panel["title"], target["expr"])
            for path in FILES
            for panel in page(path)["panels"]
            for target in panel["targets"]
            if not await ask(http, base, target["expr"])
        ]
        await check_absences(world, http, base)
    assert not [e for e in empty if e[1].startswith(MUST_ANSWER)]


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
