"""The settings of the dispatch service."""

from pydantic import Field

from shared.settings import ORIGIN, ServiceSettings


class DispatchSettings(ServiceSettings):
    """What dispatch needs beside the common settings."""

    port: int = 8002
    timer_batch: int = 200
    intake_origin: str = Field(default="", pattern=ORIGIN)
