"""Reads a corpus: one case a line, what is sent and by whom, and the answer that is expected, written by hand."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from tests.access.enforced import World
from tests.access.provider import claims, ec_key, es256, hs256, rs256, rsa_key, signing_input
from tests.builders import ROOT

FOLDER = ROOT / "tests" / "corpus"


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `expect` is the status, or a list of statuses where more than one would do."""

    id: str
    service: str
    method: str
    path: str
    expect: list[int]
    who: str = ""
    token: dict[str, Any] | None = None
    key: dict[str, str] | None = None
    headers: list[list[str]] = field(default_factory=list)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    lines: list[Any] = field(default_factory=list)
    has: str = ""
    lacks: str = ""


def read_cases(name: str) -> Iterator[Case]:
    """The cases of a file. Raises TypeError for a field that is none."""
    for line in (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        expect = said.pop("expect")
        yield Case(**said, expect=expect if isinstance(expect, list) else [expect])


async def ask(client: httpx.AsyncClient, case: Case, world: World) -> httpx.Response:
    """Send the case's request."""
    headers = [(name, world.filled(value)) for name, value in case.headers]
    headers += list(_shown(case, world))
    content = _content(case, world)
    if content is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/x-ndjson" if case.lines else "application/json"))
    return await client.request(
        case.method, world.filled(case.path), params={n: world.filled(v) for n, v in case.query.items()} or None,
        headers=[(name.encode("latin-1"), value.encode("utf-8")) for name, value in headers], content=content,
    )  # fmt: skip


def _content(case: Case, world: World) -> bytes | None:
    if case.lines:
        return b"\n".join(world.filled(orjson.dumps(line).decode()).encode() for line in case.lines)
    return None if case.body is None else world.filled(orjson.dumps(case.body).decode()).encode()


def _shown(case: Case, world: World) -> Iterator[tuple[str, str]]:
    if case.who:
        role, _, rest = case.who.partition("@")
        area, _, unit = rest.partition("/")
        yield "Authorization", world.shown(role, area, world.filled(unit))["Authorization"]
    if case.token is not None:
        yield "Authorization", f"Bearer {_token(case.token, world)}"
    if case.key is not None:
        yield (
            "Authorization",
            f"Bearer {_edited(world.keys['hotline', case.key.get('area', '990101')], case.key['edit'])}",
        )


def _edited(key: str, edit: str) -> str:
    """A key with something wrong about it."""
    start, lookup, secret = key.split("_", 2)
    other = "A" if secret[0] != "A" else "B"
    return {
        "none": key, "upper": key.upper(), "short": key[:-1], "long": key + "A", "secret": f"{start}_{lookup}_{other}{secret[1:]}",
        "lookup": f"{start}_{lookup[::-1]}_{secret}", "only-lookup": f"{start}_{lookup}", "no-start": f"{lookup}_{secret}",
        "other-start": f"gx_{lookup}_{secret}", "swapped": f"{start}_{secret}_{lookup}", "twice": f"{key},{key}",
        "star": f"{start}_{lookup}_{'*' * 43}", "quoted": f'"{key}"', "percent": f"{start}_{lookup}_%00{secret[3:]}",
        "dots": f"{start}.{lookup}.{secret}", "blank-inside": f"{start}_{lookup}_ {secret[1:]}",
    }[edit]  # fmt: skip


def _token(said: dict[str, Any], world: World) -> str:
    """A token as described: claims, with times in seconds from now, header, algorithm and what its signature is."""
    now = int(time.time())
    good = {
        "iss": world.login.url, "sub": "p-17", "roles": ["dispatcher"], "jurisdiction": "990101", "iat": now - 5,
        "exp": now + 600, "nbf": None,
    }  # fmt: skip
    changed = {
        n: now + v if n in ("iat", "exp", "nbf") and type(v) is int else v for n, v in said.get("claims", {}).items()
    }
    full = claims(**(good | changed))
    header = said.get("header", {})
    match said.get("alg", "RS256"):
        case "RS256":
            token = rs256(full, rsa_key(n=2) if said.get("sign") == "other-key" else None, **header)
        case "ES256":
            token = es256(full, **header)
        case "HS256":
            public = rsa_key().public_key().public_numbers().n
            secret = public.to_bytes(256, "big") if said.get("sign") == "public-key" else b"secret" * 8
            token = hs256(full, secret, **header)
        case _:
            token = signing_input({"alg": said["alg"], "kid": "r1", "typ": "JWT", **header}, full) + "."
    assert ec_key() is not None
    return _spoiled(token, str(said.get("spoil", "")))


def _spoiled(token: str, how: str) -> str:
    head, body, signature = token.split(".", 2)
    empty = urlsafe_b64encode(b"\0" * 256).rstrip(b"=").decode()
    return {
        "": token, "no-signature": f"{head}.{body}.", "two-parts": f"{head}.{body}", "four-parts": f"{token}.x",
        "zero-signature": f"{head}.{body}.{empty}", "body": f"{head}.{body[:-4]}AAAA.{signature}",
        "head": f"{head[:-4]}AAAA.{body}.{signature}", "signature": f"{head}.{body}.{signature[:-6]}AAAAAA",
        "padded": f"{head}==.{body}.{signature}", "blank": f"{head} .{body}.{signature}", "empty": "..",
        "swapped": f"{body}.{head}.{signature}", "no-body": f"{head}..{signature}",
    }[how]  # fmt: skip
