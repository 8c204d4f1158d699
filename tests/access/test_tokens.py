"""A token is taken when a key of the provider signed it, for us, and for now; and in no other case."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from shared.actors import Unauthenticated
from shared.tokens import Issuer, check_token, key_id_of, usable_keys
from tests.access.provider import (
    AUDIENCE,
    ISSUER,
    NOW_S,
    b64,
    claims,
    ec_jwk,
    ed_jwk,
    eddsa,
    es256,
    hs256,
    rs256,
    rsa_jwk,
    rsa_key,
    signing_input,
)

KEYS = usable_keys({"keys": [rsa_jwk(), ec_jwk(), ed_jwk()]})


def verify(token: str, now_s: int = NOW_S) -> dict[str, Any]:
    kid = key_id_of(token)
    if kid not in KEYS:
        raise Unauthenticated("unknown")
    return dict(check_token(token, KEYS[kid], Issuer(ISSUER, AUDIENCE), now_s))


def none_token(alg: str) -> str:
    return signing_input({"alg": alg, "kid": "r1"}, claims()) + "."


def pem() -> bytes:
    return rsa_key().public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip


def swapped(token: str, part: int, text: str) -> str:
    parts = token.split(".")
    parts[part] = text
    return ".".join(parts)


@pytest.mark.parametrize(
    "token",
    [rs256(claims()), es256(claims()), eddsa(claims()), eddsa(claims(), alg="Ed25519"), rs256(claims(), typ="at+jwt")],
    ids=["RS256", "ES256", "EdDSA", "Ed25519", "at+jwt"],
)
def test_a_token_of_the_provider_is_taken(token: str) -> None:
    assert verify(token)["sub"] == "p-17"


def test_one_audience_of_several_is_enough_when_it_is_ours() -> None:
    assert verify(rs256(claims(aud=["other", AUDIENCE])))["sub"] == "p-17"


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: none_token("none"),
    "alg None": lambda: none_token("None"),
    "alg nOnE": lambda: none_token("nOnE"),
    "no alg": lambda: signing_input({"kid": "r1"}, claims()) + ".",
    "empty alg": lambda: none_token(""),
    "alg is a list": lambda: signing_input({"alg": ["RS256"], "kid": "r1"}, claims()) + ".AAAA",
    "HS256 with the public key as PEM": lambda: hs256(claims(), pem()),
    "HS256 with the public key's modulus": lambda: hs256(claims(), rsa_jwk()["n"].encode()),
    "HS256 with nothing": lambda: hs256(claims(), b""),
    "RS512": lambda: rs256(claims(), alg="RS512"),
    "PS256": lambda: rs256(claims(), alg="PS256"),
    "ES256 header on an RSA key": lambda: rs256(claims(), alg="ES256"),
    "RS256 header on an EC key": lambda: es256(claims(), alg="RS256"),
    "ES384": lambda: es256(claims(), alg="ES384"),
    "Ed448": lambda: eddsa(claims(), alg="Ed448"),
    "another's key under our kid": lambda: rs256(claims(), rsa_key(2048, 2)),
    "unknown kid": lambda: rs256(claims(), kid="r9"),
    "no kid": lambda: rs256(claims(), kid=None),
    "empty kid": lambda: rs256(claims(), kid=""),
    "kid is a number": lambda: rs256(claims(), kid=1),
    "kid is a path": lambda: rs256(claims(), kid="../../dev/null"),
    "kid is an address": lambda: rs256(claims(), kid="https://evil.example/key"),
    "endless kid": lambda: rs256(claims(), kid="r" * 201),
    "jku": lambda: rs256(claims(), jku="https://evil.example/keys"),
    "x5u": lambda: rs256(claims(), x5u="https://evil.example/cert"),
    "a key of its own": lambda: rs256(claims(), jwk=rsa_jwk()),
    "a certificate of its own": lambda: rs256(claims(), x5c=["MIIB"]),
    "crit": lambda: rs256(claims(), crit=["exp"], exp=1),
    "crit unknown": lambda: rs256(claims(), crit=["b64"], b64=False),
    "typ of another kind": lambda: rs256(claims(), typ="secevent+jwt"),
    "typ is a list": lambda: rs256(claims(), typ=["JWT"]),
    "truncated signature": lambda: rs256(claims())[:-20],
    "no signature": lambda: rs256(claims()).rpartition(".")[0] + ".",
    "two parts": lambda: rs256(claims()).rpartition(".")[0],
    "five parts": lambda: rs256(claims()) + ".a.b",
    "not base64": lambda: "%%%.%%%.%%%",
    "empty": lambda: "..",
    "claims changed": lambda: swapped(rs256(claims()), 1, b64(json.dumps(claims(roles=["command_centre"])).encode())),
    "header changed": lambda: swapped(rs256(claims()), 0, b64(b'{"alg":"RS256","kid":"r1"}')),
    "claims are a list": lambda: rs256([1]),  # type: ignore[arg-type]
    "too long": lambda: rs256(claims(pad="x" * 9000)),
    "Chinese": lambda: "令.牌.牌",
    "deeply nested header": lambda: b64(b"[" * 5000) + "." + b64(b"{}") + ".AAAA",
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(name: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(FORGED[name]())


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW_S - 31},
    "expires at the very leeway": {"exp": NOW_S - 30},
    "no exp": {"exp": None},
    "exp is text": {"exp": str(NOW_S + 600)},
    "exp is true": {"exp": True},
    "exp is not a number": {"exp": float("nan")},
    "exp never comes": {"exp": float("inf")},
    "not yet": {"nbf": NOW_S + 31},
    "issued in the future": {"iat": NOW_S + 31, "exp": NOW_S + 600},
    "no iat": {"iat": None},
    "lives for more than a day": {"exp": NOW_S + 86_401},
    "issued long ago to live on": {"iat": NOW_S - 90_000, "exp": NOW_S + 60},
    "another issuer": {"iss": "https://login.example.test/realms/other"},
    "issuer with a slash more": {"iss": ISSUER + "/"},
    "issuer in capitals": {"iss": ISSUER.upper()},
    "no issuer": {"iss": None},
    "issuer is a list": {"iss": [ISSUER]},
    "another audience": {"aud": "other"},
    "audience begins like ours": {"aud": "griddispatch-admin"},
    "no audience": {"aud": None},
    "empty audience": {"aud": []},
    "audience is an object": {"aud": {"griddispatch": True}},
    "no person": {"sub": None},
    "empty person": {"sub": ""},
    "person is a number": {"sub": 17},
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CLAIMS)
def test_a_token_with_wrong_claims_is_refused(name: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(rs256(claims(**BAD_CLAIMS[name])))


@pytest.mark.parametrize("changes", [{"exp": NOW_S - 29}, {"nbf": NOW_S + 30}, {"iat": NOW_S + 30}])
def test_clocks_may_be_half_a_minute_apart(changes: dict[str, Any]) -> None:
    assert verify(rs256(claims(**changes)))["sub"] == "p-17"


@pytest.mark.parametrize(
    "jwk",
    [
        rsa_jwk(key=rsa_key(1024)),
        {**rsa_jwk(), "use": "enc"},
        {**rsa_jwk(), "kid": ""},
        {name: value for name, value in rsa_jwk().items() if name != "kid"},
        {"kty": "oct", "kid": "r1", "k": base64.urlsafe_b64encode(b"secret" * 6).decode()},
        {**ec_jwk(), "crv": "P-384"},
        {**ed_jwk(), "x": "AAAA"},
        {"kty": "RSA", "kid": "r1"},
        {"kty": "RSA", "kid": "r1", "n": 5, "e": []},
        {**rsa_jwk(), "d": "AQAB"},
        "a key",
    ],
    ids=["small RSA", "for encryption", "empty kid", "no kid", "shared secret", "wrong curve", "short point",
         "no numbers", "odd numbers", "private", "text"],
)  # fmt: skip
def test_a_key_that_should_not_verify_tokens_is_left_out(jwk: Any) -> None:
    assert usable_keys({"keys": [jwk]}) == {}


def test_of_two_keys_with_one_id_neither_is_used() -> None:
    assert usable_keys({"keys": [rsa_jwk("r1"), rsa_jwk("r1", rsa_key(2048, 2))]}) == {}


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": [rsa_jwk()] * 33}])
def test_what_is_no_set_of_keys_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="JWKS"):
        usable_keys(document)
