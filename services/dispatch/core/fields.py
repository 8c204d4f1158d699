"""What the fields of a command may hold: words, codes and ids, with their bounds."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("NUL and lone surrogates are not text")
    return text


Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_storable)]
"""Words for people; kept apart, never in an event."""
OptionalText: TypeAlias = Annotated[str, Field(max_length=4000), AfterValidator(_storable)]
Person: TypeAlias = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_storable)]
UnitId: TypeAlias = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_storable)]
Code: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{1,39}$")]
RecordId: TypeAlias = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_storable)]
"""Where a decision is written down."""
KnowledgeId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._:/-]{0,39}$")]
"""An entry of the knowledge base 知识库, as the county numbers them."""
LimitSpelling: TypeAlias = Annotated[str, Field(min_length=2, max_length=12)]
