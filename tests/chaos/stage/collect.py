"""Gathering a run's evidence once it has come to rest: the databases as they are, the topics from their beginning."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.topics import DISPATCH, TOPICS, Topic
from tests.chaos.checker.evidence import (
    Applied,
    Case,
    Dead,
    Evidence,
    FollowUp,
    Message,
    Record,
    Run,
    Share,
    Sight,
    Stated,
    Ticket,
    Waiting,
)
from tests.chaos.stage.ground import ROOT, SERVICES
from tests.chaos.stage.people import CANARIES
from tests.chaos.stage.records import WHOLE_S
from tests.chaos.stage.stage import SECRET, Stage

READ_S = 60.0
READ_A_SECOND = 2000.0
"""How long reading topics may take: so long, and a second for so many records."""
_SOURCES = {service: f"/griddispatch/{service}" for service in SERVICES}
_TICKETS = """
SELECT t.id, t.public_state, t.state, t.exercise, array_agg(r.key ORDER BY r.key) AS keys
FROM intake.ticket AS t LEFT JOIN intake.request AS r ON r.ticket_id = t.id GROUP BY t.id
"""
_CASES = "SELECT ticket_id, version, state, light, due_at FROM dispatch.ticket_case"
_SHARES = "SELECT id, ticket_id, kind, unit, state, ended_at IS NOT NULL AS ended FROM dispatch.assignment"
_FOLLOW_UPS = "SELECT ticket_id, cycle, state, solved FROM notify.follow_up"
_MESSAGES = """
SELECT m.id, m.ticket_id, m.template, m.recipient, m.channel, m.state, m.attempts, m.last_error, m.caused_by, m.carrier,
    (SELECT count(*) FROM notify.attempt AS a WHERE a.message_id = m.id AND coalesce(a.outcome, 'AMBIGUOUS') = 'AMBIGUOUS')
        AS ambiguous
FROM notify.message AS m
"""


async def evidence_of(stage: Stage, *, silent: bool = False) -> Evidence:
    """Everything known of the run, now."""
    records, counts = await read_topics(stage.direct_kafka or stage.kafka.bootstrap)
    return Evidence(
        run=_run(stage, counts, silent=silent), ops=stage.history.ops, samples=stage.history.samples,
        records=records, deliveries=stage.receiver.log, faults=stage.faults, poison=stage.poison,
        sights=[Sight(id=event, stamp=stamp) for event, stamp in stage.sights.items()],
        drains=stage.drains, heals=stage.heals, replays=stage.replays, texts=_texts(stage),
        tickets=await _tickets(stage), cases=await _cases(stage),
        ledger=[x for s in SERVICES for x in await _ledger(stage, s)],
        applied=[x for s in SERVICES for x in await _applied(stage, s)],
        dead=[x for s in SERVICES for x in await _dead(stage, s)],
        waiting=[x for s in SERVICES for x in await _waiting(stage, s)],
        messages=[_message(row) for row in await stage.query(_MESSAGES, within_s=WHOLE_S)],
        follow_ups=await _follow_ups(stage),
    )  # fmt: skip


async def look_at_what_was_told(stage: Stage) -> None:
    """Before topics are lost: write down when dispatch's events were told, as whoever follows them would know."""
    records, _ = await read_topics(stage.direct_kafka or stage.kafka.bootstrap, [DISPATCH])
    for record in records:
        if event := record.headers.get("ce_id"):
            stage.sights.setdefault(event, record.stamp)


async def read_topics(bootstrap: str, topics: Sequence[Topic] = TOPICS) -> tuple[list[Record], dict[str, int]]:
    """Every record of these topics, and how many partitions each has."""
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    records: list[Record] = []
    known: dict[bytes, bytes] = {}
    async with asyncio.timeout(READ_S) as limit:
        await client.start()
        try:
            cluster = await client._client.fetch_all_metadata()
            counts = {topic.name: len(cluster.partitions_for_topic(topic.name) or ()) for topic in topics}
            places = [TopicPartition(name, n) for name, count in counts.items() for n in range(count)]
            client.assign(places)
            ends = await client.end_offsets(places)
            left = {place for place in places if ends[place] > 0}
            limit.reschedule(asyncio.get_running_loop().time() + READ_S + sum(ends.values()) / READ_A_SECOND)
            while left:
                for place, batch in (await client.getmany(timeout_ms=200, max_records=5000)).items():
                    records += [_record(record, known) for record in batch]
                    if batch[-1].offset + 1 >= ends[place]:
                        left.discard(place)
                for place in list(left):
                    if await client.position(place) >= ends[place]:
                        left.discard(place)
        finally:
            await client.stop()
    return records, counts


def _record(r: ConsumerRecord, known: dict[bytes, bytes]) -> Record:
    """A record; what several say in the same bytes is `known`, and kept once."""
    headers = {sys.intern(name): sys.intern((value or b"").decode("latin-1")) for name, value in r.headers}
    key = sys.intern((r.key or b"").decode("latin-1"))
    value = r.value or b""
    return Record(
        topic=r.topic, partition=r.partition, offset=r.offset, stamp=r.timestamp / 1000, key=key,
        value=known.setdefault(value, value), headers=headers,
    )  # fmt: skip


def _run(stage: Stage, counts: dict[str, int], *, silent: bool) -> Run:
    return Run(
        seed=stage.seed, commit=commit(), broker=stage.kafka.name, began=stage.began, ended=time.time(),
        clocks_stopped=stage.clocks_stopped,
        clock_shown=stage.clock.shown.isoformat(), clock_real=stage.clock.real.isoformat(),
        clock_speed=stage.clock.speed, partitions_before={t.name: t.partitions for t in TOPICS},
        partitions_after=counts, readers={t.name: [r for r in t.readers if t.writer in SERVICES] for t in TOPICS},
        secrets=[SECRET], allowed=[stage.receiver.place], canaries=list(CANARIES), silent=silent,
    )  # fmt: skip


def commit() -> str:
    """The commit that is checked out, with a mark when files differ from it; empty outside a checkout."""
    argv = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip()


def _texts(stage: Stage) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(stage.folder.glob("*.log"))}


async def _tickets(stage: Stage) -> list[Ticket]:
    return [_ticket(row) for row in await stage.query(_TICKETS, within_s=WHOLE_S)]


async def _follow_ups(stage: Stage) -> list[FollowUp]:
    return [
        FollowUp(ticket=str(r["ticket_id"]), cycle=r["cycle"], state=r["state"], satisfied=r["solved"])
        for r in await stage.query(_FOLLOW_UPS, within_s=WHOLE_S)
    ]


def _ticket(row: Any) -> Ticket:
    return Ticket(
        id=str(row["id"]), keys=[key for key in row["keys"] if key], public_state=row["public_state"],
        state=row["state"], exercise=row["exercise"],
    )  # fmt: skip


def _message(r: Any) -> Message:
    return Message(
        id=str(r["id"]), ticket=str(r["ticket_id"]), template=r["template"], recipient=r["recipient"],
        channel=r["channel"], state=r["state"], attempts=r["attempts"], ambiguous=r["ambiguous"],
        error=r["last_error"], caused_by=r["caused_by"], carrier=str(r["carrier"] or ""),
    )  # fmt: skip


async def _cases(stage: Stage) -> list[Case]:
    shares: dict[str, list[Share]] = {}
    for r in await stage.query(_SHARES, within_s=WHOLE_S):
        share = Share(id=str(r["id"]), kind=r["kind"], unit=r["unit"], state=r["state"], ended=r["ended"])
        shares.setdefault(str(r["ticket_id"]), []).append(share)
    return [
        Case(
            ticket=str(r["ticket_id"]), version=r["version"], state=r["state"], light=r["light"],
            due_at=r["due_at"].isoformat(), shares=shares.get(str(r["ticket_id"]), []),
        )
        for r in await stage.query(_CASES, within_s=WHOLE_S)
    ]  # fmt: skip


async def _ledger(stage: Stage, service: str) -> list[Stated]:
    everything = f"SELECT ticket_id, version, type, payload::text AS payload FROM {service}.event"
    rows = await stage.query(everything, within_s=WHOLE_S)
    return [
        Stated(
            source=_SOURCES[service], ticket=str(r["ticket_id"]), version=r["version"], type=r["type"],
            payload=r["payload"],
        )
        for r in rows
    ]  # fmt: skip


async def _applied(stage: Stage, service: str) -> list[Applied]:
    everything = f"SELECT place, source, ticket_id, version FROM {service}.chaos_applied ORDER BY place"
    rows = await stage.query(everything, within_s=WHOLE_S)
    return [
        Applied(service=service, source=r["source"], ticket=str(r["ticket_id"]), version=r["version"], place=r["place"])
        for r in rows
    ]


async def _dead(stage: Stage, service: str) -> list[Dead]:
    rows = await stage.query(f'SELECT topic, partition, "offset", reason, value FROM {service}.dead_letter')
    return [
        Dead(
            service=service, topic=r["topic"], partition=r["partition"], offset=r["offset"], reason=r["reason"],
            value=r["value"],
        )
        for r in rows
    ]  # fmt: skip


async def _waiting(stage: Stage, service: str) -> list[Waiting]:
    parked = await stage.query(f"SELECT ticket_id, source, version FROM {service}.parked")
    unsent = await stage.query(f"SELECT ticket_id, version FROM {service}.outbox")
    return [
        *(Waiting(service=service, where="parked", ticket=str(r["ticket_id"]), version=r["version"], source=r["source"])
          for r in parked),
        *(Waiting(service=service, where="outbox", ticket=str(r["ticket_id"]), version=r["version"]) for r in unsent),
    ]  # fmt: skip


async def state_digest(stage: Stage) -> str:
    """One text for all that is kept, for telling whether it changed."""
    kinds = await _tickets(stage), await _cases(stage), await _follow_ups(stage)
    kept = [sorted(map(msgspec.json.encode, kind)) for kind in kinds]
    everywhere = [a for s in SERVICES for a in await _applied(stage, s)]
    applied = sorted((a.service, a.source, a.ticket, a.version) for a in everywhere)
    return str(hash((*map(tuple, kept), tuple(applied))))
