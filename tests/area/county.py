"""A county of three grids in two townships, small enough to be known by heart; each test changes what it is about."""

import json
from datetime import date
from typing import Any

EAST, WEST = "990101001", "990101100"
VILLAGE = f"{EAST}001"
GRID, OTHER_GRID, WEST_GRID = f"{VILLAGE}001", f"{VILLAGE}002", f"{WEST}201001"
SPRING, SUMMER = date(2026, 3, 14), date(2026, 7, 1)
CATEGORIES = frozenset(("150101", "150102", "150201", "160101", "160102", "999999"))

AREA = """code = "990101"
zh = "小县"
en = "Small county"
box = [119.0, 33.0, 119.8, 33.5]
"""

UNITS = """command_centre = "command-centre"

[[unit]]
id = "command-centre"
zh = "指挥中心"
en = "Command centre"
[[unit]]
id = "roads"
zh = "道路局"
en = "Roads"
leads = ["15"]
[[unit]]
id = "police"
zh = "公安局"
en = "Police"
enforcement = true
leads = ["16"]
[[unit]]
id = "water"
zh = "水务局"
en = "Water"
[[unit]]
id = "school"
zh = "教育局"
en = "Schools"
[[unit]]
id = "silent"
zh = "沉默局"
en = "Silent"
liaison = false
[[unit]]
id = "east-team"
zh = "东街执法队"
en = "East team"
kind = "ENFORCEMENT_TEAM"
parent = "township:990101001"
enforcement = true
[[unit]]
id = "estate"
zh = "物业公司"
en = "Estate company"
kind = "PROPERTY"
parent = "township:990101001"
valid_from = 2026-06-01
"""

SHEETS = {
    "places.csv": (
        "code,kind,parent,zh,en,liaison,valid_from,valid_to",
        "990101001,SUBDISTRICT,990101,东街道,East,yes,2026-01-01,",
        "990101001001,COMMUNITY,990101001,东一社区,East One,yes,2026-01-01,",
        "990101100,TOWNSHIP,990101,西镇,West,yes,2026-01-01,",
        "990101100201,VILLAGE,990101100,西一村,West One,yes,2026-01-01,",
    ),
    "workers.csv": (
        "worker,role,grid,valid_from,valid_to",
        f"W1-01,WORKER,{GRID},2026-01-01,",
        f"L1-01,LEADER,{GRID},2026-01-01,",
        f"C1-01,PAIRED_CADRE,{GRID},2026-01-01,",
        f"W2-01,WORKER,{OTHER_GRID},2026-01-01,2026-06-30",
        f"W2-02,WORKER,{OTHER_GRID},2026-07-01,",
        f"L1-01,LEADER,{OTHER_GRID},2026-01-01,",
        f"C1-01,PAIRED_CADRE,{OTHER_GRID},2026-01-01,",
        f"W3-01,WORKER,{WEST_GRID},2026-01-01,",
        f"L3-01,LEADER,{WEST_GRID},2026-01-01,",
        f"C3-01,PAIRED_CADRE,{WEST_GRID},2026-01-01,",
    ),
    "rosters.csv": (
        "unit,days,valid_from,valid_to",
        f"{EAST},REST_DAYS,2026-01-01,",
        "east-team,SAT,2026-01-01,",
        f"{WEST},2026-10-01..2026-10-02,2026-01-01,",
    ),
    "duty_lists.csv": (
        "township,category,kind,department,capability,enforcement,version,valid_from,valid_to",
        "*,15,COOPERATE,roads,yes,no,v1,2026-01-01,",
        "*,1501,TAKEN_BACK,roads,no,no,v1,2026-01-01,",
        "*,150101,BASIC,,yes,no,v1,2026-01-01,",
        "*,16,COOPERATE,police,yes,no,v1,2026-01-01,",
    ),
    "deployments.csv": (
        "id,issuing_body,document_no,categories,townships,valid_from,valid_to,funding_yuan,staff",
        f"D-1,COUNTY_COMMITTEE_AND_GOVERNMENT,2026-7,1501,{EAST},2026-06-01,2026-08-31,1000,0",
    ),
    "catalogue.csv": (
        "category,township,unit,basis,valid_from,valid_to",
        "150201,*,water,PRINCIPAL,2026-01-01,",
        "1601,*,police,STATUTORY,2026-01-01,",
        "1601,*,roads,PRINCIPAL,2026-01-01,",
    ),
    "pairings.csv": ("unit,place,valid_from,valid_to", f"school,{GRID},2026-01-01,"),
}


def square(code: str, column: int, names: tuple[str, str], english: tuple[str, str]) -> dict[str, Any]:
    """A base grid 0.01 degrees wide; the columns stand side by side."""
    west, south = 11920 + column, 3310
    ring = [
        [x / 100, y / 100]
        for x, y in ((west, south), (west + 1, south), (west + 1, south + 1), (west, south + 1), (west, south))
    ]
    properties = {
        "grid_code": code, "name_zh": f"网格{column}", "name_en": f"Grid {column}", "kind": "BASE",
        "village_code": code[:12], "village_name_zh": names[0], "village_name_en": english[0],
        "township_code": code[:9], "township_name_zh": names[1], "township_name_en": english[1],
    }  # fmt: skip
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def grids() -> str:
    """The grid collection: one feature a line, the first in line 2."""
    features = [
        square(GRID, 0, ("东一社区", "东街道"), ("East One", "East")),
        square(OTHER_GRID, 1, ("东一社区", "东街道"), ("East One", "East")),
        square(WEST_GRID, 2, ("西一村", "西镇"), ("West One", "West")),
    ]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def county() -> dict[str, bytes]:
    """All files of the area, by name; a fresh copy each time."""
    texts = {"area.toml": AREA, "units.toml": UNITS, "grids.geojson": grids()}
    texts |= {name: "\n".join(rows) + "\n" for name, rows in SHEETS.items()}
    return {name: text.encode() for name, text in texts.items()}


def with_rows(file: str, *rows: str) -> dict[str, bytes]:
    """The county with more rows at the end of one file."""
    files = county()
    files[file] += "".join(f"{row}\n" for row in rows).encode()
    return files


def changed(file: str, old: str, new: str) -> dict[str, bytes]:
    """The county with one thing in one file written otherwise; AssertionError when it is not there."""
    files = county()
    text = files[file].decode()
    assert old in text, f"{file} does not hold {old!r}"
    files[file] = text.replace(old, new, 1).encode()
    return files
