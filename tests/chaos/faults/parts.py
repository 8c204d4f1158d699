"""Faults of what the services stand on: brokers, the database, the links to both, and the receiver of messages."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from griddispatch.embedded.process import LaunchError
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.chaos.faults.scene import Act, Scene
from tests.chaos.stage.collect import look_at_what_was_told
from tests.chaos.stage.ground import ROOT, SERVICES
from tests.chaos.stage.link import Link, Weather
from tests.chaos.stage.receiver import Manners

ADMIN_S = 20.0
REPUBLISH_S = 300.0
_COMMAND_LINE = "from griddispatch.cli import main; main()"


async def broker_killed(scene: Scene) -> None:
    """One broker, drawn, is gone for a few seconds."""
    await _broker_down(scene, scene.random.randrange(3), "broker killed")


async def coordinator_killed(scene: Scene) -> None:
    """The broker that coordinates dispatch's group is gone for a few seconds."""
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.kafka.cluster.direct)
    async with asyncio.timeout(ADMIN_S):
        await admin.start()
        node = await admin.find_coordinator("dispatch-stream")
        await admin.close()
    await _broker_down(scene, node - 1, "coordinator killed")


async def _broker_down(scene: Scene, number: int, kind: str) -> None:
    node = scene.kafka.cluster.nodes[number]
    with scene.fault(kind, f"broker {number + 1}"):
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(4.0)
        await asyncio.to_thread(node.start)


async def broker_frozen(scene: Scene) -> None:
    """One broker stands still for a few seconds."""
    pid = scene.random.choice(scene.kafka.cluster.nodes).pid
    with scene.fault("broker frozen", "kafka"):
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(8.0)
        finally:
            os.kill(pid, signal.SIGCONT)


async def brokers_killed(scene: Scene) -> None:
    """All brokers are gone at once, and come back on their data."""
    with scene.fault("brokers killed", "kafka"):
        await asyncio.to_thread(scene.kafka.cluster.kill)
        await asyncio.sleep(5.0)
        await asyncio.to_thread(scene.kafka.cluster.start)
    await scene.all_ready()


async def kafka_lost(scene: Scene) -> None:
    """The whole cluster is lost with all its records; new empty nodes are filled from the ledgers."""
    await look_at_what_was_told(scene.stage)
    with scene.fault("kafka lost whole", "kafka"):
        for service in SERVICES:
            await scene.stage.drain(service, kafka_is_there=False)
        await asyncio.to_thread(scene.kafka.cluster.wipe)
        scene.stage.poison.clear()  # it lay in the lost log
        await asyncio.to_thread(scene.kafka.cluster.start)
        await apply_topics(scene.kafka.cluster.direct, TOPICS, replicas=3)
        await asyncio.gather(*(asyncio.to_thread(_republish, scene, service) for service in SERVICES))
        for service in SERVICES:
            scene.stage.launch(service)
    await scene.all_ready()


def _republish(scene: Scene, service: str) -> None:
    """As an operator would, with the command line."""
    dsn = scene.stage.ground.postgres.dsn(scene.stage.database, f"griddispatch_{service}")
    argv = [sys.executable, "-c", _COMMAND_LINE, "replay", "--service", service, "--to-topic", f"tickets-{service}",
            "--rebuild", "--yes", "--replicas", "3", "--bootstrap", scene.kafka.cluster.direct, "--dsn", dsn]  # fmt: skip
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=REPUBLISH_S, check=False)
    if done.returncode != 0:
        raise LaunchError(f"replay of {service} ended with {done.returncode}: {done.stderr.strip()[-400:]}")


async def database_killed(scene: Scene) -> None:
    """kill -9 of every process of PostgreSQL."""
    with scene.fault("kill of the database", "postgres", ambiguous=True):
        await asyncio.to_thread(scene.stage.ground.postgres.kill)
        await asyncio.to_thread(scene.stage.ground.postgres.start)
    await scene.all_ready()


async def database_restarted(scene: Scene) -> None:
    """PostgreSQL is restarted in order."""
    with scene.fault("restart of the database", "postgres", ambiguous=True):
        await asyncio.to_thread(scene.stage.ground.postgres.restart)
    await scene.all_ready()


async def database_frozen(scene: Scene) -> None:
    """Every process of PostgreSQL stands still for longer than a statement may take."""
    with scene.fault("pause of the database", "postgres", ambiguous=True):
        pids = [
            scene.stage.ground.postgres.pid,
            *(r["pid"] for r in await scene.stage.query("SELECT pid FROM pg_stat_activity")),
        ]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(7.0)
        finally:
            for pid in pids:
                _signal(pid, signal.SIGCONT)
    await scene.all_ready()


async def disk_full(scene: Scene) -> None:
    """No room on the disk of the tables for a while. Raises LaunchError where the run has no disk of its own."""
    disk = scene.stage.ground.disk
    if not disk.is_there:
        raise LaunchError("this user may not mount a file system, so no disk can be full")
    with scene.fault("disk full", "postgres", ambiguous=True):
        await asyncio.to_thread(disk.fill)
        try:
            await asyncio.sleep(6.0)
        finally:
            await asyncio.to_thread(disk.make_room)
    await scene.all_ready()


async def database_read_only(scene: Scene) -> None:
    """The database takes no writes for a while, as a standby that was not promoted yet."""
    with scene.fault("database read only", "postgres", ambiguous=True):
        try:
            for order in ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"):
                await scene.stage.query(order)
            await asyncio.sleep(6.0)
        finally:
            for order in ("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"):
                await scene.stage.query(order)
    await scene.all_ready()


async def sessions_ended(scene: Scene) -> None:
    """Sessions are ended at random, twice a second."""
    with scene.fault("sessions ended", "postgres", ambiguous=True):
        for _ in range(8):
            await scene.stage.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND random() < 0.5"
            )
            await asyncio.sleep(0.5)


async def commits_swallowed(scene: Scene) -> None:
    """COMMITs reach the database, and the link is cut before their answers are back."""
    with scene.fault("commit replies swallowed", "postgres", ambiguous=True):
        links = [scene.stage.links[service] for service in SERVICES]
        await scene.under(links, Weather(swallow_commits=0), 0.0)
        for link in links:
            link.weather = Weather(swallow_commits=3)
        await asyncio.sleep(4.0)
        for link in links:
            link.weather = Weather()


async def table_locked(scene: Scene) -> None:
    """Somebody holds rows that everybody needs."""
    conn = await asyncpg.connect(scene.stage.ground.postgres.dsn(scene.stage.database))
    try:
        with scene.fault("pause of the database by a lock", "dispatch"):
            async with conn.transaction():
                await conn.execute("LOCK TABLE dispatch.head IN EXCLUSIVE MODE")
                await asyncio.sleep(5.0)
    finally:
        await conn.close(timeout=5)


def on_database_links(kind: str, weather: Weather, seconds: float) -> Act:
    """The links between the services and their database have this weather for a while."""

    async def act(scene: Scene) -> None:
        with scene.fault(f"link to the database: {kind}", "postgres", ambiguous=True):
            await scene.under([scene.stage.links[scene.service()]], replace(weather), seconds)

    return act


def on_kafka_links(kind: str, weather: Weather, seconds: float, count: int = 3) -> Act:
    """The links between the services and the brokers have this weather for a while."""

    async def act(scene: Scene) -> None:
        with scene.fault(f"link to kafka: {kind}", "kafka"):
            await scene.under(scene.random.sample(scene.kafka.links, count), replace(weather), seconds)

    return act


async def links_cut(scene: Scene) -> None:
    """Every open connection is torn down."""
    links: list[Link] = [*scene.kafka.links, *scene.stage.links.values()]
    with scene.fault("link cut everywhere", "all", ambiguous=True):
        for link in links:
            link.cut()
        await asyncio.sleep(1.0)


def receiver(kind: str, manners: Manners, seconds: float, *, ambiguous: bool) -> Act:
    """The receiver of messages behaves so for a while."""

    async def act(scene: Scene) -> None:
        with scene.fault(f"receiver {kind}", "receiver", ambiguous=ambiguous):
            scene.stage.receiver.manners = replace(manners)
            await asyncio.sleep(seconds)
            scene.stage.receiver.manners = Manners()

    return act


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


PART_FAULTS: dict[str, Act] = {
    "broker killed": broker_killed, "coordinator killed": coordinator_killed, "broker frozen": broker_frozen,
    "all brokers killed": brokers_killed, "kafka lost whole": kafka_lost, "database killed": database_killed,
    "database restarted": database_restarted, "database frozen": database_frozen, "sessions ended": sessions_ended,
    "commit replies swallowed": commits_swallowed, "table locked": table_locked, "disk full": disk_full,
    "database read only": database_read_only,
    "database slow": on_database_links("slow", Weather(latency=0.2), 5.0),
    "database silent": on_database_links("silent", Weather(silent_out=True, silent_back=True), 8.0),
    "database one way": on_database_links("one way", Weather(silent_back=True), 8.0),
    "database dripping": on_database_links("dripping", Weather(drip=16_384), 5.0),
    "database lossy": on_database_links("lossy", Weather(loss=0.05), 5.0),
    "database refused": on_database_links("refused", Weather(refuse=True), 4.0),
    "kafka slow": on_kafka_links("slow", Weather(latency=0.3), 6.0),
    "kafka silent": on_kafka_links("silent", Weather(silent_out=True, silent_back=True), 12.0),
    "kafka one way": on_kafka_links("one way", Weather(silent_back=True), 10.0, 1),
    "kafka dripping": on_kafka_links("dripping", Weather(drip=16_384), 6.0),
    "kafka lossy": on_kafka_links("lossy", Weather(loss=0.1), 6.0),
    "links cut": links_cut,
    "receiver refuses": receiver("refuses", Manners(status=500), 3.0, ambiguous=False),
    "receiver hangs": receiver("hangs", Manners(wait_s=30.0), 5.0, ambiguous=True),
    "receiver breaks off": receiver("breaks off", Manners(break_off=True), 3.0, ambiguous=True),
}  # fmt: skip
