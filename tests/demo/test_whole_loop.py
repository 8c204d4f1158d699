"""The demo as a newcomer runs it: one command, everything through the whole loop, and nothing left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import ROOT
from tests.demo.test_outcome import KEYS

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for temporary files that a killed demo cannot clear away; its stores' own user may pass through it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def start(cwd: Path, *arguments: str, temporary: Path | None = None) -> "subprocess.Popen[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GRIDDISPATCH_")}
    ours = {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | ({"TMPDIR": str(temporary)} if temporary else {})
    return subprocess.Popen(
        [sys.executable, "-m", "griddispatch", "demo", *arguments], env=clean | ours, cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def when_it_feeds(demo: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Wait until the demo hands in its first matter; everything it has started by then."""
    assert demo.stdout is not None
    said = []
    for line in demo.stdout:
        said.append(line)
        if "the first matter goes out" in line:
            processes = psutil.Process(demo.pid).children(recursive=True)
            assert len(processes) >= 5, "two stores and three services"
            return processes
    raise AssertionError("".join(said))


def is_gone_within(processes: list[psutil.Process], seconds: float) -> bool:
    gone, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive and len(gone) == len(processes)


def test_sixty_matters_go_through_the_whole_loop(tmp_path: Path) -> None:
    demo = start(tmp_path, "--tickets", "60", "--once", "--report", "out.json")
    said, _ = demo.communicate(timeout=280)
    assert demo.returncode == 0, said
    report = json.loads((tmp_path / "out.json").read_text())
    assert set(report) == KEYS
    assert (report["accepted"], report["assigned"], report["closed"]) == (60, 60, 60)
    assert (report["rejected"], report["lost"], report["duplicated"], report["dead"]) == (0, 0, 0, 0)
    assert report["tickets_per_state"] == {"CLOSED": 60}
    assert "http://127.0.0.1:" in said
    assert "\x1b" not in said
    kept = {p.name: p for p in tmp_path.glob(".griddispatch/demo/*/*")}
    months = {name for name in kept if name.startswith("month-")}
    assert kept.keys() - months == {"intake.log", "dispatch.log", "notify.log"}
    assert "month-2026-03.html" in months
    assert all(f"month: {kept[name]}" in said for name in months)
    page = kept["month-2026-03.html"].read_text(encoding="utf-8")
    assert "东风街道" in page, "people read names, not codes"
    (asked,) = [line for line in said.splitlines() if "griddispatch report month" in line]
    assert "--period 2026-03" in asked


def test_by_hand_nobody_acts_and_the_end_is_in_order(tmp_path: Path) -> None:
    demo = start(tmp_path, "--by-hand")
    assert demo.stdout is not None
    said = []
    for line in demo.stdout:
        said.append(line)
        if "until Ctrl-C" in line:
            break
    processes = psutil.Process(demo.pid).children(recursive=True)
    address = next(line.split()[-1] for line in said if "/v1/overview" in line)
    clock = httpx.get(address.replace("/overview", "/clock"), timeout=60, trust_env=False).json()
    assert clock["speed"] == 1
    assert clock["now"] >= "2026-03-09T01:30"
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, "".join(said) + rest
    assert is_gone_within(processes, 60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_demo_that_is_interrupted_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    demo = start(tmp_path, "--tickets", "40", "--once")
    processes = when_it_feeds(demo)
    demo.send_signal(number)
    said, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, said
    assert is_gone_within(processes, 60)


def test_a_demo_that_is_killed_takes_its_children_along(tmp_path: Path, scratch: Path) -> None:
    demo = start(tmp_path, "--tickets", "40", temporary=scratch)
    processes = when_it_feeds(demo)
    demo.kill()
    demo.communicate(timeout=60)
    assert is_gone_within(processes, 30)
