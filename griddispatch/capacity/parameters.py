"""The model's parameters: read from parsed TOML, every fault named, nothing taken for granted later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Hour = Annotated[float, Field(ge=0, le=24)]
_CLOSED = ConfigDict(extra="forbid")


class ParametersRefused(ValueError):
    """Parameters that cannot be used; the message names every fault."""


@dataclass(frozen=True)
class Demand:
    """What arrives."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    dispatched_share: Share
    hours: Annotated[tuple[Positive, ...], Field(min_length=24, max_length=24)]
    weekdays: Annotated[tuple[Positive, ...], Field(min_length=7, max_length=7)]
    critical: Share
    urgent: Share
    small_share: Share
    events_per_dispatched: Positive
    events_per_answered: Positive


@dataclass(frozen=True)
class Storm:
    """A surge: every so many days, for so many hours, so many times the mean."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    every_days: Annotated[int, Field(ge=0)]
    hours: Positive
    factor: Annotated[float, Field(ge=1)]


@dataclass(frozen=True)
class Effort:
    """One person's minutes on a matter, log-normal."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    median_min: Positive
    spread: Share


@dataclass(frozen=True)
class Work:
    """Who works when, and how long a matter takes."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    opens: Hour
    closes: Hour
    weekend_share: Share
    small: Effort
    big: Effort
    urgent: Effort
    utilisation: Annotated[float, Field(gt=0, le=3)]
    people_per_unit: Annotated[int, Field(ge=1)]
    skew: Share


@dataclass(frozen=True)
class Limits:
    """The deadlines of the default pack, as far as the model knows them."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    cutoff: Hour
    big_working_days: Annotated[int, Field(ge=1)]
    critical_hours: Positive
    urgent_hours: Positive


@dataclass(frozen=True)
class Citizen:
    """How people answer."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    answers: Share
    satisfied_on_time: Share
    satisfied_late: Share
    solved_on_time: Share
    solved_late: Share
    contacted_in_time: Share
    wait_hours: Positive


@dataclass(frozen=True)
class Machine:
    """What the product costs, as measured."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    intake_ms: Positive
    dispatch_ms: Positive
    notify_ms: Positive
    database_ms: Positive
    broker_ms: Positive
    timer_ms: Positive
    timers_per_open: Positive
    herd_share: Share
    least_ms: Positive
    target: Annotated[float, Field(gt=0, lt=1)]
    records_per_partition_s: Positive
    bytes_per_dispatched: Positive
    bytes_per_answered: Positive


@dataclass(frozen=True)
class Level:
    """How large a place is."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    tickets_per_day: Annotated[int, Field(ge=1)]
    source: str


@dataclass(frozen=True)
class Parameters:
    """All that the model knows of the world."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    demand: Demand
    storm: Storm
    work: Work
    limits: Limits
    citizen: Citizen
    machine: Machine
    level: Mapping[str, Level]


_READER = TypeAdapter(Parameters)


def read_parameters(source: Mapping[str, Any]) -> Parameters:
    """Read parsed TOML. Raises ParametersRefused with every fault."""
    try:
        found = _READER.validate_python(source)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ParametersRefused(faults) from error
    if found.work.opens >= found.work.closes:
        raise ParametersRefused("work.opens: must be before work.closes")
    if found.demand.critical + found.demand.urgent > 1:
        raise ParametersRefused("demand.critical and demand.urgent: more than all together")
    return found
