"""The rules about what belongs together and what goes another way, read from a pack's incidents.toml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ahocorasick_rs import AhoCorasick

from services.intake.core.tables import Table, TableReader
from shared.terms import NotAcceptedReason, Urgency

FARTHEST_M: Final = 110.0
"""Candidates are looked for in neighbouring cells of some 220 m: farther apart they would not be found."""

SUBJECT_LEVELS: Final = ("VILLAGE", "TOWNSHIP", "COUNTY")


@dataclass(frozen=True, slots=True)
class MassRule:
    """From so many reporters within a time on an incident is a mass matter 群体性诉求, and at least so urgent."""

    reporters_from: int
    within: timedelta
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class SuperviseRule:
    """From so many reporters within a time on an incident is supervised 督办 at `level`."""

    reporters_from: int
    within: timedelta
    level: int


@dataclass(frozen=True, slots=True)
class MergingRules:
    """When two tickets are about one incident. Distances in metres, similarity from 0 to 1."""

    automatic: bool
    suggest_within_m: float
    merge_within_m: float
    least_similarity: float
    component_needs_similarity: bool
    closed_within: timedelta
    mass: MassRule
    supervise: SuperviseRule


@dataclass(frozen=True, slots=True)
class RepeatRules:
    """What becomes of a matter that comes back; all in natural days."""

    reopen_days: int
    linked_until_days: int
    matter_window_days: int


@dataclass(frozen=True, slots=True)
class LeadRules:
    """How leads are kept; `subjects` are words by the level of whom they name, the lowest level first."""

    recorder_reads: timedelta
    least_published_count: int
    confirm_within: timedelta
    threat_taken_over_within: timedelta
    urgent_taken_over_within: timedelta
    taken_over_within_working_days: int
    subjects: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """A matter with one of `words` and one of `needs` is not for this hotline; `route` is told to the citizen."""

    id: str
    reason: NotAcceptedReason
    words: tuple[str, ...]
    needs: tuple[str, ...]
    basis: str
    route: str

    def fits(self, text: str) -> bool:
        """Whether the text, in lower case, speaks of such a matter."""
        return any(word in text for word in self.words) and any(word in text for word in self.needs)


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """Everything of incidents.toml. `replays` are the beginnings of sources behind which there is nobody."""

    version: str
    merging: MergingRules
    repeats: RepeatRules
    leads: LeadRules
    refusals: tuple[RefusalRule, ...]
    replays: tuple[str, ...]
    refusal_words: AhoCorasick
    """All words of all refusals, because every matter asks."""

    def may_refuse(self, text: str) -> bool:
        """Whether a refusal could fit a text, in lower case; false for nearly all."""
        return bool(self.refusal_words.find_matches_as_indexes(text))

    def is_replay(self, source: str) -> bool:
        """Whether a source plays old matters again."""
        return source.startswith(self.replays)


def read_incident_rules(parsed: Table) -> IncidentRules:
    """Build the rules from a parsed incidents.toml. Raises `InvalidRules` with every problem."""
    reader = TableReader()
    reader.check_keys("incidents", parsed, ("version", "merging", "repeats", "replays", "leads", "not_accepted"))
    refusals = tuple(_refusal(reader, where, table) for where, table in _tables(reader, parsed, "not_accepted"))
    rules = IncidentRules(
        version=reader.text("incidents", parsed, "version"),
        merging=_merging(reader, _table(reader, parsed, "merging")),
        repeats=_repeats(reader, _table(reader, parsed, "repeats")),
        leads=_leads(reader, _table(reader, parsed, "leads")),
        refusals=refusals,
        replays=reader.words("replays", _table(reader, parsed, "replays", ("sources",)), "sources"),
        refusal_words=AhoCorasick(sorted({word for rule in refusals for word in rule.words})),
    )
    ids = [rule.id for rule in rules.refusals]
    for twice in sorted({name for name in ids if ids.count(name) > 1}):
        reader.report("not_accepted", "duplicate_id", f"{twice} is the id of two rules")
    reader.finish()
    return rules


def _merging(reader: TableReader, table: Table) -> MergingRules:
    where = "merging"
    known = ("automatic", "suggest_within_m", "merge_within_m", "least_similarity", "component_needs_similarity")
    reader.check_keys(where, table, (*known, "closed_within_hours", "mass", "supervise"))
    suggest = _number(reader, where, table, "suggest_within_m", FARTHEST_M)
    merge = _number(reader, where, table, "merge_within_m", FARTHEST_M)
    if merge > suggest:
        reader.report(f"{where}.merge_within_m", "contradiction", "must not be above suggest_within_m")
    mass = _table(reader, table, "mass", ("reporters_from", "within_hours", "urgency"), where)
    supervise = _table(reader, table, "supervise", ("reporters_from", "within_hours", "level"), where)
    mass_from = _count(reader, f"{where}.mass", mass, "reporters_from", low=2)
    supervise_from = _count(reader, f"{where}.supervise", supervise, "reporters_from", low=2)
    if supervise_from < mass_from:
        reader.report(f"{where}.supervise.reporters_from", "contradiction", "must not be below that of mass")
    reader.text(f"{where}.mass", mass, "urgency")
    urgency = reader.choice(f"{where}.mass", mass, "urgency", tuple(Urgency)) or Urgency.U2
    return MergingRules(
        automatic=reader.flag(where, table, "automatic"),
        suggest_within_m=suggest,
        merge_within_m=merge,
        least_similarity=_number(reader, where, table, "least_similarity", 1.0),
        component_needs_similarity=reader.flag(where, table, "component_needs_similarity"),
        closed_within=timedelta(hours=_count(reader, where, table, "closed_within_hours", high=24 * 90)),
        mass=MassRule(mass_from, _hours(reader, f"{where}.mass", mass), Urgency(urgency)),
        supervise=SuperviseRule(
            supervise_from,
            _hours(reader, f"{where}.supervise", supervise),
            _count(reader, f"{where}.supervise", supervise, "level", high=3),
        ),
    )


def _repeats(reader: TableReader, table: Table) -> RepeatRules:
    known = ("reopen_days", "linked_until_days", "matter_window_days")
    reader.check_keys("repeats", table, known)
    days = [_count(reader, "repeats", table, key, high=3660) for key in known]
    for key, shorter, longer in zip(known[1:], days, days[1:], strict=False):
        if longer <= shorter:
            reader.report(f"repeats.{key}", "contradiction", f"must be above the window before it, {shorter}")
    return RepeatRules(*days)


_THREAT_MINUTES: Final = "threat_taken_over_within_minutes"
_URGENT_MINUTES: Final = "urgent_taken_over_within_minutes"
_TAKE_OVER_DAYS: Final = "taken_over_within_working_days"


def _leads(reader: TableReader, table: Table) -> LeadRules:
    known = (
        "recorder_reads_hours",
        "least_published_count",
        "confirm_within_minutes",
        "subject",
        _THREAT_MINUTES,
        _URGENT_MINUTES,
        _TAKE_OVER_DAYS,
    )
    reader.check_keys("leads", table, known)
    subjects: dict[str, tuple[str, ...]] = {}
    for place, subject in reader.tables("leads.", table, "subject"):
        reader.check_keys(place, subject, ("level", "words"))
        reader.text(place, subject, "level")
        level = reader.choice(place, subject, "level", SUBJECT_LEVELS)
        if level in subjects:
            reader.report(f"{place}.level", "repeated_level", f"{level} has its words already")
        subjects[level] = reader.words(place, subject, "words")
    return LeadRules(
        recorder_reads=timedelta(hours=_count(reader, "leads", table, "recorder_reads_hours", high=24 * 30)),
        least_published_count=_count(reader, "leads", table, "least_published_count", low=5),
        confirm_within=timedelta(minutes=_count(reader, "leads", table, "confirm_within_minutes", high=24 * 60)),
        threat_taken_over_within=timedelta(minutes=_count(reader, "leads", table, _THREAT_MINUTES, high=24 * 60)),
        urgent_taken_over_within=timedelta(minutes=_count(reader, "leads", table, _URGENT_MINUTES, high=24 * 60)),
        taken_over_within_working_days=_count(reader, "leads", table, _TAKE_OVER_DAYS, high=30),
        subjects={level: subjects[level] for level in SUBJECT_LEVELS if level in subjects},
    )


def _refusal(reader: TableReader, where: str, table: Table) -> RefusalRule:
    reader.check_keys(where, table, ("id", "reason", "words", "needs", "basis", "route", "examples"))
    reader.text(where, table, "reason")
    reason = reader.choice(where, table, "reason", tuple(NotAcceptedReason)) or NotAcceptedReason.NO_SUBSTANCE
    name, basis, route = (reader.text(where, table, key) for key in ("id", "basis", "route"))
    words, needs, examples = (reader.words(where, table, key) for key in ("words", "needs", "examples"))
    for key, given in (("words", words), ("needs", needs), ("examples", examples)):
        if not given:
            reader.report(f"{where}.{key}", "no_words", "must hold at least one")
    for word in (*words, *needs):
        if word != word.lower():
            reader.report(where, "upper_case", f"{word} must be written in lower case")
    rule = RefusalRule(name, NotAcceptedReason(reason), words, needs, basis, route)
    for example in examples:
        if not rule.fits(example.lower()):
            reader.report(where, "broken_example", f"{example}: the rule does not fit it")
    return rule


def _tables(reader: TableReader, parsed: Table, key: str) -> Sequence[tuple[str, Table]]:
    """The tables of a list that may be absent."""
    return list(reader.tables("", parsed, key)) if key in parsed else []


def _table(reader: TableReader, parsed: Table, key: str, known: Sequence[str] = (), where: str = "") -> Table:
    """A table that must be there, with only these keys if any are named."""
    table = parsed.get(key)
    place = f"{where}.{key}" if where else key
    if not isinstance(table, Mapping):
        reader.report(place, "not_a_table", "must be a table")
        return {}
    if known:
        reader.check_keys(place, table, known)
    return table


def _count(reader: TableReader, where: str, table: Table, key: str, *, low: int = 1, high: int = 100_000) -> int:
    """A whole number that must be there; `low` stands for a wrong one."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        reader.report(f"{where}.{key}", "not_a_count", f"must be a whole number from {low} to {high}")
        return low
    return value


def _number(reader: TableReader, where: str, table: Table, key: str, high: float) -> float:
    """A number above 0 that must be there; `high` stands for a wrong one."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
        reader.report(f"{where}.{key}", "not_a_number", f"must be above 0 and at most {high:g}")
        return high
    return float(value)


def _hours(reader: TableReader, where: str, table: Table) -> timedelta:
    return timedelta(hours=_count(reader, where, table, "within_hours", high=24 * 90))
