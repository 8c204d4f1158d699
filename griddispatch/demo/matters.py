"""Matters for the feed: our own sample, NDJSON in the format of reports, or tables of rows."""

import csv
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from griddispatch.demo.county import County, Point, frame_of
from griddispatch.demo.layouts import InputError, Report, layout_for, read_mapped
from griddispatch.text_lines import open_text, whole_lines

SOURCE = "demo"
"""Every matter of the demo comes from a hotline whose name begins so: what else arrives is somebody else's."""
STRAYS = 0.01
"""Share of points at each end that may not stretch the frame: exports hold points at 0,0 and the like."""


@dataclass(frozen=True)
class Matters:
    """Reports as they will be sent, less their source and external id; notes say what was changed in them."""

    reports: tuple[Report, ...]
    notes: tuple[str, ...] = ()

    def lines(self, run: str, tickets: int) -> Iterator[tuple[str, bytes]]:
        """So many (external id, JSON) pairs; from the beginning again when the reports are used up."""
        for n, report in enumerate(islice(cycle(self.reports), tickets), 1):
            name = f"{SOURCE}.{report['source']}" if report.get("source") else SOURCE
            external_id = f"demo-{run}-{n}"
            yield external_id, orjson.dumps(report | {"source": name[:64], "external_id": external_id})


def read_matters(path: Path, mapping: Mapping[str, str], limit: int | None) -> Matters:
    """Read at most `limit` matters of a file.

    `.csv` and `.ndjson`/`.jsonl`, each also with `.gz`. Raises InputError that names the line.
    """
    kind = [suffix for suffix in path.suffixes if suffix != ".gz"][-1:]
    try:
        with open_text(path) as file:
            if kind == [".csv"]:
                reports = list(islice(_from_table(whole_lines(file), mapping), limit))
            elif kind in ([".ndjson"], [".jsonl"]):
                reports = list(islice(_from_ndjson(whole_lines(file), mapping), limit))
            else:
                raise InputError("wants a name that ends in .csv or .ndjson, with or without .gz")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if not reports:
        raise InputError(f"{path}: no matters in it")
    return Matters(tuple(reports))


def _from_table(file: Iterator[str], mapping: Mapping[str, str]) -> Iterator[Report]:
    rows = csv.DictReader(file, strict=True)
    try:
        layout = layout_for(rows.fieldnames or (), mapping)
        for row in rows:
            if None in row or None in row.values():
                raise InputError(f"line {rows.line_num}: not as many cells as the header has columns")
            try:
                yield layout.read(row)
            except ValueError as error:
                raise InputError(f"line {rows.line_num}: {error}") from error
    except csv.Error as error:
        raise InputError(f"line {rows.line_num}: {error}") from error


def _from_ndjson(file: Iterator[str], mapping: Mapping[str, str]) -> Iterator[Report]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
            if not isinstance(found, dict):
                raise InputError(f"line {number}: wants an object")
            yield read_mapped(found, mapping) if mapping else found
        except ValueError as error:
            raise InputError(f"line {number}: {error}") from error


def moved_in(matters: Matters, county: County) -> Matters:
    """The matters with every point that lies outside the county's frame brought into it; notes say how many."""
    points = {n: point for n, report in enumerate(matters.reports) if (point := _point(report)) is not None}
    outside = {n: point for n, point in points.items() if not county.frame.holds(point)}
    if not outside:
        return matters
    origin = frame_of(outside.values(), STRAYS)
    reports = list(matters.reports)
    for n, point in outside.items():
        lon, lat = county.fit(point, origin)
        reports[n] = reports[n] | {"location": reports[n]["location"] | {"lon": lon, "lat": lat}}
    note = f"{len(outside)} of {len(reports)} matters lie outside the sample county and were moved and scaled into it"
    return Matters(tuple(reports), (*matters.notes, note))


def _point(report: Mapping[str, Any]) -> Point | None:
    """The point of a report, if it has a whole one in WGS 84; anything odd is left for intake to judge."""
    place = report.get("location")
    if not isinstance(place, dict) or place.get("crs", "WGS84") != "WGS84":
        return None
    lon, lat = place.get("lon"), place.get("lat")
    return (float(lon), float(lat)) if isinstance(lon, int | float) and isinstance(lat, int | float) else None
