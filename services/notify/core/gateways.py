"""Gateways that endpoints share: a mail server, or an SMS provider described in full as data."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from string import Template as Text

from services.notify.core.table import Table
from services.notify.core.target import NOWHERE_SPECIAL, Place, Target, TargetRefused, check_place, read_url

SMTP_PORTS = frozenset({25, 465, 587, 2525})
SMS_FIELDS = frozenset({"to", "text", "id", "secret"})
"""What the description of an SMS provider may name with a $."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
PHONE = re.compile(r"\+?[0-9]{5,20}")


class Security(StrEnum):
    """How the way to a mail server is protected. NONE is for servers of this machine only."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class BodyFormat(StrEnum):
    """How a provider wants its values written, and so how they are escaped."""

    JSON = "json"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class SmtpGateway:
    """A mail server. `secret` names the password; no user means no login."""

    name: str
    host: str
    port: int
    sender: str
    security: Security
    user: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Receipts:
    """A provider says later whether what it took arrived: under its own id, which its answer holds at `pointer`, or
    under ours where that is empty. Silence `within` that time counts as no."""

    pointer: str
    within: timedelta


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """An SMS provider: what is sent to it, and how its answer is read.

    An answer means success when its status is one of `statuses` and, where `pointer` is given, the value in its JSON
    at that place (`/code`) is written like one of `values`.
    """

    name: str
    target: Target
    method: str
    headers: tuple[tuple[str, Text], ...]
    body: Text
    format: BodyFormat
    statuses: tuple[int, ...]
    pointer: str
    values: tuple[str, ...]
    secret: str = ""
    limit: int = 500
    receipts: Receipts | None = None


Gateway = SmtpGateway | SmsGateway


def read_gateway(name: str, table: Table, loopback: Collection[Place] = NOWHERE_SPECIAL) -> Gateway | None:
    """Read one gateway; None when its description is at fault, which is noted."""
    before = len(table.problems)
    kind = table.one_of("kind", ("smtp", "sms"), "smtp")
    gateway = _read_smtp(name, table, loopback) if kind == "smtp" else _read_sms(name, table, loopback)
    table.finish()
    return gateway if len(table.problems) == before else None


def _read_smtp(name: str, table: Table, loopback: Collection[Place]) -> SmtpGateway:
    host, port = table.text("host", None), table.figure("port", 1, 65535, 465)
    security = Security(table.one_of("security", list(Security), Security.TLS))
    try:
        check_place(host, port, SMTP_PORTS, loopback)
    except TargetRefused as refused:
        table.note("host", str(refused))
    if security is Security.NONE and (host, port) not in loopback:
        table.note("security", "must be tls or starttls")
    sender = table.text("from", None)
    if not MAIL_ADDRESS.fullmatch(sender):
        table.note("from", "must be one plain mail address")
    user, secret = table.text("user"), table.text("secret")
    if bool(user) != bool(secret) or not user.isprintable():
        table.note("user", "a login has a user and the name of its secret, both or none")
    return SmtpGateway(name, host, port, sender, security, user, secret)


def _read_sms(name: str, table: Table, loopback: Collection[Place]) -> SmsGateway:
    body_format = BodyFormat(table.one_of("format", list(BodyFormat), BodyFormat.JSON))
    method = table.one_of("method", ("POST", "PUT"), "POST")
    body = _read_text(table, "body", table.text("body", None))
    if not {"to", "text"} <= set(body.get_identifiers()):
        table.note("body", "must hold $to and $text")
    success = table.table("success")
    statuses = success.figures("statuses", 200, 299, (200,))
    pointer, values = success.text("pointer"), success.texts("values")
    if bool(pointer) != bool(values) or (pointer and not pointer.startswith("/")):
        success.note("pointer", "names a place like /code, and values says what must stand there")
    success.finish()
    headers = _read_headers(table)
    secret, limit, receipts = table.text("secret"), table.figure("limit", 10, 5000, 500), _read_receipts(table, body)
    if not secret and any("secret" in t.get_identifiers() for t in (body, *(text for _, text in headers))):
        table.note("secret", "is named in the description, but not which one it is")
    try:
        target = read_url(table.text("url", None), loopback)
    except TargetRefused as refused:
        table.note("url", str(refused))
        target = Target("https", "", 0, "")
    return SmsGateway(
        name, target, method, headers, body, body_format, statuses, pointer, values, secret, limit, receipts
    )  # fmt: skip


def _read_receipts(table: Table, body: Text) -> Receipts | None:
    if "receipts" not in table.rows:
        return None
    described = table.table("receipts")
    pointer, hours = described.text("pointer"), described.figure("within_hours", 1, 96, 24)
    if pointer and not pointer.startswith("/"):
        described.note("pointer", "names a place like /id")
    if not pointer and "id" not in body.get_identifiers():
        described.note("pointer", "is missing, and the body does not hold $id: nobody could tell whose a receipt is")
    described.finish()
    return Receipts(pointer, timedelta(hours=hours))


def _read_headers(table: Table) -> tuple[tuple[str, Text], ...]:
    found = []
    for key, value in table.pairs("headers").items():
        if not _HEADER_NAME.fullmatch(key) or key.lower() in _OURS or not (value.isascii() and value.isprintable()):
            table.note(f"headers.{key}", "is no header that may be set")
        found.append((key.lower(), _read_text(table, f"headers.{key}", value)))
    return tuple(found)


def _read_text(table: Table, key: str, source: str) -> Text:
    text = Text(source)
    if not text.is_valid():
        table.note(key, "a $ that begins no placeholder is written $$")
        return Text("")
    for name in sorted(set(text.get_identifiers()) - SMS_FIELDS):
        table.note(key, f"${name} is none of {', '.join(f'${field}' for field in sorted(SMS_FIELDS))}")
    return text
