"""The lifecycle as a page: both state machines drawn and listed from the one table that the code goes by."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from services.dispatch.core.actors import ROLE_NAMES
from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.lifecycle import (
    ASSIGNMENT_ROWS,
    ASSIGNMENT_STATES,
    FINAL_ASSIGNMENT_STATES,
    FINAL_TICKET_STATES,
    TICKET_ROWS,
    TICKET_STATES,
    StateNames,
    Transition,
)

app = typer.Typer(no_args_is_help=True, help="The two state machines.")

State = TicketState | AssignmentState
_HEAD = """# Lifecycle of a ticket and of an assignment

Drawn from `services/dispatch/core/lifecycle.py` by `griddispatch lifecycle draw`; a test fails when the two differ.
`GET /v1/lifecycle` serves the same table. Steps marked with an owner other than dispatch are taken elsewhere.
"""


@app.callback()
def about() -> None:
    """The two state machines."""


@app.command()
def draw(
    out: Annotated[Path, typer.Option(help="the page to write")] = Path("docs/lifecycle.md"),
    check: Annotated[bool, typer.Option("--check", help="write nothing; exit 1 when the page differs")] = False,
) -> None:
    """Write the page, or say whether it is up to date."""
    text = page()
    if not check:
        out.write_text(text, encoding="utf-8")
    elif not out.is_file() or out.read_text(encoding="utf-8") != text:
        typer.echo(f"{out} differs: run griddispatch lifecycle draw", err=True)
        raise typer.Exit(1)


def page() -> str:
    """The whole page as Markdown, diagrams as Mermaid."""
    parts = (
        _HEAD,
        "## Ticket 工单\n", *_machine(TICKET_ROWS, TICKET_STATES, FINAL_TICKET_STATES),
        "## Assignment 承办任务\n", *_machine(ASSIGNMENT_ROWS, ASSIGNMENT_STATES, FINAL_ASSIGNMENT_STATES),
        "## Roles 角色\n",
        _table(("role", "中文", "English"), [(role.value, zh, en) for role, (zh, en) in ROLE_NAMES.items()]),
    )  # fmt: skip
    return "\n".join(parts)


def _machine(rows: Sequence[Transition], states: Mapping[Any, StateNames], final: Collection[State]) -> Iterator[str]:
    yield "```mermaid\nstateDiagram-v2"
    yield from (f"    {state.value}: {names.zh} {state.value}" for state, names in states.items())
    for row in rows:
        for before in row.before:
            yield f"    {before.value if before else '[*]'} --> {row.after.value}: {row.row} {row.zh}"
    yield from (f"    {state.value} --> [*]" for state in states if state in final)
    yield "```\n"
    yield _table(
        ("state", "中文", "English", "citizen sees", "final"),
        [(s.value, n.zh, n.en, n.public, "yes" if s in final else "") for s, n in states.items()],
    )
    yield _table(
        ("row", "from", "to", "step", "event", "who", "guards", "starts", "stops", "owner"),
        [_line(row) for row in rows],
    )


def _line(row: Transition) -> tuple[str, ...]:
    before = ", ".join(state.value if state else "–" for state in row.before)
    who = ", ".join(role.value for role in row.roles)
    return (
        row.row, before, row.after.value, f"{row.zh} {row.en}", row.trigger, who, ", ".join(row.guards),
        ", ".join(row.starts), ", ".join(row.stops).replace("*", "all"), row.owner,
    )  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
