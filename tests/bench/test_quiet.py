"""Whoever else is at work beside the bench is seen, and what was measured meanwhile is not called valid."""

import os
import subprocess
import sys
import time
from dataclasses import replace

from griddispatch.bench.machine import busy_s, used_by
from griddispatch.bench.quiet import Surroundings, yardstick_us
from griddispatch.bench.report import as_json, page
from tests.bench.test_figures import FAST, results

SPIN = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 1.0: pass\nprint()\ninput()"


def spinning() -> "subprocess.Popen[bytes]":
    """A process that uses one second of a processor, says so, and waits."""
    return subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_what_a_process_used_counts_once_however_often_it_is_named() -> None:
    with spinning() as child:
        assert child.stdout is not None
        child.stdout.readline()
        whole = used_by([os.getpid(), child.pid, child.pid])
        assert used_by([child.pid]) >= 0.9
        assert whole - used_by([os.getpid()]) < 0.5, "it descends from this one"
        child.communicate(b"\n")


def test_nobody_used_more_than_the_whole_machine() -> None:
    busy, began = busy_s(), time.monotonic()
    yardstick_us()
    cores = os.cpu_count() or 1
    assert 0 <= busy_s() - busy <= cores * (time.monotonic() - began) + 0.1 * cores


def test_the_work_of_strangers_is_told_and_our_own_is_not() -> None:
    around = Surroundings()
    with spinning() as child:
        assert child.stdout is not None
        with around.around("ours", dict):
            child.stdout.readline()
        child.communicate(b"\n")
    # A child of this process is its own; what else runs on this machine is not known here.
    assert set(around.others) == {"ours"} and around.others["ours"] >= 0
    told = Surroundings({"bulk": 20.0, "growth": 33.0, "cold": 21.0}, {"bulk": 0.1, "growth": 0.0, "cold": 0.45})
    assert list(told.disturbances()) == [
        "growth: the machine was 1.6 times as slow before it as at its quickest",
        "cold: others used 45% of a core meanwhile",
    ]
    assert [(f.name, f.value) for f in told.figures()] == [
        ("yardstick at its quickest: before bulk", 20.0), ("yardstick at its slowest: before growth", 33.0)
    ]  # fmt: skip


def test_a_disturbed_run_is_not_called_valid() -> None:
    quiet = results(FAST)
    disturbed = replace(quiet, disturbances=("cold: others used 45% of a core meanwhile",))
    assert (quiet.is_valid, disturbed.is_valid) == (True, False)
    assert as_json(disturbed)["valid"] is False
    text = page(disturbed, [])
    assert "not left alone" in text and "- cold: others used 45% of a core meanwhile" in text
    assert "The machine was quiet" in page(quiet, [])
