"""Checks the shape of parsed rule tables: every key known, every value of its kind, every fault listed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from shared.errors import Problem, Rejected

Table: TypeAlias = Mapping[str, object]


class InvalidRules(Rejected):
    """A rule file cannot be used; `problems` names every fault, each with the rule it stands in."""


@dataclass(slots=True)
class TableReader:
    """Reads values out of parsed tables and remembers what was wrong; wrong values read as empty ones."""

    problems: list[Problem] = field(default_factory=list)

    def report(self, where: str, code: str, message: str) -> None:
        """Remember one fault."""
        self.problems.append(Problem(where, code, message))

    def check_keys(self, where: str, table: Table, known: Sequence[str]) -> None:
        """Report keys that nobody would read."""
        for key in table:
            if key not in known:
                self.report(f"{where}.{key}", "unknown_key", f"is not one of {', '.join(known)}")

    def text(self, where: str, table: Table, key: str) -> str:
        """A text that must be there."""
        value = table.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self.report(f"{where}.{key}", "not_a_text", "must be a text that is not empty")
        return ""

    def choice(self, where: str, table: Table, key: str, among: Sequence[str]) -> str:
        """One of the given texts, or empty when the key is absent or wrong."""
        value = table.get(key, "")
        if value == "" or (isinstance(value, str) and value in among):
            return str(value)
        self.report(f"{where}.{key}", "not_allowed", f"must be one of {', '.join(among)}")
        return ""

    def flag(self, where: str, table: Table, key: str) -> bool:
        """A boolean, false when absent."""
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.report(f"{where}.{key}", "not_a_boolean", "must be true or false")
        return value is True

    def words(self, where: str, table: Table, key: str) -> tuple[str, ...]:
        """A list of texts without blanks at their ends and without repeats; empty when absent."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(map(_is_word, value)):
            self.report(f"{where}.{key}", "not_words", "must be a list of texts without blanks at their ends")
            return ()
        for word in sorted({word for word in value if value.count(word) > 1}):
            self.report(f"{where}.{key}", "repeated_word", f"holds {word} more than once")
        return tuple(value)

    def tables(self, where: str, table: Table, key: str) -> Iterator[tuple[str, Table]]:
        """The tables of a list, each with its place for messages."""
        value = table.get(key, [])
        if not isinstance(value, list) or not value:
            self.report(f"{where}{key}", "not_tables", "must be a list of tables that is not empty")
            return
        for index, item in enumerate(value):
            place = f"{where}{key}[{index}]"
            if isinstance(item, Mapping):
                yield place, item
            else:
                self.report(place, "not_a_table", "must be a table")

    def finish(self) -> None:
        """Raise `InvalidRules` when anything was wrong."""
        if self.problems:
            raise InvalidRules(*self.problems)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value != "" and value == value.strip()
