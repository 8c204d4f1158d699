"""The command line from outside: what it does, what it refuses, and with which exit code."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from griddispatch.embedded import EmbeddedPostgres, NoidaBroker
from shared.kafka import apply_topics
from shared.topics import Topic
from tests.conftest import ROOT, TestDatabase

pytestmark = pytest.mark.timeout(120)


def griddispatch(*arguments: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run the command; exit code, output, errors."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GRIDDISPATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "griddispatch", *arguments],
        env=clean | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | dict(env or {}), cwd=cwd,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def noida() -> Iterator[NoidaBroker]:
    with NoidaBroker() as broker:
        yield broker


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database with roles and schemas and nothing in them."""
    postgres.create_database("bare")
    roles = (ROOT / "deploy" / "postgres" / "roles.sql").read_text(encoding="utf-8")

    async def prepare() -> None:
        conn = await asyncpg.connect(postgres.dsn("bare"))
        await conn.execute(roles)
        await conn.close()

    asyncio.run(prepare())
    yield "bare"
    postgres.drop_database("bare")


def test_migrate_says_what_it_applied_and_then_that_all_is_there(
    postgres: EmbeddedPostgres, empty_database: str
) -> None:
    places = {
        f"GRIDDISPATCH_DATABASE_DSN_{service.upper()}": postgres.dsn(empty_database, f"griddispatch_{service}")
        for service in ("intake", "dispatch", "notify")
    }
    code, out, _ = griddispatch("db", "migrate", "--check", "--service", "notify", env=places)
    assert (code, "not applied: services.notify/0001_init.sql" in out) == (2, True)
    code, out, _ = griddispatch("db", "migrate", env=places)
    assert code == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == ["intake", "dispatch", "notify"]
    assert "services.dispatch/0001_init.sql" in out
    code, out, _ = griddispatch("db", "migrate", "--service", "dispatch", env=places)
    assert (code, out) == (0, "dispatch: up to date\n")
    assert griddispatch("db", "migrate", "--check", env=places)[:2] == (
        0, "intake: up to date\ndispatch: up to date\nnotify: up to date\n",
    )  # fmt: skip


def test_migrate_without_an_address_names_the_setting() -> None:
    code, _, err = griddispatch("db", "migrate", "--service", "notify")
    assert code == 2
    assert "GRIDDISPATCH_DATABASE_DSN_NOTIFY" in err


def test_one_address_serves_one_service_only() -> None:
    code, _, err = griddispatch("db", "migrate", "--dsn", "postgresql://nowhere/x")
    assert (code, "--service" in err) == (2, True)


def test_migrate_where_nobody_listens_is_told_apart_from_a_refusal() -> None:
    dsn = "postgresql://nobody@127.0.0.1:1/none"
    assert griddispatch("db", "migrate", "--service", "notify", "--dsn", dsn)[0] == 3


def test_topics_are_made_once_and_then_only_compared(noida: NoidaBroker) -> None:
    code, out, _ = griddispatch("topics", "apply", "--bootstrap", noida.bootstrap)
    assert code == 0
    assert "+ tickets-intake: 12 partitions" in out
    code, out, _ = griddispatch("topics", "apply", "--check", "--bootstrap", noida.bootstrap)
    assert code == 0
    assert "= tickets-intake: 12 partitions" in out
    assert "+" not in out


def test_a_missing_and_a_different_topic_are_named(noida: NoidaBroker) -> None:
    asyncio.run(apply_topics(noida.bootstrap, [Topic("tickets-intake", "k", "w", (), None, partitions=3)]))
    code, out, _ = griddispatch("topics", "apply", "--check", "--bootstrap", noida.bootstrap)
    assert code == 2
    assert "! tickets-intake: 3 partitions, the contract says 12" in out
    assert "! tickets-dispatch: missing" in out


@pytest.fixture
def buried(database: TestDatabase) -> TestDatabase:
    """Two dead letters of dispatch."""

    async def bury() -> None:
        conn = await asyncpg.connect(database.dsn("dispatch"))
        await conn.executemany(
            'INSERT INTO dead_letter (topic, partition, "offset", key, value, headers, reason, tries, code) '
            "VALUES ('tickets-intake', 3, $1, 'k', '{}', $2, 'ValueError: no', 3, '0.1.0')",
            [(7, '[["ce_id", "abc"]]'), (8, "[]")],
        )
        await conn.close()

    asyncio.run(bury())
    return database


def states(database: TestDatabase) -> list[tuple[str, str | None]]:
    async def read() -> list[tuple[str, str | None]]:
        conn = await asyncpg.connect(database.dsn("dispatch"))
        rows = await conn.fetch("SELECT state, note FROM dead_letter ORDER BY id")
        await conn.close()
        return [(row["state"], row["note"]) for row in rows]

    return asyncio.run(read())


def dead(database: TestDatabase, *arguments: str, by: str = "li") -> tuple[int, str, str]:
    verb, *rest = arguments
    sits_here = {"LOGNAME": by}
    return griddispatch("dlq", verb, "--service", "dispatch", "--dsn", database.dsn("dispatch"), *rest, env=sits_here)


def audited(database: TestDatabase) -> list[tuple[str, str, str]]:
    """Who did what to which dead letter, in the audit log of dispatch."""

    async def read() -> list[tuple[str, str, str]]:
        conn = await asyncpg.connect(database.dsn("dispatch"))
        rows = await conn.fetch("SELECT entry::json AS entry FROM audit")
        await conn.close()
        entries = [orjson.loads(row["entry"]) for row in rows]
        return sorted((e["actor"], e["act"], e["subject"]) for e in entries)

    return asyncio.run(read())


async def records(bootstrap: str, topic: str, partition: int) -> list[tuple[bytes, bytes, Sequence[object]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        found = await consumer.getmany(timeout_ms=5000)
        return [(r.key, r.value, list(r.headers)) for r in found.get(place, [])]
    finally:
        await consumer.stop()


def test_dead_letters_are_listed_and_shown(buried: TestDatabase) -> None:
    code, out, _ = dead(buried, "list")
    assert code == 0
    assert out.count("ValueError: no") == 2
    code, out, _ = dead(buried, "show", "1")
    assert code == 0
    assert '"reason": "ValueError: no"' in out
    assert '"ce_id"' in out
    code, out, _ = dead(buried, "list", "--state", "REPLAYED")
    assert (code, "no dead letters" in out) == (0, True)


def test_without_yes_nothing_is_sent_and_nothing_changed(buried: TestDatabase, noida: NoidaBroker) -> None:
    code, out, _ = dead(buried, "replay", "1", "--bootstrap", noida.bootstrap)
    assert code == 0
    assert "would replay 1" in out
    assert "--yes" in out
    assert dead(buried, "discard", "2", "--reason", "a drill")[0] == 0
    assert states(buried) == [("DEAD", None), ("DEAD", None)]


def test_a_replayed_record_is_in_its_topic_as_it_was(buried: TestDatabase, noida: NoidaBroker) -> None:
    asyncio.run(apply_topics(noida.bootstrap, [Topic("tickets-intake", "k", "w", (), None)]))
    code, _, _ = dead(buried, "replay", "1", "--yes", "--note", "repaired", "--bootstrap", noida.bootstrap)
    assert code == 0
    assert states(buried) == [("REPLAYED", "repaired"), ("DEAD", None)]
    sent = asyncio.run(records(noida.bootstrap, "tickets-intake", 3))
    assert sent == [(b"k", b"{}", [("ce_id", b"abc")])]


def test_what_is_settled_is_not_settled_again(buried: TestDatabase, noida: NoidaBroker) -> None:
    for person in ("li", "wang"):
        assert dead(buried, "discard", "1", "--reason", "a drill", "--yes", by=person)[0] == 0
    assert states(buried) == [("DISCARDED", "a drill"), ("DEAD", None)]
    code, _, err = dead(buried, "replay", "1", "--yes", "--bootstrap", noida.bootstrap)
    assert (code, "DISCARDED already" in err) == (2, True)


def test_to_give_up_takes_two_people(buried: TestDatabase) -> None:
    first = dead(buried, "discard", "1", "--reason", "a drill", "--yes", by="li")
    again = dead(buried, "discard", "1", "--reason", "a drill", "--yes", by="LI ")
    other = dead(buried, "discard", "1", "--reason", "another reason", "--yes", by="wang")
    assert (first[0], "a second person" in first[1]) == (0, True)
    assert (again[0], "Somebody else must approve" in again[2]) == (2, True)
    assert (other[0], "not what was approved" in other[2]) == (2, True)
    assert states(buried) == [("DEAD", None), ("DEAD", None)]

    code, out, _ = dead(buried, "discard", "1", "--reason", "a drill", "--yes", by="wang")

    assert (code, "discarded 1" in out) == (0, True)
    assert states(buried) == [("DISCARDED", "a drill"), ("DEAD", None)]
    assert audited(buried) == [
        ("operator:operator:li", "dlq.discard-asked", "dead-letter/1"),
        ("operator:operator:wang", "dlq.discard", "dead-letter/1"),
    ]


def test_one_letter_refused_does_not_keep_the_others_from_being_given_up(buried: TestDatabase) -> None:
    """However much else waits for a second person."""
    asyncio.run(ask_for_much_else(buried))
    assert dead(buried, "discard", "1", "--reason", "a drill", "--yes", by="li")[0] == 0
    code, out, err = dead(buried, "discard", "--from", "1", "--reason", "a drill", "--yes", by="li")
    assert (code, "1: Somebody else must approve" in err, "asked for 2" in out) == (2, True, True)

    code, out, _ = dead(buried, "discard", "--from", "1", "--reason", "a drill", "--yes", by="wang")

    assert (code, "discarded 1" in out, "discarded 2" in out) == (0, True, True)
    assert states(buried) == [("DISCARDED", "a drill"), ("DISCARDED", "a drill")]


async def ask_for_much_else(database: TestDatabase) -> None:
    conn = await asyncpg.connect(database.dsn("dispatch"))
    await conn.execute(
        "INSERT INTO pending_act (id, act, subject, detail, jurisdiction, asked_by, asked_at, expires_at) "
        "SELECT gen_random_uuid(), 'other', 'matter/' || n, '{}', '*', 'zhao', now() - interval '1 day', "
        "now() + interval '1 day' FROM generate_series(1, 300) n"
    )
    await conn.close()


def test_a_ticket_or_a_range_is_sent_again_in_its_order_once(buried: TestDatabase, noida: NoidaBroker) -> None:
    asyncio.run(apply_topics(noida.bootstrap, [Topic("tickets-intake", "k", "w", (), None)]))
    dry = dead(buried, "replay", "--ticket", "k", "--bootstrap", noida.bootstrap)
    assert dry[1].index("would replay 1") < dry[1].index("would replay 2")
    assert "replay" not in dead(buried, "replay", "--ticket", "other", "--yes", "--bootstrap", noida.bootstrap)[1]
    assert dead(buried, "replay", "--yes", "--bootstrap", noida.bootstrap)[0] == 2

    assert dead(buried, "replay", "--from", "2", "--to", "2", "--yes", "--bootstrap", noida.bootstrap)[0] == 0
    for _ in range(2):
        assert dead(buried, "replay", "--ticket", "k", "--yes", "--bootstrap", noida.bootstrap)[0] == 0

    assert [state for state, _ in states(buried)] == ["REPLAYED", "REPLAYED"]
    assert len(asyncio.run(records(noida.bootstrap, "tickets-intake", 3))) == 2
    assert [act for _, act, _ in audited(buried)] == ["dlq.replay", "dlq.replay"]


def test_a_replay_that_kafka_does_not_take_leaves_the_letter_dead(buried: TestDatabase) -> None:
    assert dead(buried, "replay", "1", "--yes", "--bootstrap", "127.0.0.1:1")[0] == 3
    assert states(buried)[0] == ("DEAD", None)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["show", "99"], "no dead letter 99"),
        (["discard", "1", "--yes"], "reason"),
        (["discard", "1", "--reason", " ", "--yes"], "say why"),
        (["list", "--state", "LOST"], "--state"),
    ],
)
def test_dead_letters_are_refused_what_makes_no_sense(
    buried: TestDatabase, arguments: list[str], complaint: str
) -> None:
    code, _, err = dead(buried, *arguments)
    assert (code, complaint in err) == (2, True)
    assert states(buried) == [("DEAD", None), ("DEAD", None)]


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--input", "nowhere.csv"], 2, "nowhere.csv: No such file"),
        (["--input", "nowhere.csv", "--map", "words=x"], 2, "no field of a report"),
        (["--map", "text=x"], 2, "--input"),
        (["--report", "nowhere/out.json"], 2, "there is no folder"),
        (["--tickets", "0"], 2, "Invalid value for '--tickets'"),
        (["--speed", "0"], 2, "Invalid value for '--speed'"),
    ],
)
def test_the_demo_refuses_before_it_starts_anything(
    tmp_path: Path, arguments: list[str], code: int, complaint: str
) -> None:
    got, _, err = griddispatch("demo", *arguments, cwd=tmp_path)
    assert (got, complaint in err) == (code, True)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_never_writes_over_older_data(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "old").touch()
    code, _, err = griddispatch("demo", "--keep", "kept", cwd=tmp_path)
    assert (code, "not empty" in err) == (1, True)
