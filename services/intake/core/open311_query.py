"""What GET requests of Open311 may ask for: read strictly, with every fault named."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.intake.core.numbers import check_ticket_number
from shared.errors import Problem, Rejected

SPAN = timedelta(days=90)
"""How much time one search may cover, and does when nothing else is said."""

MAX_LISTED = 50
"""Ids or service codes that one search may name."""

MAX_PAGE_SIZE = 1000
MAX_OFFSET = 10_000
"""Rows that a page number may skip: beyond, `after` is the way on, which skips nothing."""

_LAST_ID = UUID(int=2**128 - 1)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_CURSOR = re.compile(r"(\d{1,17})\.([0-9a-f]{32})", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Parameters = Mapping[str, Sequence[str]]


class Status(StrEnum):
    """The two states that Open311 knows."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ById:
    """These ticket numbers, whatever else was asked for."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Tickets received in [start, end] that come before `before` in the order of the newest first.

    No codes means every service. `before` is a received time with a ticket id; `limit` and `offset` count rows.
    """

    start: datetime
    end: datetime
    before: tuple[datetime, UUID]
    codes: tuple[str, ...] = ()
    statuses: frozenset[Status] = frozenset(Status)
    limit: int = MAX_PAGE_SIZE
    offset: int = 0


def read_search(parameters: Parameters, now: datetime) -> ById | Search:
    """Read the query's parameters; unknown ones are left alone, as the specification wants extensions to be.

    Raises `Rejected` with every problem.
    """
    problems: list[Problem] = []
    if ids := _listed(parameters, "service_request_id", problems):
        search: ById | Search = ById(tuple(number for number in ids if check_ticket_number(number)))
    else:
        search = _search(parameters, now, problems)
    if problems:
        raise Rejected(*problems)
    return search


def cursor_of(received_at: datetime, ticket_id: UUID) -> str:
    """Where a page ended, for `after`."""
    return f"{(received_at - _EPOCH) // timedelta(microseconds=1)}.{ticket_id.hex}"


def _search(parameters: Parameters, now: datetime, problems: list[Problem]) -> Search:
    start, end = _span(parameters, now, problems)
    statuses = _listed(parameters, "status", problems)
    if any(status not in tuple(Status) for status in statuses):
        problems.append(Problem("status", "not_allowed", "must be open, closed, or both with a comma"))
        statuses = ()
    limit = _limit(parameters, problems)
    page = _number(parameters, "page", 1, 10**9 - 1, problems) or 1
    if (page - 1) * limit > MAX_OFFSET:
        problems.append(
            Problem("page", "out_of_range", f"skips more than {MAX_OFFSET} requests: follow the Link header")
        )
    return Search(
        start=start,
        end=end,
        before=_before(parameters, end, problems),
        codes=_listed(parameters, "service_code", problems),
        statuses=frozenset(map(Status, statuses)) or frozenset(Status),
        limit=limit,
        offset=(page - 1) * limit,
    )


def _limit(parameters: Parameters, problems: list[Problem]) -> int:
    given = {
        value for name in ("page_size", "limit")
        if (value := _number(parameters, name, 1, MAX_PAGE_SIZE, problems)) is not None
    }  # fmt: skip
    if len(given) > 1:
        problems.append(Problem("limit", "contradiction", "must be the same as page_size, or left out"))
    return min(given, default=MAX_PAGE_SIZE)


def _span(parameters: Parameters, now: datetime, problems: list[Problem]) -> tuple[datetime, datetime]:
    """Both ends, one and the span, or the most recent span."""
    start, end = (_instant(parameters, name, problems) for name in ("start_date", "end_date"))
    if start is None:
        end = end or now
        return end - SPAN, end
    end = end or start + SPAN
    if end < start:
        problems.append(Problem("end_date", "contradiction", "must not be before start_date"))
    elif end - start > SPAN:
        problems.append(Problem("end_date", "out_of_range", f"must be within {SPAN.days} days of start_date"))
    return start, end


def _instant(parameters: Parameters, name: str, problems: list[Problem]) -> datetime | None:
    text = _single(parameters, name, problems)
    if text is None:
        return None
    # A plus sign that was not encoded arrives as a blank; nothing else could be meant by one.
    text = text.replace(" ", "+")
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC) if _INSTANT.fullmatch(text) else None
    except (ValueError, OverflowError):
        instant = None
    if instant is None or not 2000 <= instant.year <= 2100:
        sentence = "must be an instant with its zone, such as 2026-03-10T09:15:00+08:00, between 2000 and 2100"
        problems.append(Problem(name, "not_an_instant", sentence))
        return None
    return instant


def _before(parameters: Parameters, end: datetime, problems: list[Problem]) -> tuple[datetime, UUID]:
    text = _single(parameters, "after", problems)
    if text is None:
        return end, _LAST_ID
    if (form := _CURSOR.fullmatch(text)) is None or int(form[1]) > 4_133_980_800_000_000:
        problems.append(Problem("after", "bad_form", "must be taken from a Link header as it stands"))
        return end, _LAST_ID
    return min((end, _LAST_ID), (_EPOCH + timedelta(microseconds=int(form[1])), UUID(form[2])))


def _number(parameters: Parameters, name: str, least: int, most: int, problems: list[Problem]) -> int | None:
    text = _single(parameters, name, problems)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        problems.append(Problem(name, "out_of_range", f"must be a whole number between {least} and {most}"))
        return None
    return int(text)


def _single(parameters: Parameters, name: str, problems: list[Problem]) -> str | None:
    values = [value for value in parameters.get(name, ()) if value]
    if len(values) > 1:
        problems.append(Problem(name, "too_many", "must be given once"))
    return values[0] if values else None


def _listed(parameters: Parameters, name: str, problems: list[Problem]) -> tuple[str, ...]:
    """Values with commas between them, given once or several times; each once."""
    pieces = (piece.strip() for value in parameters.get(name, ()) for piece in value.split(","))
    listed = tuple(dict.fromkeys(piece for piece in pieces if piece))
    if len(listed) > MAX_LISTED:
        problems.append(Problem(name, "too_many", f"must name at most {MAX_LISTED}"))
        return ()
    return listed
