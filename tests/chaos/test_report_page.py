"""The report's table of runs: every run keeps its row, a bad one too, and the sums are of all of them."""

from collections import Counter

from tests.chaos.checker.judge import judge
from tests.chaos.gate import Result
from tests.chaos.report import earlier_runs, report
from tests.chaos.tiny import whole


def result(faults: int, *troubles: str) -> Result:
    return Result(1, judge(whole()), whole(), Counter({"kill": faults}), list(troubles))


def test_a_page_without_runs_begins_its_table() -> None:
    page = report(result(3), [])
    (row,) = earlier_runs(page)
    assert row.endswith("| held |")
    assert "In all 3 faults, 2 tickets" in page and page.endswith("in 1 runs.\n")


def test_a_later_run_keeps_the_rows_before_it_and_says_when_it_broke() -> None:
    first = report(result(3), [])
    second = report(result(4, "it did not come to rest"), [], earlier_runs(first))
    rows = earlier_runs(second)
    assert rows[0] == earlier_runs(first)[0]
    assert rows[1].endswith("| BROKEN |")
    assert "In all 7 faults, 4 tickets" in second


def test_a_page_that_tells_of_no_runs_has_no_rows() -> None:
    assert earlier_runs("# Reliability report\n\n| fault | times |\n| --- | --- |\n| kill | 3 |\n") == []
