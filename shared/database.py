"""PostgreSQL: the pool, the transaction, and the loader of named queries."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import asyncpg

from shared.acting import acting
from shared.actors import EVERYWHERE
from shared.errors import Unavailable
from shared.failpoint import Reach, nowhere

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]
else:
    Connection = object

CLOSE_S = 5.0

BY_INDEX = {"enable_seqscan": "off", "random_page_cost": "1.1"}
"""Services look rows up. A plan is kept for as long as its connection lives, and one that was made while a table was
small would walk through that table when it is large."""
AREA_SETTING = "griddispatch.jurisdiction"
"""What the policies of row security go by: rows of this area only; `*` is everywhere, empty is nowhere."""
_SET_AREA = f"SELECT set_config('{AREA_SETTING}', $1, true)"
_HAS_WRITTEN = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"

INFRASTRUCTURE_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.PostgresSystemError,
)
"""What the database does when it is away, overloaded or in a race: never the fault of the message in hand."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for a free connection, for a statement's answer, for another's lock on a row."""

    connection_s: float = 2.0
    statement_s: float = 5.0
    lock_s: float = 2.0


USUAL = Patience()


@dataclass(frozen=True, slots=True)
class Usage:
    """How many connections of a pool work, wait, and may be."""

    used: int
    idle: int
    limit: int


class Transaction:
    """A transaction in progress: its connection, and what to do once it is durable."""

    def __init__(self, conn: "Connection") -> None:
        self.conn = conn
        self._after_commit: dict[Callable[[], None], None] = {}

    def on_commit(self, call: Callable[[], None]) -> None:
        """Call `call` once, after the commit; not at all if the transaction fails."""
        self._after_commit[call] = None

    def committed(self) -> None:
        """Run what was asked for; called by Database only."""
        for call in self._after_commit:
            call()


class Database:
    """One service's database. Every wait has an end; trouble below raises Unavailable.

    Its connections see the rows of `area`; a request sees those of its own area instead, whatever the query says.
    """

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", name: str, reach: Reach, area: str = EVERYWHERE,
        wait_s: float = USUAL.connection_s,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._wait_s = wait_s
        self._name = name
        self._reach = reach
        self._area = area

    def _other_area(self) -> str:
        """The area of whoever this task acts for, where the connection's own is another; else empty."""
        area = acting().area
        return "" if area == self._area else area

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A read-committed transaction: commits at the end, rolls back on any error.

        Raises Unavailable when the database is away; then the outcome may be unknown.
        """
        try:
            async with self._pool.acquire(timeout=self._wait_s) as conn:
                transaction = Transaction(conn)
                async with conn.transaction():
                    if area := self._other_area():
                        await conn.execute(_SET_AREA, area)
                    yield transaction
                    wrote = self._reach is not nowhere and await conn.fetchval(_HAS_WRITTEN)
                    if wrote:
                        self._reach(f"{self._name}.before-commit")
        except INFRASTRUCTURE_ERRORS as error:
            raise Unavailable(f"database: {type(error).__name__}: {error}") from error
        if wrote:
            self._reach(f"{self._name}.after-commit")
        transaction.committed()

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement on its own, committed when it returns. Raises Unavailable like a transaction."""
        if self._other_area():
            async with self.transaction() as tx:
                return await tx.conn.fetch(query, *args)
        try:
            async with self._pool.acquire(timeout=self._wait_s) as conn:
                return await conn.fetch(query, *args)
        except INFRASTRUCTURE_ERRORS as error:
            raise Unavailable(f"database: {type(error).__name__}: {error}") from error

    async def ping(self) -> None:
        """Raises Unavailable unless the database answers."""
        await self.fetch("SELECT 1")

    def usage(self) -> Usage:
        """The pool's connections at this moment."""
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        return Usage(size - idle, idle, self._pool.get_max_size())

    async def close(self) -> None:
        """Close every connection, by force after the deadline."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def connect(
    dsn: str, *, size: int, application: str, reach: Reach = nowhere, area: str = EVERYWHERE,
    patience: Patience = USUAL,
) -> Database:  # fmt: skip
    """Open a pool of at most `size` connections that see rows of `area`, of none if it is empty.

    Raises Unavailable when the database cannot be reached.
    """
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=10,
            command_timeout=patience.statement_s,
            max_inactive_connection_lifetime=60,
            reset=_keep_as_it_is,
            init=_as_settings({
                "lock_timeout": f"{patience.lock_s:g}s", "idle_in_transaction_session_timeout": "15s", "jit": "off",
                **BY_INDEX, AREA_SETTING: area,
            }),
            server_settings={"application_name": application, "timezone": "UTC"},
        )  # fmt: skip
    except INFRASTRUCTURE_ERRORS as error:
        raise Unavailable(f"database: {type(error).__name__}: {error}") from error
    return Database(pool, application.rpartition("-")[2], reach, area, patience.connection_s)


def _as_settings(
    settings: Mapping[str, str],
) -> Callable[["asyncpg.Connection[asyncpg.Record]"], Coroutine[object, object, None]]:
    """What a new connection is told first. Not as it starts: a pooler refuses what it does not know itself."""
    statement = "SELECT " + ", ".join(f"set_config(${2 * n + 1}, ${2 * n + 2}, false)" for n in range(len(settings)))

    async def begin(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
        await conn.execute(statement, *(part for setting in settings.items() for part in setting))

    return begin


async def _keep_as_it_is(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    """No session state is set later than at the beginning, so there is nothing to reset, and no round trip to pay."""


def named_queries(package: str, *path: str) -> Mapping[str, str]:
    """The queries of an .sql file: blocks that begin with `-- name: x`. Raises ValueError on a doubled name."""
    text = files(package).joinpath(*path).read_text(encoding="utf-8")
    queries: dict[str, str] = {}
    for block in re.split(r"^-- name: ", text, flags=re.MULTILINE)[1:]:
        name, _, body = block.partition("\n")
        if name.strip() in queries:
            raise ValueError(f"{package}/{'/'.join(path)}: query {name.strip()} stands twice")
        queries[name.strip()] = body.strip()
    return queries
