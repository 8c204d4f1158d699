"""Who leads, who comes next, and giving a unit its part: the assignment, its event and its clocks."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from msgspec.structs import replace

from services.dispatch.core.case import Assignment, AssignmentState, Case
from services.dispatch.core.deadlines import Limit, parse_limit
from services.dispatch.core.duties import LeadBasis
from services.dispatch.core.extent import is_complex_by
from services.dispatch.core.guards import Verdict, verdict_on
from services.dispatch.core.lifecycle import step
from services.dispatch.core.org import Org
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import COMPLEX_ROW, Rulebook, limit_row, window_row
from services.dispatch.core.story import DEEMED, Clock, Story, Timer
from shared.events import TicketAssigned, TicketRedispatched, name_based
from shared.joint_events import TicketRecalled, TicketSupportWaived
from shared.terms import AssignmentId, AssignmentKind, MatterSize, ReturnReason, TicketType, Urgency

_DUTY_REASONS = (ReturnReason.NOT_OUR_DUTY, ReturnReason.TAKEN_BACK_ITEM, ReturnReason.NO_AUTHORITY)
_ADMITTED = Verdict(None, "COMMAND_CENTRE")
# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_LEAD, _SUPPORT, _FIRST_DISPOSAL = AssignmentKind.LEAD, AssignmentKind.SUPPORT, AssignmentKind.FIRST_DISPOSAL
_NORMAL, _PENDING = Urgency.U3, AssignmentState.PENDING_SIGN
_SIGN, _CONTACT, _FIRST_CONTACT = Clock.SIGN, Clock.CONTACT, TimerName.FIRST_CONTACT

Candidate = tuple[str, str]
"""A unit, and the rule that names it with what it saw."""


def choose_lead(story: Story) -> tuple[str, Verdict]:
    """The unit that must lead a new matter; whoever the guards refuse is passed over, and the explanation says so.

    A small matter stays in its grid (`lead_in_place`); any other goes to the department whose statutory duty its
    category is, then to the one whose principal duty; what nobody is named for goes to the closest place, and what
    cannot be trusted or placed, or is owed by too many, to the command centre. A city-management case goes to its
    township first, if that is a basic duty there.
    """
    case, book = story.case, story.book
    if case.confidence is not None and case.confidence < book.least_confidence:
        story.why.append(f"LEAD_COMMAND_CENTRE_UNSURE confidence={case.confidence:.2f}")
        return story.org.command_centre, _ADMITTED
    if case.is_complex and case.extent is not None and is_complex_by(case.extent, book.sizing):
        story.why.append(f"LEAD_COMMAND_CENTRE_COMPLEX count={case.extent.units}")
        return story.org.command_centre, _ADMITTED
    on = story.today
    found = first_admitted(story, _lead_candidates(case, story.org, on), _LEAD, on)
    if found is None:
        story.why.append("LEAD_COMMAND_CENTRE_NOBODY_NAMED")
        return story.org.command_centre, _ADMITTED
    return found


def lead_in_place(story: Story) -> tuple[str, Verdict] | None:
    """The place of a small matter, if the guards let it lead."""
    case = story.case
    place = story.org.place_unit(case.grid, case.village, case.township)
    if place is None:
        return None
    return first_admitted(story, ((place, f"LEAD_SMALL_IN_PLACE unit={place}"),), _LEAD, story.today)


def _lead_candidates(case: Case, org: Org, on: date) -> Iterator[Candidate]:
    place = org.place_unit(case.grid, case.village, case.township)
    found = org.lead_for(case.category, case.township, on)
    if case.case_class is not None and org.duties.lists and (town := org.place_unit(None, None, case.township)):
        yield town, f"LEAD_CITY_CASE unit={town}"
    if found is not None:
        basis = "STATUTORY" if found.basis is LeadBasis.STATUTORY else "PRINCIPAL"
        yield found.unit, f"LEAD_BY_CATEGORY_{basis} category={case.category} unit={found.unit}"
    if place is not None:
        yield place, f"LEAD_BY_PLACE unit={place}"


def first_admitted(
    story: Story, candidates: Iterable[Candidate], kind: AssignmentKind, on: date
) -> tuple[str, Verdict] | None:
    """The first candidate whom the guards let have it, or None; the explanation tells of all that were refused."""
    for named, rule in candidates:
        unit = named
        if not story.org.is_present(named, on):
            unit = story.org.answering(named, on)
            story.why.append(f"UNIT_ABSENT unit={named} answered_by={unit}")
        verdict = verdict_on(story, unit, kind)
        if verdict.code is None:
            story.why.append(rule)
            return unit, verdict
        story.why.append(f"CANDIDATE_REFUSED unit={unit} code={verdict.code} rule={verdict.rule}")
    return None


def next_unit(story: Story, returned: Assignment, reason: ReturnReason) -> tuple[str, Verdict]:
    """Whom a granted return goes to; nobody gets it a second time, and at last the command centre designates."""
    case, org = story.case, story.org
    if case.redispatches >= story.book.max_redispatches:
        story.why.append(f"NEXT_DESIGNATED redispatches={case.redispatches}")
        return org.command_centre, _ADMITTED
    on = story.today
    found = first_admitted(story, _next_candidates(case, org, reason, on), _LEAD, on)
    if found is None:
        story.why.append(f"NEXT_COMMAND_CENTRE reason={reason} unit={returned.unit}")
        return org.command_centre, _ADMITTED
    return found


def _next_candidates(case: Case, org: Org, reason: ReturnReason, on: date) -> Iterator[Candidate]:
    had = {a.unit for a in case.assignments if a.kind is _LEAD}
    lead = org.lead_for(case.category, case.township, on)
    department = None if lead is None else lead.unit
    township = org.place_unit(None, None, case.township)
    wanted = (department, township) if reason in _DUTY_REASONS else (township, department)
    for unit in wanted:
        if unit is not None and unit not in had:
            yield unit, f"NEXT_BY_REASON reason={reason} unit={unit}"


def next_id(case: Case) -> AssignmentId:
    """The id of the next assignment: it follows from the ticket and how many there were."""
    return AssignmentId(name_based(b"assignment" + case.ticket_id.bytes + bytes([len(case.assignments) + 1])))


def assign(
    story: Story, unit: str, kind: AssignmentKind, due_at: datetime, verdict: Verdict = _ADMITTED, *,
    replaces: Assignment | None = None, designated: bool = False,
) -> Assignment:  # fmt: skip
    """Give a unit its part: a new assignment, its event, and its clocks."""
    case, book = story.case, story.book
    row = window_row(case.size, case.urgency)
    new = Assignment(
        id=next_id(case),
        kind=kind, unit=unit, state=_PENDING, previous_state=None, cycle=case.cycle,
        assigned_at=story.now, sign_by=story.deadline(book.sign[row]), due_at=due_at, designated=designated,
        list_version=verdict.list_version, deployment=verdict.deployment,
    )  # fmt: skip
    story.case = replace(case, assignments=(*case.assignments, new))
    state_assigned(story, new, replaces)
    _start_clocks(story, new, row)
    return new


def state_assigned(story: Story, new: Assignment, replaces: Assignment | None = None) -> None:
    """State that a unit has a part, in the place of `replaces` if there was one."""
    case = story.case
    facts = {
        "ticket_no": case.ticket_no, "assignment_id": new.id, "kind": new.kind, "unit": new.unit,
        "ticket_type": case.ticket_type, "category": case.category, "urgency": case.urgency, "size": case.size,
        "township": case.township, "grid": case.grid, "cycle": case.cycle, "accepted_at": case.accepted_at,
        "due_at": new.due_at, "sign_by": new.sign_by, "designated": new.designated, "exercise": case.exercise,
        "repeat": case.repeat, "rules": tuple([reason.partition(" ")[0] for reason in story.why]),
        "rule_pack": case.rule_pack,
    }  # fmt: skip
    if replaces is None:
        story.events.append(TicketAssigned.of_checked(facts))
    else:
        story.events.append(TicketRedispatched.of_checked(facts | {"replaces": replaces.id}))


def _start_clocks(story: Story, new: Assignment, row: str) -> None:
    book, subject, kind = story.book, str(new.id), new.kind
    deemed_at = story.deadline(book.deemed_signed[row])
    sign_limit = str(book.sign[row])
    story.set(Timer(_SIGN, new.cycle, DEEMED, deemed_at, sign_limit, story.now, new.sign_by, subject))
    if kind is _LEAD:
        _start_lead_clocks(story, new, row, subject)
    elif kind is _SUPPORT:
        story.start(Clock.PART, support_limit(story), story.now, new.due_at, subject, from_red=True)
    elif kind is _FIRST_DISPOSAL:
        story.stop_kind(Clock.ARRIVAL)  # the lead need not be there first
        _start_on_site_clocks(story, new, row)


def _start_lead_clocks(story: Story, lead: Assignment, row: str, subject: str) -> None:
    book, case = story.book, story.case
    story.start_once(_CONTACT, book.timers[_FIRST_CONTACT][row], subject)
    if lead.due_at != case.due_at:
        story.start_once(Clock.UNIT, book.limits[_row(story), None], subject, until=lead.due_at)
    if case.urgency is _NORMAL:
        return
    feedback = book.timers[TimerName.FIRST_FEEDBACK].get(row)
    if feedback is not None:
        story.start_once(Clock.FEEDBACK, feedback, subject)
    stage = book.stage_limits.get((_row(story), case.urgency))
    if stage is not None:
        story.start_once(Clock.STAGE, stage, subject)
    if not any(part.kind is _FIRST_DISPOSAL for part in case.parts):
        _start_on_site_clocks(story, lead, row)


def _start_on_site_clocks(story: Story, new: Assignment, row: str) -> None:
    """Somebody must be on the spot, and contain the danger: the unit ordered there first, else the lead."""
    arrival = story.book.timers[TimerName.ARRIVAL].get(row)
    if arrival is not None and not story.case.is_contained:
        due_at = story.deadline(arrival)
        story.start(Clock.ARRIVAL, arrival, story.now, due_at, str(new.id), from_red=True)
    disposal = story.book.timers[TimerName.FIRST_DISPOSAL].get(row)
    if disposal is not None and new.kind is _FIRST_DISPOSAL:
        story.start_once(Clock.FIRST_DISPOSAL, disposal, str(new.id))


def _row(story: Story) -> str:
    case = story.case
    return limit_row(case.ticket_type, case.size, is_complex=case.is_complex)


def support_limit(story: Story) -> Limit:
    """The limit of a support part; an urgent one has that of its ticket."""
    return support_limit_of(story.case, story.book)


def support_limit_of(case: Case, book: Rulebook) -> Limit:
    """The same of a case."""
    if case.urgency is not _NORMAL:
        return parse_limit(case.limit)
    if case.ticket_type is TicketType.REPORT:
        return book.support_limits["REPORT"]
    return book.support_limits[COMPLEX_ROW if case.is_complex else MatterSize.BIG.value]


def support_due(story: Story) -> datetime:
    """By when a support part is due: an urgent one with its lead, any other earlier than that."""
    if story.case.urgency is not _NORMAL:
        return story.case.due_at
    return min(story.case.due_at, story.deadline(support_limit(story)))


def recall(story: Story, assignment: Assignment) -> None:
    """Take an assignment back; it does not count against the unit."""
    story.put(step(assignment, AssignmentState.RECALLED, story.now))
    story.stop_subject(assignment.id)
    story.events.append(
        TicketRecalled(assignment_id=assignment.id, unit=assignment.unit, kind=assignment.kind)
    )  # fmt: skip


def end_part(story: Story, part: Assignment, reason: str) -> None:
    """Do without a part."""
    story.put(step(part, AssignmentState.WAIVED, story.now))
    story.stop_subject(part.id)
    story.why.append(f"PART_WAIVED unit={part.unit} reason={reason}")
    story.events.append(
        TicketSupportWaived(assignment_id=part.id, unit=part.unit, cycle=story.case.cycle, reason=reason)
    )  # fmt: skip
