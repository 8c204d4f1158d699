"""Days, instants and counts from outside: the first written out as ISO 8601 has them, the last whole, also as 3.0."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator


def _written_out(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).lstrip("+-").isdigit()):
        raise ValueError("must be written out, as 2026-03-10 or 2026-03-10T01:15:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    # At either end of the calendar an instant with its zone may have no counterpart in UTC, in which we keep them.
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must lie in the years 1 to 9999 of UTC") from error


def _whole(value: object) -> object:
    # JSON Schema calls 3.0 an integer, and some languages write every number so.
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
Day = Annotated[date, BeforeValidator(_written_out)]
