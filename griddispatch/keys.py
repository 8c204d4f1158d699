"""`griddispatch keys`: API keys of hotlines and integrators; a key is shown once, when it is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from griddispatch.tables import Service, finish, operator, setting, tables_of
from shared.actors import Scope, is_area, is_id
from shared.api_keys import (
    DEFAULT_QUOTA_PER_MINUTE,
    LONGEST_LIFE,
    ApiKey,
    Pepper,
    is_client,
    lookup_of,
    lookup_of_hash,
    new_key_text,
)
from shared.audit import Entry, append
from shared.clock import utc_now
from shared.database import Transaction
from shared.errors import Problem, Rejected
from shared.key_store import insert_key, list_keys, revoke_key, rotate_key
from shared.permissions import Permissions, read_permissions

PEPPER: Final = "GRIDDISPATCH_KEY_PEPPER"

app = typer.Typer(no_args_is_help=True, help="API keys of hotlines and integrators.")

Of = Annotated[list[Service] | None, typer.Option("--service", help="where it opens; may be repeated [intake]")]
Dsn = Annotated[str | None, typer.Option(help="instead of GRIDDISPATCH_DATABASE_DSN_<SERVICE>, for one service")]
Days = Annotated[int, typer.Option(min=1, max=LONGEST_LIFE.days, help="how long it is good")]
Roles = Annotated[Path, typer.Option(help="roles and rules", envvar="GRIDDISPATCH_ROLES")]
Role = Annotated[str, typer.Option(help="a role that programs may have")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="fewer rights than the role's; may be repeated")]
Sources = Annotated[list[str] | None, typer.Option("--source", help="a name it may post as; may be repeated")]
Unit = Annotated[str | None, typer.Option(help="the unit it acts for, if the role is a unit's")]
Quota = Annotated[int, typer.Option(min=1, max=1_000_000, help="requests per minute")]
Lookup = Annotated[str, typer.Argument(metavar="KEY", help="the ten characters after gd_, as `keys list` shows them")]
ROLES = Path("deploy/access/roles.toml")


@dataclass(frozen=True, slots=True)
class _Rights:
    """What was asked for, checked against roles.toml."""

    client: str
    role: str
    scopes: frozenset[Scope]
    jurisdiction: str
    sources: frozenset[str]
    unit: str | None
    quota: int

    def key(self, lookup: str, digest: bytes, now: datetime, days: int) -> ApiKey:
        """The key that is kept."""
        return ApiKey(
            lookup, self.client, digest, self.role, self.scopes, self.jurisdiction, self.sources, self.unit, self.quota,
            now, now + timedelta(days=days),
        )  # fmt: skip


@app.command()
def create(
    client: Annotated[str, typer.Option(help="who gets it: a-z, 0-9, - and _")],
    jurisdiction: Annotated[str, typer.Option(help="division code: 2, 4, 6, 9 or 12 digits")],
    role: Role = "hotline",
    scope: Scopes = None,
    source: Sources = None,
    unit: Unit = None,
    quota: Quota = DEFAULT_QUOTA_PER_MINUTE,
    days: Days = 365,
    service: Of = None,
    roles: Roles = ROLES,
    dsn: Dsn = None,
) -> None:
    """Make a key and show it, this once."""

    async def make() -> str:
        pepper, text, now = _pepper(), new_key_text(), utc_now()
        rights = _rights(read_permissions(roles), client, role, scope, jurisdiction, source, unit, quota)
        key = rights.key(lookup_of(text), pepper.digest(text), now, days)
        for one in _services(service, dsn):
            async with tables_of(one, dsn) as database, database.transaction() as tx:
                await insert_key(tx, key)
                await _write_down(tx, "create_key", key, now)
            typer.echo(f"{one}: {client} may {', '.join(sorted(key.scopes))} in {jurisdiction}", err=True)
        return text

    text = finish(make())
    typer.echo("Keep it now: it is not shown again and cannot be found out.", err=True)
    typer.echo(text)


@app.command("list")
def list_all(service: Of = None, dsn: Dsn = None) -> None:
    """Every key, with what it may and until when; never the key itself."""

    async def read() -> list[tuple[str, ApiKey]]:
        found: list[tuple[str, ApiKey]] = []
        for one in _services(service, dsn):
            async with tables_of(one, dsn) as database:
                found += [(one, key) for key in await list_keys(database)]
        return found

    now, rows = utc_now(), finish(read())
    table = Table("service", "key", "client", "role", "jurisdiction", "sources", "scopes", "state", "expires", "used")
    for one, key in rows:
        used = key.used_at.isoformat(timespec="hours") if key.used_at else "-"
        table.add_row(
            one, key.lookup, key.client, key.role, key.jurisdiction, ", ".join(sorted(key.sources)) or "-",
            ", ".join(sorted(key.scopes)), key.state(now), key.expires_at.date().isoformat(), used,
        )  # fmt: skip
    Console().print(table if rows else "no keys")


@app.command()
def rotate(
    key: Lookup,
    overlap_days: Annotated[int, typer.Option(min=0, max=90, help="how long the old one still works")] = 7,
    days: Days = 365,
    service: Of = None,
    dsn: Dsn = None,
) -> None:
    """Make a new key in the place of one, with the same rights, and show it, this once."""

    async def make() -> str:
        pepper, text, now = _pepper(), new_key_text(), utc_now()
        overlap, life = timedelta(days=overlap_days), timedelta(days=days)
        for one in _services(service, dsn):
            async with tables_of(one, dsn) as database, database.transaction() as tx:
                new = await rotate_key(tx, key, text, pepper, now, overlap, life)
                await _write_down(tx, "rotate_key", replace(new, replaced_by=key), now)
            typer.echo(f"{one}: {key} works until {(now + overlap).date()}, {new.lookup} takes its place", err=True)
        return text

    typer.echo(finish(make()))


@app.command()
def revoke(key: Lookup, service: Of = None, dsn: Dsn = None) -> None:
    """End a key: within ten seconds it opens nothing any more."""

    async def end() -> None:
        now = utc_now()
        for one in _services(service, dsn):
            async with tables_of(one, dsn) as database, database.transaction() as tx:
                revoked = await revoke_key(tx, key, now)
                await _write_down(tx, "revoke_key", revoked, now)
            typer.echo(f"{one}: {key} of {revoked.client} is revoked")

    finish(end())


@app.command("import")
def import_hashes(
    file: Annotated[Path, typer.Argument(help="lines of jurisdiction:client:SHA-256 of the key in hex")],
    role: Role = "hotline",
    scope: Scopes = None,
    source: Sources = None,
    quota: Quota = DEFAULT_QUOTA_PER_MINUTE,
    days: Days = 365,
    service: Of = None,
    roles: Roles = ROLES,
    dsn: Dsn = None,
) -> None:
    """Take over keys that were made elsewhere, of which only hashes are known; all of the file, or none."""

    async def take() -> None:
        pepper, now, permissions = _pepper(), utc_now(), read_permissions(roles)
        keys = [
            _rights(permissions, client, role, scope, area, source, None, quota)
            .key(lookup_of_hash(digest), pepper.digest_of_hash(digest), now, days)
            for area, client, digest in _lines(file.read_text(encoding="utf-8"))
        ]  # fmt: skip
        for one in _services(service, dsn):
            async with tables_of(one, dsn) as database, database.transaction() as tx:
                for key in keys:
                    await insert_key(tx, key)
                    await _write_down(tx, "import_key", key, now)
            typer.echo(f"{one}: {len(keys)} keys taken over")

    finish(take())


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.strip().split(":")
        if len(parts) != 3:
            raise Rejected(Problem(f"line {number}", "form", "must be jurisdiction:client:SHA-256 in hex"))
        yield parts[0], parts[1], parts[2]


def _services(given: Sequence[Service] | None, dsn: str | None) -> Sequence[Service]:
    services = list(dict.fromkeys(given or [Service.INTAKE]))
    if dsn is not None and len(services) != 1:
        raise Rejected(Problem("--dsn", "ambiguous", "leads to one service's tables: say which with --service"))
    return services


def _pepper() -> Pepper:
    secret = setting(PEPPER)
    if not secret:
        raise Rejected(Problem(PEPPER, "missing", "is not set: keys are hashed under it, the same for every service"))
    return Pepper(secret.encode())


def _rights(
    permissions: Permissions, client: str, role: str, scope: Sequence[str] | None, jurisdiction: str,
    source: Sequence[str] | None, unit: str | None, quota: int,
) -> _Rights:  # fmt: skip
    """Raises Rejected for rights that a key cannot have."""
    sheet = permissions.roles.get(role)
    held = permissions.scopes_of(role)
    scopes = frozenset(Scope(one) for one in scope) if scope else held
    wrong = {
        "--client": not is_client(client) and "a-z, 0-9, - and _, at most 32",
        "--jurisdiction": not is_area(jurisdiction) and "a division code has 2, 4, 6, 9 or 12 digits",
        "--role": (sheet is None or not sheet.for_keys) and f"{role} is no role for a program",
        "--scope": not scopes <= held and f"the role lacks {', '.join(sorted(scopes - held))}",
        "--unit": sheet is not None
        and sheet.for_unit != (unit is not None)
        and "goes with a role that acts for a unit",
        "--source": not all(map(is_id, source or ())) and "must be an id",
    }
    problems = [Problem(name, "wrong", why) for name, why in wrong.items() if why]
    if problems:
        raise Rejected(*problems)
    return _Rights(client, role, scopes, jurisdiction, frozenset(source or ()), unit, quota)


async def _write_down(tx: Transaction, act: str, key: ApiKey, now: datetime) -> None:
    detail = (("client", key.client), ("role", key.role), ("jurisdiction", key.jurisdiction))
    replaced = (("replaces", key.replaced_by),) if key.replaced_by else ()
    await append(tx, Entry(operator(), act, "done", now, subject=key.credential, detail=(*detail, *replaced)))
