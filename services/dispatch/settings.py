"""The settings of the dispatch service."""

from pydantic import Field

from shared.settings import ORIGIN, ServiceSettings


class DispatchSettings(ServiceSettings):
    """What dispatch needs beside the common settings."""

    port: int = Field(default=8002, ge=0, le=65535)
    timer_batch: int = Field(default=200, ge=1, le=5000)
    intake_origin: str = Field(default="", pattern=ORIGIN)
