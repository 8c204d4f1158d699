"""The bench itself, played small on real parts: every scenario comes to its end and measures what it says."""

from pathlib import Path

import pytest

from griddispatch.bench.figures import Figure, Verdict
from griddispatch.bench.http import NoAnswer
from griddispatch.bench.run import SCENARIOS, play, run
from griddispatch.bench.site import Scale, Stalled

SMALL = Scale(
    tickets=40, rounds=1, idle_s=0.2, sustained=80, steady_s=0.5, spike_s=0.5, calm_s=1.0, timers=60, stored=(400,),
    reads=3, lives=40, watchers=5, watched_s=0.5, shared_s=0.5, settle_s=1.0,
)  # fmt: skip
PLAYED = tuple(SCENARIOS)


async def test_every_scenario_is_played_to_its_end(tmp_path: Path) -> None:
    said: list[str] = []
    results = await run(SMALL, PLAYED, said.append, home=tmp_path)
    assert results.troubles == ()
    measured = {figure.scenario for figure in results.figures if figure.verdict is not Verdict.NOT_MEASURED}
    assert measured == {
        "idle", "floor", "whole lives", "bulk", "single", "kafka", "steady 100/s", "spike", "sustained", "timers",
        "growth", "reading", "5 watchers", "memory", "webhooks", "cold start", "two copies",
    }  # fmt: skip
    assert all(figure.value is None or figure.value >= 0 for figure in results.figures)
    assert {line.removesuffix(" …") for line in said} >= {*PLAYED}
    assert {*PLAYED} <= SCENARIOS.keys()


@pytest.mark.parametrize("failure", [Stalled("slow"), TimeoutError("slow"), ExceptionGroup("two", [NoAnswer("slow")])])
async def test_a_scenario_that_fails_is_told_and_not_hidden(failure: Exception) -> None:
    async def failing() -> list[Figure]:
        raise failure

    troubles: list[str] = []
    (figure,) = await play("bulk", failing(), troubles)
    assert troubles == ["bulk: slow"]
    assert (figure.scenario, figure.verdict) == ("bulk", Verdict.NOT_MEASURED)


async def test_a_fault_of_the_bench_itself_is_no_trouble_of_the_product() -> None:
    async def faulty() -> list[Figure]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await play("bulk", faulty(), [])
