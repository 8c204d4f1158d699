"""What every event is: a frozen model with a type name of its own."""

from functools import cache
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """A fact in the past. Unknown fields are ignored, so that a newer writer may add optional ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    type: ClassVar[str] = ""

    @classmethod
    def of_checked(cls, facts: dict[str, Any]) -> Self:
        """The event of facts that are all there, in the order of the fields and of their types: nothing is checked.

        For the core, which has them of structs that were checked at the border; it takes the dictionary over. Whoever
        calls this has a test that compares its events with those that pydantic reads.
        """
        event = cls.__new__(cls)
        put = object.__setattr__  # the one way to fill a frozen model past its validator
        put(event, "__dict__", facts)
        put(event, "__pydantic_fields_set__", _every_field(cls))
        put(event, "__pydantic_extra__", None)
        put(event, "__pydantic_private__", None)
        return event


@cache
def _every_field(model: type[Event]) -> set[str]:
    """The names of all fields of a model: one set for all events of it, which are frozen."""
    return set(model.model_fields)
