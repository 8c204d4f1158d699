"""On which line of a TOML text each key and list element stands, which the parser does not tell."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""+|' + r"'''.*?'''+|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*|\n|[\[\]{},=]|"
    r"[^\s\"'#\[\]{},=]+",
    re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    line: int


def line_of_each_key(text: str) -> Mapping[str, int]:
    """Line numbers from 1 by key path such as `limits.BIG.base` or `root[3].group[0].code`.

    The text must be valid TOML. A table that is opened several times counts where it stands first.
    """
    scan = _Scan(list(_tokens(text)))
    scan.run()
    return scan.lines


def _tokens(text: str) -> Iterator[_Token]:
    line, end = 1, 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", end, found.start())
        if not found[0].startswith("#"):
            yield _Token(found[0], line)
        line += found[0].count("\n")
        end = found.end()


class _Scan:
    """One walk over the tokens."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._last_of: dict[str, int] = {}
        self.lines: dict[str, int] = {}

    def run(self) -> None:
        table = ""
        while self._next < len(self._tokens):
            if self._peek() == "\n":
                self._next += 1
            elif self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _peek(self) -> str:
        return self._tokens[self._next].text if self._next < len(self._tokens) else "\n"

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _note(self, path: str, line: int) -> None:
        self.lines.setdefault(path, line)

    def _header(self) -> str:
        line, opening = self._tokens[self._next].line, 0
        while self._peek() == "[":
            self._next += 1
            opening += 1
        *above, last = self._steps_until("]")
        self._next += opening - 1
        table = ""
        for step in above:
            table = self._latest(_joined(table, step))
        path = _joined(table, last)
        if opening == 2:
            self._note(path, line)
            self._last_of[path] = self._last_of.get(path, -1) + 1
            path = self._latest(path)
        self._note(path, line)
        return path

    def _latest(self, path: str) -> str:
        return f"{path}[{self._last_of[path]}]" if path in self._last_of else path

    def _pair(self, table: str) -> None:
        line = self._tokens[self._next].line
        path = table
        for step in self._steps_until("="):
            path = _joined(path, step)
            self._note(path, line)
        self._value(path)

    def _steps_until(self, end: str) -> list[str]:
        """The steps of a key: bare parts hold their dots, quoted ones do not divide."""
        steps: list[str] = []
        while self._peek() not in (end, "\n"):
            text = self._take().text
            if text[0] in "\"'":
                steps.append(text[1:-1])
            else:
                steps += [step for step in text.split(".") if step]
        self._next += 1
        return steps

    def _value(self, path: str) -> None:
        match self._peek():
            case "[":
                self._next += 1
                self._elements(path)
            case "{":
                self._next += 1
                self._members(path)
            case _:
                while self._peek() not in ("\n", ",", "]", "}"):
                    self._next += 1

    def _elements(self, path: str) -> None:
        number = 0
        while (text := self._peek()) != "]":
            if text in ("\n", ","):
                number += text == ","
                self._next += 1
                if self._next >= len(self._tokens):
                    return
                continue
            place = f"{path}[{number}]"
            self._note(place, self._tokens[self._next].line)
            self._value(place)
        self._next += 1

    def _members(self, path: str) -> None:
        while self._next < len(self._tokens) and (text := self._peek()) != "}":
            if text in ("\n", ","):
                self._next += 1
            else:
                self._pair(path)
        self._next += 1


def _joined(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
