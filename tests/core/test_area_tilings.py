"""Tilings drawn at random are sound; take a cell out and there is one hole, move one corner and there is an overlap."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.core.area import InvalidArea, read_area

Point = tuple[float, float]
Tiling = list[tuple[str, list[Point]]]

ACROSS, UP = 4, 5
VILLAGES = ("990101001001", "990101001002", "990101100201")
few = settings(max_examples=25, deadline=None)


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    """A lattice of 4 x 5 cells whose corners have wandered, each cell given to one of three villages."""
    wander = st.floats(-0.3, 0.3)
    corners = {
        (x, y): (119.2 + (x + draw(wander)) / 100, 33.1 + (y + draw(wander)) / 100)
        for x in range(ACROSS + 1) for y in range(UP + 1)
    }  # fmt: skip
    cells = []
    for number, (x, y) in enumerate((x, y) for y in range(UP) for x in range(ACROSS)):
        village = draw(st.sampled_from(VILLAGES))
        ring = [corners[at] for at in ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y))]
        cells.append((f"{village}{number:03d}", ring))
    return cells


def collection(cells: Tiling) -> str:
    def feature(code: str, ring: list[Point]) -> dict[str, Any]:
        names = {"name": code, "village_name": code[:12], "township_name": code[:9]}
        properties = {"grid_code": code, "village_code": code[:12], "township_code": code[:9], "kind": "BASE"}
        properties |= {f"{key}_{language}": name for key, name in names.items() for language in ("zh", "en")}
        return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}

    return json.dumps({"type": "FeatureCollection", "features": [feature(*cell) for cell in cells]})


def problems(cells: Tiling) -> list[str]:
    with pytest.raises(InvalidArea) as refusal:
        read_area(collection(cells))
    return [problem.code for problem in refusal.value.problems]


inner_cells = st.builds(lambda x, y: y * ACROSS + x, st.integers(1, ACROSS - 2), st.integers(1, UP - 2))


@few
@given(tilings())
def test_a_tiling_has_neither_overlaps_nor_holes(cells: Tiling) -> None:
    assert len(read_area(collection(cells))) == ACROSS * UP


@few
@given(tilings(), inner_cells)
def test_taking_out_one_inner_cell_leaves_exactly_one_hole(cells: Tiling, taken: int) -> None:
    assert problems(cells[:taken] + cells[taken + 1 :]) == ["hole"]


@few
@given(tilings(), inner_cells, st.integers(0, 3), st.floats(0.1, 0.5))
def test_moving_one_corner_of_one_cell_outward_is_an_overlap(
    cells: Tiling, moved: int, corner: int, far: float
) -> None:
    code, ring = cells[moved]
    opposite = ring[(corner + 2) % 4]
    lon, lat = ring[corner]
    away = (lon + far * (lon - opposite[0]), lat + far * (lat - opposite[1]))
    bent = [away if point == ring[corner] else point for point in ring]
    found = problems([*cells[:moved], (code, bent), *cells[moved + 1 :]])
    assert set(found) & {"overlap", "invalid_ring"}
