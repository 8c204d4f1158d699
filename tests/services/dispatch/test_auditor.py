"""The second pair of eyes: a ticket whose clock was lost is found, mended, and escalated once and no more."""

import time
from datetime import UTC, datetime

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.dispatch.auditor import Auditor
from tests.builders import ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import counted_faulty as counted
from tests.services.dispatch.desk import make_unreadable, open_desk

WEDNESDAY_NOON = datetime(2026, 3, 11, 4, 30, tzinfo=UTC)


async def test_a_ticket_without_any_clock_is_mended_and_escalated_once(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.database.fetch("DELETE FROM timer")
        desk.set_time(WEDNESDAY_NOON)
        auditor = Auditor(desk.database, desk.decider)
        assert await auditor.audit() == 1
        while await desk.timers.ring_due():
            pass
        assert (await desk.stated(1)).count("ticket.escalated") == 2
        assert await auditor.audit() == 0


@pytest.mark.parametrize("page", [1, 2, 4, 5])
async def test_it_looks_at_everything_page_by_page(database: TestDatabase, page: int) -> None:
    async with open_desk(database) as desk:
        for n in range(1, 6):
            await desk.take_on(n)
        await desk.work(3)
        await desk.database.fetch("DELETE FROM timer WHERE ticket_id <> $1", ticket(2))
        auditor = Auditor(desk.database, desk.decider, page)
        assert await auditor.audit() == 3, "one is watched, and one is done"
        assert await auditor.audit() == 0


async def test_an_overdue_ticket_whose_handling_clock_is_gone_is_mended(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.database.fetch("DELETE FROM timer WHERE clock = 'RESOLVE'")
        auditor = Auditor(desk.database, desk.decider)
        assert await auditor.audit() == 0  # not due yet, and other clocks watch it
        desk.set_time(WEDNESDAY_NOON)
        assert await auditor.audit() == 1


async def test_an_auditor_that_looked_says_when_and_one_that_cannot_look_falls_silent(database: TestDatabase) -> None:
    def last_look() -> float:
        return REGISTRY.get_sample_value("griddispatch_auditor_last_look_timestamp_seconds") or 0.0

    async with open_desk(database) as desk:
        begun, auditor = time.time(), Auditor(desk.database, desk.decider)
        await auditor.audit()
        seen = last_look()
        assert begun - 1 <= seen
        await desk.database.fetch("ALTER TABLE timer RENAME TO timer_elsewhere")
        with pytest.raises(asyncpg.UndefinedTableError):
            await auditor.audit()
        assert last_look() == seen


async def test_tickets_that_are_watched_or_closed_are_left_alone(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.take_on(2)
        await desk.work(2)
        before = await desk.ticket(1)
        assert await Auditor(desk.database, desk.decider).audit() == 0
        assert await desk.ticket(1) == before


async def test_a_ticket_that_cannot_be_mended_holds_up_no_other(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        for n in (1, 2, 3):
            await desk.take_on(n)
        await desk.database.fetch("DELETE FROM timer")
        await make_unreadable(desk, 2)
        auditor, faulty = Auditor(desk.database, desk.decider), counted("auditor")
        assert await auditor.audit() == 2
        assert counted("auditor") == faulty + 1
        assert await auditor.audit() == 0, "it is left aside for a while"
        assert counted("auditor") == faulty + 1
