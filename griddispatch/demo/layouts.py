"""Columns of a table to fields of a report: three layouts known by their headers, or a mapping given by hand."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Report = dict[str, Any]
Row = Mapping[str, str]

IN_LOCATION = ("lon", "lat", "address", "crs", "village_code", "township_code")
IN_REPORTER = ("name", "phone", "note")
TOP = ("text", "title", "channel", "category", "ticket_type", "reported_at", "confidential")
TARGETS = (*TOP, *IN_LOCATION, *IN_REPORTER)
"""The fields a column may be mapped to."""
NUMBERS = ("lon", "lat")


class InputError(Exception):
    """The input cannot be used; the text says where and what to change."""


@dataclass(frozen=True)
class Layout:
    """How a row of a table becomes a report."""

    name: str
    header: frozenset[str]
    read: Callable[[Row], Report]


def _messages(row: Row) -> Report:
    report: Report = {"channel": "WEB", "text": row["text"]}
    return report | ({"title": row["topic"][:200]} if row["topic"].strip() else {})


def _request(kind: str, lon: str, lat: str, channel: str) -> Report:
    report: Report = {"channel": channel, "text": f"{kind}: please send somebody to deal with this at the place given."}
    return report | ({"location": {"lon": float(lon), "lat": float(lat)}} if lon.strip() and lat.strip() else {})


def _los_angeles(row: Row) -> Report:
    channel = "PHONE" if row.get("requestsource") == "Call" else "APP"
    return _request(row["requesttype"], row["longitude"], row["latitude"], channel)


def _boston(row: Row) -> Report:
    channel = "PHONE" if row.get("Source") == "Constituent Call" else "APP"
    return _request(row["TYPE"], row["LONGITUDE"], row["LATITUDE"], channel)


KNOWN = (
    Layout("messages", frozenset({"id", "topic", "text", "label", "created"}), _messages),
    Layout("la-311", frozenset({"srnumber", "requesttype", "latitude", "longitude", "createddate"}), _los_angeles),
    Layout("boston-311", frozenset({"CASE_ENQUIRY_ID", "TYPE", "LATITUDE", "LONGITUDE", "OPEN_DT"}), _boston),
)


def layout_for(header: Sequence[str], mapping: Mapping[str, str]) -> Layout:
    """The mapping as a layout, or the known layout of this header. Raises InputError for what fits nothing."""
    if mapping:
        missing = sorted(set(mapping.values()) - set(header))
        if missing:
            raise InputError(f"--map: no column {', '.join(missing)}; the file has: {', '.join(header)}")
        return Layout("mapped", frozenset(mapping.values()), lambda row: read_mapped(row, mapping))
    for layout in KNOWN:
        if layout.header <= set(header):
            return layout
    raise InputError(
        f"this header is not known: {', '.join(header)}. Say which column is the text, for example: "
        f"--map text={header[0] if header else 'COLUMN'}"
    )


def read_mapping(
    texts: Collection[str], fields: Sequence[str] = TARGETS, needed: Sequence[str] = ("text",)
) -> dict[str, str]:
    """Read `target=column` texts, several of them in one text with commas. Raises InputError.

    `fields` are what a column may be mapped to; where anything is mapped, those `needed` must be.
    """
    mapping: dict[str, str] = {}
    for text in (part for given in texts for part in given.split(",")):
        target, equals, column = (piece.strip() for piece in text.partition("="))
        if not (target and equals and column):
            raise InputError(f"--map wants target=column and not {text!r}")
        if target not in fields:
            raise InputError(f"--map: {target!r} is no field of a report; there are: {', '.join(fields)}")
        if target in mapping:
            raise InputError(f"--map: {target} is given twice")
        mapping[target] = column
    missing = [f"{name}=COLUMN" for name in needed if mapping and name not in mapping]
    if missing:
        raise InputError(f"--map lacks {' and '.join(missing)}")
    return mapping


def read_mapped(row: Mapping[str, Any], mapping: Mapping[str, str]) -> Report:
    """A row as a report. Empty cells are left out. Raises ValueError when a coordinate is no number."""
    fields = {target: row.get(column) for target, column in mapping.items()}
    given = {target: value for target, value in fields.items() if value is not None and str(value).strip()}
    given |= {target: float(given[target]) for target in NUMBERS if target in given}
    report: Report = {"channel": "WEB", **{t: v for t, v in given.items() if t in TOP}}
    for part, names in (("location", IN_LOCATION), ("reporter", IN_REPORTER)):
        inner = {t: v for t, v in given.items() if t in names}
        if inner:
            report[part] = inner
    return report
