"""The settings of the notify service."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from services.notify.core.target import Place, read_loopback
from services.notify.seals import read_ring
from shared.settings import ORIGINS, ServiceSettings


def _read_json(found: object) -> object:
    if not isinstance(found, str):
        return found
    try:
        return json.loads(found)
    except ValueError:
        raise ValueError("is not JSON") from None  # the error itself might quote a secret


def _readable_places(text: str) -> str:
    read_loopback(text)
    return text


def _readable_page(text: str) -> str:
    if text and (not text.startswith("https://") or "#" in text or not text.isprintable() or " " in text):
        raise ValueError("must be an https address without a #")
    return text


def _readable_ring(keys: SecretStr) -> SecretStr:
    read_ring(keys.get_secret_value())
    return keys


Secrets = Annotated[dict[str, SecretStr], NoDecode, BeforeValidator(_read_json)]


class NotifySettings(ServiceSettings):
    """What notify needs beside the common settings."""

    port: int = Field(default=8003, ge=0, le=65535)
    contacts: Path | None = None
    """The address book; without one `contacts.toml` of the area, if there is any."""
    webhook_secrets: Secrets = Field(default_factory=dict)
    """JSON object: secret name → `whsec_…` or `whsk_…`; two, the new one first, while a key is being changed."""
    channel_secrets: Secrets = Field(default_factory=dict)
    """JSON object: secret name → a robot's token and signing key, a mail password, or an SMS provider's key."""
    callback_secrets: Secrets = Field(default_factory=dict)
    """JSON object: a gateway's name → the `whsec_…` with which it signs what it hands in at /v1/callbacks; two while a
    key is being changed."""
    subscription_keys: Annotated[SecretStr, AfterValidator(_readable_ring)] = SecretStr("")
    """`id:base64 of 32 bytes`, the active key first, older ones after it behind commas: what the keys of webhook
    subscriptions, and citizens' words beside their answers, are sealed with. Empty: nobody can subscribe, the other
    services' topics are not read for it, and citizens are not asked for words."""
    citizen_page: Annotated[str, AfterValidator(_readable_page)] = ""
    """Where links in messages lead: the https address under which citizens see this service's `/r`, or a page of the
    county's own, which posts what stands behind the # to /v1/links/…."""
    link_key: SecretStr = Field(default=SecretStr(""), max_length=200)
    """What links' tokens are made with, at least 32 characters; a new one ends the links that are on their way. Empty,
    like an empty `citizen_page`: messages hold no links."""
    retention_message_days: int = Field(default=365, ge=30, le=36500)
    """For how many days messages and their attempts are kept after they came to their end."""
    retention_words_days: int = Field(default=3 * 365, ge=1, le=36500)
    """For how many days what citizens wrote beside an answer is kept."""
    templates: Path | None = None
    """A folder of texts that replace built-in ones of the same names."""
    console_origins: str = Field(default="", pattern=ORIGINS)
    """Origins whose pages may ask this service, with commas between."""
    loopback_targets: Annotated[str, AfterValidator(_readable_places)] = ""
    """For demonstrations and tests only: places of this machine that endpoints may reach, `127.0.0.1:8080,…`."""

    @property
    def loopback(self) -> frozenset[Place]:
        """`loopback_targets`, read."""
        return read_loopback(self.loopback_targets)
