"""Who may be given what: duty lists (履职事项清单), unified deployments that override them, and the dispatch catalogue.

All lookups take the day they are asked for, and answer with the entry that fits the category most closely.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from services.dispatch.core.sheets import ALWAYS, EVERYWHERE, Validity

K = TypeVar("K")
V = TypeVar("V")
LOOKUPS: Final = 65_536
"""How many answers are remembered: every category of a day in some hundred places."""


class DutyKind(StrEnum):
    """What a township has to do with a duty: 基本履职, 配合履职, 上级收回."""

    BASIC = "BASIC"
    COOPERATE = "COOPERATE"
    TAKEN_BACK = "TAKEN_BACK"


class LeadBasis(StrEnum):
    """Why a unit leads a category: by law 法定职责, or as its principal duty 主要职责."""

    STATUTORY = "STATUTORY"
    PRINCIPAL = "PRINCIPAL"


class IssuingBody(StrEnum):
    """Whose deployment counts: Party committee and government together; a department's own word never does."""

    COUNTY_COMMITTEE_AND_GOVERNMENT = "COUNTY_COMMITTEE_AND_GOVERNMENT"
    CITY_COMMITTEE_AND_GOVERNMENT = "CITY_COMMITTEE_AND_GOVERNMENT"
    PROVINCE_COMMITTEE_AND_GOVERNMENT = "PROVINCE_COMMITTEE_AND_GOVERNMENT"


class DutyEntry(NamedTuple):
    """One line of a duty list. `township` is a code of 9 digits or `*`; `department` leads what is not BASIC."""

    township: str
    category: str
    kind: DutyKind
    department: str | None
    is_capable: bool
    needs_enforcement: bool
    version: str
    validity: Validity = ALWAYS


class LeadEntry(NamedTuple):
    """One line of the dispatch catalogue (派单目录)."""

    township: str
    category: str
    unit: str
    basis: LeadBasis
    validity: Validity = ALWAYS


class Deployment(NamedTuple):
    """A unified deployment (统一部署) that lets work outside the list go to townships, with the support it brings."""

    id: str
    issuing_body: IssuingBody
    document_no: str
    categories: tuple[str, ...]
    townships: tuple[str, ...]
    funding_yuan: int
    staff: int
    validity: Validity


@dataclass(frozen=True)
class Duties:
    """Duty lists, catalogue and deployments as indexes; made by `of`, empty by default."""

    lists: Mapping[tuple[str, str], tuple[DutyEntry, ...]] = field(default_factory=dict)
    leads: Mapping[tuple[str, str], tuple[LeadEntry, ...]] = field(default_factory=dict)
    deployments: Mapping[str, tuple[Deployment, ...]] = field(default_factory=dict)
    """By category code."""
    _found: Callable[[str, str, date], DutyEntry | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__  # the one way to fill derived fields of a frozen class
        put(self, "_found", lru_cache(maxsize=LOOKUPS)(self._search))

    @classmethod
    def of(
        cls,
        entries: Iterable[DutyEntry] = (),
        leads: Iterable[LeadEntry] = (),
        deployments: Iterable[Deployment] = (),
    ) -> "Duties":
        """Build the indexes; entries are taken to be sound."""
        by_duty: defaultdict[tuple[str, str], list[DutyEntry]] = defaultdict(list)
        by_lead: defaultdict[tuple[str, str], list[LeadEntry]] = defaultdict(list)
        by_category: defaultdict[str, list[Deployment]] = defaultdict(list)
        for entry in entries:
            by_duty[entry.township, entry.category].append(entry)
        for lead in leads:
            by_lead[lead.township, lead.category].append(lead)
        for deployment in deployments:
            for category in deployment.categories:
                by_category[category].append(deployment)
        return cls(_frozen(by_duty), _frozen(by_lead), _frozen(by_category))

    def entry(self, category: str, place: str, on: date) -> DutyEntry | None:
        """The duty of a township, or of a village or grid in it, which inherits all but enforcement.

        The longest code wins; between equals the township's own line goes before the county's. None: not listed.
        """
        return self._found(category, place, on)

    def _search(self, category: str, place: str, on: date) -> DutyEntry | None:
        for key in _keys(category, place[:9]):
            for entry in self.lists.get(key, ()):
                if entry.validity.holds(on):
                    return None if len(place) > 9 and entry.needs_enforcement else entry
        return None

    def lead_entries(self, category: str, township: str, on: date) -> Iterator[LeadEntry]:
        """All who lead the category or something broader there, by the closest code.

        Between equals a statutory duty goes before a principal one, then the township's own line before the county's.
        """
        for code in _codes(category):
            lines = (*self.leads.get((township, code), ()), *self.leads.get((EVERYWHERE, code), ()))
            yield from (line for line in sorted(lines, key=_is_principal) if line.validity.holds(on))

    def deployment(self, category: str, place: str, on: date) -> Deployment | None:
        """The unified deployment that covers the category there on that day; the closest code wins, then the id."""
        township = place[:9]
        for code in _codes(category):
            for found in self.deployments.get(code, ()):
                if found.validity.holds(on) and (township in found.townships or EVERYWHERE in found.townships):
                    return found
        return None


def _is_principal(line: LeadEntry) -> bool:
    return line.basis is LeadBasis.PRINCIPAL


def _codes(category: str) -> tuple[str, ...]:
    return tuple(category[:digits] for digits in (6, 4, 2) if len(category) >= digits)


def _keys(category: str, township: str) -> Iterator[tuple[str, str]]:
    for code in _codes(category):
        yield township, code
        yield EVERYWHERE, code


def _frozen(index: Mapping[K, Sequence[V]]) -> dict[K, tuple[V, ...]]:
    return {key: tuple(values) for key, values in index.items()}
