"""Commands on whole tickets, who gives them, refusals that count, and what the burden report says."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.dispatch.commands import NAMES, ON_TICKETS
from services.dispatch.core.duties import DutyKind
from tests.builders import ticket
from tests.conftest import TestDatabase
from tests.core.course import BIG, TOWN, entry, org_with
from tests.services.dispatch.desk import open_desk

LISTED = org_with(entry("18", DutyKind.COOPERATE), entry("20", DutyKind.TAKEN_BACK))


def by(role: str, unit: str = "", person: str = "") -> dict[str, str]:
    return {"Griddispatch-Role": role, "Griddispatch-Actor": f"{unit}/{person}"}


async def test_a_big_matter_is_planned_hung_by_two_and_handled_again(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, category=BIG)
        parts = [{"work": "CLOSE_ROAD", "owner": "natural-resources", "due_on": "2026-03-12"}]
        assert (await desk.order(1, "make-plan", parts=parts, summary="先封路")).status_code == 200
        plan = {"ground": "FUNDS", "owner": "housing", "plan": "列入预算", "record": "纪要3", "review_days": 60}
        first, second = by("command_centre", person="leader-1"), by("command_centre", person="leader-2")
        assert (await desk.order(1, "propose-hang", first, **plan)).status_code == 200
        assert (await desk.order(1, "approve-hang", first)).json()["type"].endswith("SECOND_PERSON_NEEDED")
        assert (await desk.order(1, "approve-hang", second)).json()["state"] == "HUNG"
        rows = await desk.database.fetch("SELECT clock FROM timer")
        assert [r["clock"] for r in rows] == ["HANG"]
        assert (await desk.order(1, "unhang")).json()["state"] == "DISPATCHED"
        notes = (await desk.http.get(f"/v1/tickets/{ticket(1)}/notes")).json()
        assert [(n["kind"], n["person"]) for n in notes] == [("PLAN", None), ("HANG_PLAN", "leader-1")]
        assert (await desk.http.get("/v1/overview")).json()["unwatched"] == []


async def test_a_refusal_by_a_guard_is_stated_and_counted(database: TestDatabase) -> None:
    async with open_desk(database, org=LISTED) as desk:
        await desk.take_on(1, category=BIG)
        answer = await desk.order(1, "designate", unit=TOWN, reason="属地")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:griddispatch:problem:DUTY_LIST_VIOLATION")
        assert (await desk.stated(1))[-1] == "guard.refused"
        assert answer.json()["current_version"] == (await desk.ticket(1))["version"]
        (line,) = (await desk.http.get("/v1/burden")).json()["refusals"]
        assert line == {
            "month": "2026-03", "unit": "command-centre", "code": "DUTY_LIST_VIOLATION", "rule": "DUTY_COOPERATE",
            "refusals": 1,
        }  # fmt: skip
        assert (await desk.http.get("/v1/burden?since=2026-04-01")).json()["refusals"] == []


async def test_a_department_cannot_push_an_inspection_down_beside_any_ticket(database: TestDatabase) -> None:
    async with open_desk(database, org=LISTED) as desk:
        asked = {"kind": "TASK", "unit": "market", "category": "200101", "targets": [TOWN]}
        answer = await desk.http.post("/v1/work-requests", json=asked)
        assert (answer.status_code, answer.json()["targets"][0]["code"]) == (409, "DUTY_LIST_VIOLATION")
        fine = await desk.http.post("/v1/work-requests", json=asked | {"targets": ["gas"]})
        assert fine.status_code == 200
        lines = (await desk.http.get("/v1/burden")).json()["refusals"]
        assert [(line["unit"], line["rule"]) for line in lines] == [("market", "TASK_DUTY_TAKEN_BACK")]
        (stated,) = await desk.database.fetch("SELECT version, type, payload::text AS body FROM event")
        assert (stated["type"], stated["version"]) == ("org.griddispatch.guard.refused.v1", 1)
        assert '"code":"DUTY_LIST_VIOLATION"' in stated["body"] and f'"target":"{TOWN}"' in stated["body"]
        assert len(await desk.database.fetch("SELECT FROM outbox")) == 1, "and it is on its way to others"
        assert (await desk.http.post("/v1/work-requests", json=asked | {"kind": "PARTY"})).status_code == 422


async def test_an_entrustment_without_support_is_refused_and_counted(database: TestDatabase) -> None:
    async with open_desk(database, org=org_with(entry("20", DutyKind.BASIC))) as desk:
        asked = {"kind": "ENTRUSTMENT", "unit": "market", "category": "200101", "targets": [TOWN]}
        answer = await desk.http.post("/v1/work-requests", json=asked)
        assert (answer.status_code, answer.json()["targets"][0]["code"]) == (409, "ENTRUSTMENT_WITHOUT_SUPPORT")
        (line,) = (await desk.http.get("/v1/burden")).json()["refusals"]
        assert line["rule"] == "ENTRUSTMENT_SUPPORT_AND_END_NEEDED"
        support = {"funding_yuan": 20_000, "until": "2026-12-31"}
        assert (await desk.http.post("/v1/work-requests", json=asked | support)).status_code == 200


async def test_the_share_of_whistles_is_told_by_month_and_township(database: TestDatabase) -> None:
    async with open_desk(database, org=LISTED) as desk:
        for n in (1, 2, 3):
            await desk.take_on(n, category=BIG)
        whistle: dict[str, Any] = {"kind": "EMERGENCY", "units": ["market"], "basis": "塌陷"}
        assert (await desk.order(2, "blow-whistle", **whistle)).status_code == 200
        told = (await desk.http.get("/v1/whistle-shares?month=2026-03")).json()
        assert told["townships"] == [
            {"township": "990101001", "tickets": 3, "whistled": 1, "share": 0.3333, "alarm": None}
        ], "of three tickets a share says nothing"
        assert (await desk.http.get("/v1/whistle-shares?month=2026-04")).json()["townships"] == []
        assert (await desk.http.get("/v1/whistle-shares?month=2026-13")).status_code == 422


async def test_the_explanation_names_who_was_refused(database: TestDatabase) -> None:
    async with open_desk(database, org=org_with(entry("15", DutyKind.COOPERATE))) as desk:
        await desk.take_on(1)
        (decision,) = (await desk.http.get(f"/v1/tickets/{ticket(1)}/explanation")).json()
        assert decision["refused_alternatives"][0].endswith("code=DUTY_LIST_VIOLATION rule=DUTY_COOPERATE")


async def test_who_gives_a_command_comes_from_the_headers(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, category=BIG)
        wrong = await desk.order(1, "hasten", {"Griddispatch-Role": "king"})
        assert (wrong.status_code, wrong.json()["type"]) == (403, "urn:griddispatch:problem:forbidden")
        assert (await desk.order(1, "hasten", by("system"))).status_code == 403
        assert (await desk.order(1, "hasten", by("auditor"))).status_code == 403
        long = {"Griddispatch-Role": "citizen", "Griddispatch-Actor": "x" * 201}
        assert (await desk.order(1, "hasten", long)).status_code == 403
        assert (await desk.order(1, "hasten", by("citizen"))).status_code == 200
        answer = await desk.command(1, "sign")
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("propose-hang", {"ground": "FUNDS", "owner": "housing", "plan": "x", "record": "y", "review_days": 0}, "review_days"),
        ("ask-extension", {"limit": "3 WD", "reason": ""}, "reason"),
        ("change-urgency", {"urgency": "U9", "reason": "x"}, "urgency"),
        ("make-plan", {"parts": [], "summary": "x"}, "parts"),
        ("blow-whistle", {"kind": "EMERGENCY", "units": [], "basis": "x"}, "units"),
        ("confirm-category", {"category": "15a"}, "category"),
        ("supervise", {"level": 4, "reason": "x"}, "level"),
        ("withdraw", {"why": "x"}, "why"),
    ],
)  # fmt: skip
async def test_a_wrong_body_is_refused_by_field(
    database: TestDatabase, name: str, body: dict[str, Any], field: str
) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        answer = await desk.order(1, name, **body)
        assert answer.status_code == 422
        assert field in {p["field"].partition(".")[0] for p in answer.json()["problems"]}


async def test_every_command_has_a_door_that_refuses_what_it_cannot_read(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        shown = await desk.ticket(1)
        for name in NAMES:
            target = f"tickets/{ticket(1)}" if name in ON_TICKETS else f"assignments/{shown['assignments'][0]['id']}"
            for body in (b"[]", b"{", b'{"nobody_knows": 1}'):
                answer = await desk.http.post(f"/v1/{target}/{name}", content=body, headers={"If-Match": '"1"'})
                assert answer.status_code == 422, (name, body)
        for name in ON_TICKETS:
            path = f"/v1/tickets/{uuid4()}/{name}"
            assert (await desk.http.post(path, json={}, headers={"If-Match": '"1"'})).status_code in (404, 422)


async def test_the_bulk_door_takes_commands_on_tickets_too(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1, category=BIG)
        lines = [
            f'{{"command": "hasten", "ticket_id": "{ticket(1)}", "version": 2}}',
            '{"command": "hasten", "version": 2}',
            '{"command": "sign", "version": 2}',
        ]
        answer = await desk.http.post("/v1/commands", content="\n".join(lines), headers=by("citizen"))
        assert [line.split('"status":')[1][:3] for line in answer.text.splitlines()] == ["200", "422", "422"]


async def test_a_whole_joint_course_is_kept_and_leaves_no_clock_behind(database: TestDatabase) -> None:
    async with open_desk(database, org=LISTED) as desk:
        shown = await desk.take_on(1, category=BIG)
        part, lead = (a["id"] for a in shown["assignments"])
        await desk.order(1, "blow-whistle", kind="ENFORCEMENT", units=["city-management"], basis="占道")
        whistle = (await desk.ticket(1))["whistles"][0]["id"]
        assert (await desk.order(1, "report-in", whistle_id=whistle)).status_code == 200
        called = next(a["id"] for a in (await desk.ticket(1))["assignments"] if a["unit"] == "city-management")
        for share in (part, called, lead):
            for name, body in (
                ("sign", {"handler": "w"}), ("contact", {"handler": "w"}),
                ("resolve", {"action": "DONE", "reply": "好了", "evidence": [str(uuid4())]}),
            ):  # fmt: skip
                version = (await desk.ticket(1))["version"]
                answer = await desk.http.post(
                    f"/v1/assignments/{share}/{name}", json=body, headers={"If-Match": str(version)}
                )
                assert answer.status_code == 200 or (share, name) == (called, "sign"), answer.text
        assert (await desk.ticket(1))["state"] == "FOLLOWING_UP"
        assert [r["clock"] for r in await desk.database.fetch("SELECT clock FROM timer")] == ["FOLLOW_UP"]
        results = await desk.database.fetch("SELECT cardinality(evidence) AS n FROM result")
        assert [r["n"] for r in results] == [1, 1, 1]
        desk.set_time(datetime(2026, 3, 11, 2, 0, tzinfo=UTC))
        assert (await desk.http.get("/v1/overview")).json()["unwatched"] == []
