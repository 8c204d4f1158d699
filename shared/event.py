"""What every event is: a frozen model with a type name of its own."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """A fact in the past. Unknown fields are ignored, so that a newer writer may add optional ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    type: ClassVar[str] = ""
