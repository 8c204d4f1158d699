"""Instants from outside: written out, with a zone, and such as there are in UTC too."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.moments import Instant

INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-10T09:15:00+08:00", datetime(2026, 3, 10, 1, 15, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("9999-12-31T23:59:59+14:00", datetime(9999, 12, 31, 9, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_kept_in_utc(written: str, meant: datetime) -> None:
    read = INSTANT.validate_python(written)
    assert (read, read.utcoffset()) == (meant, meant.utcoffset())


@pytest.mark.parametrize(
    "written",
    ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999-00:01", "0001-01-01T00:00:00+00:01", "0001-01-01T13:59:59+14:00",
     "2026-03-10T09:15:00", "1773105300", "1773105300.5", "-1", "soon", ""],
)  # fmt: skip
def test_what_is_no_instant_of_utc_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_python(written)
