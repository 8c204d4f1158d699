"""An API key opens what it was given, as long as it is good, and a lost table opens nothing."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from services.intake.open311_keys import KeyRing as Open311KeyRing
from shared.actors import Scope, Unauthenticated
from shared.api_keys import ApiKey, Pepper, actor_of_key, check_key, lookup_of, lookup_of_hash, new_key_text
from shared.database import Database, connect
from shared.errors import NotFound, Rejected, Unavailable
from shared.key_store import FRESH_S, STALE_S, UNKNOWN_S, KeyRing, insert_key, list_keys, revoke_key, rotate_key
from tests.access.provider import Ticks
from tests.access.values import COUNTY, NOW, OTHER_COUNTY, PEPPER, PEPPER_TEXT, key, permissions
from tests.builders import PATIENT
from tests.conftest import TestDatabase


async def keep(tables: Database, kept: ApiKey) -> None:
    async with tables.transaction() as tx:
        await insert_key(tx, kept)


def ring(tables: Database, ticks: Ticks | None = None) -> KeyRing:
    return KeyRing(tables, PEPPER, now=lambda: NOW, ticks=ticks or Ticks())


def test_a_key_has_a_name_to_look_it_up_by_and_256_random_bits() -> None:
    text = new_key_text()
    assert text.startswith("gd_")
    assert len(text) == 3 + 10 + 1 + 43
    assert len({new_key_text() for _ in range(100)}) == 100


def test_what_is_kept_of_a_key_does_not_hold_the_key() -> None:
    text, kept = key()
    assert text.rpartition("_")[2] not in repr(kept)
    assert sha256(text.encode()).digest() != kept.digest


def test_under_another_pepper_the_key_is_another() -> None:
    text, kept = key()
    with pytest.raises(Unauthenticated) as refused:
        check_key(kept, text, Pepper(b"another pepper of 32 bytes or so!"), NOW)
    assert refused.value.reason == "key-wrong"


def test_a_pepper_is_never_shown_and_never_short() -> None:
    assert PEPPER_TEXT not in repr(PEPPER)
    with pytest.raises(ValueError, match="32"):
        Pepper(b"short")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revoked_at": NOW - timedelta(hours=1)}, "key-revoked"),
        ({"expires_at": NOW}, "key-expired"),
        ({"expires_at": NOW - timedelta(days=1)}, "key-expired"),
        ({"digest": bytes(32)}, "key-wrong"),
    ],
)
def test_a_key_that_is_no_longer_good_is_refused(changes: dict[str, Any], reason: str) -> None:
    text, kept = key(**changes)
    with pytest.raises(Unauthenticated) as refused:
        check_key(kept, text, PEPPER, NOW)
    assert refused.value.reason == reason


def test_a_key_nobody_knows_is_refused() -> None:
    with pytest.raises(Unauthenticated) as refused:
        check_key(None, new_key_text(), PEPPER, NOW)
    assert refused.value.reason == "key-unknown"


@pytest.mark.parametrize("cut", [1, 10, 42])
def test_a_truncated_key_is_refused(cut: int) -> None:
    text, _ = key()
    with pytest.raises(Unauthenticated):
        lookup_of(text[:-cut])


@pytest.mark.parametrize(
    "text", ["gd_", "gd__", "gd_ABCDEFGHIJ_" + "a" * 43, "x" * 257, "gd_abcdefghij_" + "a" * 42 + "é"]
)
def test_what_cannot_be_a_key_is_refused_unseen(text: str) -> None:
    with pytest.raises(Unauthenticated):
        lookup_of(text)


def test_a_key_with_one_character_changed_is_refused() -> None:
    text, kept = key()
    other = text[:-1] + ("A" if text[-1] != "A" else "B")
    with pytest.raises(Unauthenticated):
        check_key(kept, other, PEPPER, NOW)


def test_a_key_may_never_do_more_than_its_role() -> None:
    _, kept = key(scopes=frozenset({Scope("tickets:write"), Scope("desk:command")}))
    actor = actor_of_key(kept, permissions().scopes_of("hotline"))
    assert actor.scopes == {"tickets:write"}


def test_a_key_posts_only_as_the_sources_it_was_given() -> None:
    _, kept = key()
    actor = actor_of_key(kept, permissions().scopes_of("hotline"))
    assert actor.may_post_as("hotline-12345")
    assert not actor.may_post_as("hotline-110")
    assert not actor.may_post_as("")


async def test_a_key_that_was_kept_is_found(tables: Database) -> None:
    text, kept = key()
    await keep(tables, kept)
    assert (await ring(tables).find(text)).client == "hotline-a"


async def test_a_revoked_key_is_dead_within_ten_seconds(tables: Database) -> None:
    text, kept = key()
    ticks = Ticks()
    keys = ring(tables, ticks)
    await keep(tables, kept)
    await keys.find(text)
    async with tables.transaction() as tx:
        await revoke_key(tx, kept.lookup, NOW)
    assert FRESH_S < 10
    ticks.at += FRESH_S + 0.1
    with pytest.raises(Unauthenticated):
        await keys.find(text)


async def test_a_new_key_works_at_once_though_the_keys_were_just_read(tables: Database) -> None:
    text, kept = key()
    ticks = Ticks()
    keys = ring(tables, ticks)
    with pytest.raises(Unauthenticated):
        await keys.find(text)
    await keep(tables, kept)
    ticks.at += UNKNOWN_S + 0.1
    assert (await keys.find(text)).lookup == kept.lookup


async def test_without_the_database_known_keys_work_for_ten_seconds_and_not_longer(
    tables: Database, common_database: TestDatabase
) -> None:
    away = await connect(common_database.dsn("intake"), size=1, application="test-keys", patience=PATIENT)
    text, kept = key()
    ticks = Ticks()
    keys = ring(away, ticks)
    await keep(tables, kept)
    await keys.find(text)
    await away.close()
    ticks.at += STALE_S - 1
    assert (await keys.find(text)).lookup == kept.lookup
    ticks.at += 2
    with pytest.raises(Unavailable):
        await keys.find(text)
    assert keys.client_of(COUNTY, text, None) is None


async def test_the_use_of_a_key_is_noted_by_the_hour(tables: Database) -> None:
    text, kept = key()
    ticks = Ticks()
    keys = ring(tables, ticks)
    await keep(tables, kept)
    await keys.find(text)
    ticks.at += FRESH_S + 0.1
    await keys.find(text)
    (shown,) = await list_keys(tables)
    assert shown.used_at == NOW.replace(minute=0)


async def test_a_rotated_key_works_on_for_the_overlap_and_its_successor_at_once(tables: Database) -> None:
    text, kept = key()
    await keep(tables, kept)
    newer = new_key_text()
    async with tables.transaction() as tx:
        new = await rotate_key(tx, kept.lookup, newer, PEPPER, NOW, timedelta(days=7), timedelta(days=365))
    keys = ring(tables)
    assert (await keys.find(text)).expires_at == NOW + timedelta(days=7)
    assert (await keys.find(newer)).scopes == kept.scopes
    assert new.jurisdiction == kept.jurisdiction


@pytest.mark.parametrize(
    "changes", [{"expires_at": NOW - timedelta(hours=1)}, {"replaced_by": "self"}], ids=["expired", "replaced"]
)
async def test_a_key_that_is_not_live_cannot_be_rotated(tables: Database, changes: dict[str, Any]) -> None:
    _, kept = key(**{name: value for name, value in changes.items() if name != "replaced_by"})
    await keep(tables, kept)
    if "replaced_by" in changes:
        async with tables.transaction() as tx:
            await rotate_key(tx, kept.lookup, new_key_text(), PEPPER, NOW, timedelta(1), timedelta(2))
    with pytest.raises(Rejected):
        async with tables.transaction() as tx:
            await rotate_key(tx, kept.lookup, new_key_text(), PEPPER, NOW, timedelta(1), timedelta(2))


async def test_a_key_is_revoked_once_and_only_if_it_is_there(tables: Database) -> None:
    _, kept = key()
    await keep(tables, kept)
    async with tables.transaction() as tx:
        await revoke_key(tx, kept.lookup, NOW)
        with pytest.raises(Rejected):
            await revoke_key(tx, kept.lookup, NOW)
        with pytest.raises(NotFound):
            await revoke_key(tx, "nothing123", NOW)


async def test_the_same_key_is_not_kept_twice(tables: Database) -> None:
    _, kept = key()
    await keep(tables, kept)
    with pytest.raises(Rejected):
        await keep(tables, replace(kept, client="another"))


async def test_open311_gets_the_client_of_a_key_of_its_county_and_of_no_other(tables: Database) -> None:
    text, kept = key()
    await keep(tables, kept)
    keys = ring(tables)
    served: Open311KeyRing = keys
    assert served.client_of(COUNTY, text, None) is None, "nobody has read the keys yet"
    await keys.freshen()
    assert served.client_of(COUNTY, text, "192.0.2.1") == "hotline-a"
    assert served.client_of(OTHER_COUNTY, text, None) is None
    assert served.client_of(COUNTY, text + "x", None) is None
    assert served.client_of(COUNTY, None, "127.0.0.1") is None
    assert served.client_of(COUNTY, "", None) is None


async def test_open311_refuses_a_key_that_may_only_read(tables: Database) -> None:
    text, kept = key(scopes=frozenset({Scope("tickets:read")}))
    await keep(tables, kept)
    keys = ring(tables)
    await keys.freshen()
    assert keys.client_of(COUNTY, text, None) is None


async def test_a_key_made_elsewhere_works_by_its_hash_alone(tables: Database) -> None:
    foreign = "city-app-key-with-enough-randomness-8c1f"
    digest = sha256(foreign.encode()).hexdigest()
    _, kept = key()
    await keep(tables, replace(kept, lookup=lookup_of_hash(digest), digest=PEPPER.digest_of_hash(digest)))
    keys = ring(tables)
    assert (await keys.find(foreign)).client == "hotline-a"
    with pytest.raises(Unauthenticated):
        await keys.find(digest)


@pytest.mark.parametrize("digest", ["", "abc", "A" * 64, "g" * 64, "a" * 63])
def test_what_is_no_hash_is_not_taken_over(digest: str) -> None:
    with pytest.raises(ValueError, match="64"):
        lookup_of_hash(digest)
