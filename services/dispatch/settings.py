"""The settings of the dispatch service."""

from pydantic import Field

from shared.settings import ServiceSettings


class DispatchSettings(ServiceSettings):
    """What dispatch needs beside the common settings."""

    port: int = Field(default=8002, ge=0, le=65535)
    timer_batch: int = Field(default=200, ge=1, le=5000)
