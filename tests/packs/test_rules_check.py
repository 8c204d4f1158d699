"""`rules check` through the command line: what it says of sound packs, and what it refuses."""

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from griddispatch.rules import app, check_pack, shipped_packs
from tests.builders import PACK

RUNNER = CliRunner()
TODAY = date(2026, 3, 10)


def copied(tmp_path: Path, **heir: str) -> Path:
    """A copy of the default pack, and an heir of it with the given files; returns the heir."""
    shutil.copytree(PACK, tmp_path / "county-default")
    folder = tmp_path / "town"
    folder.mkdir()
    sheet = 'name = "town"\nversion = "1"\nlevel = "township"\nzh = "镇"\nen = "Town"\nextends = "county-default"\n'
    for name, text in ({"pack": sheet} | heir).items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def spoiled(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(folder: Path, file: str, text: str) -> int:
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_every_pack_that_ships_is_sound() -> None:
    done = RUNNER.invoke(app, ["check"])
    assert done.exit_code == 0
    said = [line for line in done.output.splitlines() if not line.startswith("  note: ")]
    names = ("beijing-like", "county-default", "guangdong-like", "shandong-like", "shanghai-like")
    assert [line.partition(":")[0] for line in said] == list(names)
    for line in said:
        assert re.fullmatch(
            r"[a-z-]+: OK, 13 limits, 7 case classes, [0-9]+ categories, [0-9]+ word rules, calendar 2020–2026, [0-9]+ examples",
            line,
        )


def test_the_five_packs_are_found_without_being_named() -> None:
    assert [folder.name for folder in shipped_packs()] == [
        "beijing-like", "county-default", "guangdong-like", "shandong-like", "shanghai-like",
    ]  # fmt: skip


def test_a_folder_that_is_not_there_is_refused_input(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["check", str(tmp_path / "nowhere")])
    assert (done.exit_code, "there is no such folder" in done.output) == (2, True)


def test_an_empty_folder_has_no_sheet(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["check", str(tmp_path)])
    assert (done.exit_code, done.output.splitlines()[1]) == (1, "  pack.toml: missing")


def test_an_heir_of_the_default_with_examples_of_its_own_is_sound(tmp_path: Path) -> None:
    rules = '[limits.BIG]\nbase = "4 WD"\n'
    examples = '[[example]]\nid = "big"\nsize = "BIG"\naccepted = "2026-03-09 10:00"\ndue = "2026-03-13 24:00"\n'
    done = RUNNER.invoke(app, ["check", str(copied(tmp_path, dispatch=rules, examples=examples))])
    assert (done.exit_code, done.output.splitlines()[0].partition(",")[0]) == (0, "town: OK")


def test_an_heir_that_changes_a_limit_breaks_its_parents_examples_until_it_brings_its_own(tmp_path: Path) -> None:
    folder = copied(tmp_path, dispatch='[limits.BIG]\nbase = "4 WD"\n')
    line = line_of(PACK, "examples.toml", "two-units") + 3
    assert check_pack(folder, TODAY).problems[0] == (
        f"../county-default/examples.toml:{line}: example[12].due: 2026-03-16 24:00 is promised, "
        "but 4 WD leads to 2026-03-13 24:00"
    )


def test_a_township_that_loosens_a_locked_limit_fails_with_file_and_line(tmp_path: Path) -> None:
    folder = copied(tmp_path, dispatch='# ours\n[limits.SMALL]\nbase = "3 WD"\n[limits.BIG]\nU1 = "4 NH"\n')
    done = RUNNER.invoke(app, ["check", str(folder)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "town: 2 problems",
        "  dispatch.toml:3: limits.SMALL.base: 3 WD is not shorter than same_day, which county-default has locked",
        "  dispatch.toml:5: limits.BIG.U1: 4 NH is not shorter than 2 NH, which county-default has locked",
    ]


def test_a_township_cannot_take_duties_on_that_its_county_has_locked(tmp_path: Path) -> None:
    folder = copied(tmp_path, dispatch='[duties.COOPERATE]\npermits = ["LEAD"]\n')
    assert check_pack(folder, TODAY).problems == (
        "dispatch.toml:2: duties.COOPERATE.permits: is locked by county-default and may not change",
    )


def test_problems_of_every_file_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    folder = copied(tmp_path).parent / "county-default"
    spoiled(folder, "dispatch.toml", 'base = "5 WD"', 'base = "5 days"')
    spoiled(folder, "calendar.toml", "cutoff = 17:00:00", "cutoff = 18:00:00")
    spoiled(folder, "categories.toml", 'zh = "就业服务"', 'zh = ""')
    spoiled(folder, "triage.toml", 'urgency = "U1"', 'urgency = "U0"')
    spoiled(folder, "incidents.toml", 'version = "2026.1"', 'version = ""')
    spoiled(folder, "notify.toml", "attempts = 3", "attempts = 0")
    told = [problem.split(": ")[:2] for problem in check_pack(folder, TODAY).problems]
    assert told == [
        [f"dispatch.toml:{line_of(folder, 'dispatch.toml', '5 days')}", "limits.PRAISE.base"],
        [f"calendar.toml:{line_of(folder, 'calendar.toml', 'cutoff =')}", "cutoff"],
        [f"categories.toml:{line_of(folder, 'categories.toml', chr(34) * 2)}", "root[0].zh"],
        [f"triage.toml:{line_of(folder, 'triage.toml', 'U0')}", "urgency[0].urgency"],
        [f"incidents.toml:{line_of(folder, 'incidents.toml', 'version =')}", "version"],
        [f"notify.toml:{line_of(folder, 'notify.toml', 'attempts =')}", "follow_up.attempts"],
        ["notify.toml:" + str(line_of(folder, "notify.toml", "least_bands")), "follow_up.least_bands"],
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("calendar.toml", "cutoff = 17:00:00", "cutoff = 08:00:00", "cutoff: 08:00:00 is outside the opening hours, 08:30:00 to 17:30:00"),
        ("calendar.toml", "[years.2023]", "[years.2013]", "years.2020: follows 2013, the years between are missing"),
        ("calendar.toml", "opens = 13:30:00", "opens = 11:30:00", "hours[1]: opens at 11:30:00, before the span above closes at 12:00:00"),
        ("calendar.toml", "2026-01-04,  # Sunday", "2026-01-02,", "years.2026.make_up_working_days[0]: 2026-01-02 is both a rest day and a working day"),
        ("categories.toml", 'capability = "SERVICE"', 'capability = "FLYING"', "root[0].capability: must be one of"),
        ("categories.toml", 'code = "0102"', 'code = "0101"', "root[0].group[1].code: 0101 is used twice"),
        ("triage.toml", 'id = "u1.fire"', 'id = "u1.gas_leak"', "urgency[1].id: u1.gas_leak is the id of two rules"),
        ("notify.toml", 'zone = "Asia/Shanghai"', 'zone = "Asia/Nowhere"', "follow_up.zone: unknown zone 'Asia/Nowhere'"),
        ("notify.toml", "opens = 08:00:00", "opens = 22:00:00", "courtesy.hours.OFFICIAL: closes before it opens: nobody could ever be told"),
        ("examples.toml", '"street-lamp"', '"garbage-at-the-cut-off"', "example[2].id: garbage-at-the-cut-off stands there twice"),
        ("pack.toml", 'en = "Default rules of a county"\n', "", "en: missing"),
    ],
)  # fmt: skip
def test_each_fault_is_found_through_the_check(tmp_path: Path, file: str, old: str, new: str, problem: str) -> None:
    folder = copied(tmp_path).parent / "county-default"
    spoiled(folder, file, old, new)
    found = check_pack(folder, TODAY).problems
    assert any(told.startswith(file) and problem in told for told in found), found


def test_two_services_with_different_figures_of_the_same_thing_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path).parent / "county-default"
    spoiled(folder, "dispatch.toml", "reopen_days = 15", "reopen_days = 14")
    line = line_of(folder, "incidents.toml", "reopen_days")
    assert check_pack(folder, TODAY).problems == (
        f"incidents.toml:{line}: repeats.reopen_days: is 15, but repeats.reopen_days of dispatch.toml is 14",
    )


def test_a_word_rule_that_breaks_its_own_example_is_told_with_the_line_of_the_rule(tmp_path: Path) -> None:
    folder = copied(tmp_path).parent / "county-default"
    spoiled(folder, "triage.toml", "楼道里有很重的煤气味，不敢开灯", "楼道里没有灯")
    line = line_of(folder, "triage.toml", '"u1.gas_leak"')
    assert check_pack(folder, TODAY).problems[0].startswith(f"triage.toml:{line}: u1.gas_leak: 楼道里没有灯: became ")


def test_a_limit_that_lengthens_nothing_is_noted_and_no_problem(tmp_path: Path) -> None:
    folder = copied(tmp_path).parent / "county-default"
    spoiled(folder, "dispatch.toml", '[limits.OTHER]\nbase = "5 WD"', '[limits.OTHER]\nbase = "5 WD"\nU2 = "6 WD"')
    verdict = check_pack(folder, TODAY)
    line = line_of(folder, "dispatch.toml", "6 WD")
    assert verdict.problems == ()
    assert verdict.notes == (
        f"dispatch.toml:{line}: limits.OTHER.U2: 6 WD is longer than the base 5 WD and lengthens nothing",
    )


def test_a_year_whose_notice_is_due_is_noted(tmp_path: Path) -> None:
    assert check_pack(PACK, date(2026, 10, 31)).notes == ()
    notes = check_pack(PACK, date(2026, 11, 1)).notes
    assert [note.partition(": ")[2] for note in notes] == ["years.2027: is not loaded yet, so its days are provisional"]


EXAMPLE = '[[example]]\nid = "one"\nsize = "BIG"\naccepted = "2026-03-09 10:00"\ndue = "2026-03-16 24:00"\n'


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"2026-03-16 24:00"', '"2026-03-17 24:00"', "examples.toml:5: example[0].due: 2026-03-17 24:00 is promised, but 5 WD leads to 2026-03-16 24:00"),
        ('"2026-03-16 24:00"', '"next week"', "examples.toml:5: example[0].due: must be written 2026-03-10 09:15, or with seconds"),
        ('"2026-03-09 10:00"', "2026-03-09 10:00:00", "examples.toml:4: example[0].accepted: must be a valid string"),
        ('size = "BIG"\n', "", "examples.toml:1: example[0].size: a COMPLAINT needs one, SMALL or BIG"),
        ('size = "BIG"', 'size = "HUGE"', "examples.toml:3: example[0].size: must be 'SMALL', 'BIG' or 'UNSIZED'"),
        ('size = "BIG"', 'size = "SMALL"\nis_complex = true', "examples.toml:4: example[0].is_complex: only a BIG matter can be complex"),
        ('size = "BIG"', 'case_class = "WH99"', "examples.toml:3: example[0].case_class: there is no class WH99"),
        ('size = "BIG"', 'case_class = "WH4"\ntimer = "sign"', "examples.toml:4: example[0].timer: cannot stand beside case_class"),
        ('size = "BIG"', 'size = "BIG"\ntimer = "arrival"', "examples.toml:4: example[0].timer: arrival does not run for such a matter"),
        ('size = "BIG"', 'size = "BIG"\ncolour = 1', "examples.toml:4: example[0].colour: unknown key"),
        (EXAMPLE, "example = []\n", "examples.toml:1: example: must hold at least one"),
        (EXAMPLE, "example = 1\n", "examples.toml:1: example: must be a"),
    ],
)  # fmt: skip
def test_a_wrong_example_is_refused_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    folder = copied(tmp_path, examples=EXAMPLE.replace(old, new))
    found = check_pack(folder, TODAY).problems
    assert len(found) == 1
    assert found[0].startswith(problem), found
