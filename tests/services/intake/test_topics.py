"""What intake does with records: reports from strangers, and news of its tickets."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from services.intake.handlers import Inbound, inbound_route, read_inbound, routes
from shared.codec import Record, encode
from shared.consumer import Consumer
from shared.errors import Malformed
from shared.events import (
    Envelope,
    Event,
    TicketAssigned,
    TicketAudited,
    TicketClosed,
    TicketReopened,
    TicketResolved,
    TicketReturned,
    event_id,
)
from shared.kafka import Outgoing, Producer
from shared.stream import Stream
from shared.terms import AssignmentKind, CloseReason, MatterSize, ReturnReason, Source, TicketId, TicketType, Urgency
from shared.wake import Wake
from tests.builders import TUESDAY_MORNING, eventually
from tests.services.intake.desk import Desk, report

CLOUD_EVENT = (("ce_specversion", b"1.0"), ("ce_source", b"/hotline"), ("ce_id", b"77"))


def record(body: Any, offset: int = 0, headers: Sequence[tuple[str, bytes | None]] = ()) -> Record:
    """A record as a stranger might write it."""
    value = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return Record("tickets-inbound", 0, offset, b"any key", value, headers)


async def bring(desk: Desk, *records: Record) -> int:
    """Let records arrive in one batch; how many became tickets."""
    route = inbound_route(desk.receiver, "test")
    async with desk.database.transaction() as tx:
        return await route.apply(tx, [read_inbound(r) for r in records])


async def test_a_report_by_kafka_becomes_a_ticket_however_often_it_is_read(desk: Desk) -> None:
    assert await bring(desk, record(report(1))) == 1
    assert await bring(desk, record(report(1)), record(report(1), 1)) == 0
    assert await desk.count("ticket") == await desk.count("event") == 1
    assert await desk.count("dead_letter") == 0


async def test_http_and_kafka_make_one_ticket_of_one_external_id(desk: Desk) -> None:
    await desk.take_in(report(1))
    assert await bring(desk, record(report(1))) == 0


async def test_a_cloud_event_is_known_by_its_source_and_id(desk: Desk) -> None:
    assert await bring(desk, record(report(None), headers=CLOUD_EVENT)) == 1
    assert await bring(desk, record(report(None), headers=CLOUD_EVENT)) == 0
    assert await bring(desk, record(report(None), headers=[*CLOUD_EVENT[:2], ("ce_id", b"78")])) == 1


async def test_a_reused_key_is_buried_and_its_batch_goes_on(desk: Desk) -> None:
    await bring(desk, record(report(1)))
    assert await bring(desk, record(report(2), 1), record(report(1, text="井盖不见了"), 2), record(report(3), 3)) == 2
    (dead,) = await desk.rows('SELECT "offset", reason, tries FROM dead_letter')
    assert (dead["offset"], dead["tries"]) == (2, 1)
    assert dead["reason"].startswith("key_reused")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (record(None), "value"),
        (record(b""), "not_json"),
        (record(b"\x00\xff"), "not_utf8"),
        (record({}), "invalid_report"),
        (record(report(1, channel="PIGEON")), "invalid_report"),
        (record(report(1), headers=[("ce_specversion", b"0.3")]), "specversion"),
        (record(report(1), headers=[("content-type", b"application/cloudevents+json")]), "mode"),
        (record(report(None)), "idempotency_missing"),
        (record(report(None), headers=CLOUD_EVENT[:2]), "idempotency_missing"),
        (record(report(None), headers=[*CLOUD_EVENT[:2], ("ce_id", None)]), "idempotency_missing"),
        (record(report(None), headers=[*CLOUD_EVENT[:2], ("ce_id", b"\xff")]), "header"),
        (record(report(None), headers=[*CLOUD_EVENT[:2], ("ce_id", b"a\x00b")]), "header"),
        (record(report(None), headers=[*CLOUD_EVENT[:2], ("ce_id", b"a b")]), "header"),
        (record(report(None), headers=[*CLOUD_EVENT[:2], ("ce_id", b"")]), "header"),
        (record(report(None), headers=[*CLOUD_EVENT[:2], ("ce_id", b"x" * 501)]), "header"),
        (record(b" " * 70_000), "body_too_large"),
    ],
)
def test_what_is_no_report_is_dead_at_once_with_its_reason(bad: Record, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_inbound(bad)
    assert refusal.value.code == code


def test_the_reason_names_every_problem_but_quotes_nobody() -> None:
    with pytest.raises(Malformed, match=r"channel: .*; text: is required") as refusal:
        read_inbound(record({"source": "hotline", "channel": "CANARY"}))
    assert "CANARY" not in str(refusal.value)


@asynccontextmanager
async def running(stream: Stream) -> AsyncIterator[None]:
    """A stream at work; ended in order afterwards."""
    stopping = asyncio.Event()
    task = asyncio.create_task(stream.run(stopping))
    yield
    stopping.set()
    async with asyncio.timeout(20):
        await task


def assigned(kind: AssignmentKind = AssignmentKind.LEAD) -> TicketAssigned:
    """A unit got the ticket."""
    later = TUESDAY_MORNING + timedelta(hours=1)
    return TicketAssigned(
        ticket_no="99010126031010000010", assignment_id=uuid4(), kind=kind, unit="u", ticket_type=TicketType.HELP,
        category="150101", urgency=Urgency.U3, size=MatterSize.SMALL, cycle=1, accepted_at=TUESDAY_MORNING,
        due_at=later, sign_by=later,
    )  # fmt: skip


def resolved() -> TicketResolved:
    """The unit is done."""
    return TicketResolved(assignment_id=uuid4(), unit="u", action="REPAIRED", cycle=1, on_time=True)


def audited(follow_up: bool) -> TicketAudited:
    """The result was looked at."""
    return TicketAudited(
        ticket_no="99010126031010000010", source="hotline", assignment_id=uuid4(), unit="u", cycle=1,
        follow_up=follow_up,
    )  # fmt: skip


def envelope(ticket_id: str, version: int, event: Event) -> Envelope:
    """An event with its place in its ticket's story."""
    source, ticket = Source.DISPATCH, TicketId(UUID(ticket_id))
    return Envelope(event_id(source, ticket, version), source, ticket, version, TUESDAY_MORNING, event)


async def tell(desk: Desk, *envelopes: Envelope) -> str:
    """Let news arrive in one batch on its topic; what the citizen sees then."""
    topic = "tickets-dispatch"
    (route,) = [r for r in routes(desk.receiver, desk.vault, desk.now, "test") if r.topic.name == topic]
    records = [Record(topic, 0, n, *encode(e)) for n, e in enumerate(envelopes)]
    async with desk.database.transaction() as tx:
        await route.apply(tx, [route.read(r) for r in records])
    answer = await desk.http.get(f"/v1/tickets/{envelopes[0].ticket_id}")
    shown: str = answer.json()["public_state"]
    return shown


async def test_the_citizens_view_follows_the_ticket_through_its_loop(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    story: list[tuple[Event, str]] = [
        (assigned(), "办理中"),
        (resolved(), "已办结"),
        (audited(follow_up=True), "待评价"),
        (TicketReopened(cycle=2, due_at=TUESDAY_MORNING), "办理中"),
        (resolved(), "已办结"),
        (audited(follow_up=False), "已办结"),
        (TicketClosed(reason=CloseReason.NO_FOLLOW_UP_DUE, cycle=2), "已结案"),
    ]
    for version, (event, public_state) in enumerate(story, 1):
        assert await tell(desk, envelope(ticket_id, version, event)) == public_state


async def test_several_steps_in_one_batch_end_at_the_last_and_an_old_one_changes_nothing(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    steps = [envelope(ticket_id, 1, assigned()), envelope(ticket_id, 2, resolved())]
    assert await tell(desk, *steps) == "已办结"
    assert await tell(desk, steps[0]) == "已办结"


async def test_news_of_a_ticket_that_is_not_ours_is_no_fault(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    assert await tell(desk, envelope(ticket_id, 1, assigned()), envelope(str(uuid4()), 1, assigned())) == "办理中"


async def test_good_bad_and_repeated_records_of_a_real_topic_all_come_to_their_end(desk: Desk, broker: Any) -> None:
    producer = Producer(broker.bootstrap, "hotline")
    bodies = [report(1), b"rubbish", report(1), report(None), report(1, text="井盖不见了"), report(2)]
    outgoing = [Outgoing("tickets-inbound", b"hotline", record(body).value) for body in bodies]
    assert all(await producer.send(outgoing))
    await producer.discard()

    def join(topics: Sequence[str]) -> Consumer:
        return Consumer(broker.bootstrap, "intake-stream", topics, client_id="test", static_member="", poll_records=100)

    stream = Stream(
        desk.database, join, routes(desk.receiver, desk.vault, desk.now, "test"), group="intake-stream", release="test",
        dead_letter_wake=Wake(),
    )  # fmt: skip

    async def all_ended() -> bool:
        return (await desk.count("ticket"), await desk.count("dead_letter")) == (2, 3)

    async with running(stream):
        await eventually(all_ended, within_s=60, what="the end of every record")
    rows = await desk.rows('SELECT reason FROM dead_letter ORDER BY "offset"')
    for row, reason in zip(rows, ("not JSON", "external_id", "key_reused"), strict=True):
        assert reason in row["reason"]


def test_a_record_is_read_alike_whatever_its_key() -> None:
    one = read_inbound(record(report(1)))
    other = read_inbound(replace(record(report(1)), key=None))
    assert isinstance(one, Inbound)
    assert one.incoming == other.incoming


async def test_who_has_a_matter_in_hand_is_known_until_it_is_given_back(desk: Desk) -> None:
    ticket_id, begun = await desk.take_in(), assigned()
    await tell(desk, envelope(ticket_id, 1, begun))
    assert [row["unit"] for row in await desk.rows("SELECT unit FROM share")] == [begun.unit]
    returned = TicketReturned(assignment_id=begun.assignment_id, unit=begun.unit, reason=ReturnReason.NOT_OUR_DUTY)
    await tell(desk, envelope(ticket_id, 2, returned))
    assert await desk.rows("SELECT unit FROM share") == []
