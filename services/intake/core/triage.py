"""Says what a matter is: type, category, urgency, and which words made it so.

Words decide, by weighted sums that a person can redo on paper; where they leave doubt, a trained model may have its
say. Nothing here looks at a clock or outside its arguments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from services.intake.core.categories import UNCLASSIFIED, Category, CategoryTree
from services.intake.core.classifier import Choice, Classifier
from services.intake.core.location import Location
from services.intake.core.report import NewTicket
from shared.errors import Problem, Rejected
from shared.terms import LeadKind, TicketType, Urgency

HALF_EVIDENCE = 2.0
"""The sum of weights at which evidence alone gives confidence one half: a single plain word."""

TITLE_FACTOR = 2
"""A word in the title counts double: titles are short and to the point."""

WORDS_SURE = 0.6
"""From this confidence on the words alone decide the category, and no model is asked."""

WORDS_HEARD = 2
"""From this sum of weights on, one plain word, the words alone decide the ticket type."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What triage reads of a ticket; `ticket_type` and `category` are the hotline's own, when it gave any."""

    text: str
    title: str = ""
    ticket_type: TicketType | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that had a say, and the words or values it saw."""

    rule: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Triage:
    """The verdict. `confidence` in [0, 1] is about the category; `rules` are in the order they had their say."""

    ticket_type: TicketType
    category: str
    urgency: Urgency
    confidence: float
    rules: tuple[Fired, ...]
    lead: LeadKind | None = None


@dataclass(frozen=True, slots=True)
class UrgencyRule:
    """Words that raise the urgency; with `needs`, only beside one of those."""

    id: str
    urgency: Urgency
    needs: tuple[str, ...]
    lead: LeadKind | None


@dataclass(frozen=True, slots=True)
class TypeRule:
    """Words that speak for one ticket type."""

    id: str
    ticket_type: TicketType


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """Words that speak for one category."""

    id: str
    category: Category


class Reading(NamedTuple):
    """What one table saw in a matter: the sum of weights of each rule by its index, and the words in order."""

    scores: dict[int, int]
    seen: list[int]


class WordTable:
    """The words of one table of rules, compiled: of overlapping words the longest counts, each once per matter."""

    def __init__(self, weighted: Sequence[Mapping[str, int]], neutral: Sequence[str]) -> None:
        """Take for each rule its words with their weights, and the phrases that hide words without counting."""
        says: dict[str, list[tuple[int, int]]] = {phrase: [] for phrase in neutral}
        for index, words in enumerate(weighted):
            for word, weight in words.items():
                says.setdefault(word, []).append((index, weight))
        self._words = tuple(says)
        self._says = tuple(tuple(effects) for effects in says.values())
        numbers = {word: number for number, word in enumerate(says)}
        self._patterns_of = tuple(frozenset(numbers[word] for word in words) for words in weighted)
        self._is_latin = tuple(_is_latin(word[0]) for word in says)
        self._finder = AhoCorasick(
            self._words, matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA
        )

    def read(self, text: str, title_end: int) -> Reading:
        """Weigh the words of `text` (lower case); those that begin before `title_end` count double."""
        scores: dict[int, int] = {}
        seen: list[int] = []
        says, is_latin = self._says, self._is_latin
        for pattern, start, _ in self._finder.find_matches_as_indexes(text):
            # A word in Latin letters must not begin inside another one: `dust` in `industry`.
            if pattern in seen or (is_latin[pattern] and start and _is_latin(text[start - 1])):
                continue
            seen.append(pattern)
            factor = TITLE_FACTOR if start < title_end else 1
            for index, weight in says[pattern]:
                scores[index] = scores.get(index, 0) + weight * factor
        return Reading(scores, seen)

    def words_for(self, index: int, reading: Reading) -> tuple[str, ...]:
        """The words of a reading that spoke for the rule at `index`."""
        own = self._patterns_of[index]
        return tuple([self._words[pattern] for pattern in reading.seen if pattern in own])


@dataclass(frozen=True, slots=True)
class TriageRules:
    """Everything triage knows, read from the rule pack by `read_rules`."""

    version: str
    tree: CategoryTree
    urgency: tuple[UrgencyRule, ...]
    types: tuple[TypeRule, ...]
    categories: tuple[CategoryRule, ...]
    root_of: tuple[str, ...]
    """The root's code of each category rule, beside it because every matter asks."""
    urgency_words: WordTable
    type_words: WordTable
    category_words: WordTable


class Models(NamedTuple):
    """The trained models of a pack; triage does without those it lacks."""

    category: Classifier | None = None
    ticket_type: Classifier | None = None


NO_MODELS = Models()


def check_models(models: Models, tree: CategoryTree) -> None:
    """Raise Rejected when a model could choose a label that nobody knows."""
    known: dict[str, set[str]] = {"category": set(tree.leaves), "ticket_type": set(TicketType)}
    problems = []
    for target, model in zip(Models._fields, models, strict=True):
        if model is not None and model.target != target:
            problems.append(Problem(target, "other_target", f"is a model of {model.target}"))
        elif model is not None and (strange := sorted(set(model.labels) - known[target])):
            problems.append(Problem(target, "unknown_labels", f"speaks of {', '.join(strange)}: nobody knows these"))
    if problems:
        raise Rejected(*problems)


def matter_of(ticket: NewTicket) -> Matter:
    """What triage reads of a report."""
    return Matter(ticket.text, ticket.title or "", ticket.ticket_type, ticket.category)


def triage(matter: Matter, rules: TriageRules, location: Location | None = None, models: Models = NO_MODELS) -> Triage:
    """Judge one matter. The hotline's own type and category stand; words and floors still raise the urgency.

    Words come first; a model is asked only where they are unsure. Then the explanation holds the choice of both.
    """
    text = f"{matter.title}\n{matter.text}".lower()
    title_end = len(matter.title)
    fired: list[Fired] = []
    ticket_type = _type(matter, rules, text, title_end, fired, models.ticket_type)
    by_words, confidence = _category(matter, rules, text, title_end, location, fired)
    category = by_words
    if models.category is not None and confidence < WORDS_SURE:
        category, confidence = _second_look(matter, rules.tree, models.category, by_words, confidence, fired)
    urgency, lead = _urgency(rules, text, fired)
    # A model may raise a matter above what the words say of its danger, and never bring it below.
    for floored in (category, by_words):
        if floored.floor < urgency:
            urgency = floored.floor
            fired.append(Fired("floor.category", (floored.code, urgency)))
    return Triage(ticket_type, category.code, urgency, confidence, tuple(fired), lead)


def confidence_of(best: int, second: int) -> float:
    """How sure a category is: evidence × margin = best/(best + 2) × best/(best + second).

    `best` and `second` are the sums of weights of the two strongest roots. One strong word alone: 4/6 = 0.667;
    the same against a plain word of another root: 4/6 × 4/6 = 0.444; three strong words alone: 12/14 = 0.857.
    """
    return round(best / (best + HALF_EVIDENCE) * best / (best + second), 3) if best else 0.0


def _type(
    matter: Matter, rules: TriageRules, text: str, title_end: int, fired: list[Fired], model: Classifier | None
) -> TicketType:
    if matter.ticket_type is not None:
        fired.append(Fired("given.ticket_type", (matter.ticket_type,)))
        return matter.ticket_type
    reading = rules.type_words.read(text, title_end)
    best = max(reading.scores, key=lambda index: (reading.scores[index], -index), default=None)
    if model is not None and (best is None or reading.scores[best] < WORDS_HEARD):
        choice = model.choose(matter.text, matter.title)
        fired.append(Fired("model.ticket_type", _shown(choice)))
        if choice.confidence >= model.threshold:
            return TicketType(choice.label)
    if best is None:
        fired.append(Fired("default.ticket_type", ()))
        return TicketType.HELP
    fired.append(Fired(rules.types[best].id, rules.type_words.words_for(best, reading)))
    return rules.types[best].ticket_type


def _second_look(
    matter: Matter, tree: CategoryTree, model: Classifier, by_words: Category, confidence: float, fired: list[Fired]
) -> tuple[Category, float]:
    """The model's category where it agrees with the words or is sure enough and surer; else that of the words."""
    choice = model.choose(matter.text, matter.title)
    fired.append(Fired("words.category", _shown(Choice(by_words.code, confidence))))
    fired.append(Fired("model.category", _shown(choice)))
    if choice.label == by_words.code:
        return by_words, max(confidence, choice.confidence)
    if choice.confidence >= max(model.threshold, confidence):
        return tree.leaves[choice.label], choice.confidence
    return by_words, confidence


def _shown(choice: Choice) -> tuple[str, str]:
    """A choice as an explanation shows it: the label and how sure it is."""
    return choice.label, f"{choice.confidence:.3f}"


def _category(
    matter: Matter, rules: TriageRules, text: str, title_end: int, location: Location | None, fired: list[Fired]
) -> tuple[Category, float]:
    if matter.category is not None:
        if (given := rules.tree.leaves.get(matter.category)) is not None:
            fired.append(Fired("given.category", (given.code,)))
            return given, 1.0
        fired.append(Fired("given.category_unknown", (matter.category,)))
    reading = rules.category_words.read(text, title_end)
    if not reading.scores:
        fired.append(Fired("default.category", ()))
        return rules.tree.leaves[UNCLASSIFIED], 0.0
    scores = reading.scores
    roots: dict[str, int] = {}
    for index, score in scores.items():
        code = rules.root_of[index]
        roots[code] = roots.get(code, 0) + score
    first, second = sorted([*roots.values(), 0], reverse=True)[:2]
    contenders = [index for index in scores if roots[rules.root_of[index]] == first]
    if len(contenders) > 1:
        focus = _focus_of(location)

        def rank(index: int) -> tuple[str, int, bool, int]:
            """Of roots with equal evidence the more dangerous; in it the strongest leaf; then what fits the place."""
            category = rules.categories[index].category
            return category.root.floor, -scores[index], category.focus != focus, index

        contenders.sort(key=rank)
    winner = rules.categories[contenders[0]].category
    for index in contenders:
        if rules.root_of[index] == winner.root.code:
            fired.append(Fired(rules.categories[index].id, rules.category_words.words_for(index, reading)))
    return winner, confidence_of(first, second)


def _urgency(rules: TriageRules, text: str, fired: list[Fired]) -> tuple[Urgency, LeadKind | None]:
    """The most urgent of the rules that fire, and the lead that the most urgent of them with a lead points to."""
    reading = rules.urgency_words.read(text, 0)
    urgency, lead, lead_urgency = Urgency.U3, None, Urgency.U3
    for index in reading.scores:
        rule = rules.urgency[index]
        if rule.needs and not any(word in text for word in rule.needs):
            continue
        fired.append(Fired(rule.id, rules.urgency_words.words_for(index, reading)))
        urgency = min(urgency, rule.urgency)
        if rule.lead is not None and (lead is None or rule.urgency < lead_urgency):
            lead, lead_urgency = rule.lead, rule.urgency
    return urgency, lead


def _focus_of(location: Location | None) -> str:
    """Which kind of township the place lies in: codes 001 to 099 are subdistricts."""
    if location is None or location.township is None:
        return "ANYWHERE"
    return "SUBDISTRICT" if location.township[6:9] < "100" else "TOWN"


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalpha()
