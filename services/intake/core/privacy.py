"""Privacy: what each role sees of a citizen, who must not look at all, and how long words are kept."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

UNLOCK: Final = "unlock_matter"
ERASE: Final = "erase_matter"
ERASE_ITEM: Final = "erase_item"
"""Acts that need a second person; unlocking only where the matter is confidential."""

UNLOCKERS: Final = ("hotline_agent", "dispatcher", "command_centre", "privacy_officer")
HANDLERS: Final = ("township", "grid_leader", "paired_cadre", "grid_worker", "liaison", "handler", "reviewer")
"""They see a masked name and call through a relay; never a number, an address or a confidential reporter at all.

Who has a matter in hand also reads what was said of it, with names and numbers masked, unless it is confidential."""
APPROVERS: Final = ("privacy_officer", "command_centre")

_DIGITS: Final = re.compile(r"[0-9]")
_D: Final = "[0-9０-９]"
_NUMBER: Final = re.compile(
    rf"(?<!{_D})(?<!{_D}-)(?!{_D}{{4}}-{_D}{{1,2}}-{_D}{{1,2}}(?!{_D}))[+＋]?{_D}(?:[ \-－—]?{_D}){{6,}}[XxＸｘ]?"
)
_LEAST_SPACED: Final = 10
"""With blanks or hyphens inside, fewer digits than these are a day, an hour or a house, not a telephone."""


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


def masked_text(text: str, name: str | None) -> str:
    """Somebody's words without the reporter's name, and without telephone and identity numbers, of whatever width.

    What else in free text tells who spoke cannot be known; who reads it is written down.
    """
    named = (name or "").strip()
    if len(named) > 1:
        text = text.replace(named, masked_name(named) or "")
    return _NUMBER.sub(_masked_number, text)


def _masked_number(found: re.Match[str]) -> str:
    number = unicodedata.normalize("NFKC", found[0])
    digits = _DIGITS.findall(number)
    if len(digits) < _LEAST_SPACED and len(digits) < len(number):
        return found[0]
    return masked_phone(number) or found[0]
