"""The recipes for hotlines, run as they stand against the real doors; each run again makes nothing new."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, TestDatabase
from tests.examples.intake import running_intake
from tests.examples.tools import EXAMPLES
from tests.services.intake.desk import open_desk

RECIPES = EXAMPLES / "recipes"
PYTHON = sys.executable


async def recipe(url: str, argv: Sequence[str], said: Sequence[Mapping[str, Any]] = ()) -> tuple[int, str, str]:
    """Run one; exit code, output, errors."""
    environment = {
        **os.environ,
        "GRIDDISPATCH_URL": url,
        "PYTHONPATH": str(ROOT / "clients" / "python"),
        "PYTHON": PYTHON,
    }
    done = await asyncio.to_thread(
        subprocess.run, argv, env=environment, input="".join(json.dumps(line) + "\n" for line in said),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


async def taken(database: TestDatabase) -> list[tuple[str, str | None]]:
    async with open_desk(database.dsn("intake")) as desk:
        rows = await desk.rows("SELECT source, channel FROM ticket ORDER BY id")
        return [(row["source"], row["channel"]) for row in rows]


async def test_a_call_centre_with_only_a_table(database: TestDatabase, tmp_path: Path) -> None:
    table = tmp_path / "matters.csv"
    shutil.copy(RECIPES / "call_centre" / "matters.csv", table)
    command = [str(RECIPES / "call_centre" / "upload.sh"), str(table)]
    async with running_intake(database, tmp_path) as intake:
        assert await recipe(intake.url, command) == (
            0, "4 taken, 0 known already, 0 skipped, 0 refused, 0 unsettled\n", "",
        )  # fmt: skip
        assert (await recipe(intake.url, command))[1].startswith("0 taken, 0 known already, 4 skipped")
        with table.open("a", encoding="gb18030") as more:
            more.write("HL-0005,下午三点,路面塌陷,,,\r\n")
        code, out, err = await recipe(intake.url, command)
        assert (code, "1 refused" in out, "row 6 (HL-0005): reported_at" in err) == (1, True, True), err
    assert await taken(database) == [("call-centre", "PHONE")] * 4
    nowhere = "http://127.0.0.1:1"
    command = [PYTHON, "-m", "griddispatch_client", "--url", nowhere, "status", "x"]
    assert (await recipe(nowhere, command))[0] == 3


async def test_matters_handed_over_by_110(database: TestDatabase, tmp_path: Path) -> None:
    alarms = [
        {"alarm": f"J{n}", "at": "2026-03-10T09:15:00+08:00", "text": "楼上装修太吵", "phone": "13800000001",
         "lon": 119.225, "lat": 33.378} for n in range(3)
    ]  # fmt: skip
    command = [PYTHON, str(RECIPES / "transfer_110.py")]
    async with running_intake(database, tmp_path) as intake:
        code, out, err = await recipe(intake.url, command, alarms)
        assert (code, [line.split("\t")[0] for line in out.splitlines()]) == (0, ["J0", "J1", "J2"]), err
        assert (await recipe(intake.url, command, alarms))[1] == out
        assert (await recipe(intake.url, command, [{**alarms[0], "alarm": "J9", "text": " "}]))[0] == 1
    assert await taken(database) == [("transfer-110", "TRANSFER_110")] * 3


async def test_a_gauge_makes_one_matter_for_each_time_the_water_is_too_high(
    database: TestDatabase, tmp_path: Path
) -> None:
    levels = (0.4, 1.3, 1.5, 1.1, 1.4, 0.9, 1.3)  # too high twice: between 1.0 and 1.2 the alarm goes on
    readings = [
        {"device": "gauge-7", "at": f"2026-03-10T09:{n:02}:00+08:00", "level_m": level, "lon": 119.225, "lat": 33.378}
        for n, level in enumerate(levels)
    ]
    command = [PYTHON, str(RECIPES / "sensor.py")]
    async with running_intake(database, tmp_path) as intake:
        code, out, err = await recipe(intake.url, command, readings)
        assert (code, len(out.splitlines())) == (0, 2), err
        assert (await recipe(intake.url, command, readings))[1] == out
    assert await taken(database) == [("water-gauges", "SENSOR")] * 2
