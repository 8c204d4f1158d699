"""API keys 接口密钥: what they look like, what is kept of them, and whether one still opens anything."""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from shared.actors import Actor, Scope, Unauthenticated

PEPPER_BYTES: Final = 32
KEY_CREDENTIAL: Final = "key:"
"""Stands before a key's lookup wherever it is said who asked."""
LONGEST_LIFE: Final = timedelta(days=366 * 2)
MAX_KEY: Final = 256
DEFAULT_QUOTA_PER_MINUTE: Final = 600

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_FORM: Final = re.compile(r"gd_(?P<lookup>[a-z0-9]{10})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
_CLIENT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. `digest` is a keyed hash; `sources` are the names its client may post as."""

    lookup: str
    client: str
    digest: bytes
    role: str
    scopes: frozenset[Scope]
    jurisdiction: str
    sources: frozenset[str]
    unit: str | None
    quota_per_minute: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    replaced_by: str | None = None
    used_at: datetime | None = None

    @property
    def credential(self) -> str:
        """How logs name the key; no help in guessing it."""
        return KEY_CREDENTIAL + self.lookup

    def state(self, now: datetime) -> str:
        """LIVE, REPLACED (it still works, a newer one does too), EXPIRED or REVOKED."""
        if self.revoked_at is not None:
            return "REVOKED"
        if now >= self.expires_at:
            return "EXPIRED"
        return "REPLACED" if self.replaced_by else "LIVE"


class Pepper:
    """The secret under which keys are hashed: a stolen table without it is of no use, a lost one voids every key."""

    def __init__(self, secret: bytes) -> None:
        """Raises ValueError when it is shorter than 32 bytes."""
        if len(secret) < PEPPER_BYTES:
            raise ValueError(f"the pepper of API keys has at least {PEPPER_BYTES} bytes")
        self._secret = secret

    def digest(self, key: str) -> bytes:
        """What is kept of a key."""
        return self.digest_of_hash(sha256(key.encode()).hexdigest())

    def digest_of_hash(self, sha256_hex: str) -> bytes:
        """What is kept of a key of which only its SHA-256 is known, as lowercase hex; so plain hashes can move here."""
        return hmac.digest(self._secret, sha256_hex.encode(), "sha256")

    def __repr__(self) -> str:
        return "Pepper(…)"


def new_key_text() -> str:
    """A new key: `gd_`, ten characters to look it up by, and 256 random bits."""
    lookup = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"gd_{lookup}_{secrets.token_urlsafe(32)}"


def looks_like_key(text: str) -> bool:
    """Whether this is meant to be a key of ours rather than a token."""
    return text.startswith("gd_")


def lookup_of(text: str) -> str:
    """By what the key is looked up. Raises Unauthenticated when it cannot be a key."""
    if len(text) > MAX_KEY:
        raise Unauthenticated("key-form")
    if (form := _FORM.fullmatch(text)) is not None:
        return form["lookup"]
    if looks_like_key(text):
        raise Unauthenticated("key-form")
    return lookup_of_hash(sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def lookup_of_hash(sha256_hex: str) -> str:
    """By what a key that was not made here is looked up. Raises ValueError when it is no SHA-256 in lowercase hex."""
    if not _SHA256.fullmatch(sha256_hex):
        raise ValueError("must be the 64 hex digits of the key's SHA-256")
    return sha256_hex[:16]


def check_key(key: ApiKey | None, text: str, pepper: Pepper, now: datetime) -> ApiKey:
    """The key, if `text` is it and it still opens something. Raises Unauthenticated, with the reason for the log.

    Compares in constant time, also when there is no such key.
    """
    digest = pepper.digest(text)
    right = hmac.compare_digest(digest, key.digest if key is not None else bytes(len(digest)))
    if key is None:
        raise Unauthenticated("key-unknown")
    if not right:
        raise Unauthenticated("key-wrong")
    if key.revoked_at is not None:
        raise Unauthenticated("key-revoked")
    if now >= key.expires_at:
        raise Unauthenticated("key-expired")
    return key


def actor_of_key(key: ApiKey, role_scopes: frozenset[Scope]) -> Actor:
    """Who asks with this key: never more than its role may, and only what the key was given of that."""
    return Actor(
        key.role, key.unit, None, key.jurisdiction, key.scopes & role_scopes, key.sources, key.credential, key.client
    )


def is_client(text: str) -> bool:
    """Whether this can be the name of a client."""
    return _CLIENT.fullmatch(text) is not None
