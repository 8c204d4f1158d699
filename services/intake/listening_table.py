"""The spreadsheet door of listening: each session of the table in one transaction, with a result for every line."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError
from uuid_utils.compat import uuid7

from services.intake.core.listening_csv import ITEM_COLUMNS, Block, Line, read_table
from services.intake.forms import Form
from services.intake.listening import Listening
from services.intake.listening_forms import ItemForm, PromiseForm, SaidForm, SessionForm
from services.intake.officers import Actor
from shared.database import Database, Transaction
from shared.errors import Conflict, NotFound, Problem, Rejected
from shared.strict_json import read_json
from shared.terms import ItemId, SessionId

TABLE_BODY: Final = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}
"""What the document says of the spreadsheet."""

_TOLD = tuple(column for column in ITEM_COLUMNS if column not in ("outcome", "answer", "due_on"))

M = TypeVar("M", bound=Form)


class Outcome(StrEnum):
    """How something ended, as a spreadsheet says it; empty: it is open."""

    ANSWERED = "ANSWERED"
    COMMITTED = "COMMITTED"
    TICKET = "TICKET"
    SELF_FIXED = "SELF_FIXED"


@dataclass(frozen=True, slots=True)
class Row:
    """A line that was understood."""

    number: int
    item: ItemForm
    outcome: Outcome | None
    said: SaidForm | PromiseForm | None


async def import_table(
    database: Database, listening: Listening, body: bytes, actor: Actor, now: datetime
) -> list[dict[str, object]]:
    """A result for each session of the table, in order: taken whole, or refused whole with every reason.

    A session all of whose lines have an outcome is closed. Raises Malformed for what is no such table.
    """
    return [await _import(database, listening, block, actor, now) for block in read_table(body)]


async def _import(
    database: Database, listening: Listening, block: Block, actor: Actor, now: datetime
) -> dict[str, object]:
    line = block.lines[0].number
    try:
        session, rows = _read(block)
        async with database.transaction() as tx:
            return {"line": line, "status": 201, **await _take(tx, listening, session, rows, actor, now)}
    except Rejected as error:
        listed = [{"field": p.field, "code": p.code, "message": p.message} for p in error.problems]
        return {"line": line, "status": 422, "problems": listed}
    except NotFound:
        return {"line": line, "status": 404, "problems": []}
    except Conflict as error:
        return {"line": line, "status": 409, "problems": [{"field": "", "code": "conflict", "message": str(error)}]}


async def _take(
    tx: Transaction, listening: Listening, form: SessionForm, rows: list[Row], actor: Actor, now: datetime
) -> dict[str, object]:
    session_id, is_new = await listening.open(
        tx, form.session(SessionId(UUID(bytes=uuid7().bytes))), form.external_id, form.words(), actor, now
    )  # fmt: skip
    if not is_new:
        return {"session_id": session_id, "replayed": True, "items": []}
    items = []
    for row in rows:
        item_id = await listening.add(tx, session_id, row.item.told(), actor, now)
        items.append({"line": row.number, "item_id": item_id} | await _end(tx, listening, item_id, row, actor, now))
    if all(row.outcome is not None for row in rows):
        await listening.close(tx, session_id, actor, now)
    return {"session_id": session_id, "replayed": False, "items": items}


async def _end(
    tx: Transaction, listening: Listening, item_id: ItemId, row: Row, actor: Actor, now: datetime
) -> dict[str, object]:
    match row.outcome, row.said:
        case Outcome.COMMITTED, PromiseForm(text=text, due_on=due_on):
            await listening.commit(tx, item_id, text, due_on, actor, now)
        case Outcome.ANSWERED, SaidForm(text=text):
            await listening.answer(tx, item_id, text, actor, now)
        case (Outcome.TICKET | Outcome.SELF_FIXED) as outcome, _:
            receipt = await listening.make_ticket(tx, item_id, outcome is Outcome.SELF_FIXED, actor, now)
            return {"ticket_no": receipt.ticket_no, "query_code": receipt.query_code}
        case _:
            pass
    return {}


def _read(block: Block) -> tuple[SessionForm, list[Row]]:
    problems = [
        Problem(f"line {number}.{column}", "contradiction", "must be what the session's first line says, or empty")
        for number, column in block.contradictions()
    ]
    first = block.lines[0]
    cells = {column: first.cells[column] for column in first.cells if column not in ITEM_COLUMNS}
    cells["external_id"] = cells.pop("session", "")
    session = _form(first, cells, SessionForm, problems)
    rows = [_row(line, problems) for line in block.lines]
    if problems or session is None:
        raise Rejected(*problems)
    return session, [row for row in rows if row is not None]


def _row(line: Line, problems: list[Problem]) -> Row | None:
    item = _form(line, line.of(_TOLD), ItemForm, problems)
    outcome, said = line.cells.get("outcome", ""), {"text": line.cells.get("answer", "")}
    if outcome not in ("", *Outcome):
        problems.append(Problem(f"line {line.number}.outcome", "not_allowed", f"must be one of {', '.join(Outcome)}"))
        return None
    told: SaidForm | PromiseForm | None = None
    if outcome == Outcome.ANSWERED:
        told = _form(line, said, SaidForm, problems)
    elif outcome == Outcome.COMMITTED:
        told = _form(line, said | line.of(("due_on",)), PromiseForm, problems)
    return None if item is None else Row(line.number, item, Outcome(outcome) if outcome else None, told)


def _form(line: Line, cells: dict[str, Any], model: type[M], problems: list[Problem]) -> M | None:
    """Cells as a form, looked at as strictly as a body; None with problems noted when they are none."""
    document = read_json(orjson.dumps(cells))
    problems += [Problem(f"line {line.number}.{p.field}", p.code, p.message) for p in document.problems]
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        problems += [
            Problem(f"line {line.number}.{'.'.join(map(str, e['loc']))}".rstrip("."), e["type"], e["msg"])
            for e in error.errors(include_url=False, include_input=False)
        ]
        return None
