"""The model's time: seconds since a Monday's midnight, working hours, and deadlines in them."""

from dataclasses import dataclass

HOUR = 3600.0
DAY = 24 * HOUR
SATURDAY = 5


@dataclass(frozen=True)
class Hours:
    """Opening hours of every working day, and who is there on rest days too."""

    opens_s: float
    closes_s: float

    def into(self, at: float, *, every_day: bool) -> float:
        """The instant itself in opening hours, else the next opening."""
        day, second = divmod(at, DAY)
        if second >= self.closes_s:
            day, second = day + 1, self.opens_s
        second = max(second, self.opens_s)
        while not every_day and day % 7 >= SATURDAY:
            day, second = day + 1, self.opens_s
        return day * DAY + second

    def after(self, at: float, seconds: float, *, every_day: bool) -> float:
        """When so many seconds of opening time have passed."""
        at = self.into(at, every_day=every_day)
        while seconds > (left := (at // DAY) * DAY + self.closes_s - at):
            seconds -= left
            at = self.into((at // DAY) * DAY + self.closes_s, every_day=every_day)
        return at + seconds


def end_of_working_day(at: float, days: int) -> float:
    """24:00 of the n-th working day after the day of `at`."""
    day = at // DAY
    while days:
        day += 1
        days -= day % 7 < SATURDAY
    return (day + 1) * DAY


def end_of_day(at: float, cutoff_s: float) -> float:
    """24:00 of the day, or after the cut-off of the next one."""
    day, second = divmod(at, DAY)
    return (day + (1 if second <= cutoff_s else 2)) * DAY
