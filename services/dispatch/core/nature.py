"""What a matter turns out to be: big after all, complex, more or less urgent, of another category."""

from typing import assert_never

from msgspec.structs import replace

from services.dispatch.core.actors import Role
from services.dispatch.core.assignment import assign, lead_in_place, recall
from services.dispatch.core.case import Assignment, Case, TicketState
from services.dispatch.core.deadline_moves import CONVERTED, move_deadline
from services.dispatch.core.deadlines import earliest, is_within
from services.dispatch.core.dispatching import limits_of
from services.dispatch.core.extent import Extent, beyond_small, is_complex_by
from services.dispatch.core.handling import live_share
from services.dispatch.core.joint import begin
from services.dispatch.core.leading import lead_of
from services.dispatch.core.lifecycle import OPEN_TICKET_STATES
from services.dispatch.core.rulebook import COMPLEX_ROW, limit_row
from services.dispatch.core.size_review import make_small
from services.dispatch.core.sizing import Sized, case_class_of, is_about_its_place, size_of
from services.dispatch.core.story import Clock, Refused, Story
from services.dispatch.core.triggers import (
    Assess,
    ChangeUrgency,
    ConfirmCategory,
    ConvertSize,
    MarkComplex,
    NatureCommand,
)
from shared.events import TicketConverted
from shared.joint_events import (
    TicketAssessed,
    TicketCategoryConfirmed,
    TicketFoundBig,
    TicketFoundComplex,
    TicketUrgencyChanged,
)
from shared.terms import ComplexMark, ConversionReason, MatterSize, PlaceLevel, Urgency


def redefine(story: Story, command: NatureCommand) -> None:
    """Apply a command about what the matter is. Raises Refused."""
    match command:
        case ConvertSize():
            _convert_on_site(story, command)
        case Assess():
            _assess(story, command)
        case MarkComplex():
            story.note("COMPLEX", command.reason)
            mark_complex(story, command.mark)
        case ChangeUrgency():
            _change_urgency(story, command)
        case ConfirmCategory():
            _confirm_category(story, command)
        case _:
            assert_never(command)


def _convert_on_site(story: Story, command: ConvertSize) -> None:
    share = live_share(story, command.assignment_id)
    if story.case.state is not TicketState.DISPATCHED or story.case.size is not MatterSize.SMALL:
        raise Refused("NOT_SMALL", "only a small matter in hand can be converted")
    _find_big(story, share, command.reason)


def _assess(story: Story, command: Assess) -> None:
    """Figures found on the spot make a small matter big, and a big one complex; they never make anything less."""
    share = live_share(story, command.assignment_id)
    case, rules = story.case, story.book.sizing
    if case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "what is found on the spot is told while the matter is in hand")
    found = Extent(
        command.units, command.grids, command.households, command.people, command.money_yuan, command.effort_minutes
    )  # fmt: skip
    if found == Extent() and not command.marks:
        raise Refused("NOTHING_ASSESSED", "some figure or mark is needed")
    for mark in command.marks:
        _check_mark(story, mark)
    extent = found.beside(case.extent)
    story.case = replace(case, extent=extent)
    story.events.append(
        TicketAssessed(
            assignment_id=share.id, unit=share.unit, cycle=case.cycle, involved_units=found.units,
            involved_grids=found.grids, households=found.households, people=found.people, money_yuan=found.money_yuan,
            effort_minutes=found.effort_minutes, marks=command.marks,
        )
    )  # fmt: skip
    beyond = beyond_small(extent, rules)
    is_complex = bool(command.marks) or is_complex_by(extent, rules)
    if case.size is MatterSize.SMALL and (beyond or is_complex):
        story.why += [beyond] if beyond else []
        several = extent.units >= rules.units_from
        _find_big(story, share, ConversionReason.SEVERAL_UNITS if several else ConversionReason.BEYOND_A_DAY)
    if is_complex and story.case.size is MatterSize.BIG and not story.case.is_complex:
        mark_complex(story, command.marks[0] if command.marks else None)
    elif story.case.size is case.size:
        story.why.append("ASSESSED")


def _check_mark(story: Story, mark: ComplexMark) -> None:
    if mark not in story.book.sizing.complex_marks:
        raise Refused("NO_SUCH_MARK", f"marks are {', '.join(story.book.sizing.complex_marks)}")


def _find_big(story: Story, share: Assignment, reason: ConversionReason) -> None:
    """Before its day is over: no breach, the limit of a big one from acceptance."""
    case = story.case
    limit = story.book.limits[MatterSize.BIG.value, None]
    due_at = max(case.due_at, story.deadline(limit, case.started_at))
    story.case = replace(case, size=MatterSize.BIG)
    move_deadline(story, due_at, limit)
    story.why.append(f"CONVERTED_ON_SITE reason={reason} limit={limit} due_at={due_at.isoformat()}")
    if case.township is not None:
        story.why.append(f"WHISTLE_OFFERED unit=township:{case.township}")
    story.events.append(
        TicketFoundBig(
            assignment_id=share.id, unit=share.unit, cycle=case.cycle, reason=reason, due_at=due_at
        )
    )  # fmt: skip
    begin(story)


def convert_at_breach(story: Story) -> None:
    """A small matter that missed its day becomes big: the limit of a big one from acceptance, the breach is kept."""
    case, book = story.case, story.book
    limit = book.limits[MatterSize.BIG.value, None]
    due_at = story.deadline(limit, case.started_at)
    lead = replace(case.lead, due_at=due_at)
    story.why.append(f"CONVERTED_AT_BREACH limit={limit} due_at={due_at.isoformat()}")
    story.case = replace(
        case, size=MatterSize.BIG, limit=str(limit), due_at=due_at, escalated=(*case.escalated, CONVERTED)
    ).with_assignment(lead)
    story.start(Clock.RESOLVE_BIG, limit, case.started_at, due_at)
    story.events.append(TicketConverted(assignment_id=lead.id, unit=lead.unit, cycle=case.cycle, due_at=due_at))
    begin(story)


def mark_complex(story: Story, mark: ComplexMark | None) -> None:
    """The limit of a complex matter, from the start of this round; never an earlier deadline. Raises Refused.

    `mark` None: so many units owe it.
    """
    case = story.case
    if mark is not None:
        _check_mark(story, mark)
    if case.state is not TicketState.DISPATCHED or case.size is not MatterSize.BIG:
        raise Refused("NOT_BIG", "only a big matter in hand can be complex")
    if case.is_complex:
        raise Refused("COMPLEX_BEFORE", "it is marked already")
    story.why.append(f"FOUND_COMPLEX mark={mark or 'UNITS'}")
    story.case = replace(case, is_complex=True)
    limit = story.book.limits[COMPLEX_ROW, None]
    due_at = max(case.due_at, story.deadline(limit, case.started_at))
    if is_within(story.now, case.due_at):
        move_deadline(story, due_at, limit)
    story.start_once(Clock.MEETING, story.book.joint.complex_meeting_within)
    story.events.append(TicketFoundComplex(cycle=case.cycle, due_at=story.case.due_at))


def _change_urgency(story: Story, command: ChangeUrgency) -> None:
    case = story.case
    if case.state not in OPEN_TICKET_STATES:
        raise Refused("NOT_OPEN", "the ticket is closed")
    if command.urgency is case.urgency:
        raise Refused("SAME_URGENCY", f"it is {case.urgency} already")
    lower = command.urgency > case.urgency  # U3 is the least
    if lower and command.urgency > case.least_urgency and story.actor.role is not Role.COMMAND_CENTRE:
        raise Refused("URGENCY_FLOOR", f"below {case.least_urgency} only the command centre may go, with a reason")
    story.note("URGENCY", command.reason)
    story.case = replace(case, urgency=command.urgency)
    if not lower:
        _hurry(story)
    story.events.append(
        TicketUrgencyChanged(
            urgency=command.urgency, previous=case.urgency, cycle=case.cycle, due_at=story.case.due_at
        )
    )  # fmt: skip


def _hurry(story: Story) -> None:
    """A raised urgency shortens the deadline, counted from now, and never lengthens it; what is critical is big."""
    case, book = story.case, story.book
    if case.urgency is Urgency.U1 and (case.size is MatterSize.SMALL or case.case_class is not None):
        story.case = case = replace(case, size=MatterSize.BIG, case_class=None)
        story.why.append("SIZE_BIG_CRITICAL")
    row = limit_row(case.ticket_type, case.size, is_complex=case.is_complex)
    limit = book.limits.get((row, case.urgency))
    if limit is not None and case.state is TicketState.DISPATCHED:
        due_at = story.deadline(limit)
        if due_at < case.due_at:
            move_deadline(story, due_at, limit)
        begin(story)


def _confirm_category(story: Story, command: ConfirmCategory) -> None:
    """Both choices are kept; when the command centre had the matter to look at, it now goes where it belongs."""
    case = story.case
    if case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "the category is confirmed while the matter is in hand")
    if case.auto_category is not None:
        raise Refused("CONFIRMED_BEFORE", "a person has chosen the category")
    if command.small:
        make_small(story)
        case = story.case
    story.stop(Clock.CATEGORY, Clock.SIZE)
    unsure = case.confidence is not None and case.confidence < story.book.least_confidence
    story.case = replace(case, category=command.category, auto_category=case.category, confidence=None)
    story.why.append(f"CATEGORY_CONFIRMED human={command.category} machine={case.category}")
    story.events.append(
        TicketCategoryConfirmed(
            category=command.category, auto_category=case.category, confidence=case.confidence,
            size=MatterSize.SMALL if command.small else None,
        )
    )  # fmt: skip
    if unsure and case.lead.unit == story.org.command_centre and not case.lead.designated:
        _send_where_it_belongs(story)


def _send_where_it_belongs(story: Story) -> None:
    former = story.case.lead
    story.case = replace(story.case, waiver=None)
    _size_again(story)
    chosen = lead_in_place(story) if story.case.size is MatterSize.SMALL else None
    unit, verdict = chosen or lead_of(story)
    if unit != former.unit:
        recall(story, former)
        assign(story, unit, former.kind, story.case.due_at, verdict, replaces=former)
    begin(story)


def _size_again(story: Story) -> None:
    """The size by the new category, if its deadline can still be kept; what was decided stands otherwise."""
    case, book = story.case, story.book
    matter = _sizable(case)
    found = case_class_of(matter, case.channel, book)
    if found is not None:
        size, rule = MatterSize.UNSIZED, f"SIZE_CITY_CASE case_class={found.code}"
    else:
        size, rule = size_of(matter, book)
    if size is MatterSize.SMALL and (case.repeat or case.extent or is_about_its_place(case.complained_about)):
        return  # whoever says it, of whom, and how far it reaches, is known already
    sized = replace(case, size=size, case_class=None if found is None else found.code)
    due = earliest(limits_of(sized, book), case.started_at, book.calendar, book.roster)
    if size is not case.size and is_within(story.now, due.at):
        story.why.append(rule)
        story.case = sized
        move_deadline(story, due.at, due.limit)


def _sizable(case: Case) -> Sized:
    """What the matter is, now that a person is sure of it."""
    level = PlaceLevel.GRID if case.grid else PlaceLevel.COUNTY
    return Sized(case.ticket_type, case.category, case.urgency, case.confidential, level, 1.0)
