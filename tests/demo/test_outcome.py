"""The report has the keys it promises, and nothing that went wrong stays unsaid."""

from datetime import UTC, datetime
from typing import Any

import pytest

from griddispatch.demo.feed import Taken
from griddispatch.demo.report import Setting, find_faults, make_report, percentile
from griddispatch.demo.watch import Verdict, Watch
from shared.clock import FastClock

KEYS = {
    "accepted", "rejected", "assigned", "resolved", "evaluated", "closed", "reopened", "escalated", "lost",
    "duplicated", "dead", "throughput_per_s", "accept_to_assigned_ms", "broker", "database", "seconds",
    "open_on_clock", "redelivered", "returned", "speed", "tickets_per_state",
    "asked_again", "supervised", "dissatisfied", "rates", "escalated_by_clock",
}  # fmt: skip
CLEAN = Verdict((), ())
GOOD: dict[str, Any] = {"accepted": 2, "assigned": 2, "dead": 0, "rates": {"equal_to_notify": True}}


def report(setting: Setting) -> dict[str, Any]:
    watch = Watch(FastClock(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), 60.0))
    return make_report(Taken(), watch, CLEAN, setting, 12.34)


def test_the_report_has_exactly_its_keys() -> None:
    assert set(report(Setting("broker", "database", 60.0))) == KEYS


def test_notes_are_there_only_when_something_is_to_be_said() -> None:
    assert report(Setting("broker", "database", 60.0, ("moved",)))["notes"] == ["moved"]


def test_a_run_without_matters_has_no_delays() -> None:
    assert report(Setting("broker", "database", 60.0))["accept_to_assigned_ms"] == {"p50": None, "p99": None}


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99), percentile([7.0], 99)) == (50.0, 99.0, 7.0)


def test_a_good_run_has_no_faults() -> None:
    assert find_faults(GOOD, Taken(), CLEAN, [], 0) == []


@pytest.mark.parametrize(
    ("change", "taken", "verdict", "unwatched", "lag", "sentence"),
    [
        ({"accepted": 0, "assigned": 0}, Taken(), CLEAN, [], 0, "no matter was accepted"),
        ({"assigned": 1}, Taken(), CLEAN, [], 0, "accepted 2 tickets, but assigned 1"),
        (
            {"rates": {"equal_to_notify": False}},
            Taken(),
            CLEAN,
            [],
            0,
            "the three rates that notify shows are not those that the topics come to",
        ),
        ({"dead": 3}, Taken(), CLEAN, [], 0, "3 records became dead letters"),
        ({}, Taken(unanswered=["demo-1"]), CLEAN, [], 0, "intake never answered 1 matters: demo-1"),
        ({}, Taken(), Verdict(("t1",), ()), [], 0, "lost 1 tickets: t1"),
        ({}, Taken(), Verdict((), ("t2", "t3")), [], 0, "doubled 2 tickets: t2, t3"),
        ({}, Taken(), CLEAN, ["t4"], 0, "1 or more open tickets have no running clock: t4"),
        ({}, Taken(), CLEAN, [], 9, "9 records were not read: the figures may be too low"),
    ],
)
def test_each_fault_is_said(
    change: dict[str, Any], taken: Taken, verdict: Verdict, unwatched: list[str], lag: int, sentence: str
) -> None:
    assert find_faults(GOOD | change, taken, verdict, unwatched, lag) == [sentence]
