"""The least of a rule pack that an area can be held against: two roots of categories, and the shipped calendar."""

from pathlib import Path

from tests.builders import PACK

CATEGORIES = """version = "1"
[[root]]
code = "15"
key = "ROADS"
zh = "道路"
en = "Roads"
capability = "SERVICE"
group = [
  { code = "1501", zh = "道路", en = "Roads", leaves = [
    { code = "150101", zh = "路灯", en = "Lamps" }, { code = "150102", zh = "路面", en = "Surface" },
  ] },
  { code = "1502", zh = "排水", en = "Drains", leaves = [{ code = "150201", zh = "下水道", en = "Drain" }] },
]
[[root]]
code = "16"
key = "NOISE"
zh = "噪声"
en = "Noise"
capability = "SERVICE"
group = [{ code = "1601", zh = "噪声", en = "Noise", leaves = [
  { code = "160101", zh = "邻里", en = "Neighbours" }, { code = "160102", zh = "施工", en = "Building" },
] }]
"""


def write_pack(folder: Path) -> Path:
    """Make the pack; gives its folder."""
    folder.mkdir()
    (folder / "categories.toml").write_text(CATEGORIES, encoding="utf-8")
    (folder / "calendar.toml").write_bytes((PACK / "calendar.toml").read_bytes())
    return folder
