"""Settings that every service has; one frozen object, read once in __main__ from `GRIDDISPATCH_…`, files, `.env`."""

import os
import socket
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.clock import Clock, read_clock
from shared.failpoint import failpoint
from shared.from_files import FilesSource


def _readable_clock(text: str) -> str:
    read_clock(text)
    return text


def _readable_failpoint(text: str) -> str:
    failpoint(text)
    return text


class ServiceSettings(BaseSettings):
    """What every service needs to know. Each field is the environment variable GRIDDISPATCH_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix="GRIDDISPATCH_", env_file=".env", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Arguments, then files named in the environment, then the environment, then `.env`."""
        return init_settings, FilesSource(settings_cls, os.environ), env_settings, dotenv_settings

    database_dsn: SecretStr
    database_pool: int = Field(default=10, ge=2, le=200)
    kafka_bootstrap: str = Field(min_length=1)
    kafka_static_member: str = ""
    kafka_idle_pause_ms: int = Field(default=0, ge=0, le=1000)
    kafka_poll_records: int = Field(default=500, ge=1, le=10_000)
    instance: str = Field(default_factory=lambda: f"{socket.gethostname()[:60]}-{os.getpid()}", min_length=1)
    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    sample_every_s: float = Field(default=15.0, ge=0.1, le=300)
    tracing_endpoint: str = Field(default="", pattern=r"^(https?://[^\s<>]+)?$")
    tracing_ratio: float = Field(default=1.0, ge=0, le=1)
    clock: Annotated[str, AfterValidator(_readable_clock)] = "real"
    pack: Path
    area: Path
    failpoint: Annotated[str, AfterValidator(_readable_failpoint)] = ""

    @cached_property
    def now(self) -> Clock:
        """The injected clock."""
        return read_clock(self.clock)
