"""Commands that pages name within a sentence: too short to be run by themselves, and held against what there is."""

import importlib.util
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer

from griddispatch.cli import command_line
from tests.conftest import ROOT
from tests.docs.not_run import CLUSTER, CONTAINERS
from tests.docs.pages import FENCE, RUN

ELSEWHERE: Final[Mapping[str, str]] = {
    "docker": CONTAINERS, "kubectl": CLUSTER,
    "java": "needs Kafka's jars; tests/examples runs the program", "griddispatch-client": "tests/examples runs it",
}  # fmt: skip
"""Programs of others, and of the client: what is said of them here is not held against anything; with the reason."""
PROGRAMS: Final = ("griddispatch", "make", "python", "python3", "pip", "curl", "psql", *ELSEWHERE)
_NAMED = re.compile(r"`([^`\n]+)`")
_TARGET = re.compile(r"^([\w-]+):(?!=)", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\[?[A-Z]+…?\]?|…")


def named_in(page: Path) -> Iterator[str]:
    """The commands in the sentences of a page."""
    for text in _NAMED.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if text.split(" ")[0] in PROGRAMS and " " in text:
            yield text


def hidden_in(page: Path) -> Iterator[str]:
    """Lines that are commands in blocks that are not run: fenced under another name, or indented."""
    text = page.read_text(encoding="utf-8")
    others = "".join(block for kind, block in FENCE.findall(text) if kind not in RUN).splitlines()
    indented = [line.removeprefix("    ") for line in FENCE.sub("", text).splitlines() if line.startswith("    ")]
    yield from (line for line in (*others, *indented) if line.split(" ")[0] in PROGRAMS)


def fault(command: str) -> str:
    """What of a command there is not; empty when all is."""
    program, *words = shlex.split(command)
    match program:
        case "griddispatch":
            return next((found for way in _ways(words) if (found := _verb_fault(way))), "")
        case "make":
            return "" if words[0] in _targets() else f"no target {words[0]}"
        case "python" | "python3":
            is_there = importlib.util.find_spec(words[1]) if words[0] == "-m" else (ROOT / words[0]).is_file()
            return "" if is_there else f"no {' '.join(words)}"
        case "pip":
            return "" if (ROOT / words[-1]).exists() else f"no folder {words[-1]}"
        case _:
            return "" if program in ELSEWHERE else f"{program} belongs into a block that is run"


def _ways(words: list[str]) -> list[list[str]]:
    """`a|b` stands for either."""
    for place, word in enumerate(words):
        if "|" in word:
            return [[*words[:place], either, *words[place + 1 :]] for either in word.split("|")]
    return [words]


def _verb_fault(words: list[str]) -> str:
    command, left = _root(), list(words)
    while left and hasattr(command, "commands"):
        word = left.pop(0)
        if word not in command.commands:
            return f"no verb {word}"
        command = command.commands[word]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in left if word.startswith("-") and word.partition("=")[0] not in {*known, "--help"}]
    if unknown:
        return f"no option {unknown[0]}"
    takes = any(parameter.param_type_name == "argument" or parameter.opts for parameter in command.params)
    return "" if takes or all(_PLACEHOLDER.fullmatch(word) for word in left) else f"nothing takes {left[0]}"


@cache
def _root() -> Any:
    return typer.main.get_command(command_line())


@cache
def _targets() -> frozenset[str]:
    return frozenset(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
