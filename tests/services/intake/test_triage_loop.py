"""The triage loop: every received matter is looked at once, and none holds up another."""

import asyncio
from dataclasses import replace

import asyncpg

from services.intake.app import judge_by
from services.intake.core.location import Location
from services.intake.core.triage import Matter, Triage
from services.intake.vault import Vault
from tests.builders import TUESDAY_MORNING, eventually
from tests.services.intake.desk import Desk, gather, ndjson, report, rules


async def test_a_received_matter_is_triaged_with_its_grid_and_its_reasons(desk: Desk) -> None:
    ticket_id = await desk.take_in(report(1, confidential=True))
    assert await desk.triage_loop().triage_batch() == 1
    received, triaged = await desk.stated(ticket_id)
    assert triaged["type"] == "triaged"
    assert triaged["grid"] == "990101001001001"
    assert (triaged["village"], triaged["township"], triaged["county"]) == ("990101001001", "990101001", "990101")
    assert triaged["accepted_at"] == "2026-03-10T01:15:00Z"
    assert triaged["ticket_no"] == received["ticket_no"]
    assert triaged["confidential"] is True
    assert triaged["rules"][0] == "place.IN_GRID"
    assert triaged["rule_pack"] == rules().version
    assert triaged["category"] != "999999"


async def test_the_hotlines_own_codes_are_heard(desk: Desk) -> None:
    place = {"village_code": "990101001001"}
    ticket_id = await desk.take_in(report(1, ticket_type="PRAISE", category="010101", location=place))
    await desk.triage_loop().triage_batch()
    triaged = (await desk.stated(ticket_id))[1]
    assert (triaged["ticket_type"], triaged["category"], triaged["confidence"]) == ("PRAISE", "010101", 1.0)
    assert (triaged["place_level"], triaged["village"], triaged["grid"]) == ("VILLAGE", "990101001001", None)


async def test_what_the_hotline_answered_in_the_call_is_said_with_what_the_matter_is(desk: Desk) -> None:
    asked = report(1, ticket_type="CONSULT", text="办证周六上班吗", answered_by="K-2026-0031")
    answered, plain = await desk.take_in(asked), await desk.take_in(report(2, text="井盖不见了"))
    await desk.triage_loop().triage_batch()
    triaged = (await desk.stated(answered))[1]
    assert (triaged["ticket_type"], triaged["answered_by"]) == ("CONSULT", "K-2026-0031")
    assert (await desk.stated(plain))[1]["answered_by"] is None


async def test_an_entry_that_could_be_a_telephone_number_is_none(desk: Desk) -> None:
    answer = await desk.post(report(1, answered_by="13800000001"))
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "answered_by")


async def test_a_place_named_in_the_address_is_found_though_the_address_is_sealed(desk: Desk) -> None:
    ticket_id = await desk.take_in(report(1, location={"address": "东风社区幸福路 12 号"}))
    await desk.triage_loop().triage_batch()
    assert (await desk.stated(ticket_id))[1]["village"] == "990101001001"


async def test_the_explanation_is_kept_with_what_each_rule_saw(desk: Desk) -> None:
    await desk.take_in()
    await desk.triage_loop().triage_batch()
    (row,) = await desk.rows("SELECT explanation ->> 0 AS place, explanation::text AS whole FROM ticket")
    assert row["place"] == '{"rule":"place.IN_GRID","saw":["990101001001001"]}'
    assert "路灯" in row["whole"]


async def test_a_matter_that_cannot_be_judged_is_handed_to_people_and_holds_up_nobody(desk: Desk) -> None:
    async def judged(text: str) -> str:
        return await desk.take_in(report(text, text=text))

    def judge(matter: Matter, place: Location) -> Triage:
        if matter.text == "毒":
            raise RecursionError("a fault of ours")
        return judge_by(rules())(matter, place)

    first, poison, last = [await judged(text) for text in ("路灯坏了", "毒", "井盖不见了")]
    assert await desk.triage_loop(judge).triage_batch() == 3
    failed = (await desk.stated(poison))[1]
    assert (failed["category"], failed["confidence"], failed["rules"][-1]) == ("999999", 0.0, "TRIAGE_FAILED")
    assert failed["grid"] == "990101001001001"
    for ticket_id in (first, last):
        assert "TRIAGE_FAILED" not in (await desk.stated(ticket_id))[1]["rules"]


async def test_a_verdict_that_cannot_be_kept_holds_up_nobody_and_is_tried_again_later(desk: Desk) -> None:
    poison = await desk.take_in(report("毒", text="毒"))
    others = [await desk.take_in(report(n)) for n in range(3)]

    def judge(matter: Matter, place: Location) -> Triage:
        verdict = judge_by(rules())(matter, place)
        return replace(verdict, confidence=7.0) if matter.text == "毒" else verdict

    loop = desk.triage_loop(judge)
    assert [await loop.triage_batch(), await loop.triage_batch()] == [3, 0]
    for ticket_id in others:
        assert (await desk.stated(ticket_id))[1]["type"] == "triaged"
    assert [event["type"] for event in await desk.stated(poison)] == ["received"]
    assert await desk.triage_loop().triage_batch() == 1, "a release without the fault triages it"


async def test_words_that_do_not_open_hold_up_nobody(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    await desk.triage_loop(vault=Vault({"k9": b"9" * 32})).triage_batch()
    assert (await desk.stated(ticket_id))[1]["rules"][-1] == "TRIAGE_FAILED"


async def test_several_loops_at_once_triage_each_matter_once(desk: Desk) -> None:
    await desk.bulk(ndjson(*(report(n) for n in range(300))))
    loops = [desk.triage_loop() for _ in range(4)]
    while sum(await gather(*(loop.triage_batch() for loop in loops))):
        pass
    (row,) = await desk.rows("SELECT count(*) AS all, max(version) AS most FROM event WHERE type LIKE '%triaged%'")
    assert (row["all"], row["most"]) == (300, 2)


async def test_a_running_loop_hears_of_a_new_matter_at_once_and_ends_when_asked(desk: Desk) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(desk.triage_loop().run(stopping))
    ticket_id = await desk.take_in()

    async def is_triaged() -> bool:
        return len(await desk.stated(ticket_id)) == 2

    await eventually(is_triaged, what="triage")
    stopping.set()
    async with asyncio.timeout(60):
        await running


async def test_the_loop_goes_on_after_the_database_was_away(desk: Desk) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(desk.triage_loop().run(stopping))
    name = (await desk.rows("SELECT current_database() AS name, pg_backend_pid() AS pid"))[0]["name"]
    other = await asyncpg.connect(desk.dsn)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()", name
    )
    await other.close()

    async def is_taken_in() -> bool:
        return (await desk.post(report(1))).status_code == 201

    async def is_triaged() -> bool:
        return bool(await desk.rows("SELECT FROM ticket WHERE state = 'TRIAGED' AND triaged_at = $1", TUESDAY_MORNING))

    await eventually(is_taken_in, what="acceptance")
    await eventually(is_triaged, what="triage")
    stopping.set()
    async with asyncio.timeout(60):
        await running


async def test_an_untriaged_matter_is_found_by_the_small_index(desk: Desk) -> None:
    await desk.take_in()
    plan = await desk.rows("EXPLAIN SELECT id FROM ticket WHERE state = 'RECEIVED' ORDER BY received_at LIMIT 500")
    assert any("ticket_untriaged" in row[0] for row in plan)
