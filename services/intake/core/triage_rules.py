"""Reads the triage rules of a pack, refuses them with every fault at once, and runs their own examples."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, assert_never

from services.intake.core.categories import CategoryTree, read_categories
from services.intake.core.tables import InvalidRules, Table, TableReader
from services.intake.core.triage import (
    CategoryRule,
    Matter,
    Triage,
    TriageRules,
    TypeRule,
    UrgencyRule,
    WordTable,
    triage,
)
from shared.terms import LeadKind, TicketType, Urgency

_Rule: TypeAlias = UrgencyRule | TypeRule | CategoryRule

WEIGHTS = {"strong": 4, "words": 2, "weak": 1}


def read_rules(triage_table: Table, categories_table: Table) -> TriageRules:
    """Build the rules from the parsed triage.toml and categories.toml of one pack.

    Raises `InvalidRules` with every problem of both files, or, when they are sound, with every example that a rule
    promises and does not keep.
    """
    reader = TableReader()
    tree = _tree(reader, categories_table)
    reading = _Reading(reader, tree)
    reader.check_keys("triage", triage_table, ("version", "neutral", "urgency", "type", "category"))
    version = reader.text("triage", triage_table, "version")
    neutral = reading.neutral(triage_table)
    urgency = [reading.urgency(where, table) for where, table in reader.tables("", triage_table, "urgency")]
    types = [reading.type(where, table) for where, table in reader.tables("", triage_table, "type")]
    categories = [reading.category(where, table) for where, table in reader.tables("", triage_table, "category")]
    reader.finish()
    rules = TriageRules(
        version=version,
        tree=tree,
        urgency=tuple(rule for rule, _ in urgency),
        types=tuple(rule for rule, _ in types),
        categories=tuple(rule for rule, _ in categories if rule is not None),
        root_of=tuple(rule.category.root.code for rule, _ in categories if rule is not None),
        urgency_words=WordTable([words for _, words in urgency], neutral["urgency"]),
        type_words=WordTable([words for _, words in types], neutral["type"]),
        category_words=WordTable([words for _, words in categories], neutral["category"]),
    )
    reading.check_examples(rules)
    reader.finish()
    return rules


def _tree(reader: TableReader, table: Table) -> CategoryTree:
    try:
        return read_categories(table)
    except InvalidRules as error:
        reader.problems += error.problems
        return CategoryTree("", {}, {})


class _Reading:
    """One pass over a triage file: remembers rule ids and examples while the rules are read."""

    def __init__(self, reader: TableReader, tree: CategoryTree) -> None:
        self._reader = reader
        self._tree = tree
        self._examples: dict[str, tuple[str, ...]] = {}
        self._neutral: dict[str, tuple[str, ...]] = {}

    def neutral(self, parsed: Table) -> Mapping[str, Sequence[str]]:
        table = parsed.get("neutral", {})
        if not isinstance(table, Mapping):
            self._reader.report("neutral", "not_a_table", "must be a table")
            table = {}
        kinds = ("urgency", "type", "category")
        self._reader.check_keys("neutral", table, kinds)
        self._neutral = {kind: self._reader.words("neutral", table, kind) for kind in kinds}
        return self._neutral

    def urgency(self, where: str, table: Table) -> tuple[UrgencyRule, Mapping[str, int]]:
        self._reader.check_keys(where, table, ("id", "urgency", "words", "needs", "lead", "examples"))
        name = self._id(where, table)
        words = self._weighted(where, table, "urgency", {"words": 1})
        self._reader.text(where, table, "urgency")
        urgency = Urgency(self._reader.choice(where, table, "urgency", tuple(Urgency)) or Urgency.U3)
        lead = self._reader.choice(where, table, "lead", tuple(LeadKind))
        needs = self._reader.words(where, table, "needs")
        return UrgencyRule(name, urgency, needs, LeadKind(lead) if lead else None), words

    def type(self, where: str, table: Table) -> tuple[TypeRule, Mapping[str, int]]:
        self._reader.check_keys(where, table, ("id", "ticket_type", *WEIGHTS, "examples"))
        name = self._id(where, table)
        words = self._weighted(where, table, "type", WEIGHTS)
        self._reader.text(where, table, "ticket_type")
        ticket_type = self._reader.choice(where, table, "ticket_type", tuple(TicketType)) or TicketType.OTHER
        return TypeRule(name, TicketType(ticket_type)), words

    def category(self, where: str, table: Table) -> tuple[CategoryRule | None, Mapping[str, int]]:
        self._reader.check_keys(where, table, ("id", "code", *WEIGHTS, "examples"))
        name = self._id(where, table)
        words = self._weighted(where, table, "category", WEIGHTS)
        code = self._reader.text(where, table, "code")
        if (category := self._tree.leaves.get(code)) is None:
            # An unreadable tree has said so itself; without it every code would look unknown.
            if self._tree.leaves:
                self._reader.report(f"{where}.code", "unknown_category", f"{code} is not a leaf of the tree")
            return None, words
        return CategoryRule(name, category), words

    def _id(self, where: str, table: Table) -> str:
        name = self._reader.text(where, table, "id")
        if name in self._examples:
            self._reader.report(f"{where}.id", "duplicate_id", f"{name} is the id of two rules")
        self._examples[name] = self._reader.words(where, table, "examples")
        if not self._examples[name]:
            self._reader.report(f"{where}.examples", "no_examples", "must hold at least one matter it fires on")
        return name

    def _weighted(self, where: str, table: Table, kind: str, weights: Mapping[str, int]) -> Mapping[str, int]:
        weighted: dict[str, int] = {}
        for key, weight in weights.items():
            for word in self._reader.words(where, table, key):
                if word in weighted or word in self._neutral[kind]:
                    self._reader.report(f"{where}.{key}", "repeated_word", f"{word} has another weight already")
                if word != word.lower():
                    self._reader.report(f"{where}.{key}", "upper_case", f"{word} must be written in lower case")
                weighted[word] = weight
        if not weighted:
            self._reader.report(where, "no_words", "must hold at least one word")
        return weighted

    def check_examples(self, rules: TriageRules) -> None:
        """Report every example on which its rule stays silent or is overruled."""
        every: tuple[_Rule, ...] = (*rules.urgency, *rules.types, *rules.categories)
        for rule in every:
            for example in self._examples[rule.id]:
                verdict = triage(Matter(example), rules)
                if rule.id not in {fired.rule for fired in verdict.rules} or not _carries_the_day(rule, verdict):
                    self._reader.report(rule.id, "broken_example", f"{example}: {_summary(verdict)}")


def _carries_the_day(rule: _Rule, verdict: Triage) -> bool:
    match rule:
        case UrgencyRule():
            return verdict.urgency <= rule.urgency
        case TypeRule():
            return verdict.ticket_type is rule.ticket_type
        case CategoryRule():
            return verdict.category == rule.category.code
    assert_never(rule)


def _summary(verdict: Triage) -> str:
    fired = ", ".join(f"{fired.rule} {'/'.join(fired.words)}" for fired in verdict.rules)
    return f"became {verdict.ticket_type} {verdict.category} {verdict.urgency} by {fired}"
