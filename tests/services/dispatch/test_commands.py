"""Commands over HTTP on a real database: guarded by version, refused in words, never a 500."""

import asyncio
import json
import re
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from services.dispatch.core.lifecycle import ASSIGNMENT_TRANSITIONS, TICKET_TRANSITIONS
from shared.events import TicketEvaluated
from shared.terms import Channel, FollowUpOutcome, Satisfaction
from tests.builders import GRID, ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import open_desk

YES = TicketEvaluated(
    cycle=1, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED
)


async def test_a_ticket_goes_from_triaged_to_closed(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        shown = await desk.take_on(1)
        assert (shown["public_state"], shown["assignments"][0]["unit"]) == ("办理中", f"grid:{GRID}")
        await desk.work(1)
        assert (await desk.ticket(1))["public_state"] == "待评价"
        await desk.judge(1, YES)
        assert (await desk.ticket(1))["public_state"] == "已结案"
        assert await desk.stated(1) == [
            "ticket.assigned", "ticket.signed", "ticket.contacted", "ticket.resolved", "ticket.audited", "ticket.closed"
        ]  # fmt: skip
        assert await desk.database.fetch("SELECT 1 FROM timer") == []


async def test_of_twenty_commands_for_one_version_exactly_one_is_taken(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        shown = await desk.take_on(1)
        path = f"/v1/assignments/{shown['assignments'][0]['id']}/sign"
        answers = await asyncio.gather(
            *(desk.http.post(path, json={}, headers={"If-Match": f'"{shown["version"]}"'}) for _ in range(20))
        )
        assert sorted(a.status_code for a in answers) == [200] + [409] * 19
        assert {a.json()["current_version"] for a in answers if a.status_code == 409} == {2}


async def test_a_command_must_name_the_version_it_was_given_for(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        shown = await desk.take_on(1)
        path = f"/v1/assignments/{shown['assignments'][0]['id']}/sign"
        for headers in ({}, {"If-Match": "*"}, {"If-Match": '"one"'}):
            assert (await desk.http.post(path, json={}, headers=headers)).status_code == 428
        assert (await desk.http.post(path, json={}, headers={"If-Match": '"9"'})).status_code == 409


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("sign", {"handler": "w", "mood": 1}, "mood"),
        ("contact", {}, "handler"),
        ("contact", {"handler": ""}, "handler"),
        ("contact", {"handler": "a\x00b"}, "handler"),
        ("check-in", {"handler": "w", "lon": 181}, "lon"),
        ("resolve", {"action": "done!", "reply": "好"}, "action"),
        ("resolve", {"action": "DONE", "reply": ""}, "reply"),
        ("resolve", {"action": "DONE", "reply": "x" * 4001}, "reply"),
        ("return", {"reason": "UNWILLING", "basis": "x"}, "reason"),
    ],
)
async def test_a_wrong_body_is_refused_by_field(
    database: TestDatabase, name: str, body: dict[str, Any], field: str
) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        answer = await desk.command(1, name, **body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert field in {p["field"] for p in answer.json()["problems"]}


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"x"', b'{"handler": "\\ud800"}', b"[" * 70_000])
async def test_bytes_that_are_no_command_are_refused(database: TestDatabase, body: bytes) -> None:
    async with open_desk(database) as desk:
        shown = await desk.take_on(1)
        path = f"/v1/assignments/{shown['assignments'][0]['id']}/sign"
        answer = await desk.http.post(path, content=body, headers={"If-Match": '"1"'})
        assert 400 <= answer.status_code < 500
        assert await desk.stated(1) == ["ticket.assigned"]


async def test_unknown_things_are_not_found_and_odd_ids_are_refused(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for path in (f"/v1/tickets/{uuid4()}", f"/v1/tickets/{uuid4()}/explanation", "/v1/nothing"):
            assert (await desk.http.get(path)).status_code == 404
        assert (await desk.http.get("/v1/tickets/17")).status_code == 422
        sign = await desk.http.post(f"/v1/assignments/{uuid4()}/sign", json={}, headers={"If-Match": '"1"'})
        assert sign.status_code == 404
        for query in ("limit=0", "limit=1001", "after=x", "after=2026-01-01,x", "state=SLEEPING"):
            assert (await desk.http.get(f"/v1/assignments?{query}")).status_code == 422


async def test_what_the_rules_refuse_says_why(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        answer = await desk.command(1, "contact", handler="w")
        assert (answer.status_code, answer.json()["current_version"]) == (409, 1)
        await desk.work(1)
        answer = await desk.command(1, "sign")
        assert answer.json()["type"].endswith("ASSIGNMENT_ENDED")


async def test_the_bulk_door_answers_every_line_and_keeps_the_good_ones(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        ids = {n: (await desk.take_on(n))["assignments"][0]["id"] for n in (1, 2)}
        lines = [
            {"command": "sign", "assignment_id": ids[1], "version": 1},
            {"command": "sign", "assignment_id": ids[2], "version": 7},
            {"command": "dance", "assignment_id": ids[2], "version": 1},
            {"command": "contact", "assignment_id": ids[1], "version": 2, "body": {"handler": "w"}},
            {"command": "resolve", "assignment_id": ids[1], "version": 3, "body": {"action": "A!", "reply": "x"}},
            {"command": "sign", "assignment_id": str(uuid4()), "version": 1},
        ]
        text = "\n".join(map(json.dumps, lines)) + "\n{broken\n" + "x" * 70_000 + "\n"
        answer = await desk.http.post("/v1/commands", content=text)
        results = [json.loads(line) for line in answer.text.splitlines()]
        assert [(r["line"], r["status"]) for r in results] == [
            (1, 200), (2, 409), (3, 422), (4, 200), (5, 422), (6, 404), (7, 422), (8, 413)
        ]  # fmt: skip
        assert await desk.stated(1) == ["ticket.assigned", "ticket.signed", "ticket.contacted"]


async def test_the_explanation_says_why_each_decision_fell(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        answer = await desk.http.get(f"/v1/tickets/{ticket(1)}/explanation")
        assert answer.json()[0]["explanation"][0] == "SIZE_SMALL_ELIGIBLE category=150101"


async def test_open_assignments_are_listed_by_deadline_page_by_page(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in range(1, 8):
            await desk.take_on(n, category=("150101", "180101")[n % 2])
        seen: list[str] = []
        after = ""
        while True:
            page = (
                await desk.http.get("/v1/assignments", params={"limit": "3"} | ({"after": after} if after else {}))
            ).json()
            seen += [item["due_at"] for item in page["assignments"]]
            after = page["next"]
            if not after:
                break
        assert len(seen) == 11, "seven leads, and a part of each of the four big matters"
        assert seen == sorted(seen)


async def test_a_second_live_lead_is_impossible_whatever_the_code_believes(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        with pytest.raises(asyncpg.UniqueViolationError, match="one_live_lead"):
            await desk.database.fetch(
                "INSERT INTO assignment (id, ticket_id, kind, unit, state, previous_state, due_at, queue_at)"
                " SELECT gen_random_uuid(), ticket_id, kind, 'another', state, previous_state, due_at, queue_at"
                " FROM assignment"
            )


@pytest.mark.parametrize("state", ["CLOSED", "RESOLVED"])
async def test_an_illegal_step_is_impossible_in_the_database(database: TestDatabase, state: str) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        with pytest.raises(asyncpg.CheckViolationError):
            await desk.database.fetch("UPDATE ticket_case SET previous_state = 'ACCEPTED', state = $1", state)


@pytest.mark.parametrize(
    ("constraint", "table"),
    [("ticket_step_is_legal", TICKET_TRANSITIONS), ("assignment_step_is_legal", ASSIGNMENT_TRANSITIONS)],
)
async def test_the_database_and_the_code_know_the_same_steps(
    database: TestDatabase, constraint: str, table: dict[tuple[Any, Any], Any]
) -> None:
    async with open_desk(database) as desk:
        rows = await desk.database.fetch(
            "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = $1", constraint
        )
        found = re.findall(r"\) = '([A-Z_-]+)'::text\) AND \(state = '([A-Z_]+)'::text", rows[0]["text"])
        assert set(found) == {(before or "-", after) for before, after in table}


async def test_the_lifecycle_is_published_as_the_code_has_it(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        shown = (await desk.http.get("/v1/lifecycle")).json()
        ours = [e for e in shown["ticket"]["transitions"] if e["owner"] == "dispatch"]
        assert {(e["from"], e["to"]) for e in ours} == set(TICKET_TRANSITIONS)
        assert shown["ticket"]["states"]["HUNG"] == {"zh": "挂账", "en": "Hung", "public": "办理中", "final": False}


async def test_what_a_patrol_fixed_by_itself_is_closed_as_soon_as_it_is_known(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        shown = await desk.take_on(1, channel=Channel.GRID_PATROL, self_fixed_by=GRID)
        assert (shown["state"], shown["assignments"][0]["state"]) == ("CLOSED", "ACCEPTED_RESULT")
        assert await desk.stated(1) == [
            "ticket.assigned", "ticket.signed", "ticket.resolved", "ticket.audited", "ticket.closed"
        ]  # fmt: skip
        assert await desk.database.fetch("SELECT 1 FROM timer") == []
        (result,) = await desk.database.fetch("SELECT action FROM result")
        assert result["action"] == "SELF_FIXED"
