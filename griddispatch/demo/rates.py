"""The three rates of a run: recounted from what the topics said, and compared with what notify shows."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson

from griddispatch.demo.exchange import get_json
from shared.terms import FollowUpOutcome, Satisfaction


@dataclass(frozen=True, slots=True)
class Tally:
    """Judgements in numbers. `valid` were answered; silence is `unreachable` and judges nobody."""

    valid: int = 0
    contacted: int = 0
    solved: int = 0
    satisfied: int = 0
    basic: int = 0
    unreachable: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


def tally_of(judgement: Mapping[str, Any]) -> Tally:
    """What one judgement counts, from the value of its event."""
    if judgement["outcome"] != FollowUpOutcome.ANSWERED:
        return Tally(unreachable=1)
    satisfaction = judgement.get("satisfaction")
    return Tally(
        valid=1, contacted=int(bool(judgement.get("contacted"))), solved=int(bool(judgement.get("solved"))),
        satisfied=int(satisfaction == Satisfaction.SATISFIED), basic=int(satisfaction == Satisfaction.BASICALLY),
    )  # fmt: skip


class Judgements:
    """Every judgement that the topics told of, once each."""

    def __init__(self) -> None:
        self._told: dict[tuple[bytes, int], Mapping[str, Any]] = {}
        self._instants: list[datetime] = []

    def see(self, ticket: bytes, value: bytes, time: bytes) -> None:
        """Take one down."""
        judgement = orjson.loads(value)
        self._told[ticket, judgement["cycle"]] = judgement
        self._instants.append(datetime.fromisoformat(time.decode()))

    @property
    def tally(self) -> Tally:
        """All together."""
        return sum(map(tally_of, self._told.values()), Tally())

    @property
    def dissatisfied(self) -> int:
        """Citizens' answers that said so."""
        return sum(j.get("satisfaction") == Satisfaction.DISSATISFIED for j in self._told.values())

    @property
    def months(self) -> list[str]:
        """The assessment months that they may fall into: a month ends in the calendar month it is named for, or in
        the next one."""
        near = {month for at in self._instants for month in (f"{at:%Y-%m}", f"{at + timedelta(days=31):%Y-%m}")}
        return sorted(near)


async def read_rates(client: httpx.AsyncClient, notify: str, months: Iterable[str]) -> Tally:
    """What notify counts in these months. Raises httpx.HTTPError."""
    found = Tally()
    for month in months:
        counts = (await get_json(client, f"{notify}/v1/rates?period={month}"))["total"]["counts"]
        found += Tally(*(counts[name] for name in asdict(found)))
    return found


def rates_view(recounted: Tally, shown: Tally) -> dict[str, Any]:
    """Both counts and the rates that follow, in percent with two places; None of nothing."""
    points = 10 * recounted.satisfied + 9 * recounted.basic
    return {
        **asdict(recounted),
        "response": _percent(recounted.contacted, recounted.valid),
        "solution": _percent(recounted.solved, recounted.valid),
        "satisfaction": _percent(points, 10 * recounted.valid),
        "equal_to_notify": recounted == shown,
    }


def _percent(part: int, whole: int) -> str | None:
    """Half a hundredth is rounded up; whole numbers all the way."""
    if not whole:
        return None
    hundredths = (20_000 * part + whole) // (2 * whole)
    return f"{hundredths // 100}.{hundredths % 100:02}"
