"""A pack's own worked examples: a matter and when it was accepted, and when the pack says it is due."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from services.dispatch.core.deadlines import Limit, earliest
from services.dispatch.core.rule_sections import Timer
from services.dispatch.core.rulebook import Rulebook
from shared.sections import CLOSED, Flag, Name, read_table, refuse
from shared.terms import MatterSize, TicketType, Urgency

_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)
_MIDNIGHT: Final = " 24:00"


def _instant(text: str) -> datetime:
    """A local instant as people write it; 24:00 is the end of the day."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("must be written 2026-03-10 09:15, or with seconds")
    if text.endswith(_MIDNIGHT):
        return datetime.combine(datetime.fromisoformat(text.removesuffix(_MIDNIGHT)), time()) + timedelta(days=1)
    return datetime.fromisoformat(text)


def _said(local: datetime) -> str:
    if local.time() == time():
        return f"{local - timedelta(days=1):%Y-%m-%d}{_MIDNIGHT}"
    return f"{local:%Y-%m-%d %H:%M:%S}"


def _written(text: str) -> str:
    _instant(text)
    return text


Instant: TypeAlias = Annotated[str, Field(strict=True), AfterValidator(_written)]


@dataclass(frozen=True, slots=True)
class Example:
    """One row of `examples.toml`: a matter by type and size, or a `case_class`; with `timer` that timer is meant."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    id: Name
    accepted: Instant
    due: Instant
    ticket_type: TicketType = TicketType.COMPLAINT
    size: MatterSize = MatterSize.UNSIZED
    urgency: Urgency = Urgency.U3
    is_complex: Flag = False
    timer: Timer | None = None
    case_class: Name | None = None

    def __post_init__(self) -> None:
        sized = self.ticket_type in (TicketType.HELP, TicketType.COMPLAINT)
        problems = []
        if self.case_class is None and sized and self.size is MatterSize.UNSIZED:
            problems.append(f"size: a {self.ticket_type} needs one, SMALL or BIG")
        if self.case_class is not None and self.timer is not None:
            problems.append("timer: cannot stand beside case_class")
        if self.is_complex and self.size is not MatterSize.BIG:
            problems.append("is_complex: only a BIG matter can be complex")
        refuse(problems)


@dataclass(frozen=True, slots=True)
class _File:
    """The whole of `examples.toml`."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    example: tuple[Example, ...]

    def __post_init__(self) -> None:
        if not self.example:
            refuse(["example: must hold at least one"])


_READER: Final = TypeAdapter(_File)


def check_examples(table: Mapping[str, Any], book: Rulebook) -> tuple[int, list[str]]:
    """How many examples there are, and every one that cannot be read or that the rules do not keep."""
    problems: list[str] = []
    file = read_table(_READER, table, problems)
    if file is None:
        return 0, problems
    names = [example.id for example in file.example]
    for place, example in enumerate(file.example):
        if names.index(example.id) != place:
            problems.append(f"example[{place}].id: {example.id} stands there twice")
        problems += [f"example[{place}].{problem}" for problem in _broken(example, book)]
    return len(names), problems


def _broken(example: Example, book: Rulebook) -> Iterator[str]:
    if example.case_class is not None and example.case_class not in book.case_classes:
        yield f"case_class: there is no class {example.case_class}"
        return
    limits = _limits(example, book)
    if not limits:
        yield f"timer: {example.timer} does not run for such a matter"
        return
    zone = book.calendar.zone
    due = earliest(limits, _instant(example.accepted).replace(tzinfo=zone), book.calendar, book.roster)
    if due.at != _instant(example.due).replace(tzinfo=zone):
        yield f"due: {example.due} is promised, but {due.limit} leads to {_said(due.at.astimezone(zone))}"


def _limits(example: Example, book: Rulebook) -> tuple[Limit, ...]:
    if example.case_class is not None:
        return (book.case_classes[example.case_class].limit,)
    if example.timer is not None:
        limit = book.timer(example.timer, example.size, example.urgency)
        return () if limit is None else (limit,)
    return book.resolve_limits(example.ticket_type, example.size, example.urgency, is_complex=example.is_complex)
