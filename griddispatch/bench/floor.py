"""The floor: three stages that only pass tickets on, as three processes at once over the run's own broker and database.

It is the least that three services on aiokafka, asyncpg and pydantic can cost: consumer groups that commit, idempotent
producers, a transaction for each batch, an index that holds each external id once, and a matter of twelve fields,
validated at every stage. It has no rules, no outbox, no memory of repeats and no HTTP. The stages run at the same time,
as services do, so the later ones read what happens to be there and not full batches: that is part of the cost. Each
process tells its own processor time, from the moment all three are ready until its last ticket.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from griddispatch import data
from griddispatch.bench import floor_stages
from griddispatch.bench.figures import Figure, middle
from griddispatch.bench.floor_stages import GIVEN, STAGE_S, TAKEN
from griddispatch.bench.site import Scale, Site, Stalled
from shared.database import named_queries
from shared.kafka import apply_topics
from shared.topics import Topic

READY_S = 60.0
STAGES = ("take", "give", "tell")
_SQL = named_queries("griddispatch.bench", "sql", "bench.sql")


async def floor(site: Site, scale: Scale) -> list[Figure]:
    """What the least three stages cost a ticket here and now."""
    rounds, stores = list[list[float]](), list[float]()
    for _ in range(scale.rounds):
        lines = [_matter(orjson.loads(line)) for _, line in site.lines(scale.tickets)]
        meter = site.meter()
        rounds.append([spent / scale.tickets * 1000 for spent in await _round(site, uuid4().hex[:12], lines)])
        stores.append(meter.spent().of("database", "broker") / scale.tickets * 1000)
    return [
        middle("floor", "processor, three stages", [sum(stages) for stages in rounds], "ms/ticket"),
        *(
            middle("floor", f"processor, {stage}", [stages[n] for stages in rounds], "ms/ticket")
            for n, stage in enumerate(STAGES)
        ),
        middle("floor", "processor, database and broker", stores, "ms/ticket"),
    ]


def _matter(report: Mapping[str, Any]) -> bytes:
    """One of the product's matters, as flat as the floor has it; what it does not say is filled in."""
    place, reporter = report.get("location", {}), report.get("reporter", {})
    return orjson.dumps(
        {
            "id": uuid4(), "title": "12345", "lon": place.get("lon", 119.3), "lat": place.get("lat", 33.3),
            "address": place.get("address", "安宜镇"), "name": reporter.get("name", "-"),
            "phone": reporter.get("phone", "-"),
            **{name: report[name] for name in ("source", "external_id", "channel", "text", "reported_at")},
        }
    )  # fmt: skip


async def _round(site: Site, run: str, lines: Sequence[bytes]) -> list[float]:
    """Processor seconds of each stage, over fresh tables and topics. Raises Stalled when one ends early."""
    await site.admin.execute(_SQL["floor_tables"], timeout=10)
    topics = [Topic(f"{topic}-{run}", "ticket id", "floor", ("floor",), timedelta(hours=1)) for topic in (TAKEN, GIVEN)]
    await apply_topics(site.stack.bootstrap, topics)
    matters = site.stack.home / f"floor-{run}.ndjson"
    await asyncio.to_thread(matters.write_bytes, b"\n".join(lines))
    given = (site.stack.bootstrap, site.stack.admin_dsn, run, str(len(lines)))
    stages: list[Process] = []
    try:
        for name in STAGES:
            stages.append(await _start(name, *given, *([str(matters)] if name == "take" else ())))
        for stage in stages:
            await _line(stage, READY_S)
        for stage in stages:
            _begin(stage)
        return [float(line) for line in await asyncio.gather(*(_line(stage, STAGE_S) for stage in stages))]
    finally:
        for stage in stages:
            if stage.returncode is None:
                stage.kill()
            await stage.wait()
        await asyncio.to_thread(matters.unlink)


async def _start(*words: str) -> Process:
    path = os.pathsep.join(filter(None, (str(Path(data.__file__).parent.parent), os.environ.get("PYTHONPATH"))))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        floor_stages.__name__,
        *words,
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )


def _begin(stage: Process) -> None:
    if stage.stdin is not None:
        stage.stdin.write(b"begin\n")


async def _line(stage: Process, within_s: float) -> bytes:
    """The next line a stage says. Raises Stalled when it ended instead, TimeoutError."""
    line = b"" if stage.stdout is None else await asyncio.wait_for(stage.stdout.readline(), within_s)
    if not line:
        raise Stalled("a stage of the floor ended early; what it said stands above")
    return line
