"""`griddispatch audit`: is the audit log what was written, and who may call what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from griddispatch.openapi import openapi
from griddispatch.tables import FOUND, REFUSED, Service, finish, leave, tables_of
from shared.audit import Fault, Head, read_heads, verify
from shared.errors import Problem, Rejected
from shared.matrix import Cell, cells, faults, unused
from shared.permissions import read_permissions

ROLES: Final = Path("deploy/access/roles.toml")

app = typer.Typer(no_args_is_help=True, help="The audit log, and who may call what.")

Anchors = Mapping[str, Mapping[int, Head]]


@app.command("verify")
def verify_log(
    service: Annotated[list[Service] | None, typer.Option(help="only this one's; may be repeated")] = None,
    anchors: Annotated[Path | None, typer.Option(help="ends of the chains as they were once, from --write")] = None,
    write: Annotated[Path | None, typer.Option(help="write the ends of the chains here; keep them elsewhere")] = None,
    dsn: Annotated[str | None, typer.Option(help="instead of GRIDDISPATCH_DATABASE_DSN_<SERVICE>")] = None,
) -> None:
    """Read the whole log; exit code 1 when a row was changed, removed, added or moved."""
    services = list(service or Service)
    if dsn is not None and len(services) != 1:
        leave("--dsn leads to one service's tables: say which with --service", REFUSED)

    async def read() -> tuple[int, list[tuple[str, Fault]], dict[str, list[Head]]]:
        known = read_anchors(anchors.read_bytes()) if anchors is not None else {}
        rows, found, ends = 0, [], {}
        for one in services:
            async with tables_of(one, dsn) as database:
                # The ends come first: what is appended while we read is no part of what was verified.
                ends[one.value] = await read_heads(database)
                seen, wrong = await verify(database, known.get(one.value))
            rows += seen
            found += [(one.value, fault) for fault in wrong]
        return rows, found, ends

    rows, found, ends = finish(read())
    for one, fault in found:
        typer.echo(f"{one}: chain {fault.chain}, row {fault.place}: {fault.what}")
    if found:
        raise typer.Exit(FOUND)
    typer.echo(f"{rows} rows of {', '.join(services)} are as they were written")
    if write is not None:
        write.write_bytes(anchors_text(ends))


@app.command()
def matrix(
    roles: Annotated[Path, typer.Option(help="roles and rules", envvar="GRIDDISPATCH_ROLES")] = ROLES,
    quiet: Annotated[bool, typer.Option("--check", help="print no table, only what is wrong")] = False,
) -> None:
    """Print who may call what, from the OpenAPI documents and roles.toml; exit code 1 for a route without a rule."""

    async def read() -> tuple[list[str], list[str], list[Cell]]:
        permissions = read_permissions(roles)
        documents = {service.value: openapi(service) for service in Service}
        return faults(permissions, documents), unused(permissions, documents), list(cells(permissions, documents))

    wrong, idle, table = finish(read())
    if not quiet:
        for line in markdown(table):
            typer.echo(line)
    for rule in idle:
        typer.echo(f"- {rule}: a rule without a route", err=True)
    for fault in wrong:
        typer.echo(f"! {fault}", err=True)
    if wrong:
        raise typer.Exit(FOUND)
    typer.echo(f"{len(table)} cells, every one answered", err=True)


def markdown(table: Sequence[Cell]) -> list[str]:
    """The cells as a Markdown table: a line for each route and place, a column for each role."""
    roles = list(dict.fromkeys(cell.role for cell in table))
    lines: dict[tuple[str, str, bool], dict[str, str]] = {}
    for cell in table:
        lines.setdefault((cell.service, cell.operation, cell.here), {})[cell.role] = cell.answer
    head = ["| route | where | " + " | ".join(roles) + " |", "|---" * (len(roles) + 2) + "|"]
    return head + [
        f"| {service}.{operation} | {'here' if here else 'elsewhere'} | "
        + " | ".join(answers[role] for role in roles) + " |"
        for (service, operation, here), answers in lines.items()
    ]  # fmt: skip


def anchors_text(ends: Mapping[str, Sequence[Head]]) -> bytes:
    """The ends of the chains, as JSON."""
    said = {one: {str(h.chain): [h.place, h.hash.hex()] for h in heads} for one, heads in ends.items()}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def read_anchors(text: bytes) -> Anchors:
    """Anchors as `anchors_text` wrote them. Raises Rejected for anything else."""
    try:
        return {
            one: {
                int(chain): Head(int(chain), int(place), bytes.fromhex(digest))
                for chain, (place, digest) in said.items()
            }
            for one, said in orjson.loads(text).items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise Rejected(Problem("--anchors", "form", "is not a file that --write made")) from error
