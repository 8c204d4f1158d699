"""Every page of the project, and the commands in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMANDS = ("sh", "bash", "shell", "console")
RUN = (*_COMMANDS, "python")
"""Kinds of blocks that a test runs."""
_AWAY = {"node_modules", ".venv", "build", "dist"}


@dataclass(frozen=True)
class Block:
    """Commands that stand together: `page` from the root of the project, `first` its first command."""

    page: str
    text: str

    @property
    def first(self) -> str:
        """What the block is known by, without its comment."""
        lines = (line.partition(" #")[0].strip() for line in self.text.splitlines() if not line.startswith("#"))
        return next(line for line in lines if line)


def pages() -> list[Path]:
    """Every Markdown file of the project, also below .github."""
    found = (path for path in ROOT.rglob("*.md") if not _AWAY & set(path.relative_to(ROOT).parts))
    return sorted(path for path in found if _is_ours(path.relative_to(ROOT)))


def _is_ours(path: Path) -> bool:
    hidden = [part for part in path.parts if part.startswith(".")]
    return hidden in ([], [".github"])


def blocks_of(page: Path) -> Iterator[Block]:
    """The command blocks of a page, in order; of a console block only what is typed."""
    for kind, text in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind in RUN:
            yield Block(page.relative_to(ROOT).as_posix(), _as_shell(kind, text))


def _as_shell(kind: str, text: str) -> str:
    if kind == "python":
        return f"python3 - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON\n"
    return typed(text) if kind == "console" else text


def typed(text: str) -> str:
    """What a person types in a console: lines after `$ `, each with the lines that go on with it."""
    lines, goes_on = [], False
    for line in text.splitlines():
        if goes_on or line.startswith("$ "):
            lines.append(line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(lines) + "\n"
