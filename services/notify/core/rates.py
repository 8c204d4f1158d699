"""The three rates 三率 and what is printed beside them: whole counts, and figures that follow from them exactly."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from services.notify.core.measures import MeasureRules


class Bucket(NamedTuple):
    """What is counted together: an assessment month, a unit, a township and a root category; "" where unknown."""

    period: str
    unit: str
    township: str
    category: str


class Counts(NamedTuple):
    """Whole numbers of one bucket, or of many together."""

    dispatched: int = 0
    """Matters, each once: the volume, with what was left out of the rates."""
    first_dispatch_right: int = 0
    hops: int = 0
    """Dispatches after the first."""
    on_time: int = 0
    late: int = 0
    proactive: int = 0
    """Found by patrols and sensors, before anybody called 未诉先办."""
    valid: int = 0
    """Follow-ups in which the citizen said what there was to say 有效回访."""
    contacted: int = 0
    solved: int = 0
    satisfied: int = 0
    basic: int = 0
    unreachable: int = 0
    hung: int = 0
    excluded: int = 0
    reopened: int = 0
    recurrence_90d: int = 0
    """Matters of a kind that the same grid had shortly before."""
    guard_refused: int = 0
    """Refused attempts of the unit to pass work on against the rules 基层负担."""

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*map(int.__add__, self, other))

    def minus(self, other: "Counts") -> "Counts":
        """What is left; may be below zero."""
        return Counts(*map(int.__sub__, self, other))


NOTHING = Counts()


class Figures(NamedTuple):
    """Percentages with two places, half up; None where there are too few follow-ups to say, or nothing to divide.

    The last four are of a hundred matters: how often they were passed on, how many were found before anybody called,
    how many recurred, and the burden index 基层负担指数, attempts to pass work on against the rules.
    """

    response: Decimal | None
    solution: Decimal | None
    satisfaction: Decimal | None
    composite: Decimal | None
    on_time: Decimal | None
    first_dispatch: Decimal | None
    excluded: Decimal | None
    reached: Decimal | None
    hops: Decimal | None
    proactive: Decimal | None
    recurrence: Decimal | None
    burden: Decimal | None


def figures(counts: Counts, rules: MeasureRules) -> Figures:
    """What the counts come to. Fewer valid follow-ups than the rules ask for give no rate and no composite.

    The composite is taken from the exact rates, not from the rounded ones.
    """
    w, valid = rules.weights, counts.valid
    judged = valid if valid >= rules.rates.least_valid else 0
    content = w.one * counts.satisfied + w.basic * counts.basic
    weighed = w.one * (w.contacted * counts.contacted + w.solved * counts.solved) + w.satisfaction * content
    return Figures(
        response=percent(counts.contacted, judged),
        solution=percent(counts.solved, judged),
        satisfaction=percent(content, w.one * judged),
        composite=percent(weighed, w.one * w.whole * judged),
        on_time=percent(counts.on_time, counts.on_time + counts.late),
        first_dispatch=percent(counts.first_dispatch_right, counts.dispatched),
        excluded=percent(counts.excluded, valid + counts.excluded),
        reached=percent(valid, valid + counts.unreachable),
        hops=percent(counts.hops, counts.dispatched),
        proactive=percent(counts.proactive, counts.dispatched),
        recurrence=percent(counts.recurrence_90d, counts.dispatched),
        burden=percent(counts.guard_refused, counts.dispatched),
    )


def percent(part: int, whole: int) -> Decimal | None:
    """A part as a percentage with two places, half up; of nothing there is no part."""
    if not whole:
        return None
    return Decimal((part * 20_000 + whole) // (2 * whole)).scaleb(-2)


def total(rows: Iterable[Counts]) -> Counts:
    """All together."""
    sums = NOTHING
    for row in rows:
        sums = sums.plus(row)
    return sums


def change(before: Mapping[Bucket, Counts], after: Mapping[Bucket, Counts]) -> dict[Bucket, Counts]:
    """What turns one set of counts into the other; buckets in which nothing changes are left out."""
    moved = {bucket: after.get(bucket, NOTHING).minus(before.get(bucket, NOTHING)) for bucket in {*before, *after}}
    return {bucket: counts for bucket, counts in moved.items() if counts != NOTHING}


def add(into: dict[Bucket, Counts], more: Mapping[Bucket, Counts]) -> None:
    """Add counts in place."""
    for bucket, counts in more.items():
        into[bucket] = into.get(bucket, NOTHING).plus(counts)
