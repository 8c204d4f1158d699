"""Makes the imaginary demonstration county: its grids, people, duties and rosters. Nobody in it exists.

The grids are a jittered lattice whose cells share every vertex of their borders. Usage, from anywhere:

    python deploy/areas/make_sample_area.py

It writes grids.geojson and the sheets into sample-county beside this file. The same seed gives the same bytes; a test
compares the committed files with a fresh run. `units.toml`, `area.toml` and `contacts.toml` are written by hand.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
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


SINCE = "2026-01-01"
OPEN = (SINCE, "")
"""From the first day of the list on, until further notice."""

BASIC = (
    "050105",
    "060104",
    "100103",
    "140101",
    "140102",
    "140103",
    "140105",
    "150101",
    "150102",
    "150103",
    "150201",
    "160101",
    "160103",
    "170103",
    "220106",
    "230203",
    "250104",
    "280101",
    "280102",
)
"""What every township does itself: small everyday matters."""

DEPARTMENTS = {
    "01": "human-resources", "02": "human-resources", "03": "health", "04": "education", "05": "water", "06": "power",
    "07": "gas", "08": "telecom", "09": "housing", "10": "civil-affairs", "11": "emergency", "12": "health",
    "13": "emergency", "14": "city-management", "15": "city-management", "16": "city-management", "17": "housing",
    "18": "natural-resources", "19": "transport", "20": "market", "21": "human-resources", "22": "environment",
    "23": "agriculture", "24": "civil-affairs", "25": "police", "26": "government-services", "27": "culture",
    "28": "justice",
}  # fmt: skip
"""Who leads each root; the township cooperates in what is not its own."""

TAKEN_BACK = {
    "030103": "health", "070104": "gas", "130103": "emergency", "130105": "emergency", "180201": "natural-resources",
    "200102": "market", "200105": "market", "220107": "environment",
}  # fmt: skip
"""What departments once handed down and have taken back: inspections and licences that need their own power."""

ENFORCED = ("140104", "180101", "180102", "190201", "200107", "220104")
"""What needs enforcement power: a township may help with it, a village or a grid never."""

Row = tuple[str, ...]


def staff() -> list[Row]:
    """One worker for each grid, one leader for each village, one paired cadre for two villages."""
    rows: list[Row] = []
    for township in TOWNSHIPS:
        for place, village in enumerate(township.villages):
            short = f"{township.code}{village.code}"
            leader, cadre = f"L{short}-01", f"C{township.code}-{place // 2 + 1:02d}"
            special = {("001", "001"): 1, ("100", "001"): 1}.get((township.code, village.code), 0)
            numbers = [*range(1, village.grids + 1), *range(901, 901 + special)]
            for turn, number in enumerate(numbers, start=1):
                grid = f"{COUNTY}{township.code}{village.code}{number:03d}"
                rows.append((f"W{short}-{turn:02d}", "WORKER", grid, *OPEN))
                rows.append((leader, "LEADER", grid, *OPEN))
                rows.append((cadre, "PAIRED_CADRE", grid, *OPEN))
    return rows


def places() -> list[Row]:
    """Townships and villages with their kinds."""
    rows: list[Row] = []
    for township in TOWNSHIPS:
        code = COUNTY + township.code
        kind = "SUBDISTRICT" if township.code < "100" else "TOWNSHIP"
        rows.append((code, kind, COUNTY, township.zh, township.en, "yes", *OPEN))
        for village in township.villages:
            kind = "COMMUNITY" if village.code < "200" else "VILLAGE"
            rows.append((code + village.code, kind, code, village.zh, village.en, "yes", *OPEN))
    return rows


def duty_lists() -> list[Row]:
    """One list for all townships, and one line in which a subdistrict differs."""
    version = "2026.1"
    rows: list[Row] = [
        ("*", root, "COOPERATE", unit, "yes", "no", version, *OPEN) for root, unit in DEPARTMENTS.items()
    ]
    rows += [("*", code, "BASIC", "", "yes", "no", version, *OPEN) for code in BASIC]
    rows += [("*", code, "TAKEN_BACK", unit, "no", "yes", version, *OPEN) for code, unit in TAKEN_BACK.items()]
    rows += [("*", code, "COOPERATE", DEPARTMENTS[code[:2]], "yes", "yes", version, *OPEN) for code in ENFORCED]
    rows.append((f"{COUNTY}001", "200107", "BASIC", "", "yes", "yes", "2026.1-001", *OPEN))
    return sorted(rows)


def sheets() -> dict[str, tuple[str, list[Row]]]:
    """Every sheet: its header and its rows."""
    first, second = f"{COUNTY}001", f"{COUNTY}100"
    catalogue = [
        ("070101", "*", "gas", "PRINCIPAL"), ("110101", "*", "water-affairs", "STATUTORY"),
        ("130104", "*", "emergency", "STATUTORY"), ("150201", "*", "city-management", "STATUTORY"),
        ("170102", "*", "market", "STATUTORY"), ("170103", "*", "emergency", "STATUTORY"),
        ("170103", "*", "housing", "PRINCIPAL"), ("190201", "*", "police", "STATUTORY"),
        ("190202", "*", "police", "STATUTORY"), ("190204", "*", "police", "STATUTORY"),
        ("200107", "*", "city-management", "STATUTORY"), ("200107", first, "dongfeng-enforcement", "STATUTORY"),
        ("220104", "*", "housing", "PRINCIPAL"), ("230103", "*", "water-affairs", "STATUTORY"),
    ]  # fmt: skip
    deployments = [
        ("D-2026-01", "COUNTY_COMMITTEE_AND_GOVERNMENT", "2026-012", "130105;200102", "*", "2026-06-01", "2026-08-31",
         "300000", "8"),
        ("D-2026-02", "COUNTY_COMMITTEE_AND_GOVERNMENT", "2026-020", "030103;200105", f"{first};{second}", "2026-03-01",
         "2026-12-31", "0", "6"),
    ]  # fmt: skip
    rosters = [(COUNTY + township.code, "REST_DAYS", *OPEN) for township in TOWNSHIPS]
    rosters += [(unit, "REST_DAYS", *OPEN) for unit in ("command-centre", "water", "power", "gas", "emergency")]
    rosters += [("market", "SAT", *OPEN), ("culture", "2026-10-01..2026-10-07", *OPEN)]
    pairings = [("education", f"{second}001901"), ("market", f"{first}001901"), ("agriculture", f"{second}201")]
    return {
        "places.csv": ("code,kind,parent,zh,en,liaison,valid_from,valid_to", places()),
        "workers.csv": ("worker,role,grid,valid_from,valid_to", staff()),
        "duty_lists.csv": ("township,category,kind,department,capability,enforcement,version,valid_from,valid_to",
                           duty_lists()),
        "deployments.csv": ("id,issuing_body,document_no,categories,townships,valid_from,valid_to,funding_yuan,staff",
                            deployments),
        "rosters.csv": ("unit,days,valid_from,valid_to", rosters),
        "catalogue.csv": ("category,township,unit,basis,valid_from,valid_to", [(*row, *OPEN) for row in catalogue]),
        "pairings.csv": ("unit,place,valid_from,valid_to", [(*row, *OPEN) for row in pairings]),
    }  # fmt: skip


def sheet(header: str, rows: Iterable[Row]) -> str:
    """CSV text; no value here needs quotes."""
    return "\n".join((header, *(",".join(row) for row in rows))) + "\n"


def sample_files() -> dict[str, str]:
    """Everything that is made, by file name."""
    return {"grids.geojson": sample_area()} | {name: sheet(header, rows) for name, (header, rows) in sheets().items()}


if __name__ == "__main__":
    for name, text in sample_files().items():
        (Path(__file__).parent / "sample-county" / name).write_text(text, encoding="utf-8", newline="")
        print(f"{name}: {len(text.encode()):,} bytes")
