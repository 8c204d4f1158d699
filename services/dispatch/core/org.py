"""Units and the dispatch catalogue: who leads which category where, and who stands above whom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COMMAND_CENTRE_KEY = "command_centre"


class OrgRefused(ValueError):
    """Organisation data that cannot be used; `problems` lists all that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Unit:
    """Anyone a ticket can be assigned to; names in Chinese and English."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True)
class Org:
    """The organisation of one county."""

    county: str
    command_centre: str
    units: Mapping[str, Unit]
    leads: Mapping[str, str]
    """Category code of 2, 4 or 6 digits -> unit."""

    def department_for(self, category: str) -> str | None:
        """The unit whose entry fits the category most closely, or None."""
        return next((self.leads[category[:n]] for n in (6, 4, 2) if category[:n] in self.leads), None)

    def place_unit(self, grid: str | None, village: str | None, township: str | None) -> str | None:
        """The unit of the closest known place, or None."""
        names = (("grid", grid), ("village", village), ("township", township))
        return next((f"{kind}:{code}" for kind, code in names if code and f"{kind}:{code}" in self.units), None)


def load_org(units: Mapping[str, Any], grids: Mapping[str, Any]) -> Org:
    """Read `units.toml` and the grid collection. Raises OrgRefused with every problem found."""
    problems: list[str] = []
    found: dict[str, Unit] = {}
    leads: dict[str, str] = {}
    for place, row in enumerate(units.get("unit", ())):
        unknown = set(row) - {"id", "zh", "en", "leads"}
        if unknown or not {"id", "zh", "en"} <= set(row):
            problems.append(f"unit[{place}]: needs id, zh, en and perhaps leads; found {sorted(row)}")
            continue
        if row["id"] in found:
            problems.append(f"unit[{place}]: {row['id']} stands twice")
        found[row["id"]] = Unit(row["id"], row["zh"], row["en"])
        for code in row.get("leads", ()):
            if len(code) not in (2, 4, 6) or not code.isdigit():
                problems.append(f"unit[{place}].leads: {code!r} is no category code")
            if code in leads:
                problems.append(f"unit[{place}].leads: {code} is led by {leads[code]} already")
            leads[code] = row["id"]
    centre = units.get(COMMAND_CENTRE_KEY)
    if centre not in found:
        problems.append(f"{COMMAND_CENTRE_KEY}: {centre!r} is not one of the units")
    places = dict(_places(grids))
    if not places:
        problems.append("grids: no grid in the collection")
    if problems:
        raise OrgRefused(problems)
    county = next(iter(places)).partition(":")[2][:6]
    return Org(county, str(centre), found | places, leads)


def _places(grids: Mapping[str, Any]) -> Iterator[tuple[str, Unit]]:
    for feature in grids.get("features", ()):
        p = feature["properties"]
        for kind, code, name in (
            ("grid", "grid_code", "name"), ("village", "village_code", "village_name"),
            ("township", "township_code", "township_name"),
        ):  # fmt: skip
            unit_id = f"{kind}:{p[code]}"
            yield unit_id, Unit(unit_id, p[f"{name}_zh"], p[f"{name}_en"])
