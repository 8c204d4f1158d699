"""Makes the imaginary demonstration county: a jittered lattice of grids that share every vertex of their borders.

Usage: python deploy/areas/make_sample_area.py > deploy/areas/sample-county/grids.geojson
The same seed gives the same bytes; a test compares the committed file with a fresh run.
"""

import json
from dataclasses import dataclass
from random import Random

SEED = 990101
COUNTY = "990101"
WEST, SOUTH, EAST, NORTH = 119.2, 33.1, 119.6, 33.4
COLUMNS, ROWS = 8, 7
JITTER = 0.22
"""How far a vertex may wander, in cells: less than half, so that cells never cross."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Village:
    """A village: its part of the code, its names, and how many grids it has."""

    code: str
    zh: str
    en: str
    grids: int


@dataclass(frozen=True)
class Township:
    """A township: its part of the code, its names, its lattice columns and rows, and its villages in order."""

    code: str
    zh: str
    en: str
    columns: range
    rows: range
    villages: tuple[Village, ...]


TOWNSHIPS = (
    Township("001", "东风街道", "Dongfeng Subdistrict", range(4), range(4), (
        Village("001", "东风社区", "Dongfeng Community", 5),
        Village("002", "文苑社区", "Wenyuan Community", 4),
        Village("003", "新桥社区", "Xinqiao Community", 4),
        Village("004", "府前社区", "Fuqian Community", 3),
    )),
    Township("100", "清溪镇", "Qingxi Town", range(4, 8), range(4), (
        Village("001", "清溪社区", "Qingxi Community", 4),
        Village("201", "桃园村", "Taoyuan Village", 5),
        Village("202", "石桥村", "Shiqiao Village", 4),
        Village("203", "双塘村", "Shuangtang Village", 3),
    )),
    Township("101", "稻香镇", "Daoxiang Town", range(4), range(4, 7), (
        Village("001", "稻香社区", "Daoxiang Community", 4),
        Village("201", "荷塘村", "Hetang Village", 5),
        Village("202", "北圩村", "Beiwei Village", 3),
    )),
    Township("102", "柳湾镇", "Liuwan Town", range(4, 8), range(4, 7), (
        Village("001", "柳湾社区", "Liuwan Community", 3),
        Village("201", "渔港村", "Yugang Village", 3),
        Village("202", "万安村", "Wan'an Village", 3),
        Village("203", "小河村", "Xiaohe Village", 3),
    )),
)  # fmt: skip

NUMERALS = "一二三四五"


def lattice_points() -> dict[tuple[int, int], Point]:
    """Every vertex, on a lattice of half cells: corners at even places, mid-edges where one coordinate is odd."""
    random = Random(SEED)
    points = {}
    for row in range(2 * ROWS + 1):
        for column in range(2 * COLUMNS + 1):
            x = (column + random.uniform(-JITTER, JITTER)) / (2 * COLUMNS)
            y = (row + random.uniform(-JITTER, JITTER)) / (2 * ROWS)
            points[column, row] = (round(WEST + x * (EAST - WEST), 6), round(NORTH - y * (NORTH - SOUTH), 6))
    return points


def ring_of(cell: tuple[int, int], points: dict[tuple[int, int], Point]) -> list[Point]:
    """The border of one cell, counter-clockwise as GeoJSON wants it, closed."""
    left, top = 2 * cell[0], 2 * cell[1]
    around = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0)]
    return [points[left + dx, top + dy] for dx, dy in around]


def winding_cells(township: Township) -> list[tuple[int, int]]:
    """A township's cells row by row, turning at each end, so that a village's cells touch one another."""
    cells = []
    for turn, row in enumerate(township.rows):
        columns = township.columns if turn % 2 == 0 else reversed(township.columns)
        cells += [(column, row) for column in columns]
    return cells


def feature(township: Township, village: Village, number: int, names: tuple[str, str], ring: list[Point],
            kind: str) -> dict[str, object]:  # fmt: skip
    """One grid as a GeoJSON feature."""
    township_code = COUNTY + township.code
    village_code = township_code + village.code
    return {
        "type": "Feature",
        "properties": {
            "grid_code": f"{village_code}{number:03d}", "name_zh": names[0], "name_en": names[1],
            "village_code": village_code, "village_name_zh": village.zh, "village_name_en": village.en,
            "township_code": township_code, "township_name_zh": township.zh, "township_name_en": township.en,
            "kind": kind,
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip


def base_features(points: dict[tuple[int, int], Point]) -> list[dict[str, object]]:
    """The grids that tile the county; inside a village they are numbered from west to east, north to south."""
    features = []
    for township in TOWNSHIPS:
        cells = iter(winding_cells(township))
        for village in township.villages:
            mine = sorted((next(cells) for _ in range(village.grids)), key=lambda cell: (cell[1], cell[0]))
            for number, cell in enumerate(mine, start=1):
                names = (f"{village.zh}第{NUMERALS[number - 1]}网格", f"{village.en} Grid {number}")
                features.append(feature(township, village, number, names, ring_of(cell, points), "BASE"))
    return features


def box(west: float, south: float, east: float, north: float) -> list[Point]:
    """A closed rectangle."""
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def specialised_features() -> list[dict[str, object]]:
    """A market across two base grids and a school campus inside one; sequence numbers from 901."""
    subdistrict, town = TOWNSHIPS[0], TOWNSHIPS[1]
    market = box(119.245, 33.376, 119.256, 33.383)
    campus = box(119.468, 33.371, 119.477, 33.378)
    return [
        feature(subdistrict, subdistrict.villages[0], 901, ("东风集贸市场网格", "Dongfeng Market Grid"), market,
                "SPECIALISED"),
        feature(town, town.villages[0], 901, ("清溪中学网格", "Qingxi School Campus Grid"), campus, "SPECIALISED"),
    ]  # fmt: skip


def sample_area() -> str:
    """The whole county as GeoJSON, one feature a line."""
    features = [*base_features(lattice_points()), *specialised_features()]
    lines = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in features)
    return f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'


if __name__ == "__main__":
    print(sample_area(), end="")
