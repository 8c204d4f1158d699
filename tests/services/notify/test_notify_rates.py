"""Rates on real tables: counts move with their events, agree with a recount to the last digit, and are shown exactly."""

import asyncio
import csv
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from io import StringIO
from typing import Any

import httpx
import pytest

from services.notify import panel_api, rates_api, rates_store
from services.notify.core.followup import Answer, RecordedBy
from services.notify.core.rates import NOTHING, Bucket, Counts
from services.notify.rates import mend
from shared.events import Envelope, TicketEvaluated
from shared.joint_events import GuardRefused, TicketHung
from shared.terms import Satisfaction
from tests.open_access import open_app
from tests.services.notify.measured import (
    GRID,
    MARCH,
    PLACE,
    TOWN,
    MeasuredStage,
    reopened,
    resolved,
    told,
)
from tests.services.notify.stage import serving
from tests.services.notify.values import SATISFIED, UNSOLVED, assigned, audited, local, redispatched

BASIC = Answer(True, True, Satisfaction.BASICALLY, RecordedBy.FOLLOW_UP_AGENT)
ELSEWHERE = Answer(False, True, Satisfaction.SATISFIED, RecordedBy.CITIZEN)


@pytest.fixture
async def client(measured: MeasuredStage) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real API over a real socket."""
    app = open_app("notify")
    app.include_router(rates_api.router(measured.database, measured.measures, measured.warnings))
    app.include_router(panel_api.router(measured.database, measured.panel))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


async def test_an_answer_moves_the_counts_in_its_own_transaction(measured: MeasuredStage) -> None:
    await measured.handled()
    await measured.answer(SATISFIED)
    assert await measured.counts() == {
        MARCH: Counts(dispatched=1, first_dispatch_right=1, on_time=1, valid=1, contacted=1, solved=1, satisfied=1)
    }
    assert await measured.difference() == {}


async def test_an_answer_that_fails_to_commit_counts_nothing(measured: MeasuredStage) -> None:
    await measured.handled()
    with pytest.raises(RuntimeError):
        async with measured.database.transaction() as tx:
            await measured.follow_ups.take(tx, [((told(assigned()).ticket_id, 1), SATISFIED)])
            raise RuntimeError("the process dies here")
    assert (await measured.counts())[MARCH].valid == 0


async def test_three_calls_unanswered_in_two_bands_leave_the_denominator(measured: MeasuredStage) -> None:
    await measured.handled()
    for time in ("10 14:00", "10 19:00", "13 09:00"):
        measured.now = local(time)
        await measured.loop.advance_due()
    assert isinstance((await measured.told())[-1], TicketEvaluated)
    found = (await measured.counts())[MARCH]
    assert (found.unreachable, found.valid, found.satisfied, found.dispatched) == (1, 0, 0, 1)


async def test_an_exercise_runs_the_loop_and_is_absent_from_every_rate(measured: MeasuredStage) -> None:
    await measured.handled(exercise=True)
    await measured.answer(SATISFIED)
    assert [type(e).__name__ for e in await measured.told()] == ["FollowUpAsked", "TicketEvaluated"]
    assert {m["state"] for m in await measured.messages()} == {"SUPPRESSED"}
    assert await measured.counts() == {}
    for table in ("occurrence", "hour_count", "alert", "draw", "task"):
        assert await measured.database.fetch(f"SELECT FROM {table}") == []
    assert await measured.difference() == {}


async def test_the_same_events_again_count_nothing_more(measured: MeasuredStage) -> None:
    await measured.handled()
    await measured.answer(SATISFIED)
    before = await measured.counts()
    story = [told(e, 1, v) for v, e in enumerate([assigned(**PLACE), resolved(), audited()], 1)]
    await measured.hear(*story)
    await measured.answer(SATISFIED)
    async with measured.database.transaction() as tx:
        await measured.rates.hear(tx, story)  # past the stream's own guard too
    assert await measured.counts() == before


async def test_what_recurs_within_ninety_days_counts_whichever_is_heard_of_first(measured: MeasuredStage) -> None:
    days = [(1, "31"), (2, "01"), (3, "15")]
    for n, day in days:
        await measured.happens(n, assigned(accepted_at=local(f"{day} 10:00"), **PLACE))
    far = assigned(accepted_at=local("15 10:00"), **(PLACE | {"grid": "990101001001002"}))
    await measured.happens(4, far)
    found = await measured.counts()
    assert found[MARCH].recurrence_90d == 1
    assert found[MARCH._replace(period="2026-04")].recurrence_90d == 1
    assert await measured.difference() == {}


async def test_what_recurs_around_the_midnight_between_two_months_counts_in_its_own(measured: MeasuredStage) -> None:
    for n, time in [(1, "18 12:00"), (2, "18 23:59"), (3, "19 00:00"), (4, "19 00:00"), (5, "19 08:30")]:
        await measured.happens(n, assigned(accepted_at=local(time), **PLACE))
    found = await measured.counts()
    assert (found[MARCH].recurrence_90d, found[MARCH._replace(period="2026-04")].recurrence_90d) == (1, 3)
    assert await measured.difference() == {}


def answers(n: int) -> Answer:
    return (SATISFIED, UNSOLVED, BASIC, ELSEWHERE)[n % 4]


def stories(count: int) -> dict[int, list[Any]]:
    """Tickets of every kind: sent on, reopened, hung, refused by a guard, drills, patrols."""
    found: dict[int, list[Any]] = {}
    for n in range(1, count + 1):
        unit = ("water", "roads", "parks")[n % 3]
        place = PLACE | {"category": f"{n % 4 + 1:02}0101", "grid": f"{GRID[:-1]}{n % 2 + 1}"}
        drill = n % 11 == 0
        at = local(f"{n % 28 + 1:02} 10:00")
        story: list[Any] = [assigned(unit=unit, accepted_at=at, exercise=drill, **place)]
        if n % 5 == 0:
            story.append(redispatched(unit="roads", accepted_at=at, exercise=drill, **place))
        if n % 7 == 0:
            story.append(GuardRefused(code="X", unit="market", category="080101", rule="r"))
        story += [resolved(on_time=n % 3 > 0), audited(follow_up=n % 9 > 0, exercise=drill)]
        if n % 6 == 0:
            story += [reopened(), assigned(cycle=2, unit=unit, accepted_at=at, **place)]
        if n % 8 == 0:
            story.append(TicketHung(cycle=1, ground="FUNDS", owner=unit, review_at=at))
        found[n] = story
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_counts_equal_a_recount_for_any_order_of_events_with_repeats(measured: MeasuredStage, seed: int) -> None:
    lots = random.Random(seed)
    waiting = {n: [told(e, n, v) for v, e in enumerate(story, 1)] for n, story in stories(40).items()}
    seen: list[Envelope] = []
    audited_already: set[int] = set()
    while waiting:
        batch: list[Envelope] = []
        for n in lots.sample(sorted(waiting), k=min(len(waiting), lots.randint(1, 8))):
            batch += [waiting[n].pop(0) for _ in range(min(len(waiting[n]), lots.randint(1, 3)))]
            if not waiting[n]:
                del waiting[n]
        batch += lots.sample(seen, k=min(len(seen), lots.randint(0, 3)))
        await measured.hear_all(batch)
        seen += batch
        audited_already |= {e.ticket_id.int for e in batch if type(e.event).__name__ == "TicketAudited"}
        for n in lots.sample(sorted(audited_already), k=min(len(audited_already), 3)):
            await measured.answer(answers(n), n)
    assert await measured.difference() == {}
    kept = await measured.counts()
    assert sum(c.dispatched for c in kept.values()) == 40 - 3
    assert sum(c.recurrence_90d for c in kept.values()) > 0


async def test_answers_at_once_lose_no_count(measured: MeasuredStage) -> None:
    for n in range(1, 41):
        await measured.handled(n)
    await asyncio.gather(*(measured.answer(answers(n), n) for n in range(1, 41)))
    found = (await measured.counts())[MARCH]
    assert (found.valid, found.contacted, found.solved, found.satisfied, found.basic) == (40, 30, 30, 20, 10)
    assert await measured.difference() == {}


async def test_a_recount_finds_what_is_wrong_and_mends_it(measured: MeasuredStage) -> None:
    await measured.handled()
    await measured.answer(SATISFIED)
    right = await measured.counts()
    await measured.database.fetch("UPDATE rate_count SET valid = valid + 1, late = 5")
    assert await measured.difference() == {MARCH: NOTHING._replace(valid=-1, late=-5)}
    await mend(measured.database, measured.measures, "2026-03")
    assert await measured.counts() == right
    assert await measured.difference() == {}


async def test_a_recount_believes_the_ledger_and_not_the_record(measured: MeasuredStage) -> None:
    await measured.handled()
    await measured.answer(UNSOLVED)
    spoilt = 'replace(doc::text, \'"contacted":true\', \'"contacted":true,"solved":true\')'
    await measured.database.fetch(f"UPDATE ticket_record SET doc = {spoilt}::json")
    assert await measured.difference() == {}


async def test_the_database_itself_refuses_impossible_counts(measured: MeasuredStage) -> None:
    impossible = [Counts(solved=1), Counts(valid=-1), Counts(valid=1, satisfied=1, basic=1), Counts(hung=-1)]
    for wrong in impossible:
        with pytest.raises(Exception, match="rate_count"):
            async with measured.database.transaction() as tx:
                await rates_store.add_counts(tx, {MARCH: wrong})
    assert await measured.counts() == {}


# HTTP


async def put(measured: MeasuredStage, counts: dict[Bucket, Counts]) -> None:
    async with measured.database.transaction() as tx:
        await rates_store.add_counts(tx, counts)


HUNDRED = Counts(dispatched=120, valid=100, contacted=98, solved=80, satisfied=70, basic=20, hung=3, excluded=7)


async def test_a_units_month_is_shown_to_the_last_digit(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    some, rest = HUNDRED, Counts(valid=19, contacted=19)
    await put(measured, {MARCH: some, MARCH._replace(unit="roads"): rest, MARCH._replace(period="2026-04"): rest})
    shown = (await client.get("/v1/rates", params={"period": "2026-03"})).json()
    roads, water = shown["rows"]
    assert water["percent"] == {
        "response": "98.00", "solution": "80.00", "satisfaction": "88.00", "composite": "85.00", "on_time": None,
        "first_dispatch": "0.00", "excluded": "6.54", "reached": "100.00", "hops": "0.00", "proactive": "0.00",
        "recurrence": "0.00", "burden": "0.00",
    }  # fmt: skip
    assert (water["counts"]["hung"], water["counts"]["excluded"], water["counts"]["dispatched"]) == (3, 7, 120)
    assert (roads["key"], roads["too_few"], roads["percent"]["composite"]) == ("roads", True, None)
    assert shown["since"] == "2026-02-18T16:00:00+00:00"
    assert shown["total"]["counts"]["valid"] == 119


@pytest.mark.parametrize(("by", "keys"), [("unit", ["water"]), ("township", [TOWN, "x"]), ("category", ["15"])])
async def test_rates_are_summed_by_what_was_asked(
    measured: MeasuredStage, client: httpx.AsyncClient, by: str, keys: list[str]
) -> None:
    await put(measured, {MARCH: HUNDRED, MARCH._replace(township="x"): HUNDRED})
    shown = (await client.get("/v1/rates", params={"period": "2026-03", "by": by})).json()
    assert [row["key"] for row in shown["rows"]] == keys
    assert sum(row["counts"]["valid"] for row in shown["rows"]) == 200


async def test_the_sheet_for_spreadsheets_holds_the_same_numbers_and_no_formula(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await put(measured, {MARCH: HUNDRED, MARCH._replace(unit="=cmd|' /C calc'!A0"): HUNDRED})
    response = await client.get("/v1/rates", params={"period": "2026-03", "format": "csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(response.text)))
    assert [row["unit"] for row in rows] == ["'=cmd|' /C calc'!A0", "water", "*"]
    assert (rows[1]["valid"], rows[1]["composite_percent"], rows[2]["valid"]) == ("100", "85.00", "200")


@pytest.mark.parametrize("query", [{}, {"period": "2026-13"}, {"period": "2026-03", "by": "person"}, {"period": "x"}])
async def test_what_is_no_period_or_no_order_is_refused(client: httpx.AsyncClient, query: dict[str, str]) -> None:
    response = await client.get("/v1/rates", params=query)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")


async def test_a_month_without_anything_is_empty(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/v1/rates", params={"period": "2031-01"})).json()
    assert (shown["rows"], shown["total"]["counts"]["dispatched"]) == ([], 0)


async def test_other_rules_count_the_same_facts_in_other_months(measured: MeasuredStage) -> None:
    measured.now = local("19 10:00")
    await measured.handled(accepted_at=local("19 09:00"))
    rules = measured.measures
    calendar_months = replace(rules, rates=replace(rules.rates, month_from_day=1))
    await mend(measured.database, calendar_months, "2026-03")
    assert (await measured.counts())[MARCH].dispatched == 1
