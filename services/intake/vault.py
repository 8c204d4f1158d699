"""The vault: a citizen's words and identity, sealed per ticket; opened for a purpose, each view logged, erasable."""

import base64
import binascii
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake import store
from services.intake.core.report import NewTicket, Reporter, Scalar
from services.intake.store import Sealed
from shared.database import Transaction
from shared.errors import CannotOpen, NotFound
from shared.terms import TicketId

KEY_BYTES = 32
NONCE_BYTES = 12
MARK_BYTES = 16
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)
_LEADS = "lead"
"""Keys whose id begins so seal sensitive leads and nothing else."""


@dataclass(frozen=True, slots=True)
class OriginalWords:
    """What a citizen said, and who they are as far as they told."""

    title: str | None
    text: str
    address: str | None = None
    reporter: Reporter | None = None
    extensions: dict[str, Scalar] = field(default_factory=dict)


def words_of(ticket: NewTicket) -> OriginalWords:
    """The part of a report that belongs in the vault and nowhere else."""
    address = ticket.location.address if ticket.location else None
    return OriginalWords(ticket.title, ticket.text, address, ticket.reporter, ticket.extensions)


def read_keys(text: str) -> dict[str, bytes]:
    """Keys by id from `id:base64[,older…]`, the active one first. Raises ValueError, which never quotes a key."""
    keys: dict[str, bytes] = {}
    for place, entry in enumerate(text.split(","), 1):
        key_id, _, encoded = entry.strip().partition(":")
        if not _KEY_ID.fullmatch(key_id):
            raise ValueError(f"entry {place} must start with a key id of a-z, 0-9, '.', '_', '-' and a colon")
        if key_id in keys:
            raise ValueError(f"key id {key_id} stands twice")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise ValueError(f"key {key_id} is not base64") from None  # the cause may quote the key
        if len(key) != KEY_BYTES:
            raise ValueError(f"key {key_id} has {len(key)} bytes, not {KEY_BYTES}")
        keys[key_id] = key
    if not ordinary_keys(keys):
        raise ValueError(f"every key id begins with {_LEADS}: none is left for what citizens say")
    return keys


def ordinary_keys(keys: Mapping[str, bytes]) -> dict[str, bytes]:
    """The keys of a ring that seal what citizens say, the active one first."""
    return {key_id: key for key_id, key in keys.items() if not key_id.startswith(_LEADS)}


def lead_keys(keys: Mapping[str, bytes]) -> dict[str, bytes]:
    """The keys of a ring that seal sensitive leads, the active one first.

    Where a ring has none of its own for them, one is derived from each other key: different, though not held apart.
    """
    own = {key_id: key for key_id, key in keys.items() if key_id.startswith(_LEADS)}
    return own or {f"{key_id}/{_LEADS}": _derived(key, _LEADS) for key_id, key in ordinary_keys(keys).items()}


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"griddispatch {purpose}".encode(), "sha256")


class Marks:
    """Marks by which something personal is known again without being kept: keyed, so that nobody can try them out."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys` as `read_keys` answers: new marks are made with the first that is not for leads."""
        derived = [_derived(key, "marks") for key in ordinary_keys(keys).values()]
        self._begun = [blake2b(digest_size=MARK_BYTES, key=key) for key in derived]

    def of(self, kind: str, text: str) -> tuple[bytes, ...]:
        """The mark of a text under each key of the ring, the active first; 16 bytes each, another for each kind.

        Keyed BLAKE2b, which needs no HMAC around it and costs a third.
        """
        said = f"{kind}|{text}".encode("utf-8", "surrogatepass")
        marks = []
        for begun in self._begun:
            mark = begun.copy()  # the key is taken in once, not for every mark
            mark.update(said)
            marks.append(mark.digest())
        return tuple(marks)


class Vault:
    """Seals with a new key per ticket, wrapped by the ring's active key; opens with any key of the ring."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        """`keys` as `ordinary_keys` or `lead_keys` answers: the first is active."""
        self._ring = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.active = next(iter(keys))

    def seal(self, ticket_id: UUID, words: OriginalWords) -> Sealed:
        """Seal for this ticket only, or lead, or supplement: under another id the bytes do not open."""
        drawn = os.urandom(KEY_BYTES + 2 * NONCE_BYTES)
        key, nonce, wrap_nonce = drawn[:KEY_BYTES], drawn[KEY_BYTES:-NONCE_BYTES], drawn[-NONCE_BYTES:]
        sealed = AESGCM(key).encrypt(nonce, orjson.dumps(words), ticket_id.bytes)
        wrapped = self._ring[self.active].encrypt(wrap_nonce, key, ticket_id.bytes)
        return Sealed(self.active, wrap_nonce + wrapped, nonce + sealed)

    def open(self, ticket_id: UUID, sealed: Sealed) -> OriginalWords:
        """Raises CannotOpen; NotFound when the words were erased."""
        if sealed.wrapped_key is None or sealed.words is None:
            raise NotFound(f"the words of {ticket_id} were erased")
        if (ring_key := self._ring.get(sealed.key_id)) is None:
            raise CannotOpen(f"key {sealed.key_id} is not in the ring")
        try:
            key = ring_key.decrypt(sealed.wrapped_key[:NONCE_BYTES], sealed.wrapped_key[NONCE_BYTES:], ticket_id.bytes)
            plain = AESGCM(key).decrypt(sealed.words[:NONCE_BYTES], sealed.words[NONCE_BYTES:], ticket_id.bytes)
        except InvalidTag as error:
            raise CannotOpen(f"the words of {ticket_id} are damaged, or of another key") from error
        return _words(orjson.loads(plain))


def _words(kept: dict[str, Any]) -> OriginalWords:
    reporter = kept.pop("reporter")
    return OriginalWords(**kept, reporter=Reporter(**reporter) if reporter else None)


async def unlock(
    tx: Transaction, vault: Vault, ticket_id: TicketId, *, viewer: str, purpose: str, now: datetime
) -> dict[str, object]:
    """The words for a person, and the log entry that says who read them what for; both commit, or neither.

    Raises NotFound for an unknown ticket or one whose words were erased.
    """
    sealed = await store.read_sealed(tx, ticket_id)
    if sealed is None:
        raise NotFound(f"no ticket {ticket_id}")
    words = vault.open(ticket_id, sealed)
    await store.log_view(tx, ticket_id, viewer, purpose, now)
    return asdict(words)


async def erase(tx: Transaction, ticket_id: TicketId) -> bool:
    """Forget a matter's words and identity for good; False when there was nothing left. The ledger stays whole."""
    return await store.erase_words(tx, ticket_id)
