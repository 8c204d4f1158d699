"""The corpus of bad input has as many cases of every kind as it should, each with a name of its own."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.corpus.cases import FOLDER

LEAST: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "JSON edges": (180, ("json_edges",)),
    "Unicode": (160, ("unicode_letters",)),
    "places": (120, ("geo",)),
    "dates and zones": (140, ("dates",)),
    "oversize and slow": (40, ("oversize_and_slow",)),
    "compression": (30, ("compression",)),
    "methods and content types": (80, ("methods_and_kinds",)),
    "protocol and headers": (160, ("protocol", "headers")),
    "authentication": (120, ("authentication",)),
    "whose things and whose work": (200, ("object_authorisation",)),
    "mass assignment": (60, ("mass_assignment",)),
    "addresses of webhooks": (260, ("webhook_targets",)),
    "repeated and reused keys": (100, ("idempotency", "keys_elsewhere")),
    "phones, SMS and templates": (100, ("phones", "notify_values")),
    "logs, markup and queries": (160, ("injections",)),
    "cells of tables": (60, ("cells",)),
    "ids, pages and filters": (400, ("ids_and_pages", "pages")),
    "signatures of what gateways hand in": (90, ("callbacks",)),
    "records of events": (150, ("ticket_events",)),
    "records of hotlines": (150, ("inbound_records",)),
}
"""By category: how many cases at least, and in which files."""
TOTAL = 2_400


def cases_of(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("category", LEAST)
def test_there_are_enough_cases(category: str) -> None:
    least, names = LEAST[category]
    assert sum(len(cases_of(name)) for name in names) >= least


def test_there_are_enough_in_nineteen_categories() -> None:
    assert len(LEAST) >= 19
    assert sum(len(cases_of(name)) for _, names in LEAST.values() for name in names) >= TOTAL


def test_every_file_belongs_to_one_category() -> None:
    named = [name for _, names in LEAST.values() for name in names]
    files = {path.stem for path in FOLDER.glob("*.ndjson")}
    assert len(named) == len(set(named))
    assert files == set(named)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ndjson")), ids=lambda path: path.stem)
def test_every_case_has_a_name_of_its_own(path: Path) -> None:
    names = [str(case["id"]) for case in cases_of(path.stem)]
    assert sorted({name for name in names if names.count(name) > 1}) == []
