"""roles.toml is read whole or not at all, and its table has no blank."""

from typing import Any

import pytest

from griddispatch.audit import markdown
from services.dispatch.commands import NAMES
from services.dispatch.core.permissions import ROLES as ROLES_OF_COMMANDS
from shared.actors import Actor, covers, is_area
from shared.errors import NotFound, Rejected
from shared.matrix import NOBODY, Answer, cells, faults, unused
from shared.permissions import must_answer_for, must_see, permissions_from, read_permissions
from tests.access.values import COUNTY, OTHER_COUNTY, ROLES, ROLES_FILE, permissions


def document(*names: str) -> dict[str, Any]:
    return {"paths": {f"/{n}": {"get": {"operationId": name}} for n, name in enumerate(names)}}


ALL = {"intake": document(*ROLES["intake"])}


def answers(operation: str) -> dict[tuple[str, bool], Answer]:
    return {(c.role, c.here): c.answer for c in cells(permissions(), ALL) if c.operation == operation}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"role": {}}, "unknown table"),
        ({"roles": {"x": {"zh": "x", "en": "x", "scopes": ["mayor"]}}}, "mayor is no scope"),
        ({"roles": {"x": {"scopes": []}}}, "needs a name"),
        ({"roles": ROLES["roles"] | {"x": {"zh": "x", "en": "x", "scope": []}}}, "unknown key"),
        ({"intake": {"a": {"scope": "mayor", "reach": "area"}}}, "mayor is no scope"),
        ({"intake": {"a": {"scope": "tickets:read"}}}, "must be one of"),
        ({"intake": {"a": {"scope": "tickets:read", "reach": "all"}}}, "must be one of"),
        ({"intake": {"a": {"reach": "area"}}}, "needs a scope"),
        ({"intake": {"a": {"scope": "tickets:read", "reach": "open", "why": "x"}}}, "needs a scope"),
        ({"intake": {"a": {"reach": "open"}}}, "says why"),
        ({"intake": {"a": {"scope": "tickets:read", "reach": "area", "audit": True}}}, "unknown key"),
        ({"intake": {}}, "no route asks for it"),
        ({"scopes": ROLES["scopes"] | {"spare": {}}}, "no role has it"),
    ],
    ids=str,
)  # fmt: skip
def test_rules_that_do_not_hold_together_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Rejected, match=why):
        permissions_from(ROLES | changes)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Rejected) as refused:
        permissions_from(ROLES | {"intake": {"a": {"reach": "open"}, "b": {"reach": "area"}}, "extra": {}})
    assert len(refused.value.problems) >= 4


def test_a_route_without_a_rule_is_a_fault() -> None:
    assert faults(permissions(), {"intake": document("get_ticket", "new_route")}) == ["intake.new_route: no rule"]


def test_two_routes_of_one_name_are_a_fault() -> None:
    assert faults(permissions(), {"intake": document("work", "work")}) == ["intake.work: stands for 2 routes"]


def test_a_rule_without_a_route_is_told() -> None:
    assert unused(permissions(), {"intake": document("get_ticket", "post_ticket")}) == [
        "intake.list_tickets", "intake.lines", "intake.work", "intake.hang", "intake.discovery", "intake.by_code",
    ]  # fmt: skip


def test_the_table_has_no_blank() -> None:
    found = list(cells(permissions(), ALL))
    assert len(found) == len(ROLES["intake"]) * (len(ROLES["roles"]) + 1) * 2
    lines = markdown(found)
    assert len({line.count("|") for line in lines}) == 1
    assert "|  |" not in "\n".join(lines)


def test_the_table_says_what_requests_get() -> None:
    read, work, hang = answers("get_ticket"), answers("work"), answers("hang")
    assert (read[NOBODY, True], read["dispatcher", True], read["dispatcher", False]) == ("401", "yes", "404")
    assert (work["grid_worker", True], work["grid_worker", False], work["dispatcher", True]) == (
        "own unit",
        "404",
        "403",
    )
    assert (hang["command_centre", True], hang["dispatcher", True]) == ("yes", "403")
    assert answers("list_tickets")["dispatcher", False] == "empty"
    assert set(answers("by_code").values()) == {Answer.PROOF}
    assert set(answers("discovery").values()) == {Answer.YES}


def test_the_products_rules_hold_together() -> None:
    assert len(read_permissions(ROLES_FILE).rules) > 90


def test_whoever_may_give_a_command_gets_as_far_as_the_rule_that_says_so() -> None:
    known = read_permissions(ROLES_FILE)
    cut_off = [
        f"{role} {name}"
        for name, model in NAMES.items()
        for role in ROLES_OF_COMMANDS[model]
        if role not in ("citizen", "system")
        and (rule := known.rule("dispatch", "return_" if name == "return" else name.replace("-", "_"))) is not None
        and rule.scope not in known.scopes_of(role)
    ]
    assert cut_off == []


def test_no_program_may_unlock_words_or_decide_leads() -> None:
    known = read_permissions(ROLES_FILE)
    for sheet in known.roles.values():
        if sheet.for_keys:
            assert not sheet.scopes & {"matters:unlock", "leads:read", "leads:decide", "leads:follow", "act:approve"}


@pytest.mark.parametrize(
    ("jurisdiction", "code", "inside"),
    [
        (COUNTY, COUNTY, True), (COUNTY, f"{COUNTY}001001001", True), (f"{COUNTY}001", COUNTY, False),
        (COUNTY, OTHER_COUNTY, False), (COUNTY, "", False), ("", COUNTY, False), ("99", COUNTY, True),
        ("9", COUNTY, False), ("*", "", True), ("99010", COUNTY, False),
    ],
)  # fmt: skip
def test_an_area_holds_what_begins_with_its_code(jurisdiction: str, code: str, inside: bool) -> None:
    assert covers(jurisdiction, code) is inside


@pytest.mark.parametrize(
    "text", ["", "*", "9", "990", "99010", "9901011", "99010a", " 990101", "990101\n", None, 990101]
)
def test_what_is_no_division_code_is_no_area(text: object) -> None:
    assert not is_area(text)


def test_what_lies_elsewhere_is_not_there() -> None:
    with pytest.raises(NotFound):
        must_see(Actor("dispatcher", jurisdiction=COUNTY), f"{OTHER_COUNTY}001")
    with pytest.raises(NotFound):
        must_see(Actor("dispatcher"), COUNTY)


@pytest.mark.parametrize("unit", [None, "", "village-8"])
def test_a_worker_does_nothing_for_a_unit_that_is_not_theirs(unit: str | None) -> None:
    worker = Actor("grid_worker", unit, "p-1", COUNTY)
    with pytest.raises(NotFound):
        must_answer_for(worker, permissions(), ("village-7", "township-1"))


def test_the_centre_is_bound_to_no_unit() -> None:
    must_answer_for(Actor("command_centre", None, "p-1", COUNTY), permissions(), ("village-7",))
