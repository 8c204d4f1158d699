"""Keys in the database, and all live ones in memory: no request waits for the database to be let in."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from shared.actors import Scope, Unauthenticated
from shared.api_keys import ApiKey, Pepper, check_key, lookup_of
from shared.clock import Clock, utc_now
from shared.database import Database, Transaction, named_queries
from shared.errors import NotFound, Problem, Rejected, Unavailable
from shared.telemetry import log

_SQL = named_queries("shared", "sql", "access.sql")

FRESH_S = 4.0
"""Older than this, what is in memory is read anew before it is used: a revoked key is dead within this time."""
STALE_S = 10.0
"""Older than this it is not used at all, whatever became of the database."""
UNKNOWN_S = 1.0
"""A key that is not known has it read anew, but not more often than this."""
READ_S = 2.0


class KeyRing:
    """The live keys of one service. `find` is for requests; `client_of` for code that cannot wait."""

    def __init__(
        self, database: Database, pepper: Pepper, *, now: Clock = utc_now, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """`now` is real time, never the demo's; `ticks` are seconds that never go back."""
        self._database = database
        self._pepper = pepper
        self._now = now
        self._ticks = ticks
        self._keys: Mapping[str, ApiKey] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._used: set[str] = set()

    async def find(self, text: str) -> ApiKey:
        """The key. Raises Unauthenticated, or Unavailable when it cannot be told."""
        lookup = lookup_of(text)
        await self.freshen()
        if lookup not in self._keys:
            await self.freshen(UNKNOWN_S)
        key = check_key(self._keys.get(lookup), text, self._pepper, self._now())
        self._used.add(lookup)
        return key

    def client_of(self, jurisdiction: str, api_key: str | None, peer: str | None) -> str | None:
        """The client whose key this is, if it may post Open311 requests in this jurisdiction; None if not.

        Answers from memory: let somebody `freshen` before. `peer` is who is connected, and does not matter.
        """
        if api_key is None or self._age() > STALE_S:
            return None
        try:
            lookup = lookup_of(api_key)
            key = check_key(self._keys.get(lookup), api_key, self._pepper, self._now())
        except Unauthenticated:
            return None
        self._used.add(lookup)
        fits = jurisdiction.startswith(key.jurisdiction) and Scope("tickets:write") in key.scopes
        return key.client if fits else None

    async def freshen(self, within_s: float = FRESH_S) -> None:
        """Make sure that what is in memory is at most `within_s` old. Raises Unavailable when it is far too old."""
        if self._age() <= within_s:
            return
        async with self._reading:
            if self._age() <= within_s:
                return
            try:
                async with asyncio.timeout(READ_S):
                    await self._read()
            except (Unavailable, TimeoutError) as error:
                if self._age() > STALE_S:
                    raise Unavailable("the keys cannot be read") from error
                log.warning("keys_not_read", error=str(error), age_s=round(self._age(), 1))

    def _age(self) -> float:
        return self._ticks() - self._read_at

    async def _read(self) -> None:
        asked_at, now, used = self._ticks(), self._now(), sorted(self._used)
        if used:
            await self._database.fetch(_SQL["note_use"], used, now)
            self._used.difference_update(used)
        rows = await self._database.fetch(_SQL["read_live_keys"], now)
        self._keys = {row["lookup"]: _key(row) for row in rows}
        self._read_at = asked_at


async def list_keys(database: Database) -> list[ApiKey]:
    """Every key there ever was, by client. Raises Unavailable."""
    return [_key(row) for row in await database.fetch(_SQL["list_keys"])]


async def insert_key(tx: Transaction, key: ApiKey) -> None:
    """Keep a new key. Raises Rejected when it is there already."""
    args = (
        key.lookup, key.client, key.digest, key.role, sorted(key.scopes), key.jurisdiction, sorted(key.sources),
        key.unit, key.quota_per_minute, key.created_at, key.expires_at,
    )  # fmt: skip
    if await tx.conn.fetchval(_SQL["insert_key"], *args) is None:
        raise Rejected(Problem("key", "known", f"{key.lookup} is known already"))


async def revoke_key(tx: Transaction, lookup: str, now: datetime) -> ApiKey:
    """End a key at once. Raises NotFound, Rejected when it was revoked before."""
    key = await _held(tx, lookup)
    await tx.conn.execute(_SQL["revoke_key"], lookup, now)
    return replace(key, revoked_at=now)


async def rotate_key(
    tx: Transaction, lookup: str, text: str, pepper: Pepper, now: datetime, overlap: timedelta, life: timedelta
) -> ApiKey:
    """Put a new key in the place of one, with the same rights; the old one ends after the overlap.

    Raises NotFound, Rejected when the old key is revoked, expired or replaced already.
    """
    old = await _held(tx, lookup)
    if old.state(now) != "LIVE":
        raise Rejected(Problem("key", "not_live", f"{lookup} is {old.state(now)}"))
    new = replace(
        old, lookup=lookup_of(text), digest=pepper.digest(text), created_at=now, expires_at=now + life, used_at=None
    )
    await insert_key(tx, new)
    await tx.conn.execute(_SQL["replace_key"], lookup, new.lookup, now + overlap)
    return new


async def _held(tx: Transaction, lookup: str) -> ApiKey:
    row = await tx.conn.fetchrow(_SQL["lock_key"], lookup)
    if row is None:
        raise NotFound(f"no key {lookup}")
    key = _key(row)
    if key.revoked_at is not None:
        raise Rejected(Problem("key", "revoked", f"{lookup} is revoked already"))
    return key


def _key(row: "asyncpg.Record") -> ApiKey:
    values: dict[str, Any] = dict(row)
    scopes = frozenset(Scope(scope) for scope in values.pop("scopes"))
    return ApiKey(scopes=scopes, sources=frozenset(values.pop("sources")), **values)
