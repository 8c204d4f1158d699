"""The category tree: roots, groups and leaves, read from the rule pack and checked as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.intake.core.tables import Table, TableReader
from shared.terms import Urgency

UNCLASSIFIED = "999999"
"""The category of a matter that no rule knows."""

_FOCUS = ("SUBDISTRICT", "TOWN")


class Capability(StrEnum):
    """The five capabilities (五种能力) of a township; each category asks for exactly one."""

    ADMINISTRATION = "ADMINISTRATION"
    SERVICE = "SERVICE"
    CONSULTATION = "CONSULTATION"
    EMERGENCY = "EMERGENCY"
    SAFETY = "SAFETY"


@dataclass(frozen=True, slots=True)
class Root:
    """A first-level category; `floor` is the urgency its leaves may not fall below."""

    code: str
    key: str
    zh: str
    en: str
    capability: Capability
    floor: Urgency


@dataclass(frozen=True, slots=True)
class Category:
    """A leaf, the finest category a ticket can have. `focus` says which kind of township it is typical of, if any."""

    code: str
    zh: str
    en: str
    root: Root
    capability: Capability
    floor: Urgency
    small_eligible: bool = False
    focus: str = ""


@dataclass(frozen=True, slots=True)
class CategoryTree:
    """All categories of a rule pack, by code."""

    version: str
    roots: Mapping[str, Root]
    leaves: Mapping[str, Category]


def read_categories(parsed: Table) -> CategoryTree:
    """Build the tree from a parsed categories.toml. Raises `InvalidRules` with every problem."""
    reader = TableReader()
    reader.check_keys("categories", parsed, ("version", "root"))
    version = reader.text("categories", parsed, "version")
    roots: dict[str, Root] = {}
    leaves: dict[str, Category] = {}
    for where, table in reader.tables("", parsed, "root"):
        root = _root(reader, where, table)
        if root.code in roots or root.key in {known.key for known in roots.values()}:
            reader.report(where, "duplicate_code", f"repeats the code or key of root {root.code} {root.key}")
        roots[root.code] = root
        _read_groups(reader, where, table, root, leaves)
        leaves[f"{root.code}9999"] = _rest(f"{root.code}9999", root)
    reader.finish()
    nowhere = Root("99", "UNCLASSIFIED", "未分类", "Unclassified", Capability.SERVICE, Urgency.U3)
    leaves[UNCLASSIFIED] = Category(UNCLASSIFIED, "未分类", "Unclassified", nowhere, nowhere.capability, nowhere.floor)
    return CategoryTree(version, {**roots, nowhere.code: nowhere}, leaves)


def _root(reader: TableReader, where: str, table: Table) -> Root:
    reader.check_keys(where, table, ("code", "key", "zh", "en", "capability", "floor", "group"))
    code = _code(reader, where, table, 2, "")
    if code == "99":
        reader.report(f"{where}.code", "reserved_code", "99 is kept for what is not classified")
    reader.text(where, table, "capability")
    capability = reader.choice(where, table, "capability", tuple(Capability)) or Capability.SERVICE
    floor = reader.choice(where, table, "floor", tuple(Urgency)) or Urgency.U3
    key, zh, en = (reader.text(where, table, name) for name in ("key", "zh", "en"))
    return Root(code, key, zh, en, Capability(capability), Urgency(floor))


def _read_groups(reader: TableReader, where: str, table: Table, root: Root, leaves: dict[str, Category]) -> None:
    seen = set()
    for place, group in reader.tables(f"{where}.", table, "group"):
        reader.check_keys(place, group, ("code", "zh", "en", "leaves"))
        code = _code(reader, place, group, 4, root.code)
        reader.text(place, group, "zh")
        reader.text(place, group, "en")
        if code in seen:
            reader.report(f"{place}.code", "duplicate_code", f"{code} is used twice")
        seen.add(code)
        for spot, leaf in reader.tables(f"{place}.", group, "leaves"):
            category = _leaf(reader, spot, leaf, code, root)
            if category.code in leaves:
                reader.report(f"{spot}.code", "duplicate_code", f"{category.code} is used twice")
            leaves[category.code] = category


def _leaf(reader: TableReader, where: str, table: Table, group: str, root: Root) -> Category:
    reader.check_keys(where, table, ("code", "zh", "en", "small", "capability", "floor", "focus"))
    code = _code(reader, where, table, 6, group)
    zh, en = reader.text(where, table, "zh"), reader.text(where, table, "en")
    capability = reader.choice(where, table, "capability", tuple(Capability)) or root.capability
    floor = Urgency(reader.choice(where, table, "floor", tuple(Urgency)) or root.floor)
    if floor > root.floor:
        reader.report(f"{where}.floor", "below_the_root", f"must not be laxer than {root.floor} of its root")
    small, focus = reader.flag(where, table, "small"), reader.choice(where, table, "focus", _FOCUS)
    return Category(code, zh, en, root, Capability(capability), floor, small, focus)


def _code(reader: TableReader, where: str, table: Table, digits: int, parent: str) -> str:
    code = reader.text(where, table, "code")
    if len(code) != digits or not (code.isascii() and code.isdigit()) or not code.startswith(parent):
        reader.report(f"{where}.code", "bad_code", f"must be {digits} digits beginning with the parent's code {parent}")
    return code


def _rest(code: str, root: Root) -> Category:
    return Category(code, f"其他{root.zh}", f"Other: {root.en}", root, root.capability, root.floor)
