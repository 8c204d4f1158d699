"""The model of a place: it repeats exactly, loses nobody, and moves the way it must when the world is changed."""

import tomllib
from dataclasses import replace
from importlib.resources import files
from math import inf
from pathlib import Path

import grimp
import orjson
import pytest
from typer.testing import CliRunner

from griddispatch.capacity.hours import DAY, HOUR, Hours, end_of_day, end_of_working_day
from griddispatch.capacity.model import hourly, people_needed, simulate
from griddispatch.capacity.needs import bulk_rate, calibrated, compare, figures_of, needs_of, wait_p99_ms
from griddispatch.capacity.parameters import Parameters, ParametersRefused, read_parameters
from griddispatch.cli import command_line

TEXT = files("griddispatch.capacity").joinpath("parameters.toml").read_text(encoding="utf-8")
EIGHT_TO_FIVE = Hours(8.5 * HOUR, 17.5 * HOUR)
FRIDAY = 4 * DAY


@pytest.fixture(scope="module")
def world() -> Parameters:
    return read_parameters(tomllib.loads(TEXT))


def calm(world: Parameters, tickets_per_day: int = 600) -> Parameters:
    """A small place without storms."""
    level = {"county": replace(world.level["county"], tickets_per_day=tickets_per_day)}
    return replace(world, storm=replace(world.storm, every_days=0), level=level)


@pytest.mark.parametrize(
    ("at", "worked", "every_day", "then"),
    [
        (9 * HOUR, HOUR, False, 10 * HOUR),
        (6 * HOUR, HOUR, False, 9.5 * HOUR),
        (17 * HOUR, HOUR, False, DAY + 9 * HOUR),
        (FRIDAY + 17 * HOUR, HOUR, False, 7 * DAY + 9 * HOUR),
        (FRIDAY + 17 * HOUR, HOUR, True, FRIDAY + DAY + 9 * HOUR),
        (9 * HOUR, 18 * HOUR, False, 2 * DAY + 9 * HOUR),
    ],
)
def test_work_is_done_in_opening_hours(at: float, worked: float, every_day: bool, then: float) -> None:
    assert EIGHT_TO_FIVE.after(at, worked, every_day=every_day) == then


def test_deadlines_end_at_midnight_and_skip_rest_days() -> None:
    assert end_of_working_day(FRIDAY + 9 * HOUR, 1) == 8 * DAY  # Monday 24:00
    assert end_of_working_day(9 * HOUR, 5) == 8 * DAY
    assert end_of_day(9 * HOUR, 16 * HOUR) == DAY
    assert end_of_day(17 * HOUR, 16 * HOUR) == 2 * DAY


def test_the_same_seed_gives_the_same_course_and_another_one_another(world: Parameters) -> None:
    place = calm(world)
    assert simulate(place, "county", 3, 1) == simulate(place, "county", 3, 1)
    assert simulate(place, "county", 3, 1) != simulate(place, "county", 3, 2)


def test_every_matter_is_finished_or_still_open(world: Parameters) -> None:
    course = simulate(calm(world), "county", 7, 1)
    taken = course.counts["accepted"] + course.counts["reopened"]
    assert taken == course.counts["finished"] + course.backlog[-1]
    assert course.counts["finished"] == sum(map(len, course.waits_h.values()))
    assert len(course.open_at_midnight) == 7


def test_a_week_brings_what_the_level_says(world: Parameters) -> None:
    place = calm(world)
    assert sum(hourly(place, 600, 7)) == pytest.approx(7 * 600)
    accepted = simulate(place, "county", 7, 1).counts["accepted"]
    assert accepted == pytest.approx(7 * 600 * place.demand.dispatched_share, rel=0.1)


def test_the_busiest_hour_is_in_the_morning_and_a_storm_is_worse(world: Parameters) -> None:
    quiet = hourly(calm(world), 2400, 7)
    assert quiet.index(max(quiet)) == 9
    stormy = hourly(replace(world, storm=replace(world.storm, every_days=7)), 2400, 7)
    assert max(stormy) == 2400 / 24 * world.storm.factor
    assert stormy.index(max(stormy)) == 6 * 24 + 14


def test_fewer_people_are_later(world: Parameters) -> None:
    place = calm(world)
    strained = replace(place, work=replace(place.work, utilisation=2.0))
    assert people_needed(strained, 100) < people_needed(place, 100)
    fair, bad = (simulate(p, "county", 14, 1) for p in (place, strained))
    assert bad.rates["in_time"] < fair.rates["in_time"]
    assert bad.backlog[-1] > 2 * fair.backlog[-1]


def test_who_is_served_late_judges_worse(world: Parameters) -> None:
    place = calm(world)
    strained = replace(place, work=replace(place.work, utilisation=2.0))
    fair, bad = (simulate(p, "county", 14, 1).rates for p in (place, strained))
    assert bad["satisfaction"] < fair["satisfaction"] and bad["in_time"] < fair["in_time"]


def test_a_large_place_is_sampled_and_counted_whole(world: Parameters) -> None:
    nation = simulate(world, "nation", 1, 1)
    city = simulate(world, "city", 1, 1)
    assert nation.weight == pytest.approx(4_400_000 * 0.32 / 4000)
    assert nation.units / city.units == pytest.approx(4_400_000 / 66_000, rel=0.02)


def test_a_nation_needs_more_machines_than_a_city(world: Parameters) -> None:
    city, nation = (needs_of(simulate(world, level, 3, 1), world) for level in ("city", "nation"))
    assert city.replicas == {"intake": 1, "dispatch": 1, "notify": 1}
    assert nation.replicas["dispatch"] > city.replicas["dispatch"]
    assert nation.partitions >= nation.replicas["dispatch"]
    assert nation.database_gb_per_year > 50 * city.database_gb_per_year


def test_waits_grow_with_the_load_and_without_end_at_full_load(world: Parameters) -> None:
    waits = [wait_p99_ms(u, 1.0, world.machine) for u in (0.0, 0.5, 0.9, 1.0)]
    assert waits[0] == world.machine.least_ms
    assert waits == sorted(waits) and waits[-1] == inf


def test_a_run_that_was_measured_gives_the_costs_and_is_compared_with(world: Parameters) -> None:
    measured = {
        ("bulk", "processor, intake"): 1.0, ("bulk", "processor, dispatch"): 1.0, ("bulk", "processor, notify"): 0.5,
        ("bulk", "processor, database"): 1.0, ("bulk", "processor, broker"): 0.25,
        ("bulk", "processor, driver itself"): 0.25, ("bulk", "received → assigned"): 400.0,
    }  # fmt: skip
    machine = replace(world.machine, **calibrated(world.machine, measured))
    assert bulk_rate(machine, 2, 0.25) == pytest.approx(500.0)
    (only,) = compare(machine, 2, measured)
    assert only.ratio == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("dispatched_share = 0.32", "dispatched_share = 1.2", "demand.dispatched_share"),
        ("opens = 8.5", "opens = 18.0", "work.opens"),
        ("every_days = 14", "every_day = 14", "storm"),
        ("critical = 0.01", "critical = 0.99", "demand.critical"),
        ("target = 0.6", "target = 1.0", "machine.target"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(old: str, new: str, fault: str) -> None:
    assert old in TEXT
    with pytest.raises(ParametersRefused, match=fault):
        read_parameters(tomllib.loads(TEXT.replace(old, new)))


def test_what_is_no_report_of_a_bench_is_refused() -> None:
    with pytest.raises(ValueError, match="no report"):
        figures_of({})


def test_the_command_writes_json_and_a_chart(tmp_path: Path) -> None:
    report, svg = tmp_path / "out.json", tmp_path / "out.svg"
    options = ["--level", "county", "--days", "2", "--report", str(report), "--svg", str(svg)]
    done = CliRunner().invoke(command_line(), ["simulate", *options])
    assert done.exit_code == 0, done.output
    found = orjson.loads(report.read_bytes())
    assert found["level"] == "county" and found["machines"]["replicas"]["dispatch"] == 1
    assert svg.read_text(encoding="utf-8").startswith("<svg")


def test_the_command_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    done = CliRunner().invoke(command_line(), ["simulate", "--bench", str(tmp_path / "absent.json")])
    assert done.exit_code == 2


def test_the_model_knows_nothing_of_the_outside() -> None:
    graph = grimp.build_graph("griddispatch", cache_dir=None, include_external_packages=True)
    for module in ("hours", "model", "parameters"):
        imported = graph.find_modules_directly_imported_by(f"griddispatch.capacity.{module}")
        assert not imported & {"asyncio", "os", "pathlib", "socket", "time", "datetime", "subprocess"}, (
            module,
            imported,
        )
