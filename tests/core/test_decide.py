"""Decisions on cases: who leads by when, what each command, clock and judgement brings about, and what is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.dispatch.core.case import AssignmentState, Case, TicketState
from services.dispatch.core.decide import decide
from services.dispatch.core.lifecycle import IllegalTransition
from services.dispatch.core.opening import open_case
from services.dispatch.core.story import OVERDUE, Clock, ClockKey, Decision, Refused, Timer
from services.dispatch.core.triggers import CheckIn, Contact, Resolve, Return, Sign, TimerDue, Trigger
from shared.events import (
    TicketAssigned,
    TicketAudited,
    TicketCheckedIn,
    TicketClosed,
    TicketEscalated,
    TicketEvaluated,
    TicketLightChanged,
    TicketRedispatched,
    TicketReopened,
    TicketResolved,
    TicketSigned,
    TicketTriaged,
)
from shared.terms import (
    AssignmentKind,
    Channel,
    CloseReason,
    FollowUpOutcome,
    Light,
    MatterSize,
    PlaceLevel,
    ReturnReason,
    Satisfaction,
    TicketType,
    Urgency,
)
from tests.builders import GRID, TUESDAY_MORNING, org, rulebook, ticket, triaged

BOOK, ORG = rulebook(), org()
GRID_UNIT = f"grid:{GRID}"


def local(text: str) -> datetime:
    """An instant given on Shanghai's clock."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def opened(now: datetime = TUESDAY_MORNING, **changes: Any) -> Decision:
    return open_case(ticket(1), triaged(**changes), BOOK, ORG, now)


def after(decision: Decision, *steps: tuple[datetime, Trigger]) -> Decision:
    """The last of several decisions in a row."""
    for now, trigger in steps:
        decision = decide(decision.case, trigger, BOOK, ORG, now)
    return decision


def kinds(decision: Decision) -> list[type]:
    return [type(event) for event in decision.events]


def minutes(n: int) -> datetime:
    return TUESDAY_MORNING + timedelta(minutes=n)


def worked(decision: Decision, upto: str = "resolve") -> Decision:
    """Signed, contacted and resolved within the hour."""
    lead = decision.case.lead.id
    steps: dict[str, tuple[datetime, Trigger]] = {
        "sign": (minutes(5), Sign(lead, "worker-7")),
        "contact": (minutes(10), Contact(lead, "worker-7")),
        "resolve": (minutes(40), Resolve(lead, "REPAIRED", "路灯已修好")),
    }
    wanted: list[tuple[datetime, Trigger]] = []
    for name, step in steps.items():
        wanted.append(step)
        if name == upto:
            break
    return after(decision, *wanted)


def due(timer: Timer | None) -> TimerDue:
    assert timer is not None
    return TimerDue(
        timer.clock, timer.cycle, timer.step, timer.fire_at, timer.limit, timer.started_at, timer.due_at, timer.subject
    )  # fmt: skip


def of_ticket(decision: Decision, clock: Clock) -> Timer | None:
    """What the decision set of a clock of the ticket as a whole."""
    return decision.timers[ClockKey(clock)]


def of_lead(decision: Decision, clock: Clock) -> Timer | None:
    """What the decision set of a clock of the lead."""
    return decision.timers[ClockKey(clock, str(decision.case.lead.id))]


def word(
    *, cycle: int = 1, solved: bool = True, satisfaction: Satisfaction = Satisfaction.SATISFIED
) -> TicketEvaluated:
    return TicketEvaluated(
        cycle=cycle, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=solved, satisfaction=satisfaction
    )


# ---- opening ----------------------------------------------------------------------------------------------


def test_a_small_matter_goes_to_its_grid_and_is_due_the_same_day() -> None:
    decision = opened()
    (assigned,) = decision.events
    assert isinstance(assigned, TicketAssigned)
    assert (assigned.unit, assigned.size, assigned.due_at) == (GRID_UNIT, MatterSize.SMALL, local("2026-03-11T00:00"))
    assert decision.case.state is TicketState.DISPATCHED
    assert decision.case.lead.state is AssignmentState.PENDING_SIGN


@pytest.mark.parametrize(
    ("changes", "size", "unit", "due_at"),
    [
        ({"category": "180101"}, MatterSize.BIG, "natural-resources", "2026-03-18T00:00"),
        ({"place_level": PlaceLevel.VILLAGE, "grid": None}, MatterSize.BIG, "city-management", "2026-03-18T00:00"),
        ({"urgency": Urgency.U1, "category": "070101"}, MatterSize.BIG, "gas", "2026-03-10T11:15"),
        ({"urgency": Urgency.U2, "category": "050101"}, MatterSize.BIG, "water", "2026-03-11T09:15"),
        ({"ticket_type": TicketType.REPORT, "category": "200101"}, MatterSize.BIG, "market", "2026-04-01T00:00"),
        ({"ticket_type": TicketType.CONSULT, "category": "020101"}, MatterSize.UNSIZED, "human-resources", "2026-03-13T00:00"),
        ({"confidential": True}, MatterSize.BIG, "city-management", "2026-03-18T00:00"),
        ({"confidence": 0.1}, MatterSize.BIG, "command-centre", "2026-03-18T00:00"),
        ({"category": "999999"}, MatterSize.BIG, GRID_UNIT, "2026-03-18T00:00"),
        (
            {"category": "999999", "grid": None, "village": None, "township": None, "place_level": PlaceLevel.COUNTY},
            MatterSize.BIG, "command-centre", "2026-03-18T00:00",
        ),
    ],
)  # fmt: skip
def test_every_matter_has_a_lead_and_a_deadline(
    changes: dict[str, Any], size: MatterSize, unit: str, due_at: str
) -> None:
    case = opened(**changes).case
    assert (case.size, case.lead.unit, case.due_at) == (size, unit, local(due_at))


def test_the_decision_says_which_rules_fired_with_what_they_saw() -> None:
    assert opened().explanation == (
        "SIZE_SMALL_ELIGIBLE category=150101",
        f"LEAD_SMALL_IN_PLACE unit={GRID_UNIT}",
        "DUE_EARLIEST limit=same_day due_at=2026-03-10T16:00:00+00:00",
    )


def test_an_open_ticket_has_a_running_clock_from_the_start() -> None:
    timers = opened().timers
    assert {key.clock for key, timer in timers.items() if timer is not None} == {
        Clock.SIGN, Clock.CONTACT, Clock.RESOLVE,
    }  # fmt: skip


def test_the_same_values_always_decide_the_same() -> None:
    assert opened() == opened()


# ---- handling ---------------------------------------------------------------------------------------------


def test_sign_contact_resolve_leads_to_asking_the_citizen() -> None:
    decision = worked(opened())
    assert kinds(decision) == [TicketResolved, TicketAudited]
    assert decision.case.state is TicketState.FOLLOWING_UP
    assert decision.case.lead.state is AssignmentState.ACCEPTED_RESULT
    assert of_ticket(decision, Clock.RESOLVE) is None
    assert of_ticket(decision, Clock.FOLLOW_UP) is not None


@pytest.mark.parametrize(
    ("at", "on_time"), [("2026-03-11T00:00:00.000000", True), ("2026-03-11T00:00:00.000001", False)]
)
def test_the_deadline_itself_is_on_time_and_a_microsecond_later_is_not(at: str, on_time: bool) -> None:
    decision = worked(opened(), "contact")
    resolved = decide(decision.case, Resolve(decision.case.lead.id, "REPAIRED", "好了"), BOOK, ORG, local(at)).events[0]
    assert isinstance(resolved, TicketResolved)
    assert resolved.on_time is on_time


@pytest.mark.parametrize(("grids", "in_grid"), [(frozenset({GRID}), True), (frozenset[str](), False), (None, None)])
def test_a_check_in_outside_the_grid_is_flagged_not_refused(grids: frozenset[str] | None, in_grid: bool | None) -> None:
    decision = worked(opened(), "sign")
    checked = decide(decision.case, CheckIn(decision.case.lead.id, "worker-7", grids), BOOK, ORG, minutes(20))
    (event,) = checked.events
    assert isinstance(event, TicketCheckedIn)
    assert event.in_grid is in_grid


@pytest.mark.parametrize("channel", [Channel.GRID_PATROL, Channel.SENSOR])
def test_nobody_is_asked_about_a_patrols_own_find(channel: Channel) -> None:
    decision = worked(opened(channel=channel))
    assert kinds(decision) == [TicketResolved, TicketAudited, TicketClosed]
    assert decision.case.close_reason is CloseReason.NO_FOLLOW_UP_DUE


def test_work_cannot_begin_before_it_is_signed_for() -> None:
    decision = opened()
    for command in (Contact(decision.case.lead.id, "w"), Resolve(decision.case.lead.id, "REPAIRED", "好了")):
        with pytest.raises(IllegalTransition):
            decide(decision.case, command, BOOK, ORG, minutes(1))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda case: Sign(ticket(99)), "NO_SUCH_ASSIGNMENT"),  # type: ignore[arg-type]
        (lambda case: Resolve(case.lead.id, " ", "好了"), "RESULT_EMPTY"),
        (lambda case: Resolve(case.lead.id, "REPAIRED", " "), "RESULT_EMPTY"),
        (lambda case: Contact(case.lead.id, "  "), "HANDLER_NEEDED"),
        (lambda case: Return(case.lead.id, ReturnReason.NOT_OUR_DUTY, " "), "BASIS_NEEDED"),
    ],
)
def test_a_command_that_lacks_something_is_refused(command: object, code: str) -> None:
    case = worked(opened(), "sign").case
    with pytest.raises(Refused) as refusal:
        decide(case, command(case), BOOK, ORG, minutes(6))  # type: ignore[operator]
    assert refusal.value.code == code


def test_an_assignment_that_ended_takes_no_more_commands() -> None:
    case = worked(opened()).case
    with pytest.raises(Refused, match="ended"):
        decide(case, Sign(case.lead.id), BOOK, ORG, minutes(50))


# ---- returning --------------------------------------------------------------------------------------------


def returned(case: Case, now: datetime, reason: ReturnReason = ReturnReason.NOT_OUR_DUTY) -> Decision:
    return decide(case, Return(case.lead.id, reason, "清单第3项"), BOOK, ORG, now)


def test_a_returned_ticket_goes_to_the_department_and_the_citizens_deadline_stands() -> None:
    decision = returned(opened().case, minutes(60))
    assert isinstance(decision.events[1], TicketRedispatched)
    assert decision.case.lead.unit == "city-management"
    assert decision.case.due_at == local("2026-03-11T00:00")
    assert sum(a.is_live for a in decision.case.assignments) == 1


def test_a_return_is_open_to_the_end_of_its_window_and_not_beyond() -> None:
    case = opened().case
    assert returned(case, minutes(60)).case.redispatches == 1
    with pytest.raises(Refused) as refusal:
        returned(case, minutes(61))
    assert refusal.value.code == "RETURN_TOO_LATE"


def test_after_two_returns_the_command_centre_designates_and_return_is_impossible() -> None:
    second = returned(returned(opened().case, minutes(10)).case, minutes(20))
    assert second.case.lead.unit == "township:990101001"
    third = returned(second.case, minutes(30))
    assert (third.case.lead.unit, third.case.lead.designated) == ("command-centre", True)
    with pytest.raises(Refused) as refusal:
        returned(third.case, minutes(40))
    assert refusal.value.code == "DESIGNATED"


def test_a_critical_matter_is_contained_before_duty_is_disputed() -> None:
    decision = opened(urgency=Urgency.U1, category="070101")
    with pytest.raises(Refused) as refusal:
        returned(decision.case, minutes(5))
    assert refusal.value.code == "FIRST_DISPOSAL_PENDING"
    lead = decision.case.lead.id
    on_site = after(decision, (minutes(5), Sign(lead)), (minutes(20), CheckIn(lead, "worker-7")))
    assert returned(on_site.case, minutes(70)).case.redispatches == 1


# ---- clocks -----------------------------------------------------------------------------------------------


def ring(decision: Decision, clock: Clock, now: datetime) -> Decision:
    timer = of_lead(decision, clock) if clock is Clock.SIGN else of_ticket(decision, clock)
    return decide(decision.case, due(timer), BOOK, ORG, now)


def test_an_unsigned_assignment_is_deemed_signed_at_twice_the_limit() -> None:
    decision = opened()
    timer = of_lead(decision, Clock.SIGN)
    assert timer is not None
    assert timer.fire_at == minutes(120)
    rung = ring(decision, Clock.SIGN, timer.fire_at + timedelta(microseconds=1))
    (signed,) = rung.events
    assert isinstance(signed, TicketSigned)
    assert signed.deemed


def test_a_signing_clock_that_comes_too_late_says_nothing() -> None:
    decision = opened()
    signed = worked(decision, "sign")
    rung = decide(signed.case, due(of_lead(decision, Clock.SIGN)), BOOK, ORG, minutes(121))
    assert rung.events == ()
    assert rung.timers == {ClockKey(Clock.SIGN, str(signed.case.lead.id)): None}


def climb(decision: Decision, clock: Clock) -> list[tuple[str, datetime]]:
    """Ring a clock at each of its steps until it only reminds; what it said, and when."""
    said: list[tuple[str, datetime]] = []
    timer = of_ticket(decision, clock)
    while timer is not None and timer.step != OVERDUE:
        decision = decide(decision.case, due(timer), BOOK, ORG, timer.fire_at + timedelta(microseconds=1))
        said += [(_name(event), timer.fire_at) for event in decision.events]
        timer = of_ticket(decision, clock)
    return said


def _name(event: object) -> str:
    match event:
        case TicketLightChanged():
            return event.light.value
        case TicketEscalated():
            return f"LEVEL_{event.level}"
        case _:
            return type(event).__name__


def test_a_big_matter_climbs_its_ladder_to_the_minute() -> None:
    decision = opened(accepted_at=local("2026-03-09T10:00"), category="180101", now=local("2026-03-09T10:00"))
    assert climb(decision, Clock.RESOLVE) == [
        ("TicketReminded", local("2026-03-13T08:30")),
        ("YELLOW", local("2026-03-16T08:30")),
        ("RED", local("2026-03-17T00:00")),
        ("LEVEL_1", local("2026-03-17T00:00")),
        ("LEVEL_2", local("2026-03-18T00:00")),
        ("LEVEL_3", local("2026-03-20T00:00")),
    ]


def test_a_small_matter_that_misses_its_day_becomes_big_and_the_breach_is_kept() -> None:
    decision = opened()
    said = climb(decision, Clock.RESOLVE)
    assert said == [
        ("YELLOW", local("2026-03-10T18:00")),
        ("RED", local("2026-03-11T00:00")),
        ("TicketConverted", local("2026-03-11T00:00")),
        ("TicketAssigned", local("2026-03-11T00:00")),  # what is big has support
        ("LEVEL_1", local("2026-03-11T08:30")),
        ("LEVEL_2", local("2026-03-11T12:00")),
    ]
    timer = of_ticket(decision, Clock.RESOLVE)
    assert timer is not None
    red = decide(decision.case, due(timer), BOOK, ORG, local("2026-03-11T00:00:01"))
    assert (red.case.size, red.case.light, red.case.due_at) == (MatterSize.BIG, Light.RED, local("2026-03-18T00:00"))
    assert of_ticket(red, Clock.RESOLVE_BIG) is not None


def test_a_clock_that_was_asleep_says_every_step_it_missed_exactly_once() -> None:
    decision = opened(category="180101")
    rung = ring(decision, Clock.RESOLVE, local("2026-04-10T10:00"))
    assert [_name(e) for e in rung.events] == ["TicketReminded", "YELLOW", "RED", "LEVEL_1", "LEVEL_2", "LEVEL_3"]
    timer = of_ticket(rung, Clock.RESOLVE)
    assert timer is not None
    assert (timer.step, timer.fire_at) == (OVERDUE, local("2026-04-13T08:30"))


def test_an_overdue_clock_speaks_up_every_working_morning() -> None:
    decision = ring(opened(category="180101"), Clock.RESOLVE, local("2026-04-10T10:00"))
    again = ring(decision, Clock.RESOLVE, local("2026-04-13T08:30:01"))
    assert [_name(e) for e in again.events] == ["TicketReminded"]
    timer = of_ticket(again, Clock.RESOLVE)
    assert timer is not None
    assert timer.fire_at == local("2026-04-14T08:30")


def test_a_clock_that_rings_after_the_work_is_done_says_nothing() -> None:
    decision = opened()
    done = worked(decision)
    rung = decide(done.case, due(of_ticket(decision, Clock.RESOLVE)), BOOK, ORG, local("2026-03-12T09:00"))
    assert rung.events == ()


# ---- judgement --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("satisfaction", [Satisfaction.SATISFIED, Satisfaction.BASICALLY])
def test_the_citizens_yes_closes_the_ticket(satisfaction: Satisfaction) -> None:
    decision = decide(worked(opened()).case, word(satisfaction=satisfaction), BOOK, ORG, minutes(90))
    assert decision.case.state is TicketState.CLOSED
    assert decision.case.close_reason is CloseReason.EVALUATED
    assert decision.timers == {ClockKey(Clock.FOLLOW_UP): None}


@pytest.mark.parametrize(
    ("solved", "satisfaction"), [(False, Satisfaction.SATISFIED), (True, Satisfaction.DISSATISFIED)]
)
def test_the_citizens_no_opens_it_again_with_the_same_lead(solved: bool, satisfaction: Satisfaction) -> None:
    done = worked(opened()).case
    decision = decide(done, word(solved=solved, satisfaction=satisfaction), BOOK, ORG, minutes(90))
    assert kinds(decision) == [TicketReopened, TicketAssigned]
    assert (decision.case.cycle, decision.case.lead.unit) == (2, GRID_UNIT)
    assert decision.case.due_at == local("2026-03-11T00:00")


def test_silence_closes_as_unreachable_and_never_as_satisfied() -> None:
    silence = TicketEvaluated(cycle=1, outcome=FollowUpOutcome.UNREACHABLE)
    (closed,) = decide(worked(opened()).case, silence, BOOK, ORG, minutes(90)).events
    assert closed == TicketClosed(reason=CloseReason.UNREACHABLE, cycle=1, solved=None)


def test_a_word_on_a_cycle_that_is_over_changes_nothing() -> None:
    closed = decide(worked(opened()).case, word(), BOOK, ORG, minutes(90)).case
    assert decide(closed, word(solved=False), BOOK, ORG, minutes(95)).case == closed


def reopened(times: int) -> Decision:
    decision = opened()
    for cycle in range(1, times + 1):
        decision = decide(worked(decision).case, word(cycle=cycle, solved=False), BOOK, ORG, minutes(90))
    return decision


def test_the_second_failure_is_led_by_the_command_centre_and_supervised() -> None:
    decision = reopened(2)
    assert (decision.case.lead.unit, decision.case.level) == ("command-centre", 2)
    assert TicketEscalated in kinds(decision)
    assert reopened(3).case.level == 3


# ---- properties -------------------------------------------------------------------------------------------


def every_path(depth: int) -> list[Decision]:
    """Every case that can be reached in so many steps, through every trigger that is not refused."""
    reached, frontier = [], [(opened(), {**opened().timers})]
    for n in range(depth):
        grown = []
        for decision, timers in frontier:
            for trigger, now in _triggers(decision.case, timers, n):
                try:
                    following = decide(decision.case, trigger, BOOK, ORG, now)
                except (Refused, IllegalTransition):
                    continue
                grown.append((following, {**timers, **following.timers}))
        reached += [decision for decision, _ in grown]
        _assert_watched(grown)
        frontier = grown
    return reached


def _triggers(case: Case, timers: dict[ClockKey, Timer | None], n: int) -> Sequence[tuple[Trigger, datetime]]:
    lead, now = case.lead.id, minutes(10 * (n + 1))
    commands: list[tuple[Trigger, datetime]] = [
        (Sign(lead, "w"), now), (Contact(lead, "w"), now), (Resolve(lead, "REPAIRED", "好了"), now),
        (Return(lead, ReturnReason.NOT_OUR_AREA, "依据"), now), (word(cycle=case.cycle), now),
        (word(cycle=case.cycle, solved=False), now),
    ]  # fmt: skip
    clocks = [(due(t), t.fire_at + timedelta(seconds=1)) for t in timers.values() if t is not None]
    return [*commands, *clocks]


def _assert_watched(grown: Sequence[tuple[Decision, dict[ClockKey, Timer | None]]]) -> None:
    for decision, timers in grown:
        running = [clock for clock, timer in timers.items() if timer is not None]
        assert running or decision.case.state is TicketState.CLOSED, decision.explanation


def test_no_open_ticket_is_ever_without_a_clock_and_never_has_two_live_leads() -> None:
    reached = every_path(5)
    assert len(reached) > 500
    for decision in reached:
        live = [a for a in decision.case.assignments if a.is_live and a.kind is AssignmentKind.LEAD]
        assert len(live) == (1 if decision.case.state is TicketState.DISPATCHED else 0)


def test_versions_move_with_the_events_stated() -> None:
    decision = opened()
    assert decision.case.version == len(decision.events) == 1
    assert worked(decision).case.version == 5


def test_a_triaged_matter_seen_twice_changes_nothing() -> None:
    decision = decide(opened().case, TicketTriaged.model_validate(triaged().model_dump()), BOOK, ORG, minutes(5))
    assert decision.events == ()
