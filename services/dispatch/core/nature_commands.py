"""Commands on what a matter is: its size, its reach, its urgency, its category."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from services.dispatch.core.command_bases import OnAssignment, OnTicket
from services.dispatch.core.fields import Text
from shared.terms import ComplexMark, ConversionReason, Urgency


@dataclass(frozen=True, slots=True)
class ConvertSize(OnAssignment):
    """The small matter is a big one (小事转大事), found out on the spot."""

    reason: ConversionReason


@dataclass(frozen=True, slots=True)
class Assess(OnAssignment):
    """What was found on the spot (现场核定): figures by which a small matter is big and a big one complex.

    Units whose duty it is, grids it affects, households and people in dispute, yuan at stake, minutes of work it takes,
    and what makes it complex; what nobody looked at is left out.
    """

    units: Annotated[int, Field(ge=0, le=100)] = 0
    grids: Annotated[int, Field(ge=0, le=1_000)] = 0
    households: Annotated[int, Field(ge=0, le=100_000)] = 0
    people: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    money_yuan: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    effort_minutes: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    marks: Annotated[tuple[ComplexMark, ...], Field(max_length=4)] = ()


@dataclass(frozen=True, slots=True)
class MarkComplex(OnTicket):
    """The big matter is complex (疑难), and why."""

    reason: Text
    mark: ComplexMark = ComplexMark.COMMAND_CENTRE


@dataclass(frozen=True, slots=True)
class ChangeUrgency(OnTicket):
    """Raise or lower the urgency."""

    urgency: Urgency
    reason: Text


@dataclass(frozen=True, slots=True)
class ConfirmCategory(OnTicket):
    """A person's choice of the category; the machine's stays beside it. `small`: what was in doubt is small."""

    category: Annotated[str, Field(pattern=r"^([0-9]{2}){1,3}$")]
    small: bool = False
