"""A login provider on this machine: discovery, keys, and tokens good and bad."""

import asyncio
import base64
import contextlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fastapi import FastAPI, Response

from shared.oidc import Provider
from shared.tokens import Issuer

NOW = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
AUDIENCE = "griddispatch"
ISSUER = "https://login.example.test/realms/county"


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    """A number as JWKs write it."""
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


@cache
def rsa_key(bits: int = 2048, n: int = 1) -> rsa.RSAPrivateKey:
    """An RSA key; another `n` gives another key."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """A P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    """An Ed25519 key."""
    return ed25519.Ed25519PrivateKey.generate()


def rsa_jwk(kid: str = "r1", key: rsa.RSAPrivateKey | None = None, **more: str) -> dict[str, str]:
    """The public half."""
    numbers = (key or rsa_key()).public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "use": "sig", "n": number(numbers.n), "e": number(numbers.e), **more}


def ec_jwk(kid: str = "e1") -> dict[str, str]:
    """The public half."""
    numbers = ec_key().public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "kid": kid,
        "use": "sig",
        "x": number(numbers.x, 32),
        "y": number(numbers.y, 32),
    }


def ed_jwk(kid: str = "d1") -> dict[str, str]:
    """The public half."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": kid,
        "use": "sig",
        "x": b64(ed_key().public_key().public_bytes_raw()),
    }


def claims(**changes: Any) -> dict[str, Any]:
    """A dispatcher's claims; a change to None leaves one out."""
    good = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "p-17", "exp": NOW_S + 600, "iat": NOW_S, "nbf": NOW_S,
        "roles": ["dispatcher"], "jurisdiction": "990101",
    }  # fmt: skip
    return {name: value for name, value in (good | changes).items() if value is not None}


def signing_input(header: dict[str, Any], said: dict[str, Any]) -> str:
    """The first two parts of a token."""
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(said).encode())}"


def rs256(said: dict[str, Any], key: rsa.RSAPrivateKey | None = None, **header: Any) -> str:
    """A token signed by RSA."""
    text = signing_input({"alg": "RS256", "kid": "r1", "typ": "JWT", **header}, said)
    return f"{text}.{b64((key or rsa_key()).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def es256(said: dict[str, Any], **header: Any) -> str:
    """A token signed on P-256."""
    text = signing_input({"alg": "ES256", "kid": "e1", **header}, said)
    r, s = decode_dss_signature(ec_key().sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def eddsa(said: dict[str, Any], **header: Any) -> str:
    """A token signed by Ed25519."""
    text = signing_input({"alg": "EdDSA", "kid": "d1", **header}, said)
    return f"{text}.{b64(ed_key().sign(text.encode()))}"


def hs256(said: dict[str, Any], secret: bytes, **header: Any) -> str:
    """A token with a shared secret: none of these is ever good."""
    text = signing_input({"alg": "HS256", "kid": "r1", **header}, said)
    return f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"


@dataclass
class LoginProvider:
    """Serves discovery and keys; `asked` counts how often for the keys."""

    keys: list[dict[str, str]] = field(default_factory=lambda: [rsa_jwk(), ec_jwk(), ed_jwk()])
    asked: int = 0
    broken: bool = False
    redirects: bool = False
    huge: bool = False
    named_issuer: str | None = None
    keys_at: str | None = None
    url: str = ""

    def app(self) -> FastAPI:
        """The two documents."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, str]:
            return {"issuer": self.named_issuer or self.url, "jwks_uri": self.keys_at or f"{self.url}/keys"}

        @app.get("/keys")
        async def keys() -> Response:
            self.asked += 1
            if self.broken:
                return Response("away", 503)
            if self.redirects:
                return Response(status_code=302, headers={"location": f"{self.url}/other"})
            body: dict[str, Any] = {"keys": self.keys, **({"pad": "x" * 300_000} if self.huge else {})}
            return Response(json.dumps(body), media_type="application/json")

        @app.get("/other")
        async def other() -> dict[str, Any]:
            return {"keys": self.keys}

        return app

    def token(self, **changes: Any) -> str:
        """A good token of this provider."""
        return rs256(claims(iss=self.url, **changes))


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def login_provider(**behaviour: Any) -> AsyncIterator[LoginProvider]:
    """A provider on a free port of this machine."""
    provider = LoginProvider(**behaviour)
    listening = socket.create_server(("127.0.0.1", 0))
    provider.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = _Server(uvicorn.Config(provider.app(), log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve([listening]), name="login-provider")
    try:
        yield provider
    finally:
        server.should_exit = True
        async with asyncio.timeout(60):
            await task


@dataclass
class Ticks:
    """Seconds that the test moves."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@asynccontextmanager
async def verifier(provider: LoginProvider, ticks: Ticks | None = None) -> AsyncIterator[Provider]:
    """Our side, which trusts this provider."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        yield Provider(Issuer(provider.url, AUDIENCE), client, now=lambda: NOW, ticks=ticks or Ticks())
