"""The provider's keys are found by discovery, kept, asked for again when needed, and never fetched from elsewhere."""

import asyncio

import httpx
import pytest

from shared.actors import Unauthenticated
from shared.errors import Unavailable
from shared.oidc import KEYS_FRESH_S, KEYS_STALE_S, UNKNOWN_KEY_S, Provider
from shared.tokens import Issuer
from tests.access.provider import AUDIENCE, Ticks, claims, login_provider, rs256, rsa_jwk, rsa_key, verifier


async def test_the_keys_are_fetched_once_for_many_tokens() -> None:
    async with login_provider() as login, verifier(login) as ours:
        said = await asyncio.gather(*(ours.verify(login.token(sub=f"p-{n}")) for n in range(20)))
        assert [one["sub"] for one in said] == [f"p-{n}" for n in range(20)]
        assert login.asked == 1


async def test_a_new_key_of_the_provider_is_found() -> None:
    ticks = Ticks()
    async with login_provider() as login, verifier(login, ticks) as ours:
        await ours.verify(login.token())
        login.keys = [rsa_jwk("r2", rsa_key(2048, 2))]
        ticks.at += UNKNOWN_KEY_S
        said = await ours.verify(rs256(claims(iss=login.url), rsa_key(2048, 2), kid="r2"))
        assert said["sub"] == "p-17"


async def test_a_key_that_the_provider_took_back_is_refused_once_the_keys_are_old() -> None:
    ticks = Ticks()
    async with login_provider() as login, verifier(login, ticks) as ours:
        await ours.verify(login.token())
        login.keys = [rsa_jwk("r2", rsa_key(2048, 2))]
        ticks.at += KEYS_FRESH_S + 1
        with pytest.raises(Unauthenticated):
            await ours.verify(login.token())


async def test_made_up_key_ids_do_not_make_us_ask_the_provider_again_and_again() -> None:
    async with login_provider() as login, verifier(login) as ours:
        for n in range(50):
            with pytest.raises(Unauthenticated):
                await ours.verify(rs256(claims(iss=login.url), kid=f"made-up-{n}"))
        assert login.asked == 1


async def test_a_provider_that_is_away_leaves_the_known_keys_in_use_for_a_day() -> None:
    ticks = Ticks()
    async with login_provider() as login, verifier(login, ticks) as ours:
        await ours.verify(login.token())
        login.broken = True
        ticks.at += KEYS_FRESH_S + 1
        assert (await ours.verify(login.token()))["sub"] == "p-17"
        ticks.at += KEYS_STALE_S
        with pytest.raises(Unavailable):
            await ours.verify(login.token())


async def test_with_a_provider_that_was_never_there_nobody_gets_in() -> None:
    async with login_provider(broken=True) as login, verifier(login) as ours:
        with pytest.raises(Unavailable):
            await ours.verify(login.token())


@pytest.mark.parametrize(
    "behaviour",
    [
        {"redirects": True},
        {"huge": True},
        {"named_issuer": "https://evil.example"},
        {"keys_at": "http://192.0.2.1/keys"},
        {"keys_at": "file:///etc/passwd"},
        {"keys_at": "https://user:secret@127.0.0.1/keys"},
        {"keys": []},
    ],
    ids=["redirect", "huge", "another issuer", "keys over http", "keys in a file", "keys with a login", "no keys"],
)
async def test_documents_that_cannot_be_trusted_give_no_keys(behaviour: dict[str, object]) -> None:
    async with login_provider(**behaviour) as login, verifier(login) as ours:
        with pytest.raises(Unavailable):
            await ours.verify(login.token())


@pytest.mark.parametrize(
    "issuer", ["http://login.example.test", "ftp://login.example.test", "login", "", "https://a:b@login.example.test"]
)
async def test_an_issuer_without_tls_is_refused_at_once(issuer: str) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        with pytest.raises(ValueError, match="https"):
            Provider(Issuer(issuer, AUDIENCE), client)
