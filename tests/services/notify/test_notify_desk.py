"""The follow-up desk on real tables: a draw anybody can repeat, tasks that go to strangers, links good for one thing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.notify import api, desk_api
from services.notify.core.sampling import lot_of
from shared.events import TicketEvaluated
from shared.notify_events import ReopenAsked
from shared.terms import MatterSize, TicketType
from tests.open_access import acting_as, open_app
from tests.services.notify.measured import PLACE, MeasuredStage, resolved
from tests.services.notify.stage import serving
from tests.services.notify.values import SATISFIED, assigned, audited, local, ticket

ANSWER: dict[str, Any] = {"contacted": True, "solved": True, "satisfaction": "SATISFIED"}


def headers(role: str = "follow_up_agent", unit: str = "hotline", person: str = "agent-1") -> dict[str, str]:
    return acting_as(role, unit, person)


@pytest.fixture
async def client(measured: MeasuredStage) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real API over a real socket."""
    app = open_app("notify")
    app.include_router(api.router(measured.database, measured.follow_ups))
    app.include_router(desk_api.router(measured.database, measured.desk))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


async def claim(client: httpx.AsyncClient, limit: int = 50, **who: str) -> list[dict[str, Any]]:
    response = await client.post("/v1/follow-up-tasks/claim", json={"limit": limit}, headers=headers(**who))
    assert response.status_code == 200
    tasks: list[dict[str, Any]] = response.json()["tasks"]
    return tasks


# The draw


async def test_the_draw_of_a_period_can_be_repeated_from_what_is_published(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    for n in range(1, 61):
        await measured.handled(n)
    shown = (await client.get("/v1/sampling/2026-03")).json()
    assert [draw["nth"] for draw in shown["draws"]] == list(range(1, 61))
    by_lot = 0
    for draw in shown["draws"]:
        assert draw["lot"] == lot_of(shown["seed"], ticket(int(draw["ticket_id"].replace("-", ""), 16)))
        called = "LOT" if draw["lot"] < shown["shares"]["call"] * shown["lots"] else "NOT_DRAWN"
        assert draw["why"] == ("LEAST" if called == "NOT_DRAWN" and by_lot < shown["calls_least"] else called)
        by_lot += draw["way"] == "CALL"
    assert shown["units"] == [{"unit": "water", "drawn": 60, "by_lot": by_lot}]
    assert 30 <= by_lot < 60


async def test_a_draw_is_read_page_by_page(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    for n in range(1, 4):
        await measured.handled(n)
    page: dict[str, str | int] = {"after_unit": "water", "after_nth": 1, "limit": 1}
    shown = (await client.get("/v1/sampling/2026-03", params=page)).json()
    assert [draw["nth"] for draw in shown["draws"]] == [2]


async def test_copies_at_once_draw_each_ticket_once_and_leave_no_gap(measured: MeasuredStage) -> None:
    await asyncio.gather(*(measured.handled(n) for n in range(1, 21)))
    rows = await measured.database.fetch("SELECT nth FROM draw ORDER BY nth")
    assert [row["nth"] for row in rows] == list(range(1, 21))


async def test_a_month_that_is_none_has_no_draw(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/sampling/2026-99")).status_code == 422


# Tasks


async def test_a_big_matter_makes_a_task_that_an_agent_claims(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await measured.handled(size=MatterSize.BIG)
    (task,) = await claim(client)
    assert (task["way"], task["unit"], task["agent"], task["missed"]) == ("CALL", "water", "agent-1", 0)
    assert await claim(client, person="agent-2") == []


@pytest.mark.parametrize(
    ("handled_by", "agent_of", "gets"),
    [
        ("water", "water", 0),
        ("990101001001001", "990101001", 0),
        ("990101001", "990101001001001", 0),
        ("990101001", "990101002", 1),
        ("water", "hotline", 1),
    ],
)
async def test_nobody_is_given_what_their_own_house_handled(
    measured: MeasuredStage, client: httpx.AsyncClient, handled_by: str, agent_of: str, gets: int
) -> None:
    await measured.handled(unit=handled_by, size=MatterSize.BIG)
    assert len(await claim(client, unit=agent_of)) == gets


async def test_whoever_handled_a_matter_cannot_write_its_judgement_down(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await measured.handled()
    body = ANSWER | {"cycle": 1, "recorded_by": "FOLLOW_UP_AGENT"}
    path = f"/v1/followups/{ticket(1)}/answers"
    refused = await client.post(path, json=body, headers=headers(unit="water"))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:griddispatch:problem:own-unit")
    line = ticket(1)
    many = await client.post(
        "/v1/followups/answers", json=body | {"ticket_id": str(line)}, headers=headers(unit="water")
    )
    assert (many.json()["status"], many.json()["code"]) == (403, "own-unit")
    assert not [e for e in await measured.told() if isinstance(e, TicketEvaluated)]
    assert (await client.post(path, json=body, headers=headers())).status_code == 200


async def test_a_lease_that_ran_out_frees_the_task(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await measured.handled(size=MatterSize.BIG)
    await claim(client)
    measured.now += timedelta(minutes=30)
    (task,) = await claim(client, person="agent-2")
    assert task["agent"] == "agent-2"
    late = await client.post(f"/v1/follow-up-tasks/{ticket(1)}/1/missed", headers=headers())
    assert (late.status_code, late.json()["type"]) == (409, "urn:griddispatch:problem:not-claimed")


async def test_two_agents_at_once_never_share_a_task(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    for n in range(1, 21):
        await measured.handled(n, size=MatterSize.BIG)
    hands = await asyncio.gather(*(claim(client, 5, person=f"agent-{n}") for n in range(6)))
    taken = [task["ticket_id"] for hand in hands for task in hand]
    assert len(taken) == len(set(taken)) == 20


async def test_a_missed_call_comes_back_when_the_citizen_is_asked_again(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await measured.handled(size=MatterSize.BIG)
    for time in ("10 14:00", "10 19:00"):
        assert len(await claim(client)) == 1
        missed = await client.post(f"/v1/follow-up-tasks/{ticket(1)}/1/missed", headers=headers())
        assert missed.status_code == 200
        assert await claim(client) == []
        measured.now = local(time)
        await measured.loop.advance_due()
    (task,) = await claim(client)
    assert task["missed"] == 2


async def test_a_task_ends_with_its_follow_up(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await measured.handled(size=MatterSize.BIG)
    await measured.answer(SATISFIED)
    assert await claim(client) == []
    assert (await client.get("/v1/follow-up-tasks", headers=headers())).json() == {"tasks": []}


async def test_reports_of_wrongs_go_to_dedicated_agents_only(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await measured.handled(1, size=MatterSize.BIG, ticket_type=TicketType.REPORT)
    await measured.handled(2, size=MatterSize.BIG)
    assert [t["ticket_id"] for t in await claim(client)] == [str(ticket(2))]
    assert [t["ticket_id"] for t in await claim(client, role="dedicated_agent")] == [str(ticket(1))]


async def test_a_patrols_own_fix_is_looked_at_by_somebody_else(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    seed = measured.measures.practice.calls.seed
    n = next(n for n in range(1, 500) if lot_of(seed, ticket(n)) < 100_000)
    grid = PLACE["grid"]
    await measured.happens(n, assigned(unit=grid, **PLACE), resolved(unit=grid), audited(unit=grid, follow_up=False))
    assert await claim(client, unit=grid, person="worker-1") == []
    (task,) = await claim(client)
    assert task["way"] == "FIELD_CHECK"
    path = f"/v1/follow-up-tasks/{ticket(n)}/1/checked"
    own = await client.post(path, json={"confirmed": True}, headers=headers(unit=grid, person="worker-1"))
    assert own.status_code == 409
    assert (await client.post(path, json={"confirmed": True}, headers=headers())).status_code == 200
    assert (await client.post(path, json={"confirmed": True}, headers=headers())).status_code == 404


@pytest.mark.parametrize(
    "who",
    [
        {},
        headers(role="liaison"),
        headers(role="supervisor"),
        headers(unit=""),
        headers(person="a b"),
        headers(person=""),
        {"Griddispatch-Role": "follow_up_agent"},
    ],
)
async def test_only_a_named_agent_of_a_unit_claims(client: httpx.AsyncClient, who: dict[str, str]) -> None:
    response = await client.post("/v1/follow-up-tasks/claim", json={}, headers=who)
    assert (response.status_code, response.headers["content-type"]) == (403, "application/problem+json")


# Links


async def link(client: httpx.AsyncClient, purpose: str = "ANSWER") -> httpx.Response:
    body = {"cycle": 1, "purpose": purpose}
    return await client.post(f"/v1/followups/{ticket(1)}/links", json=body, headers=headers())


async def token(client: httpx.AsyncClient, purpose: str = "ANSWER") -> str:
    response = await link(client, purpose)
    assert response.status_code == 201
    return str(response.json()["token"])


async def test_a_citizen_answers_through_a_link(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await measured.handled()
    body = ANSWER | {"token": await token(client), "service": "BASICALLY", "truthful": True}
    first = await client.post("/v1/links/answer", json=body)
    assert (first.status_code, first.json()["recorded_by"], first.json()["service"]) == (200, "CITIZEN", "BASICALLY")
    again = await client.post("/v1/links/answer", json=body)
    assert (again.status_code, again.content) == (200, first.content)
    other = await client.post("/v1/links/answer", json=body | {"satisfaction": "DISSATISFIED"})
    assert other.status_code == 409
    (word,) = [e for e in await measured.told() if isinstance(e, TicketEvaluated)]
    assert (word.truthful, word.service) == (True, "BASICALLY")


@pytest.mark.parametrize("words", ["长" * 10_000, "长" * 1_001, 7, None])
async def test_a_reply_that_is_too_long_or_none_is_refused_by_its_field_and_the_link_stays_good(
    measured: MeasuredStage, client: httpx.AsyncClient, words: object
) -> None:
    await measured.handled()
    body = ANSWER | {"token": await token(client)}
    refused = await client.post("/v1/links/answer", json=body | {"words": words})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert refused.json()["problems"][0]["field"].endswith("words")
    assert "长长" not in refused.text
    assert (await client.post("/v1/links/answer", json=body | {"words": "长" * 1_000})).status_code == 200


async def test_a_link_is_kept_as_a_hash_only(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await measured.handled()
    made = await token(client)
    (row,) = await measured.database.fetch("SELECT * FROM link")
    assert made.encode() not in bytes(row["hash"])
    assert made not in str(tuple(row))


async def test_a_link_for_one_thing_is_no_good_for_another(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await measured.handled()
    made = await token(client)
    assert (await client.post("/v1/links/reopen", json={"token": made})).status_code == 404
    assert (await client.post("/v1/links/answer", json=ANSWER | {"token": "x" * 24})).status_code == 404


async def test_a_link_expires(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await measured.handled()
    body = ANSWER | {"token": await token(client)}
    measured.now += timedelta(days=7)
    assert (await client.post("/v1/links/answer", json=body)).status_code == 404


async def test_nobody_reopens_while_one_is_asked_or_answers_afterwards(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await measured.handled()
    assert (await link(client, "REOPEN")).status_code == 409
    await measured.answer(SATISFIED)
    assert (await link(client, "ANSWER")).status_code == 409


async def test_after_silence_a_link_reopens_once_within_fifteen_days(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await measured.handled()
    for time in ("10 14:00", "10 19:00", "13 09:00"):
        measured.now = local(time)
        await measured.loop.advance_due()
    made = await token(client, "REOPEN")
    answers = await asyncio.gather(*(client.post("/v1/links/reopen", json={"token": made}) for _ in range(5)))
    assert {response.status_code for response in answers} == {202}
    assert [e for e in await measured.told() if isinstance(e, ReopenAsked)] == [ReopenAsked(cycle=1)]
    measured.now = local("28 09:00")
    assert (await client.post("/v1/links/reopen", json={"token": made})).status_code == 404
    assert (await link(client, "REOPEN")).status_code == 409
