"""Guards on every path by which work reaches a unit: duty lists, conflict of interest, enforcement, two persons.

Each answers with a verdict; what a command may not do then is refused with an event for the burden report.
"""

from datetime import date
from typing import Final, NamedTuple

from services.dispatch.core.actors import Actor
from services.dispatch.core.case import Assignment
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import Refused, Story
from services.dispatch.core.units import OrgKind
from shared.joint_events import GuardRefused
from shared.terms import AssignmentKind, PlaceLevel, Urgency

_PLACES: Final = ("township", "village", "grid")
_PUSHERS: Final = frozenset(OrgKind) - {OrgKind.COMMAND_CENTRE}
# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_FIRST_DISPOSAL: Final = AssignmentKind.FIRST_DISPOSAL


_WORKING: Final = (AssignmentKind.LEAD, AssignmentKind.SUPPORT)
"""Parts that ask for the ability to do the thing; coordinating and containing do not."""


class Task(NamedTuple):
    """What is to be given to a unit. `enforces`: it asks for a penalty, an inspection or another act of authority."""

    category: str
    urgency: Urgency
    complained_about: str | None = None
    enforces: bool = False


class Verdict(NamedTuple):
    """What the guards say: `code` None lets it pass. `list_version` and `deployment` are what they went by."""

    code: str | None
    rule: str
    list_version: str | None = None
    deployment: str | None = None


_NO_LISTS: Final = Verdict(None, "DUTY_LIST_ABSENT")


def judge_unit(
    task: Task, unit_id: str, kind: AssignmentKind, assigner: str | None, book: Rulebook, org: Org, on: date
) -> Verdict:
    """Whether the unit may have this part of the task on that day; `assigner` None is the command centre or a rule."""
    unit = org.unit(unit_id)
    if unit is None:
        return Verdict("NO_SUCH_UNIT", "UNIT_UNKNOWN")
    if task.complained_about is not None and is_conflicted(unit_id, task.complained_about, org):
        return Verdict("CONFLICT_OF_INTEREST", "COMPLAINED_ABOUT_OR_BELOW")
    if not org.duties.lists and not task.enforces:
        return _NO_LISTS
    place = _place_code(unit_id, org)
    if place is None:
        return Verdict(None, "NO_DUTY_LIST_ABOVE_TOWNSHIPS")
    if task.enforces and unit.level not in book.duties.enforcement_levels:
        return Verdict("ENFORCEMENT_NOT_TO_GRID", "ENFORCEMENT_BELOW_TOWNSHIP")
    return _duty_verdict(task, place, kind, assigner, book, org, on)


def is_conflicted(unit: str, complained_about: str | None, org: Org) -> bool:
    """Whether the unit is the one complained about, or stands below it."""
    return complained_about is not None and (unit == complained_about or complained_about in org.ancestors(unit))


def _place_code(unit_id: str, org: Org) -> str | None:
    """The code of the township, village or grid that a unit works in; None for a unit of the county."""
    level, _, code = unit_id.partition(":")
    if level in _PLACES:
        return code
    above = (one.partition(":") for one in org.ancestors(unit_id))
    return next((code for level, _, code in above if level in _PLACES), None)


def _duty_verdict(
    task: Task, place: str, kind: AssignmentKind, assigner: str | None, book: Rulebook, org: Org, on: date
) -> Verdict:
    if not org.duties.lists:
        return _NO_LISTS
    entry = org.duty(task.category, place[:9], on)
    is_first_disposal = kind is _FIRST_DISPOSAL
    if entry is None:
        listed, version, permit = "UNLISTED", None, book.duties.UNLISTED
    else:
        if entry.needs_enforcement and len(place) > 9 and not is_first_disposal:
            return Verdict("ENFORCEMENT_NOT_TO_GRID", "ENFORCEMENT_BELOW_TOWNSHIP", entry.version)
        if not entry.is_capable and kind in _WORKING:
            return Verdict("DUTY_LIST_VIOLATION", "DUTY_WITHOUT_CAPABILITY", entry.version)
        listed, version, permit = str(entry.kind), entry.version, book.duties.permit(entry.kind)
    contains = is_first_disposal and task.urgency in permit.first_disposal_for
    allowed = contains or (kind in permit.permits and not is_first_disposal)
    pushed = assigner is not None and not permit.push_down and not contains
    if allowed and not pushed:
        return Verdict(None, f"DUTY_{listed}", version)
    deployment = org.deployment(task.category, place, on)
    if deployment is not None and deployment.issuing_body in book.duties.deployment_issuers:
        return Verdict(None, f"DUTY_{listed}_DEPLOYED", version, deployment.id)
    return Verdict("DUTY_LIST_VIOLATION", f"DUTY_{listed}", version)


def pushing_unit(actor: Actor, org: Org) -> str | None:
    """The unit that hands work down by its own will; None when the command centre or a rule does."""
    unit = org.unit(actor.unit) if actor.unit is not None else None
    return unit.id if unit is not None and unit.kind in _PUSHERS else None


def refusal(story: Story, code: str, rule: str, target: str | None, message: str) -> Refused:
    """A refusal that counts: its event goes to the burden report, under the unit that asked."""
    unit = story.actor.unit or story.org.command_centre
    event = GuardRefused(code=code, unit=unit, target=target, category=story.case.category, rule=rule)
    return Refused(code, message, event)


def admit(
    story: Story, unit: str, kind: AssignmentKind, *, enforces: bool = False, pushed_by: str | None = None
) -> Verdict:
    """Let a command give the unit a part of its ticket. Raises Refused, with an event for the burden report."""
    assigner = pushed_by or pushing_unit(story.actor, story.org)
    verdict = verdict_on(story, unit, kind, assigner, enforces=enforces)
    if verdict.code is not None:
        raise refusal(story, verdict.code, verdict.rule, unit, f"{unit} may not be given this as {kind}")
    return verdict


def verdict_on(
    story: Story, unit: str, kind: AssignmentKind, assigner: str | None = None, *, enforces: bool = False
) -> Verdict:
    """What the guards say of a unit for a part of this ticket, today."""
    case, org = story.case, story.org
    if not org.duties.lists and case.complained_about is None and not enforces and unit in org.units:
        return _NO_LISTS  # nothing to compare with: the usual case of a county without lists
    on = story.today
    if assigner is not None or enforces or case.complained_about is not None:
        task = Task(case.category, case.urgency, case.complained_about, enforces)
        return judge_unit(task, unit, kind, assigner, story.book, org, on)
    known, asked = org.answers_under(story.book), (unit, kind, case.category, case.urgency, on)
    found = known.get(asked)
    if found is None:
        found = known[asked] = judge_unit(Task(case.category, case.urgency), unit, kind, None, story.book, org, on)
    return found


def check_own_work(story: Story, assignment: Assignment) -> None:
    """Nobody verifies his own work, nor that of his unit. Raises Refused."""
    actor = story.actor
    own = actor.person is not None and actor.person == assignment.handler
    if own or (actor.unit is not None and actor.unit == assignment.unit):
        raise refusal(story, "OWN_WORK", "VERIFIER_IS_NOT_HANDLER", assignment.unit, "nobody verifies his own work")
    if actor.unit is not None and is_conflicted(actor.unit, story.case.complained_about, story.org):
        raise refusal(story, "CONFLICT_OF_INTEREST", "COMPLAINED_ABOUT_OR_BELOW", actor.unit, "the auditor is involved")


def check_new_eyes(story: Story) -> None:
    """What came back so often that a person looks at it is accepted by one who did not do so before. Raises Refused."""
    known, person = story.case.verifiers, story.actor.person
    if not story.case.by_person or not known:
        return
    if person is None:
        raise Refused("PERSON_NEEDED", "this step needs to know who takes it")
    if person in known:
        raise refusal(
            story, "VERIFIED_BEFORE", "ANOTHER_VERIFIER", None, "who accepted this matter before cannot again"
        )


def check_second_person(story: Story, first: str | None) -> str:
    """What needs two persons has two who are known and not the same; the second one. Raises Refused."""
    second = story.actor.person
    if second is None or first is None:
        raise Refused("PERSON_NEEDED", "this step needs to know who takes it")
    if second == first:
        raise refusal(story, "SECOND_PERSON_NEEDED", "TWO_PERSONS", None, "the one who asked cannot approve")
    return second


def count_forward(story: Story, level: PlaceLevel) -> dict[str, int]:
    """The counts after this level passed the work on once more. Raises Refused when it never did anything for it."""
    count = story.case.forwards.get(level, 0) + 1
    most = story.book.joint.max_forwards
    if count > most:
        raise refusal(story, "FORWARD_WITHOUT_ACTION", "FORWARDS_AT_MOST", None,
                      f"{level} passed this on {most} times and did nothing for it")  # fmt: skip
    return {**story.case.forwards, level: count}


def count_action(story: Story, unit: str) -> dict[str, int]:
    """The counts after a unit did something for the matter: its level may pass on again."""
    known = story.org.unit(unit)
    kept = {level: count for level, count in story.case.forwards.items() if known is None or level != known.level}
    return kept if story.case.forwards else story.case.forwards
