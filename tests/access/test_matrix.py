"""Every cell of the access matrix, asked of the running services: each route, by each role, at home and elsewhere."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from griddispatch.openapi import SERVICES, openapi
from shared.matrix import NOBODY, Answer, Cell, cells, faults, unused
from shared.openapi import operations
from shared.permissions import read_permissions
from tests.access.enforced import PROGRAMS, World, hearing
from tests.access.values import COUNTY, OTHER_COUNTY, ROLES_FILE

REFUSED = (Answer.UNAUTHENTICATED, Answer.FORBIDDEN, Answer.NOT_FOUND)
STATUS = {Answer.UNAUTHENTICATED: 401, Answer.FORBIDDEN: 403, Answer.NOT_FOUND: 404}
MADE_UP = {"service_code": "150101", "ticket_no": "99010126031010000010", "fmt": "json", "period": "2026-03",
           "service_request_id": "99010126031010000010", "token": "none"}  # fmt: skip

NOBODYS = "0198c0de-0000-7000-8000-00000000dead"
"""Of things whose routes need no place, one that is not there does."""
DOCUMENTS = {service: openapi(service) for service in SERVICES}
PERMISSIONS = read_permissions(ROLES_FILE)
CELLS = list(cells(PERMISSIONS, DOCUMENTS))
AT_ONCE, TRIES = 4, 20


def routes(service: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Operation, method and path of every route, with what its document says."""
    for path, methods in DOCUMENTS[service]["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method.upper(), path, operation


PLACES = {
    (service, operation): (method, path, told)
    for service in SERVICES
    for operation, method, path, told in routes(service)
}


def test_every_route_has_its_rule_and_every_rule_its_route() -> None:
    assert faults(PERMISSIONS, DOCUMENTS) == []
    assert unused(PERMISSIONS, DOCUMENTS) == []
    told = sum(1 for document in DOCUMENTS.values() for _ in operations(document))
    assert len(CELLS) == told * (len(PERMISSIONS.roles) + 1) * 2


@pytest.mark.parametrize("service", list(SERVICES))
async def test_every_cell_is_answered_as_the_matrix_says(whole_world: World, service: str) -> None:
    asked = [cell for cell in CELLS if cell.service == service and _can_be_asked(cell)]
    waiting, wrong = iter(asked), list[str]()
    async with asyncio.TaskGroup() as callers:
        for n in range(AT_ONCE):
            callers.create_task(_ask_on(whole_world, waiting, wrong), name=f"caller-{n}")
    assert wrong == []
    assert len(asked) > 500


async def _ask_on(world: World, waiting: Iterator[Cell], wrong: list[str]) -> None:
    """Ask one cell after the other; several do so beside each other, and each hears the guard of its own requests."""
    with hearing() as heard:
        for cell in waiting:
            method, path, told = PLACES[cell.service, cell.operation]
            for _ in range(TRIES):  # on a slow machine a service may say: not now
                heard.clear()
                answer = await world.http[cell.service].request(
                    method, _address(path, world), params=_query(told, world), headers=_headers(cell, world),
                    content=b"[]",
                )  # fmt: skip
                if answer.status_code != 503:
                    break
            refusal = next((entry.reason for entry in heard if entry.outcome == "refused"), "")
            if not _fits(cell.answer, answer.status_code, refusal):
                asked = f"{cell.operation} by {cell.role}, {'here' if cell.here else 'elsewhere'}"
                wrong.append(f"{asked}: {answer.status_code} {refusal}, not {cell.answer}")


def _can_be_asked(cell: Cell) -> bool:
    """Nobody can show that they are a citizen's hands: that role is for a desk without access control."""
    return cell.role == NOBODY or cell.role in PROGRAMS or PERMISSIONS.roles[cell.role].for_people


def _fits(answer: Answer, status: int, refusal: str) -> bool:
    """Whether the guard did as the cell says: its refusals are in the log, and where it let somebody pass nothing is."""
    if answer in REFUSED:
        return status == STATUS[answer] and refusal != ""
    if answer is Answer.PROOF:  # the guard let them pass; what they show is the service's own to refuse
        return status < 500 and refusal == ""
    return status < 500 and status != 401 and refusal == ""


def _headers(cell: Cell, world: World) -> dict[str, str]:
    sent = {"Content-Type": "application/json"}
    if cell.role == NOBODY:
        return sent
    unit = "discipline:990101001" if "/leads" in PLACES[cell.service, cell.operation][1] else world.ids["unit"]
    return sent | world.shown(cell.role, COUNTY if cell.here else OTHER_COUNTY, unit)


def _address(path: str, world: World) -> str:
    known = {**MADE_UP, **world.ids}
    named = re.findall(r"{(\w+)}", path)
    return path.format_map({name: known.get(name, NOBODYS) for name in named})


def _query(operation: dict[str, Any], world: World) -> dict[str, str]:
    wanted = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query" and p.get("required")]
    return {name: {**MADE_UP, **world.ids}.get(name, "x") for name in wanted}
