"""Faults that take back what was known: a Kafka that comes back empty by itself, and a database put back to a backup."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Container
from pathlib import Path

import msgspec

from griddispatch.embedded.postgres import wheel_binaries
from griddispatch.embedded.process import LaunchError
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.chaos.checker.evidence import Op
from tests.chaos.faults.scene import Act, Scene
from tests.chaos.stage.collect import look_at_what_was_told
from tests.chaos.stage.ground import ROOT, SERVICES
from tests.chaos.stage.stage import until

SCRIPTS = ROOT / "deploy" / "recovery"
SCRIPT_S = 400.0
LIVE_ON_S = 5.0
TOLD_S = 300.0
_DELIVERED = "SELECT id FROM notify.message WHERE state = 'DELIVERED'"


async def kafka_forgets(scene: Scene) -> None:
    """The whole cluster is lost and comes back empty while the services run; nobody tells them, and nobody helps."""
    await look_at_what_was_told(scene.stage)
    with scene.fault("kafka comes back empty", "kafka"):
        await until(lambda: _marked(scene), TOLD_S, "marks of what was acknowledged")
        done = await _retold(scene)
        await asyncio.to_thread(scene.kafka.cluster.wipe)
        scene.stage.poison.clear()  # it lay in the lost log
        await asyncio.to_thread(scene.kafka.cluster.start)
        await apply_topics(scene.kafka.cluster.direct, TOPICS, replicas=3)
        await until(lambda: _all_retold(scene, done), TOLD_S, "every ledger told again, by themselves")
    await scene.all_ready()


async def _marked(scene: Scene) -> bool:
    rows = await scene.stage.query(" UNION ALL ".join(f"(SELECT 1 FROM {s}.log_mark LIMIT 1)" for s in SERVICES))
    return len(rows) == len(SERVICES)


async def _retold(scene: Scene) -> dict[str, int]:
    rows = await scene.stage.query(
        " UNION ALL ".join(
            f"SELECT '{s}' AS service, count(*) AS n FROM {s}.retelling WHERE finished_at IS NOT NULL" for s in SERVICES
        )
    )
    return {row["service"]: row["n"] for row in rows}


async def _all_retold(scene: Scene, before: dict[str, int]) -> bool:
    scene.stage.revive()
    now = await _retold(scene)
    return all(now[service] > before[service] for service in SERVICES)


async def database_restored(scene: Scene) -> None:
    """The database is backed up; people live on; then all three services are stopped and it is put back to the backup."""
    stage, backed_up = scene.stage, time.time()
    backup = stage.folder / f"backup-{int(backed_up)}.dump"
    with scene.fault("database restored", "postgres", ambiguous=True):
        await _script(scene, "backup.sh", backup)
        await asyncio.sleep(LIVE_ON_S)
        for service in SERVICES:
            await stage.drain(service)
        await look_at_what_was_told(stage)
        await _script(scene, "restore.sh", backup)
        stage.poison.clear()  # it lay in topics that were made anew
        again = forget(scene, backed_up, {str(row["id"]) for row in await stage.query(_DELIVERED)})
        for service in SERVICES:
            stage.launch(service)
        await scene.all_ready()
    for key in again:  # as hotlines do, when they are told the instant of the backup
        while (await scene.people.post(key)).result != "ok":
            stage.revive()
            await asyncio.sleep(0.2)


def forget(scene: Scene, since: float, delivered: Container[str]) -> list[str]:
    """What clients were told since then need not be true any more: a matter may be known or not; what a receiver took
    since then counts only where the backup, which was made a moment later, knows it as `delivered`. Answers with the keys
    that have to be handed in again."""
    stage, people = scene.stage, scene.people
    taken_back = [op for op in stage.history.ops if op.ended >= since and op.name == "create" and op.result == "ok"]
    stage.history.ops[:] = [kept for op in stage.history.ops if (kept := _since(op, since)) is not None]
    stage.history.samples[:] = [sample for sample in stage.history.samples if sample.at < since]
    stage.receiver.log[:] = [took for took in stage.receiver.log if took.at < since or took.id in delivered]
    people.closed.clear()
    keys = sorted({op.key.removeprefix("x:") for op in taken_back})
    for key in keys:
        people.accepted.pop(key, None)
    return [key for key in keys if key in people.words]


def _since(op: Op, since: float) -> Op | None:
    if op.ended < since:
        return op
    return msgspec.structs.replace(op, result="info", ticket="", answer="") if op.name == "create" else None


async def _script(scene: Scene, name: str, backup: Path) -> None:
    """As an operator would."""
    postgres, database = scene.stage.ground.postgres, scene.stage.database
    tools = (wheel_binaries(), Path(sys.executable).parent)
    environment = {
        **os.environ, "PATH": ":".join([*map(str, tools), os.environ.get("PATH", "")]), "PYTHONPATH": str(ROOT),
        "ADMIN_DSN": postgres.dsn(database), "REPLICAS": "3",
        "GRIDDISPATCH_KAFKA_BOOTSTRAP": scene.kafka.cluster.direct,
        **{f"GRIDDISPATCH_DATABASE_DSN_{s.upper()}": postgres.dsn(database, f"griddispatch_{s}") for s in SERVICES},
    }  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, ["/bin/sh", str(SCRIPTS / name), str(backup)], cwd=ROOT, env=environment, capture_output=True,
        text=True, timeout=SCRIPT_S, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise LaunchError(f"{name} ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-600:]}")


RESTORING_FAULTS: dict[str, Act] = {"kafka comes back empty": kafka_forgets, "database restored": database_restored}
