"""Whistle and report-in (吹哨报到): a township calls departments to the spot, each answers under a clock of its own."""

from uuid import UUID

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, support_due
from services.dispatch.core.case import AssignmentState, Whistle
from services.dispatch.core.guards import admit
from services.dispatch.core.lifecycle import step
from services.dispatch.core.permissions import check_unit
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import window_row
from services.dispatch.core.story import Clock, Refused, Story
from services.dispatch.core.triggers import BlowWhistle, ReportIn
from shared.events import TicketSigned, name_based
from shared.joint_events import TicketReportedIn, TicketReturnRequested, TicketWhistled
from shared.terms import AssignmentKind, MatterSize, ReportAnswer, ReturnReason


def blow(story: Story, command: BlowWhistle) -> None:
    """Call each department; who has no part yet gets one. Raises Refused."""
    if story.case.size is not MatterSize.BIG:
        raise Refused("NOT_BIG", "a whistle is for a big matter; convert it first")
    if len(set(command.units)) != len(command.units):
        raise Refused("CALLED_TWICE", "each unit is called once")
    story.note("WHISTLE", command.basis)
    for unit in command.units:
        _call(story, unit, command)


def _call(story: Story, unit: str, command: BlowWhistle) -> None:
    case = story.case
    if any(w.unit == unit and w.answer is None for w in case.whistles):
        raise Refused("CALLED_TWICE", f"{unit} was called already and has not answered")
    share = case.live_share(unit)
    if share is None:
        verdict = admit(story, unit, AssignmentKind.SUPPORT)
        share = assign(story, unit, AssignmentKind.SUPPORT, support_due(story), verdict)
    whistle_id = UUID(bytes=name_based(b"whistle" + case.ticket_id.bytes + bytes([len(case.whistles) + 1])).bytes)
    limit = story.book.whistles[command.kind].report_in
    report_by = story.deadline(limit)
    by = story.actor.unit or _township(story)
    whistle = Whistle(whistle_id, command.kind, by, unit, share.id, story.now, report_by)
    story.case = replace(story.case, whistles=(*story.case.whistles, whistle))
    story.start(Clock.REPORT_IN, limit, story.now, report_by, str(whistle_id), from_red=True)
    story.events.append(
        TicketWhistled(
            assignment_id=share.id, unit=unit, kind=command.kind, by=by, cycle=case.cycle, report_by=report_by
        )
    )  # fmt: skip


def _township(story: Story) -> str:
    case = story.case
    return story.org.place_unit(None, None, case.township) or story.org.command_centre


def report_in(story: Story, command: ReportIn) -> None:
    """The department comes, or disputes that it must; an emergency is not argued about first. Raises Refused."""
    whistle = next((w for w in story.case.whistles if w.id == command.whistle_id), None)
    if whistle is None:
        raise Refused("NO_SUCH_WHISTLE", "nobody blew that whistle")
    if whistle.answer is ReportAnswer.ACCEPT or not story.is_running(Clock.REPORT_IN, str(whistle.id)):
        raise Refused("ANSWERED_BEFORE", "this whistle is answered")
    check_unit(story, whistle.unit)
    answered = replace(whistle, answer=command.answer, answered_at=story.now)
    whistles = tuple(answered if w.id == whistle.id else w for w in story.case.whistles)
    story.case = replace(story.case, whistles=whistles)
    if command.answer is ReportAnswer.ACCEPT:
        _come(story, whistle)
    else:
        _dispute(story, whistle, command.basis)
    story.events.append(
        TicketReportedIn(
            assignment_id=whistle.assignment_id, unit=whistle.unit, kind=whistle.kind, answer=command.answer,
            on_time=story.now <= whistle.report_by,
        )
    )  # fmt: skip


def _come(story: Story, whistle: Whistle) -> None:
    """Reporting in is receipt."""
    story.stop(Clock.REPORT_IN, subject=str(whistle.id))
    share = story.case.assignment(whistle.assignment_id)
    if share is not None and share.state is AssignmentState.PENDING_SIGN:
        story.put(replace(step(share, AssignmentState.SIGNED, story.now), signed_at=story.now))
        story.stop(Clock.SIGN, subject=str(share.id))
        story.events.append(TicketSigned(assignment_id=share.id, unit=share.unit))


def _dispute(story: Story, whistle: Whistle, basis: str) -> None:
    """Where a dispute stops the clock it is adjudicated like a return; where it does not, the clock runs on."""
    if not basis.strip():
        raise Refused("BASIS_NEEDED", "a dispute needs its basis")
    story.note("WHISTLE_DISPUTED", basis, str(whistle.id))
    if not story.book.whistles[whistle.kind].dispute_stops_clock:
        story.why.append(f"DISPUTE_STOPS_NOTHING kind={whistle.kind}")
        return
    story.stop(Clock.REPORT_IN, subject=str(whistle.id))
    share = story.case.assignment(whistle.assignment_id)
    if share is None or share.kind is AssignmentKind.LEAD or share.state is not AssignmentState.PENDING_SIGN:
        return
    row = window_row(story.case.size, story.case.urgency)
    decide_by = story.start_once(
        Clock.RETURN_DECISION, story.book.timers[TimerName.RETURN_DECISION][row], str(share.id)
    )  # fmt: skip
    asked = replace(
        step(share, AssignmentState.RETURN_REQUESTED, story.now), return_reason=ReturnReason.NOT_OUR_DUTY,
        return_asked_at=story.now, signed_at=story.now,
    )  # fmt: skip
    story.put(asked)
    story.stop(Clock.SIGN, subject=str(share.id))
    story.events.append(
        TicketReturnRequested(
            assignment_id=share.id, unit=share.unit, reason=ReturnReason.NOT_OUR_DUTY, decide_by=decide_by
        )
    )  # fmt: skip
