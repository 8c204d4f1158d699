"""What each service's gauges say of work that waits, on its real tables."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.dispatch import samples as dispatch_samples
from services.intake import samples as intake_samples
from services.notify import samples as notify_samples
from shared.database import Database, connect
from tests.builders import PATIENT, TUESDAY_MORNING, calendar
from tests.conftest import TestDatabase
from tests.observability.metrics import labels_of, value
from tests.services.dispatch.desk import open_desk as open_dispatch
from tests.services.intake.desk import open_desk as open_intake
from tests.services.notify.measured import TOWN, MeasuredStage
from tests.services.notify.values import SATISFIED

LATER = TUESDAY_MORNING + timedelta(minutes=10)


@pytest.fixture
async def notify_database(notify_dsn: str) -> AsyncIterator[Database]:
    """A pool as notify's role."""
    database = await connect(notify_dsn, size=8, application="test", patience=PATIENT)
    yield database
    await database.close()


async def test_intake_tells_how_long_a_matter_waits_for_triage(intake_dsn: str) -> None:
    async with open_intake(intake_dsn) as desk:
        await desk.take_in()
        await intake_samples.waiting(desk.database, lambda: LATER).take()
        assert value("griddispatch_tickets_untriaged") == 1
        assert value("griddispatch_tickets_untriaged_age_seconds") == 600
        await desk.triage_loop().triage_batch()
        await intake_samples.waiting(desk.database, lambda: LATER).take()
        assert value("griddispatch_tickets_untriaged") == 0
        assert value("griddispatch_tickets_untriaged_age_seconds") == 0
        assert value("griddispatch_leads_suspected") == 0
        assert value("griddispatch_merges_suggested") == 0


async def test_dispatch_tells_what_is_open_at_whose_place_and_what_is_unsigned(database: TestDatabase) -> None:
    async with open_dispatch(database) as desk:
        shown = await desk.take_on(1)
        unit = shown["assignments"][-1]["unit"]
        await dispatch_samples.open_work(desk.database, lambda: LATER).take()
        assert value("griddispatch_tickets_open", state="DISPATCHED", light="GREEN") == 1
        assert value("griddispatch_tickets_unassigned") == 0
        assert value("griddispatch_tickets_unwatched") == 0
        assert value("griddispatch_assignments_unsigned") == 1
        assert value("griddispatch_assignments_unsigned_age_seconds") == 600
        assert value("griddispatch_unit_assignments_open", unit=unit) == 1
        assert value("griddispatch_unit_assignments_overdue", unit=unit) == 0
        await desk.work(1)
        await dispatch_samples.open_work(desk.database, lambda: LATER + timedelta(days=30)).take()
        assert value("griddispatch_assignments_unsigned") == 0
        assert [s["state"] for s in labels_of("griddispatch_tickets_open")] == [(await desk.ticket(1))["state"]]


async def test_dispatch_tells_of_tickets_that_nobody_has_or_watches(database: TestDatabase) -> None:
    async with open_dispatch(database) as desk:
        await desk.take_on(1)
        await desk.database.fetch("DELETE FROM timer")
        await desk.database.fetch(
            "UPDATE assignment SET state = 'RECALLED', previous_state = 'PENDING_SIGN', ended_at = now()"
        )
        await dispatch_samples.open_work(desk.database, lambda: LATER).take()
        assert value("griddispatch_tickets_unwatched") == 1
        assert value("griddispatch_tickets_unassigned") == 1
        assert value("griddispatch_tickets_unassigned_age_seconds") == 600


async def test_dispatch_tells_how_late_its_clocks_are(database: TestDatabase) -> None:
    async with open_dispatch(database) as desk:
        await desk.take_on(1)
        await dispatch_samples.late_timers(desk.database, lambda: TUESDAY_MORNING).take()
        assert value("griddispatch_timers_late") == 0
        (first,) = await desk.database.fetch("SELECT min(fire_at) AS at FROM timer")
        await dispatch_samples.late_timers(desk.database, lambda: first["at"] + timedelta(seconds=30)).take()
        assert (value("griddispatch_timers_late") or 0) >= 1
        assert value("griddispatch_timers_late_age_seconds") == 30


async def test_milestones_are_counted_from_acceptance(database: TestDatabase) -> None:
    name = "griddispatch_ticket_milestone_seconds"
    async with open_dispatch(database) as desk:
        before = {
            m: (value(f"{name}_count", milestone=m) or 0, value(f"{name}_sum", milestone=m) or 0)
            for m in ("assigned", "resolved")
        }
        await desk.take_on(1)
        desk.set_time(LATER)
        await desk.work(1)
        took = {
            m: ((value(f"{name}_count", milestone=m) or 0) - n, (value(f"{name}_sum", milestone=m) or 0) - s)
            for m, (n, s) in before.items()
        }
    assert took == {"assigned": (1, 0), "resolved": (1, 600)}


async def test_an_assignment_that_comes_late_is_not_among_those_within_five_seconds(database: TestDatabase) -> None:
    name = "griddispatch_ticket_milestone_seconds"

    def late() -> float:
        within = value(f"{name}_bucket", milestone="assigned", le="5.0") or 0
        return (value(f"{name}_count", milestone="assigned") or 0) - within

    before = late()
    async with open_dispatch(database) as desk:
        desk.set_time(LATER)
        await desk.take_on(1)
    assert late() == before + 1


async def test_a_ticket_that_waited_too_long_for_its_first_unit_is_counted(database: TestDatabase) -> None:
    def late() -> float:
        return value("griddispatch_tickets_dispatched_late_total", urgency="U2") or 0

    before = late()
    async with open_dispatch(database) as desk:
        await desk.take_on(1, urgency="U2")
        assert late() == before
        desk.set_time(TUESDAY_MORNING + timedelta(minutes=36))  # half an hour to accept it, five minutes to dispatch it
        await desk.take_on(2, urgency="U2")
        assert late() == before + 1
        await desk.work(2)
    assert late() == before + 1


async def test_a_township_that_calls_nobody_is_told_of_once_its_month_is_over(database: TestDatabase) -> None:
    async with open_dispatch(database) as desk:
        time = [TUESDAY_MORNING]
        book = desk.decider.book
        bold = replace(book, joint=replace(book.joint, whistle_least_tickets=1))
        sample = dispatch_samples.whistle_alarms(desk.database, bold, lambda: time[0])
        await desk.take_on(1)
        await sample.take()
        assert value("griddispatch_whistle_alarms", reason="TOO_FEW") == 0, "the month before had no tickets"
        time[0] = TUESDAY_MORNING + timedelta(days=25)
        await sample.take()
        assert value("griddispatch_whistle_alarms", reason="TOO_FEW") == 1
        assert value("griddispatch_whistle_alarms", reason="TOO_MANY") == 0
        await desk.database.fetch("UPDATE ticket_case SET accepted_at = '2026-02-10'")
        await sample.take()
        assert value("griddispatch_whistle_alarms", reason="TOO_FEW") == 1, "a month is counted once"


async def test_the_calendar_tells_how_far_it_reaches() -> None:
    await dispatch_samples.calendar_horizon(calendar()).take()
    assert (value("griddispatch_calendar_covered_until_timestamp_seconds") or 0) > TUESDAY_MORNING.timestamp()


async def test_notify_tells_what_waits_to_be_delivered_and_asked(notify_database: Database) -> None:
    stage = MeasuredStage(notify_database)
    await stage.handled()
    await notify_samples.waiting(notify_database, lambda: stage.clock() + timedelta(days=9)).take()
    assert (value("griddispatch_messages_waiting") or 0) >= 1
    assert (value("griddispatch_messages_waiting_age_seconds") or 0) > 3600
    assert value("griddispatch_follow_ups_open") == 1
    assert value("griddispatch_follow_ups_late") == 1
    assert (value("griddispatch_follow_ups_late_age_seconds") or 0) > 3600


async def test_rates_are_shown_only_where_there_are_enough_follow_ups(notify_database: Database) -> None:
    stage = MeasuredStage(notify_database)
    await stage.handled()
    await stage.answer(SATISFIED)
    await notify_samples.three_rates(notify_database, stage.measures, stage.clock).take()
    assert value("griddispatch_rate_follow_ups", township=TOWN) == 1
    assert value("griddispatch_rate_ratio", rate="solution", township=TOWN) is None
    for n in range(2, stage.measures.rates.least_valid + 1):
        await stage.handled(n)
        await stage.answer(SATISFIED, n)
    await notify_samples.three_rates(notify_database, stage.measures, stage.clock).take()
    assert value("griddispatch_rate_ratio", rate="solution", township=TOWN) == 1
    assert value("griddispatch_rate_ratio", rate="satisfaction", township="all") == 1
