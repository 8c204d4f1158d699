"""What was measured, what was hoped for, and how far apart they are: plain values, no measuring."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from statistics import median


class Verdict(StrEnum):
    """How a figure stands to its goal."""

    MET = "met"
    MISSED = "missed"
    NO_GOAL = "no goal"
    NOT_MEASURED = "NOT MEASURED"


@dataclass(frozen=True)
class Goal:
    """What is hoped for: at least `bound`, or with `is_most` at most that."""

    bound: float
    is_most: bool = False

    def is_met_by(self, value: float) -> bool:
        """Whether the value is as good as hoped for; the bound itself is."""
        return value <= self.bound if self.is_most else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.is_most else '≥'} {short(self.bound)}"


@dataclass(frozen=True)
class Figure:
    """One figure of one scenario. `value` None: it was not measured, and `note` says why."""

    scenario: str
    name: str
    value: float | None
    unit: str
    goal: Goal | None = None
    note: str = ""
    rounds: tuple[float, ...] = field(default=(), compare=False)

    @property
    def verdict(self) -> Verdict:
        """How it stands to its goal."""
        if self.value is None:
            return Verdict.NOT_MEASURED
        if self.goal is None:
            return Verdict.NO_GOAL
        return Verdict.MET if self.goal.is_met_by(self.value) else Verdict.MISSED

    @property
    def ratio(self) -> float | None:
        """The figure over its goal, None where either is missing or the goal is nothing."""
        if self.value is None or self.goal is None or not self.goal.bound:
            return None
        return self.value / self.goal.bound


def most(bound: float) -> Goal:
    """At most this."""
    return Goal(bound, is_most=True)


def least(bound: float) -> Goal:
    """At least this."""
    return Goal(bound)


def middle(
    scenario: str, name: str, rounds: Sequence[float], unit: str, goal: Goal | None = None, note: str = ""
) -> Figure:
    """The median of some rounds."""
    return Figure(scenario, name, median(rounds) if rounds else None, unit, goal, note, tuple(rounds))


def unmeasured(scenario: str, why: str, name: str = "") -> Figure:
    """A scenario, or one figure of it, that could not be measured here."""
    return Figure(scenario, name or scenario, None, "", note=why)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of `values` does not exceed, nearest rank. ValueError when there are none."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def short(value: float) -> str:
    """A number as one reads it: three significant digits, whole from a hundred on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
