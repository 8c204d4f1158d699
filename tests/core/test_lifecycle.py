"""The published table: every state named, every step reachable, every final state final, every command's role known."""

from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from griddispatch.lifecycle import app, page
from services.dispatch.core.actors import ROLE_NAMES, Role
from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.lifecycle import (
    ASSIGNMENT_ROWS,
    ASSIGNMENT_STATES,
    ASSIGNMENT_TRANSITIONS,
    FINAL_ASSIGNMENT_STATES,
    FINAL_TICKET_STATES,
    PUBLIC_STATES,
    TICKET_ROWS,
    TICKET_STATES,
    TICKET_TRANSITIONS,
    IllegalTransition,
    Transition,
    move,
    step,
)
from services.dispatch.core.permissions import ROLES
from services.dispatch.core.triggers import Command
from services.dispatch.core.views import lifecycle_view
from tests.builders import ROOT
from tests.core.course import Course


def test_every_state_has_a_name_in_two_languages_and_one_the_citizen_sees() -> None:
    assert set(TICKET_STATES) == set(TicketState)
    assert set(ASSIGNMENT_STATES) == set(AssignmentState)
    assert all(names.zh and names.en for names in (*TICKET_STATES.values(), *ASSIGNMENT_STATES.values()))
    assert set(PUBLIC_STATES.values()) == {"已受理", "办理中", "已办结", "待评价", "已结案", "未受理", "已转办"}


def test_the_rows_are_all_twenty_three_in_order() -> None:
    numbers = [int(row.row) for row in TICKET_ROWS]
    assert sorted(set(numbers)) == list(range(1, 24))
    assert all(earlier <= later for earlier, later in pairwise(numbers))


@pytest.mark.parametrize("rows", [TICKET_ROWS, ASSIGNMENT_ROWS])
def test_every_row_names_its_roles_and_reads_in_two_languages(rows: tuple[Transition, ...]) -> None:
    for row in rows:
        assert row.roles and row.zh and row.en and row.trigger, row.row
        assert set(row.roles) <= set(ROLE_NAMES)


@pytest.mark.parametrize(
    ("rows", "states"), [(TICKET_ROWS, TicketState), (ASSIGNMENT_ROWS, AssignmentState)]
)  # fmt: skip
def test_every_state_is_reached_from_nothing(rows: tuple[Transition, ...], states: type[TicketState]) -> None:
    reached: set[object] = {None}
    while True:
        further = {row.after for row in rows if reached & set(row.before)} - reached
        if not further:
            break
        reached |= further
    assert reached - {None} == set(states)


def test_nothing_leaves_a_final_state_but_to_come_back_or_to_be_archived() -> None:
    leaving = {(before, row.after) for row in TICKET_ROWS for before in row.before if before in FINAL_TICKET_STATES}
    staying = {(before, after) for before, after in leaving if after is before}
    assert staying == {(TicketState.TRANSFERRED, TicketState.TRANSFERRED)}, "it is found out whether help came"
    assert {after for _, after in leaving - staying} == {
        TicketState.ARCHIVED, TicketState.DISPATCHED, TicketState.ACCEPTED
    }  # fmt: skip
    assert not {before for before, _ in ASSIGNMENT_TRANSITIONS if before in FINAL_ASSIGNMENT_STATES}


def test_a_ticket_closes_only_after_it_was_resolved() -> None:
    assert {before for before, after in TICKET_TRANSITIONS if after is TicketState.CLOSED} == {
        TicketState.RESOLVED, TicketState.FOLLOWING_UP
    }  # fmt: skip


def test_an_illegal_step_is_refused() -> None:
    case = Course().case
    with pytest.raises(IllegalTransition, match="DISPATCHED -> CLOSED"):
        move(case, TicketState.CLOSED)
    with pytest.raises(IllegalTransition, match="PENDING_SIGN -> SUBMITTED"):
        step(case.lead, AssignmentState.SUBMITTED, case.accepted_at)


def test_every_command_says_who_may_give_it() -> None:
    commands = {model for group in get_args(Command) for model in (get_args(group) or (group,))}
    assert set(ROLES) == commands
    assert all(roles and Role.SYSTEM not in roles for roles in ROLES.values())


def test_the_view_holds_an_edge_for_every_pair() -> None:
    shown = lifecycle_view()
    assert {(e["from"], e["to"]) for e in shown["ticket"]["transitions"] if e["owner"] == "dispatch"} == set(
        TICKET_TRANSITIONS
    )
    assert {(e["from"], e["to"]) for e in shown["assignment"]["transitions"]} == set(ASSIGNMENT_TRANSITIONS)


def test_the_page_is_drawn_from_the_table() -> None:
    drawn = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    assert drawn == page(), "run griddispatch lifecycle draw"


def test_a_page_that_differs_is_found_wrong(tmp_path: Path) -> None:
    other = tmp_path / "lifecycle.md"
    assert CliRunner().invoke(app, ["draw", "--check", "--out", str(other)]).exit_code == 1
    assert CliRunner().invoke(app, ["draw", "--out", str(other)]).exit_code == 0
    assert CliRunner().invoke(app, ["draw", "--check", "--out", str(other)]).exit_code == 0
