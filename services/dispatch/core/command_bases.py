"""What a command is about: one unit's share, or the ticket as a whole."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from shared.sections import CLOSED
from shared.terms import AssignmentId


@dataclass(frozen=True, slots=True)
class OnAssignment:
    """A command on one unit's share."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    assignment_id: AssignmentId


@dataclass(frozen=True, slots=True)
class OnTicket:
    """A command on a ticket as a whole."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
