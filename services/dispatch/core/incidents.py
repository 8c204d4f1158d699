"""Several tickets about one thing (并单): one is worked on, the others wait for it and are resolved with it.

The two sides tell each other what they must know by triggers of their own; `sequels` says which.
"""

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from services.dispatch.core.assignment import next_id, recall, state_assigned
from services.dispatch.core.auditing import pass_audit
from services.dispatch.core.case import Assignment, AssignmentState, Case, Merge, ParkedClock, TicketState
from services.dispatch.core.deadline_moves import aim_at
from services.dispatch.core.dispatching import dispatch, due_of
from services.dispatch.core.family_words import ChildJoined, ChildLeft, FamilyWord, MainEnded, MainResolved, PutAside
from services.dispatch.core.lifecycle import OPEN_TICKET_STATES, IllegalTransition, move
from services.dispatch.core.pauses import resume
from services.dispatch.core.story import Clock, Refused, Story, Timer
from services.dispatch.core.supervision import supervise
from services.dispatch.core.triggers import Reopen
from shared.joint_events import IncidentDeadlineSet, TicketPutAside, TicketResolvedWith, TicketTakenUp
from shared.terms import AssignmentKind, TakeUpReason, TicketId

ASKED_AGAIN: Final = "诉求人再次反映 / the citizen asked again"
_PAUSED: Final = (TicketState.NEED_INFO, TicketState.HUNG)
MERGEABLE: Final = (TicketState.DISPATCHED, *_PAUSED, TicketState.RESOLVED)
"""From where a ticket that units had can come to wait for another one."""


def wait_from_the_start(story: Story, into: TicketId) -> None:
    """Triage found that it is about what `into` is about: no unit ever hears of it."""
    _wait(story, Merge(into))


def put_aside(story: Story, told: PutAside) -> None:
    """Intake says that it is merged: whoever works on it is recalled, every clock stands still. Raises Refused.

    What waits for the citizen's answer, is put off, or has its result in waits from there, and is taken up there again.
    What was handed in stays handed in.
    """
    case, word = story.case, told.word
    if case.state is TicketState.MERGED and case.merge is not None and not case.merge.is_said:
        story.case = replace(case, merge=Merge(word.into, word.own_follow_up, is_said=True))
        return
    if case.state is TicketState.MERGED:
        raise Refused("MERGED", "it waits for another ticket already")
    if case.state is TicketState.FOLLOWING_UP:
        raise Refused("BEING_ASKED", "its citizen is being asked already, and that word counts")
    if case.state not in MERGEABLE:
        raise Refused("NOT_OPEN", "the ticket is closed")
    shares = tuple(share for share in case.assignments if share.is_open)
    parked = tuple(_parked(timer) for timer in told.running)
    for share in shares:
        recall(story, share)
    story.stop_all()
    stood = (case.state, case.previous_state)
    _wait(story, Merge(word.into, word.own_follow_up, True, shares, parked, *stood))


def _wait(story: Story, merge: Merge) -> None:
    case = story.case
    story.why.append(f"PUT_ASIDE into={merge.into}")
    story.case = replace(move(case, TicketState.MERGED), merge=merge)
    story.events.append(
        TicketPutAside(
            ticket_no=case.ticket_no, into=merge.into, cycle=case.cycle, ticket_type=case.ticket_type,
            category=case.category, urgency=case.urgency, size=case.size, township=case.township, grid=case.grid,
            accepted_at=case.accepted_at, due_at=case.due_at, exercise=case.exercise,
        )
    )  # fmt: skip


def take_up(story: Story, reason: TakeUpReason) -> None:
    """Work on it by itself again: with the same units and clocks as before, or dispatched for the first time.

    No time was given back meanwhile: a limit that passed has passed.
    """
    case = story.case
    if case.merge is None or case.state is not TicketState.MERGED:
        raise Refused("NOT_MERGED", "it waits for no other ticket")
    story.why.append(f"TAKEN_UP reason={reason}")
    story.case = replace(move(case, TicketState.ACCEPTED), merge=None)
    story.events.append(TicketTakenUp(reason=reason, cycle=case.cycle, due_at=case.due_at))
    if not case.was_assigned:
        dispatch(story, due_of(case, story.book))
        return
    story.case = move(story.case, TicketState.DISPATCHED)
    if case.merge.state is not TicketState.DISPATCHED:
        story.case = move(story.case, case.merge.state)
    story.case = replace(story.case, previous_state=case.merge.previous_state)
    anew = {str(share.id): _give_back(story, share) for share in case.merge.shares}
    _rename(story, anew)
    for clock in case.merge.parked:
        subject = anew[clock.subject].id if clock.subject in anew else clock.subject
        story.set(_running(clock, str(subject)))
    if case.merge.supplied_at is not None:
        resume(story, answered=True, at=case.merge.supplied_at)


def hear_supplement(story: Story) -> None:
    """The citizen answered while the ticket waits for another one: its own wait is over from now on."""
    case = story.case
    if case.merge is not None and case.merge.state is TicketState.NEED_INFO and case.merge.supplied_at is None:
        story.case = replace(case, merge=replace(case.merge, supplied_at=story.now))


def _give_back(story: Story, share: Assignment) -> Assignment:
    """The share as it stood, under an id of its own: the former one has ended."""
    anew = replace(share, id=next_id(story.case))
    story.case = replace(story.case, assignments=(*story.case.assignments, anew))
    state_assigned(story, anew)
    return anew


def _rename(story: Story, anew: dict[str, Assignment]) -> None:
    """What the case says of the former shares it now says of those in their place."""
    case = story.case
    whistles = tuple(
        replace(w, assignment_id=anew[str(w.assignment_id)].id) if str(w.assignment_id) in anew else w
        for w in case.whistles
    )
    marks = []
    for mark in case.escalated:
        clock, *rest = mark.split(":")
        renamed = [str(anew[part].id) if part in anew else part for part in rest]
        marks.append(":".join((clock, *renamed)))
    story.case = replace(case, whistles=whistles, escalated=tuple(marks))


def _parked(timer: Timer) -> ParkedClock:
    return ParkedClock(
        timer.clock.value, timer.subject, timer.cycle, timer.step, timer.fire_at, timer.limit, timer.started_at,
        timer.due_at,
    )  # fmt: skip


def _running(clock: ParkedClock, subject: str) -> Timer:
    return Timer(
        Clock(clock.clock), clock.cycle, clock.step, clock.fire_at, clock.limit, clock.started_at, clock.due_at, subject
    )  # fmt: skip


# ---- between the tickets of one incident --------------------------------------------------------------------


def hear_family(story: Story, word: FamilyWord) -> None:
    """What another ticket of the incident means for this one. One that no longer waits has nothing to hear."""
    match word:
        case ChildJoined():
            _child_joined(story, word)
        case ChildLeft():
            _child_left(story, word)
        case MainResolved() if story.case.state is TicketState.MERGED:
            _resolve_with(story, word)
        case MainEnded() if story.case.state is TicketState.MERGED:
            take_up(story, TakeUpReason.MAIN_ENDED)
        case _:
            story.why.append("WAITS_NO_LONGER")


def sequels(before: Case | None, after: Case, heard: FamilyWord | None) -> list[tuple[TicketId, FamilyWord]]:
    """What the ticket that this one waits for, or waited for, must hear; `heard` is what moved it, if that was one."""
    was = before.merge if before and before.state is TicketState.MERGED else None
    now = after.merge if after.state is TicketState.MERGED else None
    if now and now.is_said and not (was and was.is_said):
        return [(now.into, ChildJoined(after.ticket_id, after.due_at, now.own_follow_up))]
    if was and was.is_said and not now and heard is None:
        return [(was.into, ChildLeft(after.due_at))]
    if was and was.is_said and now and was.into != now.into:
        return [
            (was.into, ChildLeft(after.due_at)),
            (now.into, ChildJoined(after.ticket_id, after.due_at, now.own_follow_up)),
        ]
    return []


def word_to_children(before: Case | None, after: Case) -> FamilyWord | None:
    """What those hear that wait for this ticket: nothing until it has ended, solved or not."""
    if after.closed_at is None or (before is not None and before.closed_at is not None):
        return None
    return answer_to_child(after)


def answer_to_child(main: Case) -> FamilyWord | None:
    """What a ticket hears that waits for this one: nothing while it is open."""
    if main.closed_at is None:
        return None
    if main.state is TicketState.CLOSED and main.was_assigned:
        return MainResolved(main.ticket_id, main.lead.unit)
    return MainEnded(main.ticket_id)


def _resolve_with(story: Story, word: MainResolved) -> None:
    """Who led the other one counts as this one's lead, so that a citizen who says no finds the same unit."""
    for share in [share for share in story.case.assignments if share.is_live]:
        recall(story, share)
    case, merge, now = story.case, story.case.merge, story.now
    lead = Assignment(
        id=next_id(case), kind=AssignmentKind.LEAD, unit=word.unit, state=AssignmentState.SUBMITTED,
        previous_state=AssignmentState.HANDLING, cycle=case.cycle, assigned_at=now, sign_by=now, due_at=case.due_at,
        submitted_at=now,
    )  # fmt: skip
    resolved = move(case, TicketState.RESOLVED)
    story.case = replace(resolved, merge=None, paused_at=None, hang=None, assignments=(*case.assignments, lead))
    story.why.append(f"RESOLVED_WITH into={word.main} unit={word.unit}")
    story.events.append(TicketResolvedWith(into=word.main, assignment_id=lead.id, unit=word.unit, cycle=case.cycle))
    pass_audit(story, automatic=True, asks=merge is None or merge.own_follow_up)


def _child_joined(story: Story, word: ChildJoined) -> None:
    """Who asks again about a matter that was closed reopens it; what was closed for good cannot be waited for."""
    case = story.case
    if case.closed_at is not None:
        if not word.own_follow_up:
            _try_reopen(story)
        return
    if case.state in (TicketState.DISPATCHED, *_PAUSED) and word.due_at < case.due_at:
        story.case = replace(case, own_due_at=case.own_due_at or case.due_at)
        _move(story, word.due_at, nearer=True)


def _try_reopen(story: Story) -> None:
    untouched = story.case, len(story.why), len(story.notes)
    try:
        supervise(story, Reopen(ASKED_AGAIN))
    except (Refused, IllegalTransition) as refusal:
        story.case = untouched[0]
        del story.why[untouched[1] :], story.notes[untouched[2] :]
        story.why.append(f"WISH_PASSED_OVER code={getattr(refusal, 'code', 'ILLEGAL_TRANSITION')}")


def _child_left(story: Story, word: ChildLeft) -> None:
    """The deadline goes back to the earliest of those that are left; never nearer than it is."""
    case = story.case
    if case.own_due_at is None or case.state not in OPEN_TICKET_STATES or word.due_at > case.due_at:
        return
    left = min(case.own_due_at, word.earliest or case.own_due_at)
    if left > case.due_at:
        story.case = replace(case, own_due_at=case.own_due_at if left < case.own_due_at else None)
        _move(story, left, nearer=False)


def _move(story: Story, due_at: datetime, *, nearer: bool) -> None:
    aim_at(story, due_at, nearer=nearer)
    story.why.append(f"INCIDENT_DEADLINE due_at={due_at.isoformat()}")
    story.events.append(IncidentDeadlineSet(cycle=story.case.cycle, due_at=due_at))
