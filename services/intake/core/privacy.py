"""Privacy: what each role sees of a citizen, who must not look at all, and how long words are kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

UNLOCK: Final = "unlock_matter"
ERASE: Final = "erase_matter"
"""Acts that need a second person; unlocking only where the matter is confidential."""

UNLOCKERS: Final = ("hotline_agent", "dispatcher", "command_centre", "privacy_officer")
HANDLERS: Final = ("township", "grid_leader", "paired_cadre", "grid_worker", "liaison", "handler", "reviewer")
"""They see a masked name and call through a relay; never a number, an address or a confidential reporter at all."""
APPROVERS: Final = ("privacy_officer", "command_centre")

_DIGITS: Final = re.compile(r"[0-9]")


class Rule(StrEnum):
    """By which rule words are erased."""

    IDENTITY = "retention.identity"
    LEAD = "retention.lead"
    TALK = "retention.talk"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long words are kept: a matter's after it was closed, a lead's after its last step, a session's after it."""

    identity: timedelta
    lead: timedelta
    talk: timedelta


@dataclass(frozen=True, slots=True)
class Guard:
    """What decides who may see one matter's words; `blocked` are units and persons with an interest in it."""

    confidential: bool
    blocked_units: Sequence[str]
    blocked_persons: Sequence[str]

    def blocks(self, unit: str | None, person: str | None) -> bool:
        """Whether somebody has an interest in the matter: the person, or one of the unit or of a unit below it."""
        if person is not None and person in self.blocked_persons:
            return True
        return unit is not None and any(
            unit == named or (named.isdecimal() and unit.startswith(named)) for named in self.blocked_units
        )


def masked_name(name: str | None) -> str | None:
    """The family name and two stars, whatever the name's length."""
    return f"{name.strip()[:1]}**" if name and name.strip() else None


def masked_phone(phone: str | None) -> str | None:
    """Three digits, stars and four digits, as 138****5678; only stars of a number too short to hide anything."""
    digits = "".join(_DIGITS.findall(phone or ""))
    if not digits:
        return None
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 10 else "****"
