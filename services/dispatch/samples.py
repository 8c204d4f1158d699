"""What dispatch's metrics are told about open work, its clocks and its calendar."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from services.dispatch import store
from services.dispatch.core.calendar import Calendar
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.whistle_shares import WhistleAlarm
from services.dispatch.open_work import look_over
from shared import telemetry
from shared.actors import EVERYWHERE
from shared.clock import Clock
from shared.database import Database, named_queries
from shared.sampling import SELDOM, Sample, age_s
from shared.telemetry import log

_SQL = named_queries("services.dispatch", "sql", "samples.sql")
UNITS_SHOWN: Final = 200
OPEN_WORK_S: Final = 60.0


def late_timers(database: Database, now: Clock) -> Sample:
    """Clocks that should have rung."""

    async def take() -> None:
        instant = now()
        late = await store.late_timers(database, instant)
        telemetry.TIMERS_LATE.set(late["clocks"])
        telemetry.TIMERS_LATE_AGE.set(age_s(late["since"], instant))

    return Sample("timers", take)


def open_work(database: Database, now: Clock) -> Sample:
    """Everything that is open, by state, light and unit."""

    async def take() -> None:
        instant = now()
        work = await look_over(database, EVERYWHERE)
        (unsigned,) = await database.fetch(_SQL["unsigned_assignments"])
        units = await database.fetch(_SQL["busiest_units"], instant, UNITS_SHOWN)
        for gauge in (telemetry.TICKETS_OPEN, telemetry.UNIT_OPEN, telemetry.UNIT_OVERDUE):
            gauge.clear()
        for (state, light), tickets in work.tickets.items():
            telemetry.TICKETS_OPEN.labels(state=state, light=light).set(tickets)
        for row in units:
            telemetry.UNIT_OPEN.labels(unit=row["unit"]).set(row["n"])
            telemetry.UNIT_OVERDUE.labels(unit=row["unit"]).set(row["overdue"])
        telemetry.TICKETS_UNASSIGNED.set(work.unassigned)
        telemetry.TICKETS_UNASSIGNED_AGE.set(age_s(work.unassigned_since, instant))
        telemetry.TICKETS_UNWATCHED.set(len(work.unwatched))
        telemetry.ASSIGNMENTS_UNSIGNED.set(unsigned["n"])
        telemetry.ASSIGNMENTS_UNSIGNED_AGE.set(age_s(unsigned["since"], instant))

    return Sample("open-work", take, SELDOM, deadline_s=OPEN_WORK_S)


def whistle_alarms(database: Database, book: Rulebook, now: Clock) -> Sample:
    """Townships that blew the whistle too rarely or too often in the month that is over, counted once a month."""
    calendar, counted = book.calendar, set[date]()

    async def take() -> None:
        first = calendar.day_of(now()).replace(day=1)
        if first in counted:
            return
        before = (first - timedelta(days=1)).replace(day=1)
        since, until = calendar.at(before, time()), calendar.at(first, time())
        counts = await store.whistle_counts(database, since, until, EVERYWHERE)
        found = [(count, alarm) for count in counts if (alarm := count.alarm(book.joint)) is not None]
        for count, alarm in found:
            log.warning("whistle_share_off", month=f"{before:%Y-%m}", alarm=alarm.value, **count._asdict())
        for kind in WhistleAlarm:
            telemetry.WHISTLE_ALARMS.labels(reason=kind.value).set(sum(alarm is kind for _, alarm in found))
        counted.add(first)

    return Sample("whistles", take, SELDOM)


def calendar_horizon(calendar: Calendar) -> Sample:
    """Until when it is known which days are working days."""
    ends = datetime.combine(calendar.covered_until + timedelta(days=1), datetime.min.time(), UTC)

    async def take() -> None:
        telemetry.CALENDAR_UNTIL.set(ends.timestamp())

    return Sample("calendar", take, SELDOM)
