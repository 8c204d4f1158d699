"""Sensitive leads 问题线索: whom they concern, who gets them, who may read them, and what is ever counted in public."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.intake.core.incident_rules import LeadRules
from shared.terms import LeadKind, Urgency
from shared.workdays import Workdays

_COUNTY_DIGITS: Final = 6


class LeadState(StrEnum):
    """Where a lead stands: to be looked at by a person, dropped by one, or on its way to those who follow it up."""

    SUSPECTED = "SUSPECTED"
    DISMISSED = "DISMISSED"
    HANDED_OVER = "HANDED_OVER"
    RECEIVED = "RECEIVED"
    RETURNED_NOT_LEAD = "RETURNED_NOT_LEAD"


STEPS: Final[Mapping[LeadState, frozenset[LeadState]]] = {
    LeadState.SUSPECTED: frozenset({LeadState.HANDED_OVER, LeadState.DISMISSED}),
    LeadState.HANDED_OVER: frozenset({LeadState.RECEIVED, LeadState.RETURNED_NOT_LEAD}),
    LeadState.RECEIVED: frozenset({LeadState.RECEIVED, LeadState.RETURNED_NOT_LEAD}),  # again, with what came of it
    LeadState.DISMISSED: frozenset(),
    LeadState.RETURNED_NOT_LEAD: frozenset(),
}
"""Every step there is."""


class SubjectLevel(StrEnum):
    """Where the person complained of serves."""

    VILLAGE = "VILLAGE"
    TOWNSHIP = "TOWNSHIP"
    COUNTY = "COUNTY"


class LeadRole(StrEnum):
    """Who has to do with leads at all; nobody else learns that there are any."""

    RECORDER = "talk_recorder"
    AGENT = "hotline_agent"
    LEAD_OFFICER = "lead_officer"
    DISCIPLINE_OFFICER = "discipline_officer"
    POLICE_OFFICER = "police_officer"


@dataclass(frozen=True, slots=True)
class Area:
    """Codes of where a lead comes from: county 6 digits, township 9, village 12, as far as known."""

    county: str
    township: str | None = None
    village: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides who may do what with a lead; `recorded_by` is empty when nobody but a rule recorded it."""

    kind: LeadKind
    state: LeadState
    target: str
    recorded_by: str
    recorded_at: datetime


def subject_level(text: str, rules: LeadRules) -> SubjectLevel:
    """Whom a text complains of, by its words. Of several the highest; of none the township's people.

    Too high sends a lead past those who could have judged it; too low hands it to the person it is about.
    """
    found = [level for level, words in rules.subjects.items() if any(word in text for word in words)]
    return SubjectLevel(max(found, key=[*SubjectLevel.__members__].index)) if found else SubjectLevel.TOWNSHIP


def target_of(kind: LeadKind, level: SubjectLevel, area: Area) -> str:
    """The body that gets a lead: for a discipline lead the one a level above whom it is about.

    Where the township of a village's lead is not known it goes to the county's.
    """
    if kind is not LeadKind.DISCIPLINE:
        return f"police:{area.county}"
    match level:
        case SubjectLevel.VILLAGE:
            return f"discipline:{area.township or area.county}"
        case SubjectLevel.TOWNSHIP:
            return f"discipline:{area.county}"
        case SubjectLevel.COUNTY:
            return f"discipline:{area.county[:4]}"


def take_over_by(
    kind: LeadKind, urgency: Urgency, handed_over_at: datetime, rules: LeadRules, workdays: Workdays
) -> datetime:
    """By when the body must have a lead in hand 移送时限 (T18).

    A threat and what is critical almost at once, what is urgent within hours, any other in working days.
    """
    if kind is LeadKind.THREAT or urgency is Urgency.U1:
        return handed_over_at + rules.threat_taken_over_within
    if urgency is Urgency.U2:
        return handed_over_at + rules.urgent_taken_over_within
    return workdays.deadline(handed_over_at, rules.taken_over_within_working_days)


def body_above(target: str) -> str:
    """Who hears of a lead that a body left lying: the same kind of body a level up, so never those it is about."""
    kind, _, code = target.partition(":")
    return f"{kind}:{code[:6] if len(code) > _COUNTY_DIGITS else code[:4]}"


def may_move(standing: Standing, to: LeadState) -> bool:
    """Whether a lead may go from where it stands to `to`."""
    return to in STEPS[standing.state]


def may_confirm(standing: Standing, role: str, unit: str | None) -> bool:
    """Whether somebody decides if words that sound like a lead are one: the lead officer of the county alone."""
    return role == LeadRole.LEAD_OFFICER and standing.state is LeadState.SUSPECTED


def may_follow_up(standing: Standing, role: str, unit: str | None) -> bool:
    """Whether somebody takes a lead in hand: an officer of the very body it was handed to."""
    handed_over = standing.state not in (LeadState.SUSPECTED, LeadState.DISMISSED)
    return role == _OFFICERS[standing.target.partition(":")[0]] and unit == standing.target and handed_over


_OFFICERS: Final = {"discipline": LeadRole.DISCIPLINE_OFFICER, "police": LeadRole.POLICE_OFFICER}
"""Who speaks for a body, by the kind of body."""


def may_read(
    standing: Standing, role: str, unit: str | None, person: str | None, now: datetime, rules: LeadRules
) -> bool:  # fmt: skip
    """Whether somebody sees what a lead says.

    An officer of the body it was handed to does; the lead officer until it is decided; whoever recorded it for a
    while, and can then only add to it.
    """
    if may_follow_up(standing, role, unit) or may_confirm(standing, role, unit):
        return True
    return may_add(standing, role, person) and now - standing.recorded_at <= rules.recorder_reads


def may_add(standing: Standing, role: str, person: str | None) -> bool:
    """Whether somebody adds to a lead: who recorded it may, for good."""
    return role in (LeadRole.RECORDER, LeadRole.AGENT) and bool(person) and person == standing.recorded_by


def may_visit(unit: str, area: Area) -> bool:
    """Whether an officer of a unit may call on whoever said it in private: nobody of the village it is about.

    Units of a village bear its code, or a longer one that begins with it.
    """
    return area.village is None or not unit.startswith(area.village)


def published(count: int, rules: LeadRules) -> int | None:
    """A count as it may be shown: None for one so small that it would point at people."""
    return count if count >= rules.least_published_count else None
