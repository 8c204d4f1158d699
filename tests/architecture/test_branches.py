"""The gate on untested branches: it adds up by core, names the lines, and refuses what falls short."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.branches import Walked, main, walked


def report(**taken: int) -> dict[str, Any]:
    """A hundred branches in each of these files of one core, so many of them taken; and a shell that nobody counts."""
    files = {
        f"services/dispatch/core/{name}.py": {
            "summary": {"num_branches": 100, "covered_branches": count},
            "missing_branches": [[7, 9]] * (100 - count),
        }
        for name, count in taken.items()
    }
    shell = {"summary": {"num_branches": 100, "covered_branches": 0}, "missing_branches": [[1, 2]]}
    return {"files": files | {"services/dispatch/api.py": shell}}


def test_branches_add_up_by_core_and_shells_do_not_count() -> None:
    assert walked(report(decide=100, story=90)) == {"services/dispatch/core": Walked(200, 190)}


@pytest.mark.parametrize(("taken", "short"), [({"decide": 95}, 0), ({"decide": 94}, 1), ({"decide": 100, "a": 80}, 1)])
def test_a_core_below_the_least_is_refused_with_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], taken: dict[str, int], short: int
) -> None:
    file = tmp_path / "coverage.json"
    file.write_text(json.dumps(report(**taken)), encoding="utf-8")
    assert main(str(file)) == short
    assert ("from line 7" in capsys.readouterr().out) is bool(short)


def test_a_report_without_any_core_proves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "coverage.json"
    file.write_text('{"files": {}}', encoding="utf-8")
    assert main(str(file)) == 1
