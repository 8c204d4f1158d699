"""Sections of rule files as frozen dataclasses: the kinds of values they hold, and every fault of a table at once."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from typing import Annotated, Any, ClassVar, Final, TypeAlias, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

T = TypeVar("T")

CLOSED: Final = ConfigDict(extra="forbid")
"""The configuration of every section: a key that nobody reads is refused."""


class Section:
    """The base of a section's dataclass: what `CLOSED` says holds for it."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = CLOSED


Name: TypeAlias = Annotated[str, Field(strict=True, min_length=1, max_length=80)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=100_000)]
"""A whole number from 1."""
Few: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=9)]
"""A whole number from 1 to 9."""
Number: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=100_000)]
"""A whole number from 0."""
Share: TypeAlias = Annotated[float, Field(strict=True, ge=0, le=1)]
"""A part of a whole: 0.2 is one in five."""
Positive: TypeAlias = Annotated[float, Field(strict=True, gt=0, le=100_000)]
TimeOfDay: TypeAlias = Annotated[time, Field(strict=True)]
"""Local time of day, written 08:30:00."""
Flag: TypeAlias = Annotated[bool, Field(strict=True)]


class Contradiction(ValueError):
    """Values that are each fine and cannot stand together; `problems` lists all, each led by its key."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def refuse(problems: Sequence[str]) -> None:
    """Raise `Contradiction` if there is anything to say."""
    if problems:
        raise Contradiction(problems)


def read_table(reader: TypeAdapter[T], table: Mapping[str, Any], problems: list[str]) -> T | None:
    """The dataclass that a table describes; with anything wrong None, and every fault is added to `problems`."""
    try:
        return reader.validate_python(table)
    except ValidationError as error:
        problems.extend(_problems_of(error))
        return None


def _problems_of(error: ValidationError) -> Iterator[str]:
    """Every fault as `key.path: what is wrong`, in the order of the table's definition."""
    for fault in error.errors():
        reason = fault.get("ctx", {}).get("error")
        path = _path(fault["loc"])
        if isinstance(reason, Contradiction):
            yield from (f"{path}.{problem}" if path else problem for problem in reason.problems)
        else:
            yield f"{path}: {_message(fault['type'], fault['msg'], reason)}"


def _path(steps: Sequence[int | str]) -> str:
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step != "[key]":
            text += f".{step}" if text else step
    return text


def _message(kind: str, message: str, reason: object) -> str:
    match kind:
        case "missing":
            return "missing"
        case "unexpected_keyword_argument" | "extra_forbidden":
            return "unknown key"
        case "dataclass_type" | "mapping_type" | "dict_type":
            return "must be a table"
        case _:
            return str(reason) if reason is not None else message.replace("Input should be", "must be")
