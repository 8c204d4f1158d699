"""Figures and goals, written by hand: what is met, what is missed, and what was never measured."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from griddispatch.bench.charts import against_goals, by_part
from griddispatch.bench.figures import Figure, Goal, Verdict, least, middle, most, percentile, unmeasured
from griddispatch.bench.machine import Machine, read_stat
from griddispatch.bench.report import BEGIN, END, as_json, is_sound, kept, over_floor, page, rows, write
from griddispatch.bench.run import Results

QUIET = Machine("a processor", 2, 24.0, "Linux 6", "3.11", 0.2)
FAST = Figure("bulk", "received → assigned", 1200.0, "tickets/s", least(1000))
SLOW = Figure("steady", "p99", 500.0, "ms", most(250))


def results(*figures: Figure, machine: Machine = QUIET, troubles: tuple[str, ...] = ()) -> Results:
    return Results(datetime(2026, 3, 10, tzinfo=UTC), machine, "a database", "a broker", True, figures, troubles)


@pytest.mark.parametrize(
    ("value", "goal", "verdict"),
    [
        (1000.0, least(1000), Verdict.MET),
        (999.9, least(1000), Verdict.MISSED),
        (250.0, most(250), Verdict.MET),
        (250.1, most(250), Verdict.MISSED),
        (1.0, None, Verdict.NO_GOAL),
        (None, least(1), Verdict.NOT_MEASURED),
    ],
)
def test_a_figure_says_how_it_stands_to_its_goal(value: float | None, goal: Goal | None, verdict: Verdict) -> None:
    assert Figure("s", "n", value, "u", goal).verdict is verdict


def test_the_ratio_is_the_figure_over_its_goal() -> None:
    assert FAST.ratio == pytest.approx(1.2)
    assert SLOW.ratio == 2.0
    assert replace(FAST, goal=None).ratio is None


def test_rounds_are_told_by_their_median() -> None:
    assert middle("s", "n", [3.0, 1.0, 2.0], "u").value == 2.0
    assert middle("s", "n", [], "u").verdict is Verdict.NOT_MEASURED


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_nearest_rank(share: float, value: int) -> None:
    assert percentile([*range(100, 0, -1)], share) == value


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_run_is_sound_only_if_all_was_played_and_measured_and_no_goal_was_missed() -> None:
    assert is_sound(results(FAST))
    assert not is_sound(results(FAST, unmeasured("watchers", "no stream yet")))
    assert not is_sound(results(FAST, SLOW))
    assert not is_sound(results(FAST, troubles=("bulk: refused",)))


def test_a_busy_machine_makes_the_figures_not_valid() -> None:
    busy = replace(QUIET, load=0.8)
    assert QUIET.is_quiet and not busy.is_quiet
    assert as_json(results(FAST, machine=busy))["valid"] is False
    assert "not valid" in page(results(FAST, machine=busy), [])


def test_the_services_are_told_as_a_multiple_of_the_floor_of_the_same_run() -> None:
    bare = Figure("floor", "processor, three stages", 0.2, "ms/ticket")
    whole = Figure("bulk", "processor, services", 1.0, "ms/ticket")
    (found,) = over_floor((bare, whole))
    assert (found.name, found.value, found.verdict) == ("services over floor, bulk", 5.0, Verdict.MISSED)
    assert over_floor((whole,)) == []


def test_the_table_and_the_chart_show_goal_figure_and_ratio() -> None:
    assert rows([SLOW]) == [("steady", "p99", "500 ms", "≤ 250 ms", "2.00", "missed")]
    drawn = against_goals([FAST, SLOW, unmeasured("x", "y")])
    assert drawn.count("<rect") == 2 and "goal ≥ 1,000" in drawn


def test_writing_appends_to_the_history_and_makes_the_page_anew(tmp_path: Path) -> None:
    write(results(FAST), tmp_path)
    write(results(SLOW), tmp_path)
    lines = (tmp_path / "performance" / "quick.ndjson").read_bytes().splitlines()
    assert [orjson.loads(line)["figures"][0]["scenario"] for line in lines] == ["bulk", "steady"]
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "| steady | p99 | 500 ms |" in text and text.count("2026-03-10T00:00 quick") == 2


def test_what_is_written_by_hand_outlives_a_run(tmp_path: Path) -> None:
    write(results(FAST), tmp_path)
    page_ = tmp_path / "performance.md"
    page_.write_text(
        page_.read_text(encoding="utf-8").replace(END, f"## What it brought\n\nMuch.\n{END}"), encoding="utf-8"
    )
    write(results(SLOW), tmp_path)
    text = page_.read_text(encoding="utf-8")
    assert text.count("## What it brought\n\nMuch.") == 1 and "| steady | p99 |" in text
    assert kept("a page without marks") == ""
    assert text.index(BEGIN) < text.index("Much.") < text.index(END)


def test_a_quick_run_says_that_it_has_the_same_goals() -> None:
    assert "the same goals" in page(results(FAST), [])
    assert "the same goals" not in page(replace(results(FAST), is_quick=False), [])


def test_a_note_stands_beside_its_figure() -> None:
    noted = Figure("growth", "bulk", 1.0, "tickets/s", note="12 GB")
    assert rows([noted]) == [("growth", "bulk: 12 GB", "1 tickets/s", "", "", "no goal")]


def test_the_parts_of_a_ticket_are_drawn_door_by_door_and_the_floor_below() -> None:
    drawn = by_part(
        [
            Figure("bulk", "processor, intake", 0.5, "ms/ticket"),
            Figure("bulk", "processor, broker", 0.25, "ms/ticket"),
            Figure("floor", "processor, take", 0.05, "ms/ticket"),
        ]
    )
    assert drawn.index(">bulk</text>") < drawn.index(">floor</text>")
    assert "0.75 ms" in drawn and "<title>take: 0.05 ms</title>" in drawn
    assert "single" not in drawn


def test_a_process_with_a_strange_name_is_read_right() -> None:
    fields = ["S", "7", *["0"] * 9, "100", "50", "25", "25", *["0"] * 6, "10", *["0"] * 20]
    usage = read_stat(f"42 (a ) b) {' '.join(fields)}")
    assert usage.parent == 7
    assert usage.cpu_s == pytest.approx(2.0)
    assert usage.rss_bytes == 10 * 4096
