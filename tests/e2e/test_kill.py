"""kill -9 at every commit point of the event's path: nothing is lost, nothing is doubled, everything still closes."""

from pathlib import Path
from uuid import UUID

import pytest

from griddispatch.embedded import NoidaBroker
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.conftest import TestDatabase
from tests.e2e.world import World, living

pytestmark = pytest.mark.timeout(400)

SLOW, FAST = 1.0, 7200.0
MATTERS = 5

POINTS = {
    "intake": (SLOW, {
        "api.before-commit@1": "the report is not durable yet",
        "api.after-commit@1": "durable, the answer was not given",
        "triage.before-commit@1": "triaged, not committed",
        "triage.after-commit@1": "triaged, the relay was not woken",
        "relay.sent@1": "Kafka has it, the outbox still has it",
        "stream.before-commit@2": "the public state is not written yet",
        "stream.after-commit@2": "written, the offset is not committed",
    }),
    "dispatch": (SLOW, {
        "stream.before-commit@1": "assigned, not committed",
        "stream.after-commit@1": "assigned, the offset is not committed",
        "relay.sent@1": "Kafka has it, the outbox still has it",
        "api.before-commit@5": "a command is not durable yet",
        "api.after-commit@5": "durable, the answer was not given",
    }),
    "dispatch, its clocks": (FAST, {
        "timers.before-commit@1": "a clock rang, not committed",
        "timers.after-commit@1": "a clock rang, the relay was not woken",
    }),
    "notify": (SLOW, {
        "stream.before-commit@1": "messages planned, not committed",
        "stream.after-commit@1": "planned, the offset is not committed",
        "courier.before-commit@1": "the outcome of a message is not written",
        "courier.after-commit@1": "the outcome is written",
        "api.before-commit@2": "the citizen's word is not durable yet",
        "api.after-commit@2": "durable, the answer was not given",
        "relay.sent@1": "Kafka has it, the outbox still has it",
    }),
    "notify, its clocks": (FAST, {
        "followups.before-commit@1": "asked again, not committed",
        "followups.after-commit@1": "asked again, the courier was not woken",
    }),
}  # fmt: skip

ODD_MESSAGES = """
SELECT state FROM notify.message
WHERE state NOT IN ('DELIVERED', 'SUPPRESSED', 'UNKNOWN') AND due_at < $1
"""


@pytest.mark.parametrize("part", POINTS)
async def test_a_service_killed_at_its_commit_points_loses_and_doubles_nothing(
    database: TestDatabase, tmp_path: Path, part: str
) -> None:
    service, _, clocks = part.partition(", ")
    speed, points = POINTS[part]
    with NoidaBroker() as broker:
        await apply_topics(broker.bootstrap, TOPICS)
        async with living(World(database, broker, tmp_path, speed)) as world:
            for n, (point, meaning) in enumerate(points.items(), 1):
                await world.rearm(service, point)
                await world.hand_in(MATTERS, f"series-{n}")
                await world.work_until_closed(wait_for_clocks=bool(clocks))
                assert world.deaths == {service: n}, f"it was to die at {point}: {meaning}"
            await world.settle()
            verdict = world.watch.judge(world.accepted)
            assert (verdict.lost, verdict.duplicated) == ((), ())
            assert world.watch.dead == set()
            judged = await world.query("SELECT DISTINCT ticket_id FROM notify.event WHERE type LIKE '%evaluated%'")
            assert {row["ticket_id"] for row in judged} == {UUID(t.decode()) for t in world.accepted.values()}
            assert await world.query(ODD_MESSAGES, world.clock()) == []
