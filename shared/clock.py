"""Time as a value: one injected clock, real or faster than real."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the present instant, zone-aware, in UTC."""


def utc_now() -> datetime:
    """The real present instant in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class FastClock:
    """A clock that shows `shown` at the real instant `real` and runs `speed` times as fast from there.

    Every process that is given the same three values shows the same time. `base` is the real clock it goes by.
    """

    shown: datetime
    real: datetime
    speed: float
    base: Clock = field(default=utc_now, compare=False, repr=False)

    def __call__(self) -> datetime:
        return self.shown + (self.base() - self.real) * self.speed

    def real_instant(self, shown: datetime) -> datetime:
        """The real instant at which this clock shows `shown`."""
        return self.real + (shown - self.shown) / self.speed

    def __str__(self) -> str:
        return f"{self.shown.isoformat()}@{self.real.isoformat()}x{self.speed:g}"


def read_clock(text: str, base: Clock = utc_now) -> Clock:
    """Read a clock setting: `real`, which is `base`, or `SHOWN@REALxSPEED` as `str(FastClock)` writes it.

    Raises ValueError when the text is neither, when an instant lacks its zone, or when speed is not above zero.
    """
    if text == "real":
        return base
    shown, _, rest = text.partition("@")
    real, _, speed = rest.rpartition("x")
    clock = FastClock(datetime.fromisoformat(shown), datetime.fromisoformat(real), float(speed))
    if clock.shown.tzinfo is None or clock.real.tzinfo is None:
        raise ValueError("a clock's instants need a zone")
    if not 0 < clock.speed <= timedelta(days=30).total_seconds():
        raise ValueError("a clock's speed is above zero")
    return FastClock(clock.shown.astimezone(UTC), clock.real.astimezone(UTC), clock.speed, base)
