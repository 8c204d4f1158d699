"""The settings of the dispatch service."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from services.dispatch.base_map import BaseMap, readable_template
from services.dispatch.elsewhere import Elsewhere
from shared.settings import ORIGIN, ServiceSettings


class DispatchSettings(ServiceSettings):
    """What dispatch needs beside the common settings."""

    port: int = Field(default=8002, ge=0, le=65535)
    timer_batch: int = Field(default=200, ge=1, le=5000)
    intake_origin: str = Field(default="", pattern=ORIGIN)
    notify_origin: str = Field(default="", pattern=ORIGIN)
    map_tiles: Annotated[str, AfterValidator(readable_template)] = Field(
        default="", examples=["https://tiles.example/{z}/{x}/{y}.png"]
    )
    map_attribution: str = Field(default="", max_length=200, validate_default=True)

    @field_validator("map_attribution")
    @classmethod
    def _named(cls, text: str, others: ValidationInfo) -> str:
        if others.data.get("map_tiles") and not text.strip():
            raise ValueError("must say whose map map_tiles is: it stands on the map")
        return text.strip()

    @property
    def elsewhere(self) -> Elsewhere:
        """Where the pages find the other services."""
        return Elsewhere(self.intake_origin, self.notify_origin)

    @property
    def base_map(self) -> BaseMap:
        """What lies below the grids on the console's map."""
        return BaseMap(self.map_tiles, self.map_attribution)
