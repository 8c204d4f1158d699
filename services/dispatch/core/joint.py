"""Joint handling (联动): who supports a big matter, the plan, the meeting, waivers, what units say of each other."""

from collections.abc import Iterator
from datetime import date
from typing import assert_never

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, end_part, support_due
from services.dispatch.core.case import PartnerScore, PlanPart, TicketState
from services.dispatch.core.guards import admit, verdict_on
from services.dispatch.core.permissions import check_unit
from services.dispatch.core.story import Clock, Refused, Story
from services.dispatch.core.triggers import (
    AddSupport,
    BlowWhistle,
    EvaluatePartner,
    HoldMeeting,
    JointCommand,
    MakePlan,
    ReportIn,
    WaiveSupport,
)
from services.dispatch.core.whistles import blow, report_in
from shared.joint_events import (
    TicketMeetingHeld,
    TicketPartnerEvaluated,
    TicketPlanned,
    TicketSupportWaived,
)
from shared.terms import AssignmentKind, MatterSize, Urgency

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_BIG = MatterSize.BIG
JOINT_KINDS = (AssignmentKind.SUPPORT, AssignmentKind.COORDINATE)
WAIVED_CONFIDENTIAL = "WAIVED_CONFIDENTIAL"
WAIVED_NO_CANDIDATE = "WAIVED_NO_CANDIDATE"
WAIVED_UNSURE = "WAIVED_UNSURE"


def act_jointly(story: Story, command: JointCommand) -> None:
    """Apply a command of joint handling. Raises Refused."""
    if story.case.state is not TicketState.DISPATCHED and not isinstance(command, EvaluatePartner):
        raise Refused("NOT_DISPATCHED", "units act together only on a ticket in hand")
    match command:
        case MakePlan():
            _plan(story, command)
        case HoldMeeting():
            _meet(story, command)
        case AddSupport():
            _add(story, command)
        case WaiveSupport():
            _waive(story, command)
        case BlowWhistle():
            blow(story, command)
        case ReportIn():
            report_in(story, command)
        case EvaluatePartner():
            _evaluate(story, command)
        case _:
            assert_never(command)


def begin(story: Story) -> None:
    """What a matter of several units begins with: its parts, a first disposal where there is danger, a plan, a meeting.

    Takes a case that is big, before its lead is assigned or after.
    """
    if story.case.size is not _BIG:
        return
    _order_first_disposal(story)
    call_supports(story)
    case, owed = story.case, story.case.urgency is Urgency.U3 and not story.case.plan
    if owed and not story.is_running(Clock.PLAN) and any(part.kind in JOINT_KINDS for part in case.parts):
        story.start_once(Clock.PLAN, story.book.joint.plan_within)
    if case.is_complex and not story.is_running(Clock.MEETING):
        story.start_once(Clock.MEETING, story.book.joint.complex_meeting_within)


def _order_first_disposal(story: Story) -> None:
    case = story.case
    place = story.org.place_unit(case.grid, case.village, case.township)
    if case.urgency is not Urgency.U1 or place is None or case.is_contained or case.live_share(place):
        return
    verdict = verdict_on(story, place, AssignmentKind.FIRST_DISPOSAL)
    if verdict.code is None:
        story.why.append(f"FIRST_DISPOSAL_ORDERED unit={place}")
        assign(story, place, AssignmentKind.FIRST_DISPOSAL, case.due_at, verdict)
    else:
        story.why.append(f"CANDIDATE_REFUSED unit={place} code={verdict.code} rule={verdict.rule}")


def call_supports(story: Story) -> None:
    """Give a big matter the parts it lacks, or say by which rule it does without."""
    case = story.case
    if case.size is not MatterSize.BIG or case.waiver is not None or _has_support(story):
        return None
    if case.confidential:
        return _waive_by_rule(story, WAIVED_CONFIDENTIAL)
    if case.confidence is not None and case.confidence < story.book.least_confidence:
        return _waive_by_rule(story, WAIVED_UNSURE)
    on = story.today
    for unit in _candidates(story, on):
        for kind in _kinds_for(story, unit):
            verdict = verdict_on(story, unit, kind)
            if verdict.code is None:
                story.why.append(f"SUPPORT_BY_DUTY unit={unit} kind={kind}")
                assign(story, unit, kind, support_due(story), verdict)
                return None
            story.why.append(f"CANDIDATE_REFUSED unit={unit} kind={kind} code={verdict.code} rule={verdict.rule}")
    return _waive_by_rule(story, WAIVED_NO_CANDIDATE)


def _kinds_for(story: Story, unit: str) -> tuple[AssignmentKind, ...]:
    """Where a county keeps no duty lists a place coordinates, for nobody can say what it owes."""
    is_place = ":" in unit
    return (AssignmentKind.COORDINATE,) if is_place and not story.org.duties.lists else JOINT_KINDS


def _has_support(story: Story) -> bool:
    joint = sum(part.kind in JOINT_KINDS for part in story.case.parts)
    return joint >= story.book.joint.least_supports_of_big


def _candidates(story: Story, on: date) -> Iterator[str]:
    case = story.case
    place = case.grid or case.village or case.township
    if place is None:
        return
    had = {a.unit for a in case.assignments if a.is_live or a.return_asked_at is not None}
    lead = story.org.lead_for(case.category, case.township, on)
    named = (*story.org.support_candidates(case.category, place, on), *((lead.unit,) if lead else ()))
    yield from (one for one in dict.fromkeys(named) if one not in had)


def _waive_by_rule(story: Story, rule: str) -> None:
    story.why.append(rule)
    story.case = replace(story.case, waiver=rule)


def require_support(story: Story) -> None:
    """Raises Refused when a big matter would be left without support and without a waiver."""
    if story.case.size is MatterSize.BIG and story.case.waiver is None and not _has_support(story):
        raise Refused("SUPPORT_NEEDED", "a big matter keeps at least one supporting unit, or gets a waiver first")


def _plan(story: Story, command: MakePlan) -> None:
    """A plan made anew replaces the one before."""
    case = story.case
    check_unit(story, case.lead.unit)
    if case.size is not MatterSize.BIG:
        raise Refused("NOT_BIG", "a joint plan is for a big matter")
    known = {a.unit for a in case.assignments if a.is_live}
    strangers = sorted({part.owner for part in command.parts} - known)
    if strangers:
        raise Refused("OWNER_NOT_INVOLVED", f"owners must have a part in the ticket: {', '.join(strangers)}")
    on_time = story.is_running(Clock.PLAN) or bool(case.plan)
    story.case = replace(case, plan=tuple(PlanPart(p.work, p.owner, p.due_on) for p in command.parts))
    story.stop(Clock.PLAN)
    story.note("PLAN", command.summary)
    story.events.append(TicketPlanned(cycle=case.cycle, parts=len(command.parts), on_time=on_time))


def _meet(story: Story, command: HoldMeeting) -> None:
    on_time = story.is_running(Clock.MEETING) or not story.case.is_complex
    story.stop(Clock.MEETING)
    story.case = replace(story.case, met_at=story.now)
    story.note("MINUTES", command.minutes)
    story.events.append(TicketMeetingHeld(cycle=story.case.cycle, on_time=on_time))


def _add(story: Story, command: AddSupport) -> None:
    case = story.case
    if command.kind is AssignmentKind.LEAD:
        raise Refused("ONE_LEAD", "there is one lead; redispatch gives it to another unit")
    if case.live_share(command.unit) is not None:
        raise Refused("HAS_A_PART", f"{command.unit} has a part already")
    verdict = admit(story, command.unit, command.kind, enforces=command.enforces)
    due_at = support_due(story) if command.kind is AssignmentKind.SUPPORT else case.due_at
    assign(story, command.unit, command.kind, due_at, verdict)


def _waive(story: Story, command: WaiveSupport) -> None:
    if not command.reason.strip():
        raise Refused("REASON_NEEDED", "a waiver needs its reason")
    story.note("WAIVED", command.reason, str(command.assignment_id or ""))
    if command.assignment_id is None:
        story.case = replace(story.case, waiver="COMMAND_CENTRE")
        story.events.append(TicketSupportWaived(cycle=story.case.cycle, reason="COMMAND_CENTRE"))
        return
    part = story.case.assignment(command.assignment_id)
    if part is None or not part.is_open or part.kind is AssignmentKind.LEAD:
        raise Refused("NO_OPEN_PART", "only a part that is still open can be waived")
    end_part(story, part, "COMMAND_CENTRE")
    if not _has_support(story) and story.case.waiver is None:
        story.case = replace(story.case, waiver="COMMAND_CENTRE")


def _evaluate(story: Story, command: EvaluatePartner) -> None:
    case = story.case
    check_unit(story, command.by)
    involved = {a.unit for a in case.assignments} | {w.by for w in case.whistles}
    if command.by == command.unit or not {command.by, command.unit} <= involved:
        raise Refused("NOT_PARTNERS", "two units that worked on this ticket score each other")
    if any((s.by, s.unit) == (command.by, command.unit) for s in case.scores):
        raise Refused("SCORED_BEFORE", f"{command.by} has scored {command.unit} already")
    score = PartnerScore(command.by, command.unit, command.score)
    story.case = replace(case, scores=(*case.scores, score))
    story.events.append(
        TicketPartnerEvaluated(by=command.by, unit=command.unit, score=command.score, cycle=case.cycle)
    )  # fmt: skip
