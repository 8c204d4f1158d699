"""In production a service refuses to start with anything that is for demonstrations, and names all of it at once."""

import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from services.dispatch.settings import DispatchSettings
from services.intake.settings import IntakeSettings
from services.notify.settings import NotifySettings
from shared.kafka_security import KafkaSettings, Protocol
from tests.access.provider import ec_key
from tests.access.values import PEPPER_TEXT, ROLES_FILE
from tests.builders import AREA, PACK, ROOT
from tests.services.intake.desk import KEYS

FAR_DSN = "postgresql://griddispatch_dispatch:fKq72xNvT5hWpZ3m@db.example/griddispatch?sslmode=verify-full"
GOOD: dict[str, Any] = {
    "_env_file": None, "database_dsn": FAR_DSN, "kafka_bootstrap": "k1.example:9093,k2.example:9093", "pack": PACK,
    "area": AREA, "roles": ROLES_FILE, "access": "enforced", "host": "0.0.0.0", "key_pepper": PEPPER_TEXT,
    "tls_terminated": True, "kafka_security": "SASL_SSL", "kafka_username": "dispatch",
    "kafka_password": "wT8sL2qYc6VbR9dK",
}  # fmt: skip


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        DispatchSettings(**GOOD | changes)
    return str(refused.value)


def test_it_starts_when_nothing_is_for_demonstrations() -> None:
    assert DispatchSettings(**GOOD).security().arguments()["sasl_plain_username"] == "dispatch"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kafka_security": "PLAINTEXT", "kafka_username": "", "kafka_password": ""}, "SSL or SASL_SSL"),
        ({"kafka_security": "SASL_PLAINTEXT"}, "SSL or SASL_SSL"),
        ({"database_dsn": FAR_DSN.partition("?")[0]}, "sslmode=verify-full"),
        ({"database_dsn": FAR_DSN.replace("verify-full", "prefer")}, "sslmode=verify-full"),
        ({"database_dsn": FAR_DSN.replace("fKq72xNvT5hWpZ3m", "secret")}, "password for demonstrations"),
        ({"database_dsn": FAR_DSN.replace("fKq72xNvT5hWpZ3m", "changeme-now-please")}, "password for demonstrations"),
        ({"kafka_password": "password12345"}, "kafka_password holds a secret for demonstrations"),
        ({"kafka_password": "aaaaaaaaaaaaaaaa"}, "kafka_password holds a secret for demonstrations"),
        ({"clock": "2026-03-09T01:30:00Z@2026-03-09T01:30:00Zx60"}, "clock must be real"),
        ({"failpoint": "relay.before-commit@1"}, "it is for tests"),
        ({"access": "open"}, "this machine only"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_does_not_start_with_anything_for_demonstrations(changes: dict[str, Any], why: str) -> None:
    assert why in refusal(**changes)


def test_a_private_network_needs_no_encryption_and_this_machine_neither() -> None:
    plain = {"kafka_security": "PLAINTEXT", "kafka_username": "", "kafka_password": ""}
    inside = {"database_dsn": FAR_DSN.partition("?")[0], "private_network": True}
    assert DispatchSettings(**GOOD | plain | inside).private_network
    near = {"database_dsn": FAR_DSN.replace("db.example", "localhost"), "kafka_bootstrap": "127.0.0.1:9092,[::1]:9092"}
    assert DispatchSettings(**GOOD | plain | near).kafka_security is Protocol.PLAINTEXT


def test_what_only_one_service_has_is_looked_at_too() -> None:
    with pytest.raises(ValidationError, match="webhook_secrets holds a secret for demonstrations"):
        NotifySettings(**GOOD, webhook_secrets={"unit": "demo-demo-demo"})
    with pytest.raises(ValidationError, match="loopback_targets"):
        NotifySettings(**GOOD, loopback_targets="127.0.0.1:8080")
    with pytest.raises(ValidationError, match="keys import"):
        IntakeSettings(**GOOD, vault_keys=KEYS, open311_keys=f"990101:app:{'ab' * 32}")


def test_every_reason_is_named_at_once_and_no_secret() -> None:
    told = refusal(
        key_pepper="short", tls_terminated=False, kafka_security="PLAINTEXT", database_dsn="postgresql://x:demo@db/y",
        clock="2026-03-09T01:30:00Z@2026-03-09T01:30:00Zx60",
    )  # fmt: skip
    for why in ("key_pepper", "tls_terminated", "kafka_security", "sslmode", "demonstrations", "clock must be real"):
        assert why in told, why
    assert "wT8sL2qYc6VbR9dK" not in told
    assert "x:demo" not in told


def test_the_process_ends_with_two_and_a_line_for_each_reason(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRIDDISPATCH_")}
    environment |= {
        "PYTHONPATH": str(ROOT), "GRIDDISPATCH_ACCESS": "enforced", "GRIDDISPATCH_HOST": "0.0.0.0",
        "GRIDDISPATCH_KEY_PEPPER": "demo", "GRIDDISPATCH_DATABASE_DSN": "postgresql://x:demo-demo-demo@db.example/y",
        "GRIDDISPATCH_KAFKA_BOOTSTRAP": "kafka.example:9092", "GRIDDISPATCH_PACK": str(PACK),
        "GRIDDISPATCH_AREA": str(AREA), "GRIDDISPATCH_PORT": "8002",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "services.dispatch"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    lines = [line.strip() for line in done.stderr.splitlines()]
    for why in ("key_pepper must", "tls_terminated", "kafka_security must", "database_dsn needs", "database_dsn has"):
        assert any(why in line for line in lines), why
    assert "demo-demo-demo" not in done.stderr


# Kafka


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"kafka_security": "SASL_SSL"}, "needs kafka_username and kafka_password"),
        ({"kafka_security": "SSL", "kafka_username": "x"}, "shows no password"),
        ({"kafka_password": "x"}, "shows no password"),
        ({"kafka_security": "SSL", "kafka_certificate": ROLES_FILE}, "go together"),
        ({"kafka_security": "SSL", "kafka_key": ROLES_FILE}, "go together"),
        ({"kafka_ca": ROLES_FILE}, "uses no certificates"),
        ({"kafka_security": "SSL", "kafka_ca": ROLES_FILE}, "cannot be used"),
        ({"kafka_security": "SSL", "kafka_ca": "no-such-file"}, "no such file"),
        ({"kafka_security": "SASL_PLAINTEXT", "kafka_mechanism": "PLAIN", "kafka_username": "x",
          "kafka_password": "y"}, "sends the password itself"),
        ({"kafka_security": "TLS"}, "kafka_security"),
        ({"kafka_mechanism": "GSSAPI"}, "kafka_mechanism"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_does_not_go_together_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        KafkaSettings(_env_file=None, **said)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A certificate that signs itself, its key, and the key under a password."""
    folder, name = tmp_path_factory.mktemp("tls"), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dispatch")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(ec_key().public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(ec_key(), hashes.SHA256())
    )  # fmt: skip
    shown, key, locked = folder / "cert.pem", folder / "key.pem", folder / "locked.pem"
    shown.write_bytes(made.public_bytes(Encoding.PEM))
    key.write_bytes(ec_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    locked.write_bytes(ec_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open it")))
    return shown, key, locked


def test_mutual_tls_shows_a_certificate_and_checks_the_brokers(certificate: tuple[Path, Path, Path]) -> None:
    shown, key, locked = certificate
    said: dict[str, Any] = {"kafka_security": "SSL", "kafka_ca": shown, "kafka_certificate": shown}
    for used, password in ((key, ""), (locked, "open it")):
        settings = KafkaSettings(_env_file=None, **said, kafka_key=used, kafka_key_password=password)
        arguments = settings.security().arguments()
        assert arguments["security_protocol"] == "SSL"
        context: ssl.SSLContext = arguments["ssl_context"]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_a_key_that_does_not_open_ends_the_start(certificate: tuple[Path, Path, Path]) -> None:
    shown, _, locked = certificate
    for password in ("", "wrong"):
        with pytest.raises(ValidationError, match="cannot be used"):
            KafkaSettings(
                _env_file=None, kafka_security="SSL", kafka_certificate=shown, kafka_key=locked,
                kafka_key_password=password,
            )  # fmt: skip
