"""The checker's own calendar: its table of days, opening hours, limits and ladders, written out again by hand."""

from datetime import UTC, date, datetime, time, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
"""Without summer time since 1991, so a fixed offset does."""
ONE_DAY = timedelta(days=1)
MIDNIGHT = time()
OPENING = ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
CUTOFF = time(17)

# The State Council's notices for 2025 and 2026: days off on weekdays, and weekend days that are worked.
_OFF = """
2025-01-01 2025-01-28 2025-01-29 2025-01-30 2025-01-31 2025-02-03 2025-02-04 2025-04-04 2025-05-01 2025-05-02
2025-05-05 2025-06-02 2025-10-01 2025-10-02 2025-10-03 2025-10-06 2025-10-07 2025-10-08
2026-01-01 2026-01-02 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-02-23 2026-04-06 2026-05-01
2026-05-04 2026-05-05 2026-06-19 2026-09-25 2026-10-01 2026-10-02 2026-10-05 2026-10-06 2026-10-07
"""
_WORKED = """
2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11
2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10
"""
_DAYS_OFF = frozenset(map(date.fromisoformat, _OFF.split()))
_DAYS_WORKED = frozenset(map(date.fromisoformat, _WORKED.split()))
KNOWN = (date(2025, 1, 1), date(2026, 12, 31))

LIMITS = {
    "CONSULT": {"": "2 WD", "U2": "24 NH"}, "SUGGESTION": {"": "10 WD"}, "PRAISE": {"": "5 WD"},
    "OTHER": {"": "5 WD"}, "REPORT": {"": "15 WD"}, "SMALL": {"": "same day", "U2": "24 NH", "U1": "2 NH"},
    "BIG": {"": "5 WD", "U2": "24 NH", "U1": "2 NH"},
}  # fmt: skip
"""Handling limits by type or size and urgency; of two the earlier counts."""
SIGN = {"U1": "15 min", "U2": "30 min", "SMALL": "1 WH", "BIG": "4 WH"}


class OutsideTheTable(Exception):
    """A date of a year that the checker has no table for."""


def is_worked(day: date) -> bool:
    """Whether offices are open. Raises OutsideTheTable."""
    if not KNOWN[0] <= day <= KNOWN[1]:
        raise OutsideTheTable(str(day))
    return day in _DAYS_WORKED or (day.weekday() < 5 and day not in _DAYS_OFF)


def worked_days_after(day: date, count: int) -> date:
    """The count-th working day after a day."""
    while count:
        day += ONE_DAY
        count -= is_worked(day)
    return day


def at(day: date, moment: time) -> datetime:
    """An instant of the county's clock, in UTC."""
    return datetime.combine(day, moment, SHANGHAI).astimezone(UTC)


def end_of(day: date) -> datetime:
    """24:00."""
    return at(day + ONE_DAY, MIDNIGHT)


def worked_hours_after(start: datetime, amount: timedelta) -> datetime:
    """When so much opening time has passed since `start`."""
    here = start.astimezone(SHANGHAI)
    day, moment = here.date(), here
    while True:
        for opens, closes in OPENING if is_worked(day) else ():
            begin = max(moment, datetime.combine(day, opens, SHANGHAI))
            end = datetime.combine(day, closes, SHANGHAI)
            if begin < end:
                if amount <= end - begin:
                    return (begin + amount).astimezone(UTC)
                amount -= end - begin
        day += ONE_DAY
        moment = datetime.combine(day, MIDNIGHT, SHANGHAI)


def due(limit: str, start: datetime) -> datetime:
    """The last instant within a limit; every rest day is served, so "the same day" needs no working day."""
    if limit == "same day":
        here = start.astimezone(SHANGHAI)
        return end_of(here.date() if here.time() <= CUTOFF else here.date() + ONE_DAY)
    number, _, unit = limit.partition(" ")
    match unit:
        case "WD":
            return end_of(worked_days_after(start.astimezone(SHANGHAI).date(), int(number)))
        case "WH":
            return worked_hours_after(start, timedelta(hours=float(number)))
        case "NH":
            return start + timedelta(hours=float(number))
        case _:
            return start + timedelta(minutes=float(number))


def handling_due(ticket_type: str, size: str, urgency: str, accepted: datetime) -> datetime:
    """When a matter accepted at `accepted` is due."""
    row = LIMITS["REPORT" if ticket_type == "REPORT" else ticket_type if size == "UNSIZED" else size]
    return min(due(limit, accepted) for urgent, limit in row.items() if urgent in ("", urgency))


def sign_due(size: str, urgency: str, assigned: datetime) -> datetime:
    """By when a unit is to sign."""
    return due(SIGN[urgency if urgency != "U3" else "SMALL" if size == "SMALL" else "BIG"], assigned)


def first_level_due(size: str, due_at: datetime, accepted: datetime) -> datetime:
    """When a missed handling deadline reaches level 1: the morning after where the same day bound, else at once."""
    if size != "SMALL" or due_at != due("same day", accepted):
        return due_at
    last = (due_at - timedelta.resolution).astimezone(SHANGHAI).date()
    return at(last + ONE_DAY, time(8, 30))
