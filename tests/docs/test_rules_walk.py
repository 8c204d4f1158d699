"""The pages that lead from rule or promise to code to test: what they name is there."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT

RULES, LOOP, DOORS = (ROOT / "docs" / f"{name}-walk.md" for name in ("rules", "loop", "doors"))
ROW: Final = re.compile(
    r"^\| (?P<rule>.+?) \| `(?P<code>[\w/]+\.py)` \| `(?P<file>[\w/]+\.py)` `(?P<test>test_\w+)` \|$"
)


def rows(page: Path) -> list[re.Match[str]]:
    """The rows of all tables of a page, without their heads."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    found = [match for line in lines if (match := ROW.match(line))]
    heads = [line for line in lines if not ROW.match(line)]
    assert {line.split(" | ")[1] for line in heads} == {"decided in"}, heads
    return found


@cache
def functions_of(file: str) -> frozenset[str]:
    """The tests of a file below `tests/`."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", [*rows(RULES), *rows(LOOP), *rows(DOORS)], ids=lambda row: row["rule"])
def test_the_code_and_the_test_of_a_rule_are_there(row: re.Match[str]) -> None:
    assert (ROOT / "services" / row["code"]).is_file() or (ROOT / row["code"]).is_file()
    assert row["test"] in functions_of(row["file"])


@pytest.mark.parametrize("page", [RULES, LOOP, DOORS], ids=lambda page: page.stem)
def test_every_part_of_a_page_has_its_table_but_the_one_that_says_what_is_not_there(page: Path) -> None:
    _, *parts = page.read_text(encoding="utf-8").split("\n## ")
    tables = [part for part in parts if "| decided in |" in part]
    assert all(any(ROW.match(line) for line in part.splitlines()) for part in tables)
    assert len(tables) == len(parts) - 1


def test_every_timer_has_its_row() -> None:
    text = " ".join(row["rule"] for row in rows(RULES))
    assert {int(n) for n in re.findall(r"T(\d\d)", text)} == set(range(1, 20))
