"""Bearer tokens of people: signed with a key of the provider, made out for us, of now, and saying who it is."""

from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry, extract_compact

from shared.actors import Actor, Forbidden, Unauthenticated, is_area, is_id
from shared.permissions import Permissions

MAX_TOKEN: Final = 8192
MIN_RSA_BITS: Final = 2048
MAX_KEYS: Final = 32
_HEADERS: Final = ("alg", "kid", "typ", "x5t", "x5t#S256")
"""What a header may hold. A key, or an address to fetch one from, is not among it: keys come from the provider only."""
_TYPES: Final = (None, "jwt", "at+jwt", "application/at+jwt")

Claims = Mapping[str, Any]


_EDDSA: Final = copy(JWSRegistry.algorithms["Ed25519"])
"""Ed25519 under its older name, which most providers still use; no other curve comes in by it."""
_EDDSA.name = "EdDSA"


class _Registry(JWSRegistry):
    """Three algorithms, all with public keys; there is no `none` and no shared secret here to be confused with."""

    algorithms = {name: JWSRegistry.algorithms[name] for name in ("RS256", "ES256", "Ed25519")} | {"EdDSA": _EDDSA}
    default_header_registry = {n: JWSRegistry.default_header_registry[n] for n in _HEADERS}  # noqa: RUF012
    max_header_length = 1024


_REGISTRY: Final = _Registry(algorithms=tuple(_Registry.algorithms))


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are taken, and for whom they must be made out."""

    issuer: str
    audience: str
    leeway: timedelta = timedelta(seconds=30)
    longest_life: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where the provider writes what; a dot leads into an object. `roles` translates its roles into ours."""

    role: str = "roles"
    unit: str = "unit"
    person: str = "sub"
    jurisdiction: str = "jurisdiction"
    roles: Mapping[str, str] = field(default_factory=dict)


def usable_keys(document: object) -> dict[str, Key]:
    """The keys of a JWKS by `kid` that can verify a token here; others are left out. Raises ValueError for no JWKS.

    Two keys with one `kid` are both left out: which of them is meant cannot be told.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise ValueError(f"not a JWKS of at most {MAX_KEYS} keys")
    usable = [key for key in map(_usable, listed) if key is not None and key.kid]
    times = Counter(key.kid for key in usable)
    return {key.kid: key for key in usable if key.kid and times[key.kid] == 1}


def _usable(said: object) -> Key | None:
    """A public key that is meant for signatures and long enough; None for any other."""
    if not isinstance(said, dict) or said.get("use", "sig") != "sig" or "d" in said:
        return None
    if not isinstance(said.get("kid"), str) or said.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    try:
        if said["kty"] == "RSA" and _bits(said["n"]) < MIN_RSA_BITS:
            return None
        key = import_key(said)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    match key:
        case RSAKey() | ECKey(curve_name="P-256") | OKPKey(curve_name="Ed25519"):
            return key
        case _:
            return None


def _bits(number: str) -> int:
    return int.from_bytes(urlsafe_b64decode(f"{number}==")).bit_length()


def key_id_of(token: str) -> str:
    """Which key a token names. Raises Unauthenticated for anything that is no token we could take."""
    if len(token) > MAX_TOKEN or not token.isascii():
        raise Unauthenticated("token-form")
    try:
        header = extract_compact(token.encode(), registry=_REGISTRY).headers()
        _REGISTRY.check_header(header)
        _REGISTRY.get_alg(header["alg"])
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated(f"token-header: {type(error).__name__}") from error
    kid, kind = header.get("kid"), header.get("typ")
    if not isinstance(kid, str) or not 0 < len(kid) <= 200:
        raise Unauthenticated("token-kid")
    if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
        raise Unauthenticated("token-type")
    return kid


def check_token(token: str, key: Key, issuer: Issuer, now_s: int) -> Claims:
    """The claims of a token whose key this is. Raises Unauthenticated; `now_s` are seconds since 1970."""
    try:
        claims = jwt.decode(token, key, registry=_REGISTRY).claims
        _registry_of_claims(issuer, now_s).validate(claims)
    except (JoseError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise Unauthenticated(f"token: {type(error).__name__}") from error
    if claims["exp"] - claims["iat"] > issuer.longest_life.total_seconds():
        raise Unauthenticated("token-lives-too-long")
    return claims


def _registry_of_claims(issuer: Issuer, now_s: int) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=now_s, leeway=int(issuer.leeway.total_seconds()), iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "value": issuer.audience}, exp={"essential": True}, iat={"essential": True},
        sub={"essential": True},
    )  # fmt: skip


def actor_of_claims(claims: Claims, names: ClaimNames, permissions: Permissions, chosen: str | None) -> Actor:
    """Who the claims say it is, in the role they chose, or the only one they have.

    Raises Unauthenticated for claims without a person, Forbidden when there is no role, no such one, or a choice.
    """
    person, unit, area = (_at(claims, path) for path in (names.person, names.unit, names.jurisdiction))
    if not is_id(person):
        raise Unauthenticated("token-person")
    role = _role(claims, names, permissions, chosen)
    if not is_area(area):
        raise Forbidden("no-jurisdiction", "Your account names no area.")
    if unit is not None and not is_id(unit):
        raise Forbidden("odd-unit", "Your account names no proper unit.")
    if unit is None and permissions.is_for_unit(role):
        raise Forbidden("no-unit", "Your role acts for a unit, and your account names none.")
    return Actor(role, unit, person, str(area), permissions.scopes_of(role), credential="token")


def _role(claims: Claims, names: ClaimNames, permissions: Permissions, chosen: str | None) -> str:
    said = _at(claims, names.role)
    listed = said if isinstance(said, list) else [said]
    ours = [names.roles.get(one, one if not names.roles else "") for one in listed if isinstance(one, str)]
    held = [role for role in dict.fromkeys(ours) if role in permissions.roles and permissions.roles[role].for_people]
    if not held:
        raise Forbidden("no-role", "Your account has no role here.")
    if chosen is not None and chosen not in held:
        raise Forbidden("role-not-held", "Your account does not have the role you chose.")
    if chosen is None and len(held) > 1:
        raise Forbidden("role-not-chosen", f"Say in which role you act: Griddispatch-Role is one of {', '.join(held)}.")
    return chosen or held[0]


def _at(claims: Claims, path: str) -> Any:
    """The value at a dotted path; a claim whose own name holds the dots comes first."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
