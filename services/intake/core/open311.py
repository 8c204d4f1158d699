"""The services of Open311 GeoReport v2: every leaf of the category tree, with its keywords, group and questions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite

from services.intake.core.categories import Category, CategoryTree
from services.intake.core.tables import Table, TableReader
from shared.errors import Problem

MAX_ATTRIBUTE = 200
"""Characters that the answer to one attribute may have, all its values together."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,29}")
_KEYWORD_WEIGHTS = ("strong", "words", "weak")
_MAX_KEYWORDS = 12


class DataType(StrEnum):
    """What kind of answer an attribute asks for, as GeoReport v2 names them."""

    STRING = "string"
    NUMBER = "number"
    DATETIME = "datetime"
    TEXT = "text"
    SINGLE = "singlevaluelist"
    MULTI = "multivaluelist"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A question that a service asks; `values` are the keys that may be chosen, with their names, for lists only."""

    code: str
    datatype: DataType
    required: bool
    order: int
    description: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that can be reported. A ticket has its number at once, so every service is `realtime`."""

    code: str
    name: str
    description: str
    group: str
    keywords: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @property
    def document(self) -> dict[str, object]:
        """The service as the service list shows it."""
        return {
            "service_code": self.code,
            "service_name": self.name,
            "description": self.description,
            "metadata": bool(self.attributes),
            "type": "realtime",
            "keywords": ", ".join(self.keywords),
            "group": self.group,
        }

    @property
    def definition(self) -> dict[str, object]:
        """The service with its attributes, in their order."""
        return {"service_code": self.code, "attributes": [_attribute_document(a) for a in self.attributes]}


Catalogue = Mapping[str, Service]
"""Services by code, in the order of their codes."""


def catalogue_of(tree: CategoryTree, triage: Table, asked: Table | None = None) -> Catalogue:
    """A service for each leaf of the tree.

    `triage` is the pack's parsed triage.toml, whose words become keywords; `asked` its parsed open311.toml, if it has
    one, with the attributes. Raises `InvalidRules` with every fault of `asked`.
    """
    keywords, attributes = _keywords(triage), _read_attributes(asked or {}, tree)
    return {
        code: _service(category, keywords.get(code, ()), attributes.get(code, ()))
        for code, category in sorted(tree.leaves.items())
    }


def check_answers(service: Service, answers: Mapping[str, Sequence[str]]) -> list[Problem]:
    """What is wrong with the answers to a service's attributes, by attribute code; so is what nobody asked for."""
    known = {attribute.code: attribute for attribute in service.attributes}
    problems = [
        Problem("attribute", "unknown", "names an attribute that the service does not have")
        for code in answers if code not in known
    ][:1]  # fmt: skip
    for code, attribute in known.items():
        problems += _check_answer(attribute, [value for value in answers.get(code, ()) if value.strip()])
    return problems


def _check_answer(attribute: Attribute, values: Sequence[str]) -> list[Problem]:
    name = f"attribute[{attribute.code}]"
    if not values:
        return [Problem(name, "missing", "is required")] if attribute.required else []
    if len(values) > 1 and attribute.datatype is not DataType.MULTI:
        return [Problem(name, "too_many", "takes one value")]
    if len(", ".join(values)) > MAX_ATTRIBUTE:
        return [Problem(name, "too_long", f"must have at most {MAX_ATTRIBUTE} characters")]
    if attribute.values and any(value not in attribute.values for value in values):
        return [Problem(name, "not_allowed", f"must be one of {', '.join(attribute.values)}")]
    if attribute.datatype is DataType.NUMBER and not _is_number(values[0]):
        return [Problem(name, "not_a_number", "must be a number")]
    return []


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _service(category: Category, keywords: tuple[str, ...], attributes: tuple[Attribute, ...]) -> Service:
    root = category.root
    return Service(
        code=category.code,
        name=f"{category.zh} / {category.en}",
        description=f"{root.zh}：{category.zh} / {root.en}: {category.en}",
        group=f"{root.zh} / {root.en}",
        keywords=keywords,
        attributes=attributes,
    )


def _keywords(triage: Table) -> dict[str, tuple[str, ...]]:
    """The words that speak for each category, the strongest first; a comma would tear one in two."""
    found: dict[str, tuple[str, ...]] = {}
    rules = triage.get("category", [])
    for rule in rules if isinstance(rules, list) else []:
        words = [word for weight in _KEYWORD_WEIGHTS for word in rule.get(weight, []) if "," not in word]
        found[rule["code"]] = tuple(dict.fromkeys((*found.get(rule["code"], ()), *words)))[:_MAX_KEYWORDS]
    return found


def _attribute_document(attribute: Attribute) -> dict[str, object]:
    return {
        "variable": True,
        "code": attribute.code,
        "datatype": attribute.datatype.value,
        "required": attribute.required,
        "datatype_description": None,
        "order": attribute.order,
        "description": attribute.description,
        "values": [{"key": key, "name": name} for key, name in attribute.values.items()],
    }


def _read_attributes(asked: Table, tree: CategoryTree) -> dict[str, tuple[Attribute, ...]]:
    reader = TableReader()
    reader.check_keys("open311", asked, ("version", "service"))
    found: dict[str, tuple[Attribute, ...]] = {}
    for where, table in reader.tables("", asked, "service") if asked else ():
        reader.check_keys(where, table, ("code", "attribute"))
        code = reader.text(where, table, "code")
        if code not in tree.leaves or code in found:
            reader.report(f"{where}.code", "bad_code", "must be the code of a leaf, and stand once")
        tables = reader.tables(f"{where}.", table, "attribute")
        found[code] = tuple(_attribute(reader, place, order, item) for order, (place, item) in enumerate(tables, 1))
        if len({attribute.code.lower() for attribute in found[code]}) < len(found[code]):
            reader.report(f"{where}.attribute", "duplicate_code", "has two attributes with one code, capitals aside")
    reader.finish()
    return found


def _attribute(reader: TableReader, where: str, order: int, table: Table) -> Attribute:
    reader.check_keys(where, table, ("code", "datatype", "required", "zh", "en", "values"))
    code = reader.text(where, table, "code")
    if not _CODE.fullmatch(code):
        reader.report(f"{where}.code", "bad_code", "must be 1 to 30 letters, digits, '_' or '-'")
    reader.text(where, table, "datatype")
    datatype = DataType(reader.choice(where, table, "datatype", tuple(DataType)) or DataType.STRING)
    description = f"{reader.text(where, table, 'zh')} / {reader.text(where, table, 'en')}"
    values = table.get("values", {})
    if not isinstance(values, Mapping) or not all(isinstance(name, str) and name for name in values.values()):
        reader.report(f"{where}.values", "not_a_table", "must be a table of keys and names")
        values = {}
    if bool(values) != (datatype in (DataType.SINGLE, DataType.MULTI)):
        reader.report(f"{where}.values", "contradiction", "must be given for lists, and for nothing else")
    return Attribute(code, datatype, reader.flag(where, table, "required"), order, description, dict(values))
