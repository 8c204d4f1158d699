"""Row security: the database itself hides other areas' rows, whatever the code above it forgets."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from shared.acting import acting
from shared.actors import EVERYWHERE, is_area
from shared.database import AREA_SETTING, Transaction, named_queries

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SQL = named_queries("shared", "sql", "access.sql")


def policy(table: str, column: str) -> str:
    """The DDL for a migration: shows only rows of `table` whose `column`, a division or grid code, is in the area.

    The column must be NOT NULL and hold digits. Without the setting nothing is seen and nothing written: a transaction
    that forgets it finds an empty table. FORCE, because the service owns its tables. Raises ValueError for odd names.
    """
    if not (_NAME.fullmatch(table) and _NAME.fullmatch(column)):
        raise ValueError("a table and a column, in lowercase")
    # Two bounds, each read once per statement: an area is a stretch of an index, and `:` comes right after `9`.
    area = f"nullif(current_setting('{AREA_SETTING}', true), '')"
    first, beyond = f"(SELECT {area})", f"(SELECT CASE {area} WHEN '{EVERYWHERE}' THEN ':' ELSE {area} || ':' END)"
    seen = f'{column} COLLATE "C" >= {first} AND {column} COLLATE "C" < {beyond}'
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;\n"
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;\n"
        f"CREATE POLICY {table}_jurisdiction ON {table} USING ({seen}) WITH CHECK ({seen});\n"
        f'CREATE INDEX {table}_by_jurisdiction ON {table} ({column} COLLATE "C");\n'
    )


async def act_for(tx: Transaction, jurisdiction: str) -> None:
    """Until the end of this transaction, rows of this area only. Raises ValueError for what is no area."""
    if jurisdiction != EVERYWHERE and not is_area(jurisdiction):
        raise ValueError("not an area")
    await tx.conn.execute(_SQL["set_jurisdiction"], jurisdiction)


@asynccontextmanager
async def bookkeeping(tx: Transaction) -> AsyncIterator[None]:
    """Inside, this transaction sees rows of every area: for figures that are kept of all, whoever's act moves them.

    Nothing read there may be shown. An error undoes the whole transaction, and with it this.
    """
    area = acting().area
    if area in ("", EVERYWHERE):
        yield
        return
    await act_for(tx, EVERYWHERE)
    yield
    await act_for(tx, area)
