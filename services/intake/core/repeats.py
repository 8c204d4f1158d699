"""A citizen who comes back with the same matter 重复诉求: what it is a repeat of, and what is to follow."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

from services.intake.core.incident_rules import RepeatRules
from services.intake.core.incidents import Trace, metres_between
from services.intake.core.similarity import plain
from shared.terms import TicketId, Urgency

LOCAL: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The county's own time: days are counted in it."""

SAME_SPOT_M: Final = 30.0
"""Points of one caller that are no farther apart are one place."""

_SEPARATORS: Final = re.compile(r"[\s\-()]+")
_COUNTRY: Final = re.compile(r"^(?:\+|00)86")
_LEAST_DIGITS: Final = 7


class Sequel(StrEnum):
    """What a repeat leads to."""

    HASTEN = "HASTEN"
    REOPEN = "REOPEN"
    LINK = "LINK"


@dataclass(frozen=True, slots=True)
class Prior:
    """An earlier ticket of the same caller. `main` is the ticket that is worked on, itself unless it was merged.

    `place` is the grid, or the finest area known, and empty when no place is.
    """

    ticket_id: TicketId
    main: TicketId
    category: str
    place: str
    urgency: Urgency
    received_at: datetime
    closed_at: datetime | None
    confidential: bool = False
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """The verdict. `of` is the latest ticket on the matter; the counts leave the present ticket out."""

    of: Prior | None = None
    sequel: Sequel | None = None
    in_30_days: int = 0
    in_window: int = 0
    levels_up: int = 0


NO_REPEAT: Final = Repeat()


def caller_number(phone: str | None) -> str | None:
    """A phone number by which a caller is known again, or None: a masked or cut-off one is many people's."""
    if phone is None:
        return None
    if not (phone.isascii() and phone.isdecimal()):
        phone = _SEPARATORS.sub("", unicodedata.normalize("NFKC", phone))
    digits = _COUNTRY.sub("", phone)
    return digits if digits.isascii() and digits.isdecimal() and len(digits) >= _LEAST_DIGITS else None


def plain_address(address: str) -> str:
    """An address with only what tells places apart; empty when nothing does."""
    return plain(address)


def days_since(closed_at: datetime, now: datetime) -> int:
    """Natural days from the day of closing to the present day, both in local time."""
    return (now.astimezone(LOCAL).date() - closed_at.astimezone(LOCAL).date()).days


def judge_repeat(
    new: Trace, place: str, priors: Iterable[Prior], joins: TicketId | None, now: datetime, rules: RepeatRules
) -> Repeat:
    """What `new` repeats. The same matter is the same leaf in the same place, or the same incident (`joins`).

    An open ticket goes before a closed one, and a later before an earlier. Danger to life is never a mere repeat of
    something less.
    """
    same = [prior for prior in priors if _is_same_matter(new, place, prior, joins, now, rules)]
    if not same:
        return NO_REPEAT
    of = max(same, key=lambda prior: (prior.closed_at is None, prior.closed_at or prior.received_at, prior.ticket_id))
    linked = rules.linked_until_days
    in_30_days = sum(days_since(prior.received_at, now) <= linked for prior in same)
    sequel = _sequel(new, of, now, rules)
    return Repeat(of, sequel, in_30_days, len(same), 1 if sequel is Sequel.LINK else 0)


def _sequel(new: Trace, of: Prior, now: datetime, rules: RepeatRules) -> Sequel | None:
    if new.urgency is Urgency.U1 and of.urgency is not Urgency.U1:
        return None
    if of.closed_at is None:
        return Sequel.HASTEN
    days = days_since(of.closed_at, now)
    if days <= rules.reopen_days:
        return Sequel.REOPEN
    return Sequel.LINK if days <= rules.linked_until_days else None


def _is_same_matter(
    new: Trace, place: str, prior: Prior, joins: TicketId | None, now: datetime, rules: RepeatRules
) -> bool:
    if (prior.confidential, prior.exercise) != (new.confidential, new.exercise) or prior.ticket_id == new.ticket_id:
        return False
    since = prior.received_at if prior.closed_at is None else max(prior.received_at, prior.closed_at)
    if prior.closed_at is not None and days_since(since, now) > rules.matter_window_days:
        return False
    return (joins is not None and prior.main == joins) or (
        place != "" and prior.place == place and prior.category == new.category
    )


def is_said_again(new: Trace, old: Trace) -> bool:
    """Whether a report is word for word what the same caller said before, of the same place, and is open still.

    This much can be told before triage has looked, so such a report never becomes a ticket. Both need a signature.
    """
    if not new.signature or new.signature != old.signature or not set(new.callers) & set(old.callers):
        return False
    if (new.confidential, new.exercise, new.area) != (old.confidential, old.exercise, old.area):
        return False
    distance = metres_between(new, old)
    if distance is not None:
        return distance <= SAME_SPOT_M
    if (new.lon is None) != (old.lon is None):
        return False
    return bool(set(new.addresses) & set(old.addresses)) or not (new.addresses or old.addresses)
