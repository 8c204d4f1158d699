"""What lies elsewhere is answered as what never was: every route that names a thing is asked for both, by everybody."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

import httpx
import pytest

from griddispatch.openapi import SERVICES, openapi
from services.intake.core.numbers import ticket_number
from shared.permissions import Reach, read_permissions
from shared.terms import Channel
from tests.access.enforced import OTHER_TOWN, PROGRAMS, TOWN, World, hearing
from tests.access.values import COUNTY, OTHER_COUNTY, ROLES_FILE
from tests.builders import GRID
from tests.services.intake.desk import report

DOCUMENTS: Final = {service: openapi(service) for service in SERVICES}
PERMISSIONS: Final = read_permissions(ROLES_FILE)
THINGS: Final = ("ticket_id", "assignment_id", "incident_id", "lead_id", "session_id", "item_id", "act_id", "alert_id",
                 "subscription_id")  # fmt: skip
NOTHING: Final = dict.fromkeys(THINGS, "0198c0de-0000-7000-8000-00000000dead") | {"suggestion_id": "900000000001"}
"""By the names that addresses have for things: one that never was."""
OF_ANYBODY: Final = {
    "ticket_no": "asked for with the citizen's own code", "cycle": "a number within a thing", "fmt": "a format",
    "service_code": "public", "service_request_id": "public", "token": "public", "period": "public",
}  # fmt: skip
"""Names in addresses that are of nothing that lies in an area, with the reason."""
FILTERS: Final = {"unit": "nobody-at-all", "grid": f"{GRID[:12]}999", "subject": NOTHING["ticket_id"]}
"""What lists may be asked for, with a value that is nobody's."""
OTHER_UNIT: Final = f"grid:{OTHER_TOWN}001001"
HOOK: Final = "https://8.8.8.8/hook"
PASSING: Final = frozenset(("ratelimit",))
"""Headers that tell of the caller and not of the thing."""
TRIES: Final = 20


class Route(NamedTuple):
    """A route whose address, or query, names a thing; with the example that its document gives of a body."""

    service: str
    operation: str
    method: str
    path: str
    names: tuple[str, ...]
    example: Any = None


class Caller(NamedTuple):
    """Somebody who may call a route, and has nothing to do with what lies in the first township."""

    role: str
    area: str
    unit: str = OTHER_UNIT


def operations_of(service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and what the document says, of every route."""
    for path, methods in DOCUMENTS[service]["paths"].items():
        for method, told in methods.items():
            yield method.upper(), path, told


def naming() -> Iterator[Route]:
    """Every route that names a thing."""
    for service in SERVICES:
        for method, path, told in operations_of(service):
            asked = [p["name"] for p in told.get("parameters", ()) if p["in"] == "query" and p.get("required")]
            names = tuple(name for name in (*re.findall(r"{(\w+)}", path), *asked) if name in NOTHING)
            if names:
                body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
                yield Route(service, told["operationId"], method, path, names, body.get("example", {}))


ROUTES: Final = list(naming())


def strangers_to(route: Route) -> Iterator[Caller]:
    """Everybody whose role has the right, for the next township and the next county; and another unit at home."""
    rule = PERMISSIONS.rule(route.service, route.operation)
    assert rule is not None
    for role, sheet in PERMISSIONS.roles.items():
        is_program = role in PROGRAMS
        if rule.scope not in sheet.scopes or not (is_program or sheet.for_people) or (is_program and rule.two_persons):
            continue
        yield Caller(role, OTHER_TOWN)
        yield Caller(role, OTHER_COUNTY)
        if rule.reach is Reach.UNIT and sheet.for_unit and not is_program:
            yield Caller(role, COUNTY)


async def sent(world: World, service: str, method: str, path: str, caller: Caller, **said: Any) -> httpx.Response:
    """The answer; on a slow machine a service may say: not now."""
    shown = world.shown(caller.role, caller.area, caller.unit) | {"If-Match": '"1"'} | said.pop("headers", {})
    for _ in range(TRIES):
        answer = await world.http[service].request(method, path, headers=shown, **said)
        if answer.status_code != 503:
            break
    return answer


def told_by(answer: httpx.Response) -> tuple[object, ...]:
    """All that a caller sees of an answer."""
    return answer.status_code, sorted(h for h in answer.headers.items() if h[0] not in PASSING), answer.content


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """What is said of each line, but which one it is."""
    told = [json.loads(line) for line in answer.text.splitlines()]
    return [{name: value for name, value in one.items() if name != "line"} for one in told]


async def told_of(
    world: World, route: Route, caller: Caller, ids: Mapping[str, str]
) -> tuple[tuple[object, ...], list[str]]:
    """What somebody is told of these things, and what the guard writes down."""
    query = {name: ids[name] for name in route.names if f"{{{name}}}" not in route.path}
    known = {"cycle": "1", **ids}
    with hearing() as heard:
        answer = await sent(
            world, route.service, route.method, route.path.format_map(known), caller,
            params={**query, "purpose": "x"}, json=route.example,
        )  # fmt: skip
    return told_by(answer), [entry.reason for entry in heard]


async def subscription(world: World) -> str:
    """A subscription of the county's integrator."""
    caller = Caller("integrator", COUNTY)
    made = await sent(world, "notify", "POST", "/v1/subscriptions", caller, json={"name": "theirs", "url": HOOK})
    assert made.status_code == 201, made.text
    return str(made.json()["subscription_id"])


async def ticket_in(world: World, township: str) -> tuple[str, str]:
    """Id and number of a ticket that lies in a township."""
    taken = await sent(world, "intake", "POST", "/v1/tickets", Caller("hotline", COUNTY), json=report(f"in-{township}"))
    assert taken.status_code == 201, taken.text
    found = taken.json()
    await world.rows("UPDATE intake.ticket SET township = $2 WHERE id = $1::uuid", found["ticket_id"], township)
    return found["ticket_id"], found["ticket_no"]


def test_every_name_in_an_address_is_a_things_or_known_to_be_of_nobody() -> None:
    named = {
        name for service in SERVICES for _, path, _ in operations_of(service) for name in re.findall(r"{(\w+)}", path)
    }
    assert named == NOTHING.keys() | OF_ANYBODY.keys()
    assert {name for route in ROUTES for name in route.names} == NOTHING.keys()


@pytest.mark.parametrize("service", list(SERVICES))
async def test_what_lies_elsewhere_is_answered_as_what_never_was(world: World, service: str) -> None:
    there = world.ids | {"subscription_id": await subscription(world)}
    wrong, asked = [], 0
    for route in (one for one in ROUTES if one.service == service):
        for caller in strangers_to(route):
            of_theirs = await told_of(world, route, caller, there)
            of_nothing = await told_of(world, route, caller, world.ids | NOTHING)
            asked += 1
            if of_theirs != of_nothing or of_theirs[0][0] != 404:
                wrong.append(f"{route.operation} by {caller}: {of_theirs} and {of_nothing}")
    assert wrong == []
    assert asked >= 40


@pytest.mark.parametrize(
    "role", ["command_centre", "dispatcher", "grid_worker", "auditor", "supervisor", "unit_system"]
)
@pytest.mark.parametrize("area", [OTHER_TOWN, OTHER_COUNTY])
async def test_a_line_of_many_commands_says_no_more(world: World, role: str, area: str) -> None:
    lines = []
    for route in ROUTES:
        if route.service == "dispatch" and route.method == "POST":
            one = {"command": route.path.rpartition("/")[2], "version": 1, "body": route.example}
            lines += [one | {name: ids[name] for name in route.names} for ids in (world.ids, NOTHING)]
    assert len(lines) >= 80
    answer = await sent(
        world, "dispatch", "POST", "/v1/commands", Caller(role, area),
        content="\n".join(map(json.dumps, lines)).encode(), headers={"Content-Type": "application/x-ndjson"},
    )  # fmt: skip
    told = lines_of(answer)
    assert len(told) == len(lines)
    assert [one for one in zip(lines[::2], told[::2], told[1::2], strict=True) if one[1] != one[2]] == []
    assert {one["status"] for one in told} <= {403, 404}


@pytest.mark.parametrize("area", [OTHER_TOWN, OTHER_COUNTY])
async def test_a_line_of_many_answers_says_no_more(world: World, area: str) -> None:
    ids = (world.ids["ticket_id"], NOTHING["ticket_id"])
    said = {
        "cycle": 1,
        "contacted": True,
        "solved": True,
        "satisfaction": "SATISFIED",
        "recorded_by": "FOLLOW_UP_AGENT",
    }
    lines = "\n".join(json.dumps(said | {"ticket_id": one}) for one in ids)
    answer = await sent(
        world, "notify", "POST", "/v1/followups/answers", Caller("follow_up_agent", area), content=lines.encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )  # fmt: skip
    assert lines_of(answer) == [{"status": 404, "ticket_id": one, "cycle": 1} for one in ids]


@pytest.mark.parametrize("service", list(SERVICES))
async def test_a_list_of_somebody_elses_is_as_empty_as_one_of_nobodys(world: World, service: str) -> None:
    theirs, asked = {"unit": world.ids["unit"], "grid": GRID, "subject": world.ids["ticket_id"]}, 0
    for method, path, told in operations_of(service):
        filters = [p["name"] for p in told.get("parameters", ()) if p["in"] == "query" and p["name"] in FILTERS]
        is_endless = "text/event-stream" in told["responses"].get("200", {}).get("content", {})
        if method != "GET" or is_endless:
            continue
        for name in filters:
            for caller in strangers_to(Route(service, told["operationId"], method, path, ())):
                shown = [
                    told_by(await sent(world, service, method, path, caller, params={name: value}))
                    for value in (theirs[name], FILTERS[name])
                ]
                assert shown[0] == shown[1], f"{told['operationId']} by {caller}"
                asked += 1
    assert asked >= 8


async def test_a_ticket_is_not_merged_into_one_that_lies_elsewhere_nor_told_that_it_is_there(world: World) -> None:
    home, _ = await ticket_in(world, TOWN)
    _, theirs = await ticket_in(world, OTHER_TOWN)
    nobodys = ticket_number(COUNTY, date(2026, 3, 9), Channel.PHONE, 999_999)
    told = [
        told_by(
            await sent(
                world, "intake", "POST", f"/v1/tickets/{home}/merge", Caller("dispatcher", TOWN),
                json={"into_ticket_no": number, "note": "同一件事"},
            )
        )
        for number in (theirs, nobodys)
    ]  # fmt: skip
    assert told[0] == told[1]
    assert told[0][0] == 422


async def test_nothing_is_replayed_of_a_ticket_that_lies_elsewhere(world: World) -> None:
    for area in (OTHER_TOWN, OTHER_COUNTY):
        caller = Caller("integrator", area)
        made = await sent(world, "notify", "POST", "/v1/subscriptions", caller, json={"name": "ours", "url": HOOK})
        path = f"/v1/subscriptions/{made.json()['subscription_id']}/replays"
        told = [
            told_by(await sent(world, "notify", "POST", path, caller, json={"ticket_id": ticket_id}))
            for ticket_id in (world.ids["ticket_id"], NOTHING["ticket_id"])
        ]
        assert told[0] == told[1]
        assert told[0][2] == b'{"queued":0}'


@pytest.mark.parametrize("spelt", ["{}", "0{}", "+{}", "%20{}", "{}%20", "{}.0", "0_{}", "{:0>25}", "-{}"])
@pytest.mark.parametrize("act", ["refusal", "acceptance"])
async def test_no_spelling_of_an_id_leads_around_the_guard(world: World, spelt: str, act: str) -> None:
    path = f"/v1/merges/{spelt.format(world.ids['suggestion_id'])}/{act}"
    for area in (OTHER_TOWN, OTHER_COUNTY):
        answer = await sent(world, "intake", "POST", path, Caller("dispatcher", area))
        assert answer.status_code in (404, 422), answer.text
    (standing,) = await world.rows(
        "SELECT state FROM intake.merge_suggestion WHERE id = $1", int(world.ids["suggestion_id"])
    )
    assert standing["state"] == "OPEN"


@pytest.mark.parametrize("spelt", ["{{{}}}", "urn:uuid:{}", "{}", "%7b{}%7d"])
async def test_no_spelling_of_a_tickets_id_does_either(world: World, spelt: str) -> None:
    for name, written in (("upper", str.upper), ("plain", lambda text: text.replace("-", ""))):
        told = spelt.format(written(world.ids["ticket_id"]))
        for service, path in (("intake", "/v1/tickets/"), ("dispatch", "/v1/tickets/"), ("notify", "/v1/followups/")):
            answer = await sent(world, service, "GET", path + told, Caller("supervisor", OTHER_COUNTY))
            assert answer.status_code in (404, 422), f"{name}: {answer.text}"
