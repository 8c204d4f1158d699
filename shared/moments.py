"""Days and instants from outside: written out as ISO 8601 has them. A bare number is neither."""

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator


def _written_out(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).lstrip("+-").isdigit()):
        raise ValueError("must be written out, as 2026-03-10 or 2026-03-10T01:15:00Z")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Day = Annotated[date, BeforeValidator(_written_out)]
