"""The bench itself, played small on real parts: every scenario comes to its end and measures what it says."""

from pathlib import Path

from griddispatch.bench.figures import Verdict
from griddispatch.bench.run import SCENARIOS, run
from griddispatch.bench.site import Scale

SMALL = Scale(tickets=40, rounds=1, steady_s=0.5, spike_s=0.5, timers=60, stored=(400,), reads=3, lives=40)
PLAYED = ("floor", "bulk", "single", "kafka", "steady", "spike", "lives", "webhooks", "growth", "timers", "reading",
          "watchers", "memory")  # fmt: skip


async def test_every_scenario_is_played_to_its_end(tmp_path: Path) -> None:
    said: list[str] = []
    results = await run(SMALL, PLAYED, said.append, home=tmp_path)
    assert results.troubles == ()
    measured = {figure.scenario for figure in results.figures if figure.verdict is not Verdict.NOT_MEASURED}
    assert measured == {
        "floor", "bulk", "single", "kafka", "steady 100/s", "spike", "whole lives", "webhooks", "growth", "timers",
        "reading", "memory",
    }  # fmt: skip
    assert all(figure.value is None or figure.value >= 0 for figure in results.figures)
    assert {line.removesuffix(" …") for line in said} >= {*PLAYED}
    assert {*PLAYED} <= SCENARIOS.keys()


async def test_a_scenario_that_fails_is_told_and_the_next_is_played(tmp_path: Path) -> None:
    too_many = Scale(tickets=5, rounds=0, reads=0)
    results = await run(too_many, ("reading", "memory"), lambda _: None, home=tmp_path)
    (trouble,) = results.troubles
    assert trouble.startswith("reading: ")
    assert [figure.scenario for figure in results.figures] == ["reading", "memory", "memory", "memory"]
