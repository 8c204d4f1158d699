"""The whole service as a process: events in, people told, the citizen's word out; and every start that is refused."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from griddispatch.embedded.broker import Broker
from griddispatch.embedded.postgres import EmbeddedPostgres
from griddispatch.embedded.process import free_port
from services.notify.app import PARTS
from shared.clock import FastClock, utc_now
from shared.codec import Record, decode, encode
from shared.events import Envelope, FollowUpAsked, NotificationDelivered, TicketEvaluated
from shared.kafka import Outgoing, Producer
from shared.start import REFUSED, UNREACHABLE
from shared.topics import DISPATCH, NOTIFY
from tests.builders import eventually
from tests.services.notify.values import AREA, MORNING, PACK, ROOT, assigned, audited, envelope, ticket

NOWHERE = "127.0.0.1:1"
ANSWER = {"cycle": 1, "contacted": True, "solved": True, "satisfaction": "BASICALLY", "recorded_by": "CITIZEN"}


def environment(dsn: str, bootstrap: str, port: int, **changes: str) -> Mapping[str, str]:
    """Settings of a service whose clock shows a Tuesday morning."""
    return os.environ | {
        "GRIDDISPATCH_DATABASE_DSN": dsn,
        "GRIDDISPATCH_KAFKA_BOOTSTRAP": bootstrap,
        "GRIDDISPATCH_KAFKA_STATIC_MEMBER": "test",
        "GRIDDISPATCH_PORT": str(port),
        "GRIDDISPATCH_PACK": str(PACK),
        "GRIDDISPATCH_AREA": str(AREA),
        "GRIDDISPATCH_CLOCK": str(FastClock(MORNING, utc_now(), 1.0)),
    } | {f"GRIDDISPATCH_{name.upper()}": text for name, text in changes.items()}  # fmt: skip


@contextmanager
def running(settings: Mapping[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The service inside the block; killed at its end if it still runs."""
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "services.notify", *arguments]
        process = subprocess.Popen(command, env=dict(settings), cwd=ROOT, stderr=stderr)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


async def is_ready(process: subprocess.Popen[bytes], base: str, path: str = "/readyz") -> bool:
    assert process.poll() is None, "it ended"
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        try:
            return (await client.get(path)).status_code == 200
        except httpx.TransportError:
            return False


async def publish(broker: Broker, *envelopes: Envelope) -> None:
    producer = Producer(broker.bootstrap, "dispatch")
    records = [Outgoing(DISPATCH.name, *encode(e)) for e in envelopes]
    assert all(await producer.send(records))
    await producer.discard()


async def published(broker: Broker, count: int) -> list[Envelope]:
    """The first `count` events on notify's topic, in their order."""
    consumer = AIOKafkaConsumer(NOTIFY.name, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Envelope] = []

    async def enough() -> bool:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            found.extend(decode(Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers)) for r in records)
        return len(found) >= count

    try:
        await eventually(enough)
    finally:
        await consumer.stop()
    return found


async def test_events_come_in_and_the_citizens_word_goes_out(broker: Broker, notify_dsn: str, tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with running(environment(notify_dsn, broker.bootstrap, port), tmp_path / "log") as process:
        await eventually(lambda: is_ready(process, base), within_s=40, what="readiness")
        await publish(broker, envelope(assigned(), version=1), envelope(audited(), version=2))
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:

            async def is_asked() -> bool:
                return (await client.get(f"/v1/followups/{ticket(1)}")).status_code == 200

            await eventually(is_asked)
            response = await client.post(f"/v1/followups/{ticket(1)}/answers", json=ANSWER)
            assert response.status_code == 200
            assert "griddispatch_evaluations_total" in (await client.get("/metrics")).text
        told = await published(broker, 3)
        kinds = [type(e.event) for e in told]
        assert kinds.count(FollowUpAsked) == kinds.count(TicketEvaluated) == 1
        assert NotificationDelivered in kinds
        assert [e.version for e in told] == list(range(1, len(told) + 1))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert any(json.loads(line)["event"] == "notifications_shown" for line in lines)


async def test_each_part_starts_alone_and_without_kafka(notify_dsn: str, tmp_path: Path) -> None:
    ports = {part: free_port() for part in PARTS}
    with ExitStack() as stack:
        processes: dict[str, subprocess.Popen[bytes]] = {}
        for part, port in ports.items():
            start = running(environment(notify_dsn, NOWHERE, port), tmp_path / part, "--only", part)
            processes[part] = stack.enter_context(start)
        for part, port in ports.items():
            ready = partial(is_ready, processes[part], f"http://127.0.0.1:{port}", "/livez")
            await eventually(ready, within_s=60, what=part)
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        assert {part: process.wait(40) for part, process in processes.items()} == dict.fromkeys(PARTS, 0)


def refused(settings: Mapping[str, str], tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and complaint of a start that does not happen."""
    with running(settings, tmp_path / "log", *arguments) as process:
        code = process.wait(30)
    return code, (tmp_path / "log").read_text()


def test_a_database_without_tables_is_refused(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    code, complaint = refused(environment(postgres.dsn(), NOWHERE, 0), tmp_path)
    assert (code, "griddispatch db migrate" in complaint) == (REFUSED, True)


def test_a_database_that_is_away_is_worth_another_try(tmp_path: Path) -> None:
    code, _ = refused(environment("postgresql://nobody@127.0.0.1:1/none", NOWHERE, 0), tmp_path)
    assert code == UNREACHABLE


async def test_topics_that_are_missing_are_refused(bare_broker: Broker, notify_dsn: str, tmp_path: Path) -> None:
    code, complaint = refused(environment(notify_dsn, bare_broker.bootstrap, 0), tmp_path)
    assert (code, "tickets-dispatch: missing" in complaint) == (REFUSED, True)


WEBHOOK = '[endpoints.bot]\nchannel = "webhook"\nurl = "https://bot.example.org/"\nsecret = "bot"\n'

ROBOT = '[endpoints.group]\nchannel = "wecom"\nsecret = "group"\n'


@pytest.mark.parametrize(
    ("changes", "contacts", "complaint"),
    [
        ({}, 'default = "pigeon"', "no such endpoint"),
        ({}, "default = ", "cannot start"),
        ({}, WEBHOOK, "secret 'bot': not among the settings' webhook secrets"),
        ({"webhook_secrets": '{"bot": "whsec_c2hvcnQ="}'}, WEBHOOK, "at least 24 random bytes"),
        ({"webhook_secrets": "whsec_c2hvcnQ="}, "", "GRIDDISPATCH_WEBHOOK_SECRETS: Value error, is not JSON"),
        ({"webhook_secrets": '["whsec_c2hvcnQ="]'}, "", "GRIDDISPATCH_WEBHOOK_SECRETS"),
        ({"contacts": "/nowhere/contacts.toml"}, "", "cannot be read"),
        ({}, WEBHOOK.replace("bot.example.org", "10.0.0.1"), "endpoints.bot.url: the host is not allowed: private"),
        ({}, WEBHOOK.replace("https", "http"), "endpoints.bot.url: must be https"),
        ({"loopback_targets": "10.0.0.1:80"}, "", "GRIDDISPATCH_LOOPBACK_TARGETS"),
        ({}, ROBOT, "secret 'group': not among the settings' channel secrets"),
        ({"channel_secrets": '{"group": "c2hvcnQ c2hvcnQ"}'}, ROBOT, "must be its token"),
        ({"templates": "/nowhere"}, "", "the texts cannot be read"),
        ({"clock": "tomorrow"}, "", "GRIDDISPATCH_CLOCK"),
    ],
)
def test_wrong_settings_are_refused_and_secrets_not_quoted(
    changes: dict[str, str], contacts: str, complaint: str, notify_dsn: str, tmp_path: Path
) -> None:
    book = tmp_path / "contacts.toml"
    book.write_text(contacts)
    settings = environment(notify_dsn, NOWHERE, 0, **({"contacts": str(book)} | changes))
    code, said = refused(settings, tmp_path)
    assert (code, complaint in said) == (REFUSED, True), said
    assert "c2hvcnQ" not in said


def test_a_text_with_an_unknown_field_is_refused_with_file_and_line(notify_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "escalated.zh.sms.txt").write_text("督办\n$phone\n")
    code, complaint = refused(environment(notify_dsn, NOWHERE, 0, templates=str(tmp_path)), tmp_path)
    assert (code, "escalated.zh.sms.txt:2: $phone is not known" in complaint) == (REFUSED, True)


def test_a_pack_without_its_rules_is_refused(notify_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "notify.toml").write_text('name = "empty"\n')
    code, complaint = refused(environment(notify_dsn, NOWHERE, 0, pack=str(tmp_path)), tmp_path)
    assert (code, "follow_up: must be a dict" in complaint) == (REFUSED, True)
