"""kill -9 at every commit point of the event's path: nothing is lost, nothing is doubled, everything still closes."""

from pathlib import Path
from uuid import UUID

import pytest

from griddispatch.embedded import NoidaBroker
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.conftest import TestDatabase
from tests.e2e.world import World, living

pytestmark = pytest.mark.timeout(240)

POINTS = [
    ("intake", "api.before-commit@1", "the report is not durable yet"),
    ("intake", "api.after-commit@1", "durable, the answer was not given"),
    ("intake", "triage.before-commit@1", "triaged, not committed"),
    ("intake", "triage.after-commit@1", "triaged, the relay was not woken"),
    ("intake", "relay.sent@1", "Kafka has it, the outbox still has it"),
    ("intake", "stream.before-commit@2", "the public state is not written yet"),
    ("intake", "stream.after-commit@2", "written, the offset is not committed"),
    ("dispatch", "stream.before-commit@1", "assigned, not committed"),
    ("dispatch", "stream.after-commit@1", "assigned, the offset is not committed"),
    ("dispatch", "relay.sent@1", "Kafka has it, the outbox still has it"),
    ("dispatch", "api.before-commit@5", "a command is not durable yet"),
    ("dispatch", "api.after-commit@5", "durable, the answer was not given"),
    ("dispatch", "timers.before-commit@2", "a clock rang, not committed"),
    ("dispatch", "timers.after-commit@2", "a clock rang, the relay was not woken"),
    ("notify", "stream.before-commit@1", "messages planned, not committed"),
    ("notify", "stream.after-commit@1", "planned, the offset is not committed"),
    ("notify", "courier.before-commit@1", "a message is being claimed"),
    ("notify", "courier.after-commit@1", "claimed, not sent"),
    ("notify", "courier.before-commit@2", "sent, the outcome is not written"),
    ("notify", "courier.after-commit@2", "the outcome is written"),
    ("notify", "followups.before-commit@1", "asked again, not committed"),
    ("notify", "followups.after-commit@1", "asked again, the courier was not woken"),
    ("notify", "api.before-commit@2", "the citizen's word is not durable yet"),
    ("notify", "api.after-commit@2", "durable, the answer was not given"),
    ("notify", "relay.sent@1", "Kafka has it, the outbox still has it"),
]

ODD_MESSAGES = """
SELECT state FROM notify.message
WHERE state NOT IN ('DELIVERED', 'SUPPRESSED', 'UNKNOWN') AND due_at < $1
"""


@pytest.mark.parametrize(("service", "point", "meaning"), POINTS, ids=[f"{s}:{p}" for s, p, _ in POINTS])
async def test_a_service_killed_there_loses_and_doubles_nothing(
    database: TestDatabase, tmp_path: Path, service: str, point: str, meaning: str
) -> None:
    clocks = "timers" in point or "followups" in point
    with NoidaBroker() as broker:
        await apply_topics(broker.bootstrap, TOPICS)
        speed = 7200.0 if clocks else 600.0
        async with living(World(database, broker, tmp_path, speed), **{service: point}) as world:
            await world.hand_in(12)
            await world.work_until_closed(wait_for_clocks=clocks)
            await world.settle()
            assert world.deaths == {service: 1}, f"it was to die once, {meaning}"
            verdict = world.watch.judge(world.accepted)
            assert (verdict.lost, verdict.duplicated) == ((), ())
            assert world.watch.dead == set()
            judged = await world.query("SELECT DISTINCT ticket_id FROM notify.event WHERE type LIKE '%evaluated%'")
            assert {row["ticket_id"] for row in judged} == {UUID(t.decode()) for t in world.accepted.values()}
            assert await world.query(ODD_MESSAGES, world.clock()) == []
