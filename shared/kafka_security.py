"""How this service proves to Kafka who it is, and how it knows the broker: TLS, a certificate of its own, or SCRAM."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from pydantic import SecretStr, ValidationInfo, field_validator, model_validator

from shared.from_files import FiledSettings
from shared.start_faults import StartRefused

_NO_PASSWORD: Final = SecretStr("")


class Protocol(StrEnum):
    """What Kafka calls `security.protocol`."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self in (Protocol.SSL, Protocol.SASL_SSL)

    @property
    def has_password(self) -> bool:
        """Whether the client shows a name and a password."""
        return self in (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)


class Mechanism(StrEnum):
    """How a name and a password are shown. PLAIN sends the password itself, SCRAM never does."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Security:
    """What every client of one service shows and asks for."""

    protocol: Protocol = Protocol.PLAINTEXT
    context: ssl.SSLContext | None = None
    mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    username: str = ""
    password: SecretStr = _NO_PASSWORD

    def arguments(self) -> dict[str, Any]:
        """The arguments of an aiokafka client."""
        said: dict[str, Any] = {"security_protocol": self.protocol.value}
        if self.protocol.is_encrypted:
            said["ssl_context"] = self.context
        if self.protocol.has_password:
            said |= {
                "sasl_mechanism": self.mechanism.value, "sasl_plain_username": self.username,
                "sasl_plain_password": self.password.get_secret_value(),
            }  # fmt: skip
        return said


PLAINTEXT: Final = Security()
"""No proof and no encryption: for a broker on this machine."""


class KafkaSettings(FiledSettings):
    """The settings of Kafka's security. Each field is the environment variable GRIDDISPATCH_<NAME>."""

    kafka_security: Protocol = Protocol.PLAINTEXT
    kafka_ca: Path | None = None
    """Certificates that sign the brokers' (PEM); those of the system if not given."""
    kafka_certificate: Path | None = None
    kafka_key: Path | None = None
    kafka_key_password: SecretStr = SecretStr("")
    kafka_mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")

    @field_validator("kafka_ca", "kafka_certificate", "kafka_key")
    @classmethod
    def _is_there(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError("there is no such file")
        return path

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        faults = kafka_faults(self)
        if faults:
            raise StartRefused(faults)
        return self

    def security(self) -> Security:
        """What to show Kafka. Raises OSError for unreadable files, which `kafka_faults` finds first."""
        context = _context(self) if self.kafka_security.is_encrypted else None
        return Security(
            self.kafka_security, context, self.kafka_mechanism, self.kafka_username, self.kafka_password
        )  # fmt: skip


def kafka_faults(settings: KafkaSettings) -> list[str]:
    """What does not go together, all at once."""
    protocol, faults = settings.kafka_security, []
    if protocol.has_password and not (settings.kafka_username and settings.kafka_password.get_secret_value()):
        faults.append(f"kafka_security={protocol} needs kafka_username and kafka_password")
    if not protocol.has_password and (settings.kafka_username or settings.kafka_password.get_secret_value()):
        faults.append(f"kafka_security={protocol} shows no password: unset it, or say SASL_SSL")
    if (settings.kafka_certificate is None) != (settings.kafka_key is None):
        faults.append("kafka_certificate and kafka_key go together")
    if not protocol.is_encrypted and (settings.kafka_ca or settings.kafka_certificate):
        faults.append(f"kafka_security={protocol} uses no certificates: unset them, or say SSL or SASL_SSL")
    if protocol is Protocol.SASL_PLAINTEXT and settings.kafka_mechanism is Mechanism.PLAIN:
        faults.append("kafka_mechanism=PLAIN sends the password itself: it needs SASL_SSL")
    if protocol.is_encrypted and not faults:
        faults += _unreadable(settings)
    return faults


def _unreadable(settings: KafkaSettings) -> list[str]:
    try:
        _context(settings)
    except (OSError, ValueError) as error:
        return [f"kafka_ca, kafka_certificate or kafka_key cannot be used: {type(error).__name__}"]
    return []


def _context(settings: KafkaSettings) -> ssl.SSLContext:
    """TLS 1.2 and later; the broker's certificate must be good and made out for its name."""
    context = ssl.create_default_context(cafile=settings.kafka_ca)
    if settings.kafka_certificate is not None and settings.kafka_key is not None:
        # Given as a value, never asked for: a key with a password and none given must fail, not wait for a keyboard.
        password = settings.kafka_key_password.get_secret_value()
        context.load_cert_chain(settings.kafka_certificate, settings.kafka_key, lambda: password)
    return context
