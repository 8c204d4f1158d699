"""The settings of the notify service."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from shared.settings import ServiceSettings


def _read_json(found: object) -> object:
    if not isinstance(found, str):
        return found
    try:
        return json.loads(found)
    except ValueError:
        raise ValueError("is not JSON") from None  # the error itself might quote a secret


Secrets = Annotated[dict[str, SecretStr], NoDecode, BeforeValidator(_read_json)]


class NotifySettings(ServiceSettings):
    """What notify needs beside the common settings."""

    port: int = Field(default=8003, ge=0, le=65535)
    contacts: Path | None = None
    """The address book; without one `contacts.toml` of the area, if there is any."""
    webhook_secrets: Secrets = Field(default_factory=dict)
    """JSON object: secret name → `whsec_…`; two of them, the new one first, while a key is being changed."""
