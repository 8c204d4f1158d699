"""The launchers start real servers that answer, keep what they promise to keep, and leave no process behind."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from griddispatch.embedded import (
    ApacheKafka,
    Broker,
    Capability,
    EmbeddedPostgres,
    KafkaUnavailable,
    LaunchError,
    NoidaBroker,
)
from griddispatch.embedded.apache_install import install_kafka, kafka_version
from griddispatch.embedded.broker import answers_metadata
from griddispatch.embedded.postgres import refuse_closed_path
from griddispatch.embedded.process import LOOPBACK, ChildProcess, Program, RunAs, free_port, wait_until
from griddispatch.embedded.scratch import remove_ownerless

DEADLINE_S = 30.0
TOPIC = "launcher-check"
TEN_VALUES = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"]


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    """Each test here ends with the children it began with, watchdogs included."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = [child.cmdline() for child in psutil.Process().children(recursive=True) if child not in before]
    assert left == []


@pytest.fixture(scope="session")
def apache_is_available() -> None:
    """Skips what needs Apache Kafka where Java or Maven is missing: not covered, rather than passed."""
    try:
        install_kafka(os.environ)
    except KafkaUnavailable as reason:
        pytest.skip(f"not covered: {reason}")


def test_noida_takes_ten_records_returns_them_and_stops() -> None:
    check_ten_records(NoidaBroker())


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("apache_is_available")
def test_apache_kafka_takes_ten_records_returns_them_and_stops() -> None:
    check_ten_records(ApacheKafka())


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("apache_is_available")
def test_apache_kafka_keeps_acknowledged_records_over_a_kill() -> None:
    with ApacheKafka() as broker:
        asyncio.run(send_ten(broker.bootstrap))
        broker.kill()
        assert not answers_metadata(*address(broker))
        broker.restart()
        assert asyncio.run(read_ten(broker.bootstrap)) == TEN_VALUES


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("apache_is_available")
def test_apache_kafka_finds_its_records_again_in_a_given_directory(tmp_path: Path) -> None:
    with ApacheKafka(tmp_path) as first:
        asyncio.run(send_ten(first.bootstrap))
    with ApacheKafka(tmp_path) as second:
        assert asyncio.run(read_ten(second.bootstrap)) == TEN_VALUES


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("apache_is_available")
def test_apache_kafka_refuses_a_setting_that_it_cannot_read_and_shows_why() -> None:
    broker = ApacheKafka(settings={"num.io.threads": "many"})
    with pytest.raises(LaunchError, match="many"):
        broker.start()


def test_noida_keeps_records_over_a_restart_in_order() -> None:
    with NoidaBroker() as broker:
        asyncio.run(send_ten(broker.bootstrap))
        broker.restart()
        assert asyncio.run(read_ten(broker.bootstrap)) == TEN_VALUES


def test_brokers_declare_what_they_can_do() -> None:
    assert NoidaBroker.capabilities == {"idempotence", "transactions"}
    assert ApacheKafka.capabilities == {"idempotence", "transactions", "takeover", "durable_kill9"}
    assert NoidaBroker().name == "noida-db 0.2.3"
    assert ApacheKafka().name == f"Apache Kafka {kafka_version()}"
    assert Capability.TAKEOVER not in NoidaBroker.capabilities


def test_postgres_answers_over_tcp_and_over_its_socket_and_stops() -> None:
    with EmbeddedPostgres() as server:
        assert asyncio.run(fetch(server.dsn(), "SELECT 1")) == 1
        assert (
            asyncio.run(
                fetch(f"postgresql:///postgres?user=postgres&port={server.port}&host={server.socket_dir}", "SELECT 1")
            )
            == 1
        )
        assert asyncio.run(fetch(server.dsn(), "SHOW max_connections")) == "120"
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        asyncio.run(fetch(server.dsn(), "SELECT 1"))


@pytest.mark.parametrize("durable", [True, False])
def test_postgres_keeps_commits_over_a_kill(durable: bool) -> None:
    with EmbeddedPostgres(durable=durable) as server:
        assert asyncio.run(fetch(server.dsn(), "SHOW fsync")) == ("on" if durable else "off")
        asyncio.run(fetch(server.dsn(), "CREATE TABLE kept AS SELECT 7 AS number"))
        server.kill()
        server.restart()
        assert asyncio.run(fetch(server.dsn(), "SELECT number FROM kept")) == 7


def test_postgres_is_killed_with_its_sessions_open_and_starts_again() -> None:
    async def kill_under_a_session(server: EmbeddedPostgres) -> None:
        session = await asyncpg.connect(server.dsn(), timeout=DEADLINE_S)
        lost = asyncio.Event()
        session.add_termination_listener(lambda _: lost.set())
        await asyncio.to_thread(server.kill)
        await asyncio.wait_for(lost.wait(), DEADLINE_S)

    with EmbeddedPostgres() as server:
        asyncio.run(kill_under_a_session(server))
        server.restart()
        assert asyncio.run(fetch(server.dsn(), "SELECT 1")) == 1


def test_what_a_killed_owner_left_in_memory_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, kept = tmp_path / "gd-left", tmp_path / "gd-kept"
    for folder in (left, kept, tmp_path / "gd-foreign"):
        folder.mkdir()
    (left / "owner.lock").touch()
    with (kept / "owner.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_ownerless(tmp_path)
        assert sorted(folder.name for folder in tmp_path.iterdir()) == ["gd-foreign", "gd-kept"]


def test_a_database_is_cloned_from_a_template_and_dropped() -> None:
    with EmbeddedPostgres() as server:
        server.create_database("original")
        asyncio.run(fetch(server.dsn("original"), "CREATE TABLE grids AS SELECT 'G-001' AS code"))
        server.create_database("copy", template="original")
        assert asyncio.run(fetch(server.dsn("copy"), "SELECT code FROM grids")) == "G-001"
        server.drop_database("copy")
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            asyncio.run(fetch(server.dsn("copy"), "SELECT 1"))
        with pytest.raises(LaunchError, match="already exists"):
            server.create_database("original")


def test_postgres_settings_reach_the_server() -> None:
    with EmbeddedPostgres(settings={"max_connections": "17"}) as server:
        assert asyncio.run(fetch(server.dsn(), "SHOW max_connections")) == "17"


def test_postgres_shows_its_log_when_it_refuses_a_setting() -> None:
    with pytest.raises(LaunchError, match="no_such_setting"):
        EmbeddedPostgres(settings={"no_such_setting": "1"}).start()


def test_the_address_of_a_database_is_escaped() -> None:
    server = EmbeddedPostgres(port=20_001)
    assert server.dsn() == "postgresql://postgres@127.0.0.1:20001/postgres"
    assert server.dsn("a b", "dispatch", "p@ss/1") == "postgresql://dispatch:p%40ss%2F1@127.0.0.1:20001/a%20b"


def test_missing_postgres_programs_are_an_error_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"initdb|cannot pass through"):
        EmbeddedPostgres(bin_dir=tmp_path / "nowhere").start()


def test_a_directory_closed_to_the_server_user_is_refused_by_name(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    stranger = RunAs(uid=closed.stat().st_uid + 1, gid=closed.stat().st_gid + 1)
    with pytest.raises(LaunchError, match="cannot pass through"):
        refuse_closed_path(closed / "pgdata", stranger)


def test_no_java_makes_kafka_unavailable(tmp_path: Path) -> None:
    with pytest.raises(KafkaUnavailable, match="Java 17 or newer is needed"):
        ApacheKafka(env={"PATH": "", "XDG_CACHE_HOME": str(tmp_path)}).start()


def test_an_old_java_makes_kafka_unavailable(tmp_path: Path) -> None:
    script(tmp_path / "java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    with pytest.raises(KafkaUnavailable, match=r"Java 17 or newer is needed and .* is 11"):
        install_kafka({"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)})


def test_no_maven_makes_kafka_unavailable_before_the_first_download(tmp_path: Path) -> None:
    new_java(tmp_path)
    with pytest.raises(KafkaUnavailable, match="mvn"):
        install_kafka({"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)})


def test_a_failed_download_is_quoted_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    new_java(tmp_path)
    script(tmp_path / "mvn", "echo 'no route to the mirror'; exit 1")
    with pytest.raises(KafkaUnavailable, match="no route to the mirror"):
        install_kafka({"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert [entry.suffix for entry in (tmp_path / "cache" / "griddispatch").iterdir()] == [".lock"]


def test_parallel_callers_download_once(tmp_path: Path) -> None:
    new_java(tmp_path)
    fetch_slowly = f"""
        echo called >> {tmp_path}/calls
        sleep 0.3
        for argument in "$@"; do case "$argument" in -DoutputDirectory=*) libs="${{argument#*=}}";; esac; done
        mkdir -p "$libs" && : > "$libs/kafka_2.13.jar"
    """
    script(tmp_path / "mvn", textwrap.dedent(fetch_slowly))
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    callers = [threading.Thread(target=install_kafka, args=[env]) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(DEADLINE_S)
    assert (tmp_path / "calls").read_text() == "called\n"
    assert install_kafka(env).class_path.endswith("kafka_2.13.jar")


def test_a_server_is_not_started_twice() -> None:
    with NoidaBroker() as broker, pytest.raises(LaunchError, match="already running"):
        broker.start()


def test_stopping_twice_does_nothing() -> None:
    broker = NoidaBroker()
    broker.start()
    broker.stop()
    broker.stop()


def test_temporary_data_goes_with_the_stop_and_given_data_stays(tmp_path: Path) -> None:
    with NoidaBroker() as temporary:
        home = temporary.home
    with NoidaBroker(tmp_path):
        pass
    assert not home.exists()
    assert (tmp_path / "server.log").exists()


@pytest.mark.parametrize("launcher", ["NoidaBroker", "EmbeddedPostgres"])
def test_servers_end_when_their_parent_is_killed(launcher: str) -> None:
    code = f"""
        import time
        from griddispatch.embedded import {launcher}
        with {launcher}() as server:
            print(server.pid, server.scratch, flush=True)
            time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, scratch = parent.stdout.readline().split()
        family = [psutil.Process(int(pid)), *psutil.Process(int(pid)).children(recursive=True)]
        parent.kill()
    wait_until(lambda: not any(is_alive(member) for member in family), DEADLINE_S, "the whole server ended")
    subprocess.run(["rm", "-r", scratch], check=True)


def test_a_child_that_ignores_the_stop_signal_is_killed_and_reported(tmp_path: Path) -> None:
    child = ChildProcess(
        "deaf", Program(["sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; wait"]), tmp_path / "log"
    )
    wait_until(lambda: "ready" in child.log_tail(), DEADLINE_S, "the trap is set", child)
    began = time.monotonic()
    with pytest.raises(LaunchError, match=r"deaf did not stop within 0\.2 s and was killed"):
        child.terminate(0.2)
    assert time.monotonic() - began < DEADLINE_S
    assert child.exit_code == -signal.SIGKILL


def test_a_child_that_ends_early_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = ChildProcess("hasty", Program(["sh", "-c", "echo no disk left; exit 3"]), tmp_path / "log")
    with pytest.raises(LaunchError, match=r"(?s)hasty ended with code 3 before it answers.*no disk left"):
        wait_until(lambda: False, DEADLINE_S, "it answers", child)
    child.kill()


def test_waiting_ends_with_an_error_when_time_is_up() -> None:
    with pytest.raises(LaunchError, match=r"not true after 0\.1 s: pigs fly"):
        wait_until(lambda: False, 0.1, "pigs fly")


def test_a_free_port_lies_below_the_ports_of_outgoing_connections() -> None:
    assert 20_000 <= free_port() < 32_000


def check_ten_records(broker: Broker) -> None:
    """Start, write, read, stop; then nobody answers."""
    broker.start()
    try:
        asyncio.run(send_ten(broker.bootstrap))
        assert asyncio.run(read_ten(broker.bootstrap)) == TEN_VALUES
    finally:
        broker.stop()
    assert not answers_metadata(*address(broker))


async def send_ten(bootstrap: str) -> None:
    """Create the topic and send ten records, acknowledged."""
    async with asyncio.timeout(DEADLINE_S):
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
            for value in TEN_VALUES:
                await producer.send_and_wait(TOPIC, value)


async def read_ten(bootstrap: str) -> list[bytes]:
    """Read ten records from the start as a member of a group."""
    read: list[bytes] = []
    async with asyncio.timeout(DEADLINE_S):
        consumer = AIOKafkaConsumer(
            TOPIC,
            bootstrap_servers=bootstrap,
            group_id="launcher-check",
            group_instance_id="launcher-check-0",
            auto_offset_reset="earliest",
        )
        async with consumer:
            while len(read) < len(TEN_VALUES):
                batches = await consumer.getmany(timeout_ms=200)
                read += [record.value for records in batches.values() for record in records if record.value is not None]
    return read


async def fetch(dsn: str, sql: str) -> object:
    """Run one statement in a session of its own and return the first value."""
    session = await asyncpg.connect(dsn, timeout=DEADLINE_S)
    try:
        return await session.fetchval(sql, timeout=DEADLINE_S)
    finally:
        await session.close(timeout=DEADLINE_S)


def address(broker: Broker) -> tuple[str, int]:
    """Host and port of a broker."""
    return LOOPBACK, int(broker.bootstrap.rpartition(":")[2])


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs: a zombie that nobody has reaped yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def script(path: Path, body: str) -> None:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def new_java(directory: Path) -> None:
    """A stand-in that says it is Java 21."""
    script(directory / "java", "echo 'openjdk version \"21.0.1\"' >&2")
