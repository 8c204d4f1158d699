"""Which unit stands above which, by the county's own table of units; dispatch tells what is wrong with that."""

import csv
import io
import tomllib
from collections.abc import Mapping
from typing import Final

TABLES: Final = ("units.toml", "units.csv")
"""An area has one of them."""


def read_units_above(name: str, table: bytes) -> Mapping[str, str]:
    """By the id of a unit, the one above it, where the table of that name gives one. Raises ValueError for no table."""
    rows = _rows_of_sheet(table) if name.endswith(".csv") else tomllib.loads(table.decode("utf-8")).get("unit", [])
    return {str(row["id"]): str(row["parent"]) for row in rows if row.get("id") and row.get("parent")}


def _rows_of_sheet(table: bytes) -> list[dict[str, str]]:
    try:
        text = table.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = table.decode("gb18030")
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    return [{str(key).strip(): str(value).strip() for key, value in row.items()} for row in rows]
