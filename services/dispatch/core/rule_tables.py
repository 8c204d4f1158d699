"""Limits as values of a rule table."""

from typing import Annotated, TypeAlias

from pydantic import PlainValidator

from services.dispatch.core.deadlines import Limit, parse_limit


def read_limit(text: object) -> Limit:
    """A limit from its text; anything else is a ValueError."""
    if not isinstance(text, str):
        raise ValueError(f"must be a limit written as text, not {text!r}")
    return parse_limit(text)


LimitText: TypeAlias = Annotated[Limit, PlainValidator(read_limit)]
