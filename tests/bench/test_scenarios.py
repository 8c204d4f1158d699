"""The bench itself, played small on real parts: every scenario comes to its end and measures what it says."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from griddispatch.bench.figures import Figure, Verdict, most
from griddispatch.bench.http import NoAnswer
from griddispatch.bench.micro import micro
from griddispatch.bench.run import SCENARIOS, play, run
from griddispatch.bench.site import Scale, Stalled

SMALL = Scale(
    tickets=40, rounds=1, idle_s=0.2, sustained=80, steady_s=0.5, spike_s=0.5, calm_s=1.0, timers=60, stored=(400,),
    reads=3, lives=40, watchers=5, watched_s=0.5, shared_s=0.5, settle_s=1.0, queued=400,
    queued_s=5.0, rated=800, listed=12_000,
)  # fmt: skip
STARTING_ANEW = ("webhooks", "deliveries", "cold", "sharing")
"""Scenarios that end and start services: they have a stack of their own, so that neither test takes all the time."""
RUNNING = tuple(name for name in SCENARIOS if name not in STARTING_ANEW)


async def measured(wanted: Sequence[str], home: Path) -> set[str]:
    """Play scenarios small; those in which something was measured."""
    said: list[str] = []
    results = await run(SMALL, wanted, said.append, home=home)
    assert results.troubles == ()
    assert all(figure.value is None or figure.value >= 0 for figure in results.figures)
    assert {line.removesuffix(" …") for line in said} >= {*wanted}
    found = {figure.scenario for figure in results.figures if figure.verdict is not Verdict.NOT_MEASURED}
    return found - {"machine"}  # how quick it was before each of them


@pytest.mark.timeout(300)
async def test_every_scenario_on_running_services_is_played_to_its_end(tmp_path: Path) -> None:
    assert await measured(RUNNING, tmp_path) == {
        "idle", "floor", "whole lives", "bulk", "single", "kafka", "steady 100/s", "spike", "sustained", "timers",
        "growth", "reading", "rates", "open311", "5 watchers", "memory",
    }  # fmt: skip


@pytest.mark.timeout(300)
async def test_every_scenario_that_starts_services_anew_is_played_to_its_end(tmp_path: Path) -> None:
    assert await measured(STARTING_ANEW, tmp_path) == {"webhooks", "deliveries", "cold start", "two copies"}


def test_the_pure_core_is_measured_without_any_store() -> None:
    figures = {figure.name: figure for figure in micro(rounds=1)}
    assert all(figure.value is not None and figure.value > 0 for figure in figures.values())
    assert figures["check an API key, one of 1,000"].goal == most(50)


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
