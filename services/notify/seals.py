"""Keys at rest: what signs deliveries is kept sealed, each bound to the subscription it belongs to."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import CannotOpen

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEY_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)


def read_ring(text: str) -> dict[str, bytes]:
    """Keys by id from `id:base64 of 32 bytes[,older…]`, the active one first; none of an empty text.

    Raises ValueError, which never quotes a key.
    """
    ring: dict[str, bytes] = {}
    for place, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not _KEY_ID.fullmatch(key_id) or key_id in ring or len(key) != _KEY_BYTES:
            raise ValueError(f"entry {place} must be id:key, with an id of its own and {_KEY_BYTES} bytes in base64")
        ring[key_id] = key
    return ring


class Seals:
    """Seals with the ring's active key, opens with any."""

    def __init__(self, ring: Mapping[str, bytes]) -> None:
        """`ring` as `read_ring` answers; empty, nothing can be sealed."""
        self._ring = {key_id: AESGCM(key) for key_id, key in ring.items()}
        self._active = next(iter(ring), "")

    @property
    def is_able(self) -> bool:
        """Whether there is a key to seal with."""
        return bool(self._ring)

    def seal(self, about: UUID, secret: str) -> bytes:
        """Seal a secret of `about`: under another id the bytes do not open."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ring[self._active].encrypt(nonce, secret.encode(), about.bytes)
        return self._active.encode() + b":" + nonce + sealed

    def open(self, about: UUID, sealed: bytes) -> str:
        """The secret. Raises CannotOpen."""
        key_id, _, rest = sealed.partition(b":")
        try:
            opened = self._ring[key_id.decode()].decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], about.bytes)
        except (KeyError, InvalidTag, UnicodeDecodeError) as error:
            raise CannotOpen(f"the key of {about} cannot be opened") from error
        return opened.decode()
