"""Who gets in over HTTP, and who is turned away, with which words: through a real app."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from shared import problems
from shared.access import Access, access_of, actor_of, require
from shared.actors import Actor, Scope
from shared.audit import Entry
from shared.database import Database
from shared.identity import BearerIdentity, OpenIdentity
from shared.key_store import KeyRing, insert_key
from shared.openapi import ServiceApp
from shared.rate_limit import Policy, RateLimits
from shared.tokens import ClaimNames
from tests.access.provider import LoginProvider, Ticks, verifier
from tests.access.values import COUNTY, NOW, OTHER_COUNTY, PEPPER, key, permissions

GRID_HERE, GRID_ELSEWHERE = f"{COUNTY}001001001", f"{OTHER_COUNTY}001001001"


def app_of(access: Access) -> ServiceApp:
    """A service with a route of each reach."""
    app, routes = ServiceApp("intake"), APIRouter(prefix="/v1")
    access.install(app)
    problems.install(app)

    @routes.get("/tickets/{grid}")
    async def get_ticket(grid: str, request: Request) -> dict[str, str]:
        return {"role": access.must_see(request, grid).role}

    @routes.post("/tickets")
    async def post_ticket(request: Request, source: str) -> JSONResponse:
        return JSONResponse({"client": access.must_post_as(request, source).client})

    @routes.post("/work/{unit}")
    async def work(unit: str, request: Request) -> dict[str, str | None]:
        return {"unit": access.must_answer_for(request, (unit, "township-1")).unit}

    @routes.post("/hang")
    async def hang(request: Request) -> dict[str, str]:
        return {"by": actor_of(request).name}

    @routes.post("/lines/{operation}")
    async def lines(operation: str, request: Request) -> dict[str, str]:
        await access_of(request).check_line(request, operation, {})
        return {}

    @routes.get("/discovery")
    async def discovery(request: Request) -> dict[str, str]:
        return {"by": actor_of(request).name}

    @routes.get("/by-code")
    async def by_code() -> dict[str, str]:
        return {}

    @routes.get("/forgotten")
    async def forgotten() -> dict[str, str]:
        return {}

    @routes.get("/list")
    async def list_tickets(actor: Actor = Depends(require("desk:command"))) -> dict[str, str]:  # noqa: B008
        return {"role": actor.role}

    app.include_router(routes)
    return app


@dataclass
class World:
    """A guarded service, its login provider and what was written down."""

    http: httpx.AsyncClient
    login: LoginProvider
    key: str
    access: Access
    written: list[Entry] = field(default_factory=list)

    async def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        return await self.ask("GET", path, token, **headers)

    async def ask(self, method: str, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return await self.http.request(method, path, headers=sent)


@pytest_asyncio.fixture
async def world(common_tables: Database, login: LoginProvider) -> AsyncIterator[World]:
    """The service in production mode."""
    text, kept = key(quota_per_minute=5)
    async with common_tables.transaction() as tx:
        await insert_key(tx, kept)
    async with verifier(login) as provider:
        written: list[Entry] = []
        identify = BearerIdentity(
            permissions(), KeyRing(common_tables, PEPPER, now=lambda: NOW, ticks=Ticks()), provider, ClaimNames(), 600
        )
        access = Access("intake", permissions(), identify, RateLimits(Ticks()), written.append, Policy("refused", 3))
        transport = httpx.ASGITransport(app_of(access), client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://county.example") as http:
            yield World(http, login, text, access, written)


async def test_nobody_known_is_asked_to_say_who_they_are(world: World) -> None:
    answer = await world.get(f"/v1/tickets/{GRID_HERE}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="griddispatch"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [(e.outcome, e.reason) for e in world.written] == [("refused", "no-credentials")]


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer  a b", "Bearer令牌", "Bearer\tx", "token x",
        "Bearer gd_aaaaaaaaaa_" + "a" * 43, "Bearer a.b.c", "Bearer ..", "Bearer " + "x" * 9000, "gd_aaaaaaaaaa_x",
    ],
)  # fmt: skip
async def test_credentials_that_are_no_good_are_refused_alike(world: World, authorization: str) -> None:
    answer = await world.http.get(
        f"/v1/tickets/{GRID_HERE}", headers=[(b"authorization", authorization.encode())]
    )  # fmt: skip
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="griddispatch", error="invalid_token"'
    assert answer.json() == {
        "type": "urn:griddispatch:problem:unauthenticated", "title": "Say who you are.", "status": 401,
    }  # fmt: skip


async def test_two_authorization_headers_are_refused(world: World) -> None:
    both = [("authorization", f"Bearer {world.key}"), ("authorization", f"Bearer {world.login.token()}")]
    assert (await world.http.get(f"/v1/tickets/{GRID_HERE}", headers=both)).status_code == 401


@pytest.mark.parametrize("place", ["api_key", "access_token", "key", "authorization"])
async def test_a_key_in_the_address_is_not_looked_at(world: World, place: str) -> None:
    answer = await world.http.get(f"/v1/tickets/{GRID_HERE}", params={place: world.key})
    assert answer.status_code == 401


async def test_a_key_in_a_cookie_is_not_looked_at(world: World) -> None:
    assert (await world.get(f"/v1/tickets/{GRID_HERE}", Cookie=f"authorization=Bearer {world.key}")).status_code == 401


async def test_a_key_opens_what_lies_in_its_county(world: World) -> None:
    answer = await world.get(f"/v1/tickets/{GRID_HERE}", world.key)
    assert answer.json() == {"role": "hotline"}


async def test_a_ticket_of_another_county_is_not_there_as_one_that_never_was(world: World) -> None:
    answer = await world.get(f"/v1/tickets/{GRID_ELSEWHERE}", world.key)
    nowhere = await world.get("/v1/tickets/000000000000000", world.key)
    assert (answer.status_code, answer.json()) == (404, nowhere.json())
    assert GRID_ELSEWHERE not in answer.text
    assert [e.reason for e in world.written] == ["other-area", "other-area"]


async def test_a_key_posts_under_its_own_sources_only(world: World) -> None:
    assert (await world.ask("POST", "/v1/tickets?source=hotline-12345", world.key)).status_code == 200
    refused = await world.ask("POST", "/v1/tickets?source=hotline-110", world.key)
    assert refused.status_code == 403
    assert world.written[-1].reason == "other-source"


async def test_a_role_without_the_right_is_refused_and_told_which(world: World) -> None:
    answer = await world.ask("POST", "/v1/tickets?source=x", world.login.token())
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="tickets:write"' in answer.headers["WWW-Authenticate"]
    assert world.written[-1].actor == "dispatcher:p-17"


async def test_a_handler_can_ask_for_a_further_right(world: World) -> None:
    assert (await world.get("/v1/list", world.login.token())).status_code == 403
    assert (await world.get("/v1/list", world.login.token(roles=["command_centre"]))).status_code == 200


async def test_a_route_without_a_rule_is_nobodys(world: World) -> None:
    for token in (None, world.key, world.login.token(roles=["command_centre"])):
        assert (await world.get("/v1/forgotten", token)).status_code == 403
    assert {e.reason for e in world.written} == {"no-rule"}


async def test_an_open_route_asks_nobody(world: World) -> None:
    assert (await world.get("/v1/discovery")).json() == {"by": "anybody:"}
    assert (await world.get("/v1/by-code")).status_code == 200


async def test_bad_credentials_are_refused_on_an_open_route_too(world: World) -> None:
    assert (await world.get("/v1/discovery", "gd_nonsense")).status_code == 401


async def test_refusal_comes_before_the_input_is_judged(world: World) -> None:
    assert (await world.ask("POST", "/v1/tickets")).status_code == 401


@pytest.mark.parametrize(
    "header", ["X-Actor-Role", "X-Actor-Unit", "Griddispatch-Actor", "X-Forwarded-User", "X-Jurisdiction"]
)
async def test_headers_that_name_somebody_are_not_believed(world: World, header: str) -> None:
    answer = await world.get(f"/v1/tickets/{GRID_HERE}", **{header: "command_centre"})
    assert answer.status_code == 401


async def test_a_header_makes_nobody_of_another_unit(world: World) -> None:
    token = world.login.token(roles=["grid_worker"], unit="village-7")
    answer = await world.ask("POST", "/v1/work/village-8", token, Griddispatch_Actor="village-8/p-1")
    assert answer.status_code == 404
    assert world.written[-1].reason == "other-unit"
    assert (await world.ask("POST", "/v1/work/village-7", token)).json() == {"unit": "village-7"}


async def test_a_unit_above_answers_for_what_is_below(world: World) -> None:
    token = world.login.token(roles=["grid_worker"], unit="township-1")
    assert (await world.ask("POST", "/v1/work/village-7", token)).status_code == 200


async def test_a_role_is_chosen_among_those_held(world: World) -> None:
    token = world.login.token(roles=["dispatcher", "command_centre"])
    undecided = await world.get(f"/v1/tickets/{GRID_HERE}", token)
    assert undecided.status_code == 403
    assert "dispatcher, command_centre" in undecided.json()["title"]
    chosen = await world.get(f"/v1/tickets/{GRID_HERE}", token, Griddispatch_Role="dispatcher")
    assert chosen.json() == {"role": "dispatcher"}
    taken = await world.get(f"/v1/tickets/{GRID_HERE}", token, Griddispatch_Role="hotline")
    assert taken.status_code == 403


@pytest.mark.parametrize("role", ["dispatcher", "command_centre", "HOTLINE", "hotline,command_centre"])
async def test_a_key_takes_no_other_role(world: World, role: str) -> None:
    assert (await world.get(f"/v1/tickets/{GRID_HERE}", world.key, Griddispatch_Role=role)).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": None}, {"roles": []}, {"roles": ["mayor"]}, {"roles": ["hotline"]}, {"roles": {"dispatcher": True}},
        {"roles": [["dispatcher"]]}, {"jurisdiction": None}, {"jurisdiction": ""}, {"jurisdiction": "*"},
        {"jurisdiction": "9"}, {"jurisdiction": "99010"}, {"jurisdiction": 990101}, {"jurisdiction": ["990101"]},
        {"jurisdiction": "９９０１０１"}, {"roles": ["grid_worker"]}, {"roles": ["grid_worker"], "unit": "a b"},
        {"roles": ["grid_worker"], "unit": ["u"]},
    ],
    ids=str,
)  # fmt: skip
async def test_an_account_that_says_too_little_gets_nothing(world: World, changes: dict[str, object]) -> None:
    assert (await world.get(f"/v1/tickets/{GRID_HERE}", world.login.token(**changes))).status_code == 403


@pytest.mark.parametrize("person", ["a b", "a\nb", "../x", "x" * 129, "；", "' OR 1=1"])
async def test_an_odd_person_is_nobody(world: World, person: str) -> None:
    assert (await world.get(f"/v1/tickets/{GRID_HERE}", world.login.token(sub=person))).status_code == 401


async def test_two_person_acts_are_not_for_keys(world: World, common_tables: Database) -> None:
    text, kept = key(role="command_centre", scopes=frozenset({Scope("desk:command")}))
    async with common_tables.transaction() as tx:
        await insert_key(tx, kept)
    access = world.access
    fresh = BearerIdentity(
        permissions(), KeyRing(common_tables, PEPPER, now=lambda: NOW, ticks=Ticks()), None, ClaimNames(), 9
    )
    guarded = Access("intake", permissions(), fresh, RateLimits(), world.written.append, access.refused_policy)
    transport = httpx.ASGITransport(app_of(guarded))
    async with httpx.AsyncClient(transport=transport, base_url="http://county.example") as http:
        answer = await http.post("/v1/hang", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 403
    assert world.written[-1].reason == "no-person"


async def test_an_audited_act_is_written_down_when_it_is_allowed(world: World) -> None:
    answer = await world.ask("POST", "/v1/hang", world.login.token(roles=["command_centre"]))
    assert answer.json() == {"by": "command_centre:p-17"}
    (entry,) = world.written
    assert (entry.act, entry.outcome, entry.credential, entry.peer) == ("hang", "allowed", "token", "192.0.2.7")


async def test_the_quota_of_a_key_is_told_and_kept(world: World) -> None:
    first = await world.get(f"/v1/tickets/{GRID_HERE}", world.key)
    assert first.headers["RateLimit-Policy"] == '"key";q=5;w=60'
    assert first.headers["RateLimit"] == '"key";r=4;t=12'
    for _ in range(4):
        await world.get(f"/v1/tickets/{GRID_HERE}", world.key)
    over = await world.get(f"/v1/tickets/{GRID_HERE}", world.key)
    assert over.status_code == 429
    assert over.headers["Retry-After"] == "12"
    assert over.headers["RateLimit"] == '"key";r=0;t=12'
    assert over.json()["violated_policies"] == ["key"]


async def test_whoever_guesses_is_slowed_down(world: World) -> None:
    codes = [(await world.get("/v1/list", "gd_guess")).status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]


async def test_refusals_name_no_key_and_no_token(world: World) -> None:
    token = world.login.token()[:-4]
    await world.get(f"/v1/tickets/{GRID_HERE}", token)
    await world.get(f"/v1/tickets/{GRID_HERE}", world.key[:-1])
    told = " ".join(entry.text() for entry in world.written)
    assert token not in told
    assert world.key[14:-1] not in told


def test_a_service_with_a_forgotten_route_does_not_start(world: World) -> None:
    with pytest.raises(ValueError, match="forgotten: no rule"):
        world.access.check(app_of(world.access).openapi())


async def test_a_body_of_many_commands_is_judged_line_by_line(world: World) -> None:
    as_worker = {"token": world.login.token(roles=["grid_worker"], unit="u")}
    answers = {}
    for operation in ("work", "hang", "no-such-command"):
        answers[operation] = (await world.ask("POST", f"/v1/lines/{operation}", **as_worker)).status_code
    assert answers == {"work": 200, "hang": 403, "no-such-command": 403}
    assert [(e.act, e.reason) for e in world.written] == [("hang", "scope"), ("no-such-command", "no-rule")]


@pytest_asyncio.fixture
async def demo() -> AsyncIterator[ServiceApp]:
    """The service in demo mode."""
    yield app_of(Access("intake", permissions(), OpenIdentity(permissions()), RateLimits(), lambda entry: None))


async def ask_demo(app: ServiceApp, peer: str, host: str = "127.0.0.1:8001", **headers: str) -> int:
    transport = httpx.ASGITransport(app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8001") as http:
        sent = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return (await http.get(f"/v1/tickets/{GRID_ELSEWHERE}", headers=sent)).status_code


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.8.8.8"])
async def test_in_demo_mode_this_machine_may_do_everything(demo: ServiceApp, peer: str) -> None:
    assert await ask_demo(demo, peer) == 200


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "::ffff:10.0.0.1", "", "localhost.evil.example"])
async def test_in_demo_mode_no_other_machine_is_served(demo: ServiceApp, peer: str) -> None:
    assert await ask_demo(demo, peer) == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8001", "[::2]", "[", "localhost@evil.example:1"]
)
async def test_in_demo_mode_a_page_from_elsewhere_cannot_ask_by_its_own_name(demo: ServiceApp, host: str) -> None:
    assert await ask_demo(demo, "127.0.0.1", host) == 403


async def test_in_demo_mode_a_role_that_is_named_is_kept_to(demo: ServiceApp) -> None:
    assert await ask_demo(demo, "127.0.0.1", Griddispatch_Role="dispatcher") == 200
    assert await ask_demo(demo, "127.0.0.1", Griddispatch_Role="mayor") == 403


@pytest.mark.parametrize("named", ["a b/c", "u/p/q r", "../x", "u/" + "p" * 200])
async def test_in_demo_mode_an_odd_actor_is_refused(demo: ServiceApp, named: str) -> None:
    assert await ask_demo(demo, "127.0.0.1", Griddispatch_Actor=named) == 403


def test_a_key_made_for_a_month_is_not_for_ever() -> None:
    _, kept = key()
    assert kept.state(NOW + timedelta(days=31)) == "EXPIRED"
