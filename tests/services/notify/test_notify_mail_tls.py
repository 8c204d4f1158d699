"""Mail over STARTTLS with a real mail server: encrypted before anything is said, or not said at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from uuid import UUID

import pytest
from aiosmtpd.handlers import Message as Kept
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notify.app import read_templates
from services.notify.channels.guard import Guard
from services.notify.channels.mail import MailChannel
from services.notify.core.contacts import ChannelKind, Endpoint
from services.notify.core.delivery import Outcome, Result
from services.notify.core.gateways import Security, SmtpGateway
from services.notify.core.message import Message, Policy, Template
from services.notify.core.render import make_renderer
from tests.services.notify.values import MORNING, NO, rules, ticket

RENDERER = make_renderer(read_templates(), rules().zone)
MESSAGE = Message(
    UUID(int=1), ticket(1), Template.UNREACHABLE, "source:hotline-12345", "email", Policy.AT_MOST_ONCE,
    {"ticket_no": NO, "cycle": 1, "link": ""}, "", MORNING, 1,
)  # fmt: skip


class Mailbox(Kept):
    """Keeps what arrives, with whether it came encrypted."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[bytes] = []

    def handle_message(self, message: object) -> None:
        self.mails.append(message.as_bytes())  # type: ignore[attr-defined]


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate for a host, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@asynccontextmanager
async def mail_server(own: Path | None) -> AsyncIterator[tuple[int, Mailbox]]:
    """A mail server on a free port; without a certificate it speaks plainly only."""
    mailbox, context = Mailbox(), None
    if own is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own)
    loop = asyncio.get_running_loop()

    def connected() -> SMTP:
        return SMTP(mailbox, hostname="here", tls_context=context, require_starttls=own is not None, loop=loop)

    server = await loop.create_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], mailbox
    finally:
        server.close()


async def send(port: int, trusted: Path) -> Result:
    gateway = SmtpGateway("mail", "localhost", port, "desk@example.org", Security.STARTTLS)
    to = Endpoint("desk", ChannelKind.EMAIL, gateway="mail", to=("duty@example.org",))
    trust = ssl.create_default_context(cafile=str(trusted))
    guard = Guard({("localhost", port)}, resolve=_here)
    channel = MailChannel(to, gateway, "", RENDERER, guard, tls=trust)
    (result,) = await channel.send_many([MESSAGE])
    await channel.close()
    return result


async def _here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_a_mail_goes_over_starttls_to_a_server_that_proves_its_name(tmp_path: Path) -> None:
    own = certificate(tmp_path, "localhost")
    async with mail_server(own) as (port, mailbox):
        result = await send(port, own)
    assert (result.outcome, result.detail) == (Outcome.DELIVERED, "taken for 1 of 1")
    (mail,) = mailbox.mails
    assert message_from_bytes(mail)["Message-ID"] == f"<{MESSAGE.id}@example.org>"


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example.org"])
async def test_a_server_that_nobody_vouches_for_or_of_another_name_gets_nothing(tmp_path: Path, name: str) -> None:
    own = certificate(tmp_path, name)
    others = tmp_path / "others"
    others.mkdir()
    trusted = own if name != "localhost" else certificate(others, "localhost")
    async with mail_server(own) as (port, mailbox):
        result = await send(port, trusted)
    assert (result.outcome, result.detail) == (Outcome.FAILED, "SSLCertVerificationError")
    assert mailbox.mails == []


async def test_a_server_without_starttls_gets_nothing_in_the_clear(tmp_path: Path) -> None:
    async with mail_server(None) as (port, mailbox):
        result = await send(port, certificate(tmp_path, "localhost"))
    assert (result.outcome, result.detail) == (Outcome.FAILED, "SMTPNotSupportedError")
    assert mailbox.mails == []
