"""Comparing a service with its topic: nothing to say when all is there, and a name for everything that is not."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn

from griddispatch.embedded import Broker
from griddispatch.embedded.process import free_port
from griddispatch.reconcile import Comparison, compare
from griddispatch.replay_run import Request, replayed
from shared.database import Database
from shared.errors import Rejected, Unavailable
from shared.events import event_id
from shared.kafka import Outgoing, Producer
from shared.replay import Selection
from shared.terms import Source
from shared.topics import INTAKE
from tests.builders import eventually, ticket
from tests.conftest import ROOT, TestDatabase
from tests.contract.harness import Writer, envelope, outgoing, send
from tests.open_access import ADDRESS
from tests.replay.test_reconciliation import serve
from tests.replay.topics import ledger_database, tell_stories

SINCE, UNTIL = datetime(2026, 3, 10, 0, tzinfo=UTC), datetime(2026, 3, 11, 12, tzinfo=UTC)
HERE = Source.INTAKE


async def compared(source: Database, broker: Broker, topic: str | None = None) -> Comparison:
    transport = httpx.ASGITransport(serve(source))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as http:
        return await compare(http, broker.bootstrap, SINCE, UNTIL, topic)


async def publish(source: Database, broker: Broker) -> None:
    async with Writer(source, broker).relaying() as writer:
        await eventually(lambda: emptied(writer), what="publishing")


async def emptied(writer: Writer) -> bool:
    return await writer.unpublished() == 0


async def test_a_topic_that_holds_everything_is_found_whole(database: TestDatabase, broker: Broker) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 30)
        await publish(source, broker)
        found = await compared(source, broker)
    assert (found.held, found.waiting, found.wrong) == (60, 0, 0)


async def test_every_missing_event_is_named(database: TestDatabase, broker: Broker) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 30)
        await source.fetch("DELETE FROM outbox WHERE ticket_id = ANY($1) AND version = 2", [ticket(4), ticket(17)])
        await publish(source, broker)
        found = await compared(source, broker)
    named = sorted((d.what, d.event, d.ticket_id, d.version) for d in found.differences)
    assert named == sorted(("missing", event_id(HERE, ticket(n), 2), ticket(n), 2) for n in (4, 17))


async def test_a_missing_event_is_sent_again_by_telling_its_tickets_story(
    database: TestDatabase, embedded: Broker
) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 3)
        await source.fetch("DELETE FROM outbox WHERE ticket_id = $1 AND version = 2", ticket(2))
        await publish(source, embedded)
        assert (await compared(source, embedded)).wrong == 1
        producer = Producer(embedded.bootstrap, "test")
        request = Request(HERE, INTAKE.name, Selection(ticket=ticket(2)), rebuild=True)
        assert (await replayed(source, producer, request, None, lambda _: None)).events == 2
        await producer.discard()
        assert (await compared(source, embedded)).wrong == 0


async def test_a_record_that_comes_twice_is_no_difference(database: TestDatabase, embedded: Broker) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 3)
        await publish(source, embedded)
        await source.fetch("INSERT INTO outbox (shard, ticket_id, version) VALUES (2, $1, 1)", ticket(2))
        await publish(source, embedded)
        found = await compared(source, embedded)
    assert (found.held, found.wrong) == (6, 0)


async def test_what_is_not_published_yet_waits_and_is_not_missing(database: TestDatabase, embedded: Broker) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 3)
        await publish(source, embedded)
        await tell_stories(source, 1)
        found = await compared(source, embedded)
    assert (found.held, found.waiting, found.wrong) == (6, 2, 0)


async def test_an_event_nobody_stated_and_a_record_that_is_none_are_named(
    database: TestDatabase, embedded: Broker
) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 3)
        await publish(source, embedded)
        forged = outgoing(envelope(9, 1))
        wrong_id = Outgoing(INTAKE.name, forged.key, forged.value, [*forged.headers, ("ce_version", b"2")])
        await send(embedded, [forged, Outgoing(INTAKE.name, b"k", b"{}"), wrong_id])
        found = await compared(source, embedded)
    assert [(d.what, d.ticket_id, d.version) for d in found.differences] == [("unknown", ticket(9), 1)]
    assert len(found.strange) == 2


async def test_a_copy_of_the_topic_can_be_compared_and_an_absent_one_is_refused(
    database: TestDatabase, embedded: Broker
) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 3)
        await publish(source, embedded)
        found = await compared(source, embedded, "tickets-notify")
        assert (found.held, len(found.differences)) == (0, 6)
        with pytest.raises(Rejected, match="no topic nowhere"):
            await compared(source, embedded, "nowhere")


async def test_a_service_or_a_broker_that_is_away_is_unavailable(database: TestDatabase) -> None:
    async with ledger_database(database) as source:
        async with httpx.AsyncClient(base_url="http://127.0.0.1:1", trust_env=False) as http:
            with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
                await compare(http, "127.0.0.1:1", SINCE, UNTIL)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(serve(source)), base_url=ADDRESS) as http:
            with pytest.raises(Unavailable, match="kafka"):
                await compare(http, "127.0.0.1:1", SINCE, UNTIL)
            with pytest.raises(Rejected, match="after --from"):
                await compare(http, "127.0.0.1:1", UNTIL, SINCE)


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the test runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(source: Database) -> AsyncIterator[str]:
    """The routes on a port of their own."""
    port = free_port()
    server = _Server(uvicorn.Config(serve(source), port=port, log_config=None, lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: started(server), what="listening")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        async with asyncio.timeout(60):
            await task


async def started(server: uvicorn.Server) -> bool:
    return server.started


async def command(module: str, *arguments: str) -> tuple[int, str, str]:
    """Run one command of its own; exit code, output, errors."""
    run = f"from griddispatch.{module} import app; app()"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", run, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            out, err = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    return child.returncode or 0, out.decode(), err.decode()


async def test_the_command_ends_with_0_when_all_is_there_and_with_1_when_not(
    database: TestDatabase, embedded: Broker
) -> None:
    span = ("--from", "2026-03-10T00:00:00", "--to", "2026-03-11T00:00:00", "--bootstrap", embedded.bootstrap)
    async with ledger_database(database) as source, listening(source) as url:
        await tell_stories(source, 3)
        await publish(source, embedded)
        code, out, err = await command("reconcile", "--url", url, *span)
        assert (code, "6 events in the topic, 0 not published yet, 0 wrong" in out) == (0, True), out + err
        await tell_stories(source, 1)
        await source.fetch("DELETE FROM outbox")
        code, out, _ = await command("reconcile", "--url", url, *span)
        assert code == 1
        assert f"missing {event_id(HERE, ticket(1), 3)} {ticket(1)} v3 in 2026-03-10T01:00:00+00:00" in out
        assert (await command("reconcile", "--url", "http://127.0.0.1:1", *span))[0] == 3


REFUSALS: Sequence[tuple[list[str], str]] = (
    (["--to-topic", "tickets-intake"], "belongs to the contract"),
    (["--to-topic", "x", "--ticket", "7"], "no ticket id"),
    (["--to-topic", "x", "--from", "2026-03-10T00:00:00"], "zone"),
    (["--to-topic", "x", "--to", "noon"], "no instant"),
    (["--to-topic", "x", "--type", "ticket.lost.v1"], "no such type"),
    (["--to-topic", "x", "--journal", "nowhere/journal"], "there is no folder"),
    (["--to-topic", "tickets-intake", "--rebuild", "--type", "ticket.received.v1"], "whole stories"),
)


@pytest.mark.parametrize(("arguments", "why"), REFUSALS)
async def test_replay_refuses_before_it_touches_anything(arguments: list[str], why: str) -> None:
    nowhere = ("--dsn", "postgresql://nobody@127.0.0.1:1/none", "--bootstrap", "127.0.0.1:1", "--yes")
    code, _, err = await command("replay", "--service", "intake", *arguments, *nowhere)
    assert (code, why in err) == (2, True), err


async def test_replay_counts_first_and_sends_when_told_to(database: TestDatabase, embedded: Broker) -> None:
    there = ("--service", "intake", "--to-topic", "beside", "--dsn", database.dsn("intake"))
    async with ledger_database(database) as source:
        await tell_stories(source, 3)
        code, out, _ = await command("replay", *there, "--type", "ticket.triaged.v1")
        assert (code, "3 events of 3 tickets would be sent to beside" in out) == (0, True)
        code, out, err = await command("replay", *there, "--bootstrap", embedded.bootstrap, "--yes")
        assert (code, "6 events of 3 tickets sent to beside" in out) == (0, True), err
        rebuilt = ("--service", "intake", "--to-topic", "tickets-intake", "--rebuild", "--yes")
        code, out, err = await command(
            "replay", *rebuilt, "--dsn", database.dsn("intake"), "--bootstrap", embedded.bootstrap
        )
        assert (code, "for every reader of tickets-intake" in out) == (0, True), err
        assert (await compared(source, embedded)).wrong == 0
    assert (await command("replay", *there, "--bootstrap", "127.0.0.1:1", "--yes"))[0] == 3


async def test_replay_without_an_address_names_the_setting() -> None:
    code, _, err = await command("replay", "--service", "notify", "--to-topic", "beside")
    assert (code, "GRIDDISPATCH_DATABASE_DSN_NOTIFY" in err) == (2, True)
