"""One matter, and many, from hotline to closed: real processes, real PostgreSQL, both brokers."""

from pathlib import Path

import pytest

from griddispatch.embedded import Broker
from tests.conftest import TestDatabase
from tests.e2e.world import CANARIES, World, living

pytestmark = pytest.mark.timeout(240)


async def test_every_matter_goes_from_hotline_to_closed_and_nothing_is_lost_or_doubled(
    database: TestDatabase, broker: Broker, tmp_path: Path
) -> None:
    async with living(World(database, broker, tmp_path)) as world:
        await world.hand_in(40)
        await world.work_until_closed()
        await world.settle()
        verdict = world.watch.judge(world.accepted)
        assert (verdict.lost, verdict.duplicated) == ((), ())
        assert world.watch.dead == set()
        assert world.watch.counts["closed"] == 40
        assert world.watch.counts["reopened"] > 0
        states = await world.query("SELECT public_state, count(*) AS n FROM intake.ticket GROUP BY 1")
        assert [(r["public_state"], r["n"]) for r in states] == [("已结案", 40)]
        assert await world.drain() == {"intake": 0, "dispatch": 0, "notify": 0}
        assert not [s.type for s in world.records if any(canary in s.value for canary in CANARIES)]
        assert world.personal_data_in_logs() == []
