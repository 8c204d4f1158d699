"""Growth: with many closed tickets stored, no statement of the daily work reads a big table from end to end.

Every named statement of every service is planned, as a prepared statement is after some calls: for any parameters.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg
import orjson

from griddispatch.bench.stored import GROWERS
from shared.database import named_queries
from tests.conftest import ROOT, SERVICES, TestDatabase

STORED: Final = 20_000
"""Tickets; the tables of the three services hold about half a million rows then, the ledger of dispatch 120,000."""
BIG: Final = frozenset(
    {
        "event", "head", "position", "ticket", "request", "vault", "ticket_case", "assignment", "decision", "message",
        "follow_up",
    }
)  # fmt: skip
PLANNED: Final = re.compile(r"(?:--.*\n)*\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b")
WHOLE: Final[Mapping[tuple[str, str], str]] = {
    ("intake", "due_identities"): "retention looks for what is long closed, in lots and off the path of a ticket",
}
"""Statements that may read a big table from end to end, and why."""


async def grown(database: TestDatabase) -> None:
    conn = await asyncpg.connect(database.superuser_dsn)
    try:
        statements = named_queries("griddispatch.bench", "sql", "bench.sql")
        for name in GROWERS:
            await conn.execute(statements[name], 1, STORED, timeout=120)
        await conn.execute("VACUUM ANALYZE", timeout=120)
    finally:
        await conn.close()


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The node and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def scanned(plan: Mapping[str, Any]) -> set[str]:
    """The big tables that a plan reads from end to end."""
    return {n["Relation Name"] for n in nodes(plan) if n["Node Type"] == "Seq Scan"} & BIG


def statements_of(service: str) -> Iterator[tuple[str, str]]:
    """Every named statement a service may give to its tables, the shared ones too."""
    for path in sorted((ROOT / "services" / service / "sql").glob("*.sql")):
        yield from named_queries(f"services.{service}", "sql", path.name).items()
    yield from named_queries("shared", "sql", "messaging.sql").items()


async def planned(conn: "asyncpg.Connection[asyncpg.Record]", statement: str) -> Mapping[str, Any]:
    await conn.execute("SET plan_cache_mode = force_generic_plan")
    await conn.execute(f"PREPARE planned AS {statement}")  # without arguments this is the simple protocol: it keeps $1
    count = await conn.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'planned'"
    )
    arguments = f"({', '.join(['NULL'] * count)})" if count else ""
    (row,) = await conn.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE planned{arguments}")
    await conn.execute("DEALLOCATE planned")
    plan: Mapping[str, Any] = orjson.loads(row[0])[0]["Plan"]
    return plan


async def test_no_statement_reads_a_big_table_from_end_to_end(database: TestDatabase) -> None:
    await grown(database)
    found: dict[tuple[str, str], set[str]] = {}
    for service in SERVICES:
        conn = await asyncpg.connect(database.dsn(service))
        try:
            for name, statement in statements_of(service):
                if not PLANNED.match(statement):
                    continue
                tables = scanned(await planned(conn, statement))
                if tables:
                    found[service, name] = tables
        finally:
            await conn.close()
    assert found.keys() == WHOLE.keys(), found


async def test_a_statement_that_does_is_found(database: TestDatabase) -> None:
    conn = await asyncpg.connect(database.dsn("dispatch"))
    try:
        whole = await planned(conn, "SELECT e.type, count(*) FROM event AS e WHERE e.type <> $1 GROUP BY e.type")
        assert scanned(whole) == {"event"}
        assert scanned(await planned(conn, "SELECT version FROM head WHERE version > $1")) == {"head"}
    finally:
        await conn.close()
