"""Exclusions over HTTP and on real tables: counted in the volume, out of the rates, and never by the unit alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.notify import panel_api
from services.notify.core.sampling import lot_of
from shared.notify_events import ExclusionChecked, ExclusionDecided, ExclusionRequested
from tests.open_access import acting_as, open_app
from tests.services.notify.measured import MARCH, MeasuredStage
from tests.services.notify.stage import serving
from tests.services.notify.values import SATISFIED, UNSOLVED, local, ticket

FROGS: dict[str, Any] = {"reason": "BEYOND_GOVERNMENT_DUTY", "evidence": ["photo-1", "note:7"]}
CLERK = acting_as("liaison", "water", "clerk-1")
CHIEF = acting_as("supervisor", "command-centre", "chief-1")


def member(n: int = 1, unit: str = "justice") -> dict[str, str]:
    return acting_as("panel_member", unit, f"panel-{n}")


@pytest.fixture
async def client(measured: MeasuredStage) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real API over a real socket."""
    app = open_app("notify")
    app.include_router(panel_api.router(measured.database, measured.panel))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


def path(n: int = 1, step: str = "") -> str:
    return f"/v1/exclusions/{ticket(n)}/1{step}"


async def judged(measured: MeasuredStage, n: int = 1) -> None:
    await measured.handled(n)
    await measured.answer(UNSOLVED, n)


async def excluded(measured: MeasuredStage, client: httpx.AsyncClient, n: int = 1) -> dict[str, Any]:
    await judged(measured, n)
    await client.post(path(n), json=FROGS, headers=CLERK)
    await client.post(path(n, "/votes"), json={"grant": True}, headers=member(1))
    last = await client.post(path(n, "/votes"), json={"grant": True}, headers=member(2, "planning"))
    found: dict[str, Any] = last.json()
    return found


async def test_frogs_in_a_field_are_left_out_by_two_and_counted_all_the_same(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await judged(measured)
    asked = (await client.post(path(), json=FROGS, headers=CLERK)).json()
    assert (asked["state"], asked["decide_by"]) == ("ASKED", "2026-03-13T16:00:00+00:00")
    before = (await measured.counts())[MARCH]
    assert (before.valid, before.excluded) == (1, 0)
    first = (await client.post(path(1, "/votes"), json={"grant": True}, headers=member(1))).json()
    assert (first["state"], first["grants"]) == ("ASKED", 1)
    second = (await client.post(path(1, "/votes"), json={"grant": True}, headers=member(2, "planning"))).json()
    assert second["state"] == "GRANTED"
    after = (await measured.counts())[MARCH]
    assert (after.dispatched, after.valid, after.excluded) == (1, 0, 1)
    told = [type(e) for e in await measured.told()]
    assert told[-2:] == [ExclusionRequested, ExclusionDecided]
    assert await measured.difference() == {}


async def test_a_refusal_leaves_the_judgement_where_it_was(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await judged(measured)
    await client.post(path(), json=FROGS, headers=CLERK)
    refused = await client.post(path(1, "/votes"), json={"grant": False}, headers=member())
    assert refused.json()["state"] == "REFUSED"
    late = await client.post(path(1, "/votes"), json={"grant": True}, headers=member(2))
    assert (late.status_code, late.json()["type"]) == (409, "urn:griddispatch:problem:decided")
    assert (await measured.counts())[MARCH].valid == 1


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        (acting_as("liaison", "roads", "clerk-1"), 403, "not-yours"),
        (member(), 403, "forbidden"),
        ({}, 403, "http"),
        (acting_as("liaison", "water"), 403, "http"),
    ],
)
async def test_only_the_unit_that_was_judged_may_ask(
    measured: MeasuredStage, client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    await judged(measured)
    response = await client.post(path(), json=FROGS, headers=headers)
    assert (response.status_code, response.json()["type"]) == (status, f"urn:griddispatch:problem:{code}")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (member(1, "water"), "own-unit"),
        (acting_as("panel_member", "bureau", "clerk-1"), "same-person"),
        (CHIEF, "forbidden"),
        (CLERK, "forbidden"),
    ],
)
async def test_nobody_of_the_unit_and_nobody_twice_decides(
    measured: MeasuredStage, client: httpx.AsyncClient, headers: dict[str, str], code: str
) -> None:
    await judged(measured)
    await client.post(path(), json=FROGS, headers=CLERK)
    response = await client.post(path(1, "/votes"), json={"grant": True}, headers=headers)
    assert (response.status_code, response.json()["type"]) == (403, f"urn:griddispatch:problem:{code}")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"evidence": []}, "evidence-needed"),
        ({"evidence": ["=cmd"]}, "rejected"),
        ({"reason": "TOO_HARD"}, "rejected"),
        ({"reason": "UNREACHABLE"}, "rejected"),
        ({"text": "words"}, "rejected"),
    ],
)
async def test_a_request_without_ground_or_evidence_is_refused(
    measured: MeasuredStage, client: httpx.AsyncClient, change: dict[str, Any], code: str
) -> None:
    await judged(measured)
    response = await client.post(path(), json=FROGS | change, headers=CLERK)
    assert (response.status_code, response.json()["type"]) == (422, f"urn:griddispatch:problem:{code}")


async def test_what_nobody_judged_cannot_be_left_out(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await measured.handled()
    response = await client.post(path(), json=FROGS, headers=CLERK)
    assert (response.status_code, response.json()["type"]) == (409, "urn:griddispatch:problem:not-judged")


async def test_after_two_working_days_it_is_too_late_to_ask(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await judged(measured)
    measured.now = local("13 00:01")
    response = await client.post(path(), json=FROGS, headers=CLERK)
    assert (response.status_code, response.json()["type"]) == (409, "urn:griddispatch:problem:too-late")


async def test_a_panel_that_does_not_meet_leaves_the_judgement(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await judged(measured)
    await client.post(path(), json=FROGS, headers=CLERK)
    assert await measured.panel_loop.lapse_due() == 0
    measured.now = local("14 00:01")
    assert await measured.panel_loop.lapse_due() == 1
    assert await measured.panel_loop.lapse_due() == 0
    decided = (await measured.told())[-1]
    assert isinstance(decided, ExclusionDecided)
    assert (decided.lapsed, decided.granted) == (True, False)
    assert (await measured.counts())[MARCH].valid == 1


async def test_the_same_request_and_the_same_vote_again_change_nothing(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await judged(measured)
    first = await client.post(path(), json=FROGS, headers=CLERK)
    assert (await client.post(path(), json=FROGS, headers=CLERK)).json() == first.json()
    other = await client.post(path(), json=FROGS | {"reason": "FORCE_MAJEURE"}, headers=CLERK)
    assert other.json()["type"] == "urn:griddispatch:problem:asked-already"
    votes = [client.post(path(1, "/votes"), json={"grant": True}, headers=member(n)) for n in (1, 1, 2, 2)]
    assert {response.status_code for response in await asyncio.gather(*votes)} <= {200, 409}
    assert len([e for e in await measured.told() if isinstance(e, ExclusionDecided)]) == 1
    assert (await measured.counts())[MARCH].excluded == 1


async def test_a_supervisor_overturns_a_sampled_one_and_it_counts_again(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    seed = f"{measured.measures.practice.calls.seed}/exclusion/"
    n = next(n for n in range(1, 500) if lot_of(seed, ticket(n)) < 100_000)
    assert (await excluded(measured, client, n))["sampled"]
    panelist = await client.post(
        path(n, "/checks"), json={"upheld": True}, headers=acting_as("supervisor", "command-centre", "panel-1")
    )
    assert panelist.status_code == 403
    found = await client.post(path(n, "/checks"), json={"upheld": False}, headers=CHIEF)
    assert found.json()["state"] == "OVERTURNED"
    assert isinstance((await measured.told(n))[-1], ExclusionChecked)
    assert ((await measured.counts())[MARCH].valid, (await measured.counts())[MARCH].excluded) == (1, 0)
    assert await measured.difference() == {}


async def test_requests_are_listed_by_state_and_unit(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await excluded(measured, client, 1)
    await judged(measured, 2)
    await client.post(path(2), json=FROGS, headers=CLERK)
    asked = (await client.get("/v1/exclusions", params={"state": "ASKED", "unit": "water"})).json()["exclusions"]
    assert [e["ticket_id"] for e in asked] == [str(ticket(2))]
    assert (await client.get("/v1/exclusions", params={"unit": "roads"})).json() == {"exclusions": []}


async def test_a_request_about_nothing_is_not_found(client: httpx.AsyncClient) -> None:
    response = await client.post(path(9, "/votes"), json={"grant": True}, headers=member())
    assert response.status_code == 404


async def test_a_satisfied_judgement_can_be_left_out_as_well(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await measured.handled()
    await measured.answer(SATISFIED)
    assert (await client.post(path(), json=FROGS, headers=CLERK)).status_code == 200
