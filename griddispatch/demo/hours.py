"""When people work, in simulated time: plain seconds since 1970, because the demo handles hundreds of thousands."""

from datetime import UTC, datetime, timedelta, timezone

from shared.clock import FastClock

HOUR = 3600.0
DAY = 24 * HOUR
ZONE = timezone(timedelta(hours=8))
"""The county's time; it knows no summer time, so a fixed offset does."""
_OFFSET = 8 * HOUR
OPENS = 8.5 * HOUR
CLOSES = 17.5 * HOUR
SHIFT = CLOSES - OPENS
FIRST_SHIFT = datetime(2026, 3, 7, 8, 30, tzinfo=ZONE)
"""Saturday morning: what the hotline took in the night is waiting. Rest days are on duty, but working hours only run
from Monday on: so thousands of citizens can be contacted in time at a speed at which two hours pass in a second."""
MIDNIGHT = FIRST_SHIFT.replace(hour=0, minute=0)

WORKING_MORNING = datetime(2026, 3, 9, 9, 30, tzinfo=ZONE)
"""Monday, an hour after offices opened: everybody may be called, and today's deadlines are far away."""

FEED_PER_S = 500.0
"""How many matters a second the feed is expected to bring when nothing paces it."""
COMMANDS_PER_S = 1000.0
COMMANDS_PER_TICKET = 2.6
"""On the first day; a speed at which workers would send more than this a second shows nothing but a queue."""
FASTEST = 14_400.0
SLACK_S = 1.5


def into_shift(instant: float) -> float:
    """The instant itself within working hours, else the next opening. Every day is worked: rest days are on duty."""
    since_midnight = _since_midnight(instant)
    if since_midnight < OPENS:
        return instant + OPENS - since_midnight
    return instant if since_midnight < CLOSES else instant + DAY + OPENS - since_midnight


def after_work(instant: float, seconds: float) -> float:
    """The instant by which so many seconds were worked since `instant`."""
    instant = into_shift(instant)
    left_today = CLOSES - _since_midnight(instant)
    while seconds >= left_today:
        seconds -= left_today
        instant = into_shift(instant + left_today)
        left_today = SHIFT
    return instant + seconds


def _since_midnight(instant: float) -> float:
    return (instant + _OFFSET) % DAY


def feed_seconds(tickets: int, rate: float | None) -> float:
    """How long the feed is expected to take, in real seconds."""
    return tickets / (rate or FEED_PER_S)


def fitting_speed(tickets: int, rate: float | None) -> float:
    """A speed at which the feed fits into the night, and the workers' commands into their day."""
    night = (FIRST_SHIFT - MIDNIGHT).total_seconds()
    by_feed = night / (feed_seconds(tickets, rate) * 1.3 + SLACK_S)
    by_work = COMMANDS_PER_S * SHIFT / (COMMANDS_PER_TICKET * max(1, tickets))
    return float(max(60, round(min(FASTEST, by_feed, by_work), -1)))


def morning_clock(real: datetime) -> FastClock:
    """A clock at everyday speed on a working morning, for people who do everything themselves."""
    return FastClock(WORKING_MORNING.astimezone(UTC), real, 1.0)


def night_clock(real: datetime, tickets: int, rate: float | None, speed: float) -> FastClock:
    """A clock that reaches the first shift when the feed should be over; never earlier than that Monday's midnight."""
    feed = timedelta(seconds=(feed_seconds(tickets, rate) * 1.3 + SLACK_S) * speed)
    return FastClock(max(MIDNIGHT, FIRST_SHIFT - feed).astimezone(UTC), real, speed)
