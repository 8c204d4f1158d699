"""A table of parsed TOML, read field by field; every fault is noted with its place, none raises."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass
class Table:
    """One table at `path`. What is read is remembered, so that `finish` can name the keys that nobody reads."""

    path: str
    rows: Mapping[str, object]
    problems: list[str]
    _read: set[str] = field(default_factory=set)

    def text(self, key: str, default: str | None = "") -> str:
        """A text; noted when it is something else, or missing while `default` is None."""
        found = self._find(key, default)
        if isinstance(found, str):
            return found
        self.note(key, "must be text" if key in self.rows else "is missing")
        return ""

    def one_of(self, key: str, known: Collection[str], default: str) -> str:
        """One of `known`."""
        found = self.text(key, default)
        if found in known:
            return found
        self.note(key, f"must be one of {', '.join(known)}")
        return default

    def figure(self, key: str, least: int, most: int, default: int) -> int:
        """A whole number from `least` to `most`."""
        found = self._find(key, default)
        if isinstance(found, int) and not isinstance(found, bool) and least <= found <= most:
            return found
        self.note(key, f"must be a whole number from {least} to {most}")
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        found = self._find(key, [])
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return tuple(found)
        self.note(key, "must be a list of texts")
        return ()

    def figures(self, key: str, least: int, most: int, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of whole numbers, each from `least` to `most`."""
        found = self._find(key, list(default))
        if isinstance(found, list) and found and all(type(item) is int and least <= item <= most for item in found):
            return tuple(found)
        self.note(key, f"must be a list of whole numbers from {least} to {most}")
        return default

    def table(self, key: str) -> "Table":
        """A table within; empty when it is missing."""
        found = self._find(key, {})
        if not isinstance(found, Mapping):
            self.note(key, "must be a table")
            found = {}
        return Table(self._place(key), {str(k): v for k, v in found.items()}, self.problems)

    def pairs(self, key: str) -> dict[str, str]:
        """A table of texts."""
        inner = self.table(key)
        return {name: inner.text(name) for name in inner.rows}

    def note(self, key: str, complaint: str) -> None:
        """Something is wrong with `key`."""
        self.problems.append(f"{self._place(key)}: {complaint}")

    def finish(self) -> None:
        """Note every key that was not read."""
        for key in self.rows:
            if key not in self._read:
                self.note(key, "unknown key")

    def _find(self, key: str, default: object) -> object:
        self._read.add(key)
        return self.rows.get(key, default)

    def _place(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key
