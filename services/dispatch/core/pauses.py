"""Time that stands still or is added: asking the citizen once, and putting the deadline off once."""

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from services.dispatch.core.case import Case, Extension, PutOff, StoodStill, TicketState
from services.dispatch.core.deadline_moves import after_pause, move_deadline
from services.dispatch.core.deadlines import (
    Limit,
    UnknownLimit,
    is_within,
    multiplied,
    parse_limit,
    put_off,
)
from services.dispatch.core.lifecycle import move
from services.dispatch.core.permissions import check_unit
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import window_row
from services.dispatch.core.story import RESOLVE_CLOCKS, Clock, Refused, Story
from services.dispatch.core.triggers import (
    AskExtension,
    AskInfo,
    GrantExtension,
    RefuseExtension,
    SupplyInfo,
    TimeCommand,
)
from shared.joint_events import (
    TicketExtended,
    TicketExtensionRefused,
    TicketExtensionRequested,
    TicketInfoRequested,
    TicketInfoSupplied,
)
from shared.terms import MatterSize, Urgency


def change_time(story: Story, command: TimeCommand) -> None:
    """Apply a command about the deadline. Raises Refused."""
    match command:
        case AskInfo():
            _ask_info(story, command)
        case SupplyInfo():
            if story.case.state is not TicketState.NEED_INFO:
                raise Refused("NOTHING_ASKED", "no information is awaited")
            resume(story, answered=True)
        case AskExtension():
            _ask_extension(story, command)
        case GrantExtension():
            _grant_extension(story)
        case RefuseExtension():
            _open_request(story.case)
            story.note("EXTENSION_REFUSED", command.reason)
            refuse_extension(story, expired=False)
        case _:
            assert_never(command)


def _ask_info(story: Story, command: AskInfo) -> None:
    case = story.case
    lead = case.lead
    check_unit(story, lead.unit)
    if case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "information is asked for while a unit handles the matter")
    if case.info_asked_at is not None:
        raise Refused("ASKED_BEFORE", "the citizen is asked for information once")
    if case.urgency is not Urgency.U3:
        raise Refused("TOO_URGENT", "an urgent matter does not wait for information")
    if not is_within(story.now, case.due_at):
        raise Refused("AFTER_EXPIRY", "the deadline has passed")
    story.note("QUESTION", command.question)
    limit = story.book.timers[TimerName.SUPPLEMENT][window_row(case.size, case.urgency)]
    story.stop(*RESOLVE_CLOCKS)
    story.stop(Clock.UNIT, subject=str(lead.id))
    answer_by = story.start_once(Clock.SUPPLEMENT, limit)
    story.case = replace(move(case, TicketState.NEED_INFO), info_asked_at=story.now, paused_at=story.now)
    story.events.append(
        TicketInfoRequested(assignment_id=lead.id, unit=lead.unit, cycle=case.cycle, answer_by=answer_by)
    )  # fmt: skip


def resume(story: Story, *, answered: bool, at: datetime | None = None) -> None:
    """The wait for information is over, since `at` if that is earlier; the deadline moves by what was waited."""
    resumed_at = story.now if at is None else min(at, story.now)
    paused_at = min(story.case.paused_at or story.now, resumed_at)
    story.stop(Clock.SUPPLEMENT)
    stood = StoodStill(paused_at, resumed_at)
    story.case = replace(
        move(story.case, TicketState.DISPATCHED), paused_at=None, moves=(*story.case.moves, stood)
    )  # fmt: skip
    due_at = after_pause(story, paused_at, until=resumed_at)
    story.why.append(f"RESUMED answered={answered} due_at={due_at.isoformat()}")
    move_deadline(story, due_at)
    story.events.append(TicketInfoSupplied(cycle=story.case.cycle, answered=answered, due_at=due_at))


def _ask_extension(story: Story, command: AskExtension) -> None:
    case = story.case
    lead = case.lead
    check_unit(story, lead.unit)
    decision = _check_extension(story)
    limit = _read(command.limit)
    until = _added(story, limit)
    if until > _latest(story):
        raise Refused("EXTENSION_TOO_LONG", f"the deadline cannot be put off beyond {_latest(story).isoformat()}")
    decide_by = min(story.deadline(decision), case.due_at)
    story.note("EXTENSION_ASKED", command.reason)
    story.start_once(Clock.EXTENSION_DECISION, decision, until=decide_by)
    asked = Extension(story.now, until, limit=str(limit))
    story.case = replace(case, extension=asked, extensions=_extensions(case) + 1)
    story.events.append(
        TicketExtensionRequested(
            assignment_id=lead.id, unit=lead.unit, cycle=case.cycle, until=until, decide_by=decide_by
        )
    )  # fmt: skip


def _extensions(case: Case) -> int:
    """How often more time was asked for in this round; a case stored before they were counted has one or none."""
    return 0 if case.extension is None else max(case.extensions, 1)


def _check_extension(story: Story) -> Limit:
    """The limit for the decision. Raises Refused when no extension may be asked for."""
    case = story.case
    if case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "time is asked for while a unit handles the matter")
    if case.size is MatterSize.SMALL:
        raise Refused("CONVERT_INSTEAD", "a small matter is not put off; convert it to a big one on the spot")
    if not is_within(story.now, case.due_at):
        raise Refused("AFTER_EXPIRY", "the deadline has passed")
    if case.extension is not None and (
        case.extension.granted is None or _extensions(case) >= story.book.extension.times
    ):
        raise Refused("EXTENDED_BEFORE", "more time is asked for only so often")
    decision = story.limit_of(TimerName.EXTENSION_DECISION)
    if decision is None:
        raise Refused("TOO_URGENT", "a critical matter is not put off")
    return decision


def _read(spelling: str) -> Limit:
    try:
        return parse_limit(spelling)
    except UnknownLimit as wrong:
        raise Refused("UNKNOWN_LIMIT", str(wrong)) from wrong


def _added(story: Story, limit: Limit) -> datetime:
    """The present deadline and so much more; days count on from the last day within it."""
    return put_off(limit, story.case.due_at, story.book.calendar, story.book.roster)


def _latest(story: Story) -> datetime:
    rules = story.book.extension
    original = multiplied(parse_limit(story.case.limit), rules.limit_times)
    return min(_added(story, original), _added(story, rules.at_most))


def _open_request(case: Case) -> Extension:
    if case.extension is None or case.extension.granted is not None:
        raise Refused("NOTHING_ASKED", "no extension waits for a decision")
    return case.extension


def _grant_extension(story: Story) -> None:
    asked = _open_request(story.case)
    if story.case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "the matter is not in hand")
    story.stop(Clock.EXTENSION_DECISION)
    moves = story.case.moves if asked.limit is None else (*story.case.moves, PutOff(asked.limit))
    story.case = replace(story.case, extension=replace(asked, granted=True), moves=moves)
    move_deadline(story, max(asked.until, story.case.due_at))
    lead = story.case.lead
    story.events.append(
        TicketExtended(assignment_id=lead.id, unit=lead.unit, cycle=story.case.cycle, due_at=story.case.due_at)
    )  # fmt: skip


def refuse_extension(story: Story, *, expired: bool) -> None:
    """The deadline stands: somebody said so, or nobody said anything in time."""
    case = story.case
    story.stop(Clock.EXTENSION_DECISION)
    if case.extension is not None:
        story.case = replace(case, extension=replace(case.extension, granted=False))
    story.events.append(
        TicketExtensionRefused(
            assignment_id=case.lead.id, unit=case.lead.unit, cycle=case.cycle, expired=expired
        )
    )  # fmt: skip
