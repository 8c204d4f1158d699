"""How a corpus of bad input is written down: one case a line, with the answer that is expected."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

Piece = tuple[str, int]
"""A text and how often it is said."""


class Cases:
    """The cases of one category; each gets an id from the category's name and its number."""

    def __init__(self, name: str, **common: Any) -> None:
        self._name = name
        self._common = common
        self._cases: list[dict[str, Any]] = []

    def add(self, why: str, expect: Any, **said: Any) -> None:
        """A case; `expect` is the status, or another word for what becomes of it."""
        number = len(self._cases) + 1
        self._cases.append({"id": f"{self._name}-{number:03d}", "why": why, **self._common, **said, "expect": expect})

    def __len__(self) -> int:
        return len(self._cases)

    def lines(self) -> Iterator[str]:
        """One JSON object a line, in ASCII: an editor must not change what it shows."""
        return (json.dumps(case, ensure_ascii=True) for case in self._cases)


def encoded(body: bytes) -> str:
    """Bytes as a case holds them."""
    return b64encode(body).decode()
