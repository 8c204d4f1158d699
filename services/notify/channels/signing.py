"""Signatures by the Standard Webhooks rules: HMAC (v1) and Ed25519 (v1a), several at once while keys are changed."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

HMAC_PREFIX = "whsec_"
ED25519_PREFIX = "whsk_"
LEAST_KEY_BYTES = 24
_SEED_BYTES = 32

Sign = Callable[[str, datetime, str], str]
"""(id, time in UTC, body) → one signature with its version."""


class KeyRefused(ValueError):
    """A key or token is missing or unfit. The message never quotes it."""


def read_keys(secret: str) -> tuple[Sign, ...]:
    """The signing keys of an endpoint, with blanks between them. Raises KeyRefused."""
    keys = tuple(_read_key(text) for text in secret.split())
    if not keys:
        raise KeyRefused("is empty")
    return keys


def sign(keys: Sequence[Sign], identity: str, now: datetime, body: str) -> tuple[tuple[str, str], ...]:
    """The three headers of one attempt: the id stays over all of them, time and signatures are this one's."""
    return (
        ("webhook-id", identity),
        ("webhook-timestamp", str(int(now.timestamp()))),
        ("webhook-signature", " ".join(key(identity, now, body) for key in keys)),
    )


def _read_key(text: str) -> Sign:
    prefix, _, encoded = text.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise KeyRefused("is not base64") from None
    if f"{prefix}_" == HMAC_PREFIX and len(key) >= LEAST_KEY_BYTES:
        return Webhook(key).sign
    if f"{prefix}_" == ED25519_PREFIX and len(key) in (_SEED_BYTES, 2 * _SEED_BYTES):
        return _ed25519(key)
    raise KeyRefused(
        f"must be {HMAC_PREFIX} and at least {LEAST_KEY_BYTES} random bytes in base64, or {ED25519_PREFIX} and an "
        "Ed25519 key of 32 or 64 bytes"
    )


def _ed25519(key: bytes) -> Sign:
    """`key` is the seed, with or without the public key behind it."""
    private = Ed25519PrivateKey.from_private_bytes(key[:_SEED_BYTES])
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    if key[_SEED_BYTES:] not in (b"", public):
        raise KeyRefused("has a public half that belongs to another key")

    def signature(identity: str, now: datetime, body: str) -> str:
        signed = private.sign(f"{identity}.{int(now.timestamp())}.{body}".encode())
        return f"v1a,{base64.b64encode(signed).decode()}"

    return signature
