"""What dispatch knows of a matter and notify must heed: drills, urgency, and that the caller came before."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.core.decide import decide
from services.dispatch.core.opening import open_case
from services.dispatch.core.story import Clock, Decision
from services.dispatch.core.triggers import Contact, Resolve, Sign, TimerDue, Trigger
from services.dispatch.core.views import ticket_view
from services.notify.app import read_templates
from services.notify.core.contacts import AddressBook
from services.notify.core.judgement_rules import AlwaysAsked
from services.notify.core.message import Template
from services.notify.core.plan import plan
from services.notify.core.record import Record, hear
from services.notify.core.render import make_renderer
from services.notify.core.sampling import marks_of
from shared.events import Event, TicketAssigned, TicketAudited, TicketEscalated
from shared.terms import Urgency
from tests.builders import TUESDAY_MORNING, org, rulebook, ticket, triaged
from tests.services.notify.measured import measures
from tests.services.notify.values import MORNING, envelope, rules

BOOK, ORG = rulebook(), org()
RENDERER = make_renderer(read_templates(), rules().zone)


def opened(**changes: Any) -> Decision:
    return open_case(ticket(1), triaged(**changes), BOOK, ORG, TUESDAY_MORNING)


def stated(decision: Decision, kind: type[Event]) -> Any:
    return next(event for event in decision.events if isinstance(event, kind))


def missed_contact(**changes: Any) -> TicketEscalated:
    """Nobody contacted the citizen, and that clock's timers fire until it is escalated."""
    decision = opened(**changes)
    for _ in range(8):
        timer = next(t for t in decision.timers.values() if t is not None and t.clock is Clock.CONTACT)
        due = TimerDue(
            timer.clock, 1, timer.step, timer.fire_at, timer.limit, timer.started_at, timer.due_at, timer.subject
        )
        decision = decide(decision.case, due, BOOK, ORG, timer.fire_at + timedelta(seconds=1))
        if any(isinstance(event, TicketEscalated) for event in decision.events):
            event: TicketEscalated = stated(decision, TicketEscalated)
            return event
    raise AssertionError("the clock never spoke up")


@pytest.mark.parametrize("changes", [{"repeat_of": UUID(int=5)}, {"repeats_30d": 1}])
def test_a_repeat_is_told_to_its_unit_and_its_citizen_is_always_asked(changes: dict[str, Any]) -> None:
    event = stated(opened(**changes), TicketAssigned)
    (message,) = plan(envelope(event), AddressBook(), MORNING)
    assert "主办,重复诉求)" in RENDERER.text(Template.ASSIGNED, message.facts, "zh")
    assert ", repeat)" in RENDERER.text(Template.ASSIGNED, message.facts, "en")
    assert AlwaysAsked.REPEAT in marks_of(hear(Record(), envelope(event)), 1)


def test_a_matter_that_is_new_carries_no_mark() -> None:
    event = stated(opened(), TicketAssigned)
    (message,) = plan(envelope(event), AddressBook(), MORNING)
    assert RENDERER.text(Template.ASSIGNED, message.facts, "zh").startswith(
        f"【派单】工单 {event.ticket_no}(一般,小事,主办)"
    )
    assert AlwaysAsked.REPEAT not in marks_of(hear(Record(), envelope(event)), 1)


def test_an_escalated_drill_says_so_itself_and_reaches_nobody() -> None:
    event = missed_contact(exercise=True)
    assert event.exercise
    (message,) = plan(envelope(event), AddressBook(), MORNING)
    assert message.suppressed == "exercise"
    assert hear(Record(), envelope(event)).exercise


def test_an_escalation_is_as_urgent_as_its_ticket_and_says_so() -> None:
    event = missed_contact(urgency=Urgency.U2)
    assert (event.urgency, event.exercise) == (Urgency.U2, False)
    (message,) = plan(envelope(event), AddressBook(), MORNING)
    assert (message.urgency, message.suppressed) == (Urgency.U2, "")


@pytest.mark.parametrize("vulnerable", [True, False])
def test_somebody_in_difficulty_is_asked_without_drawing_lots(vulnerable: bool) -> None:
    decision = opened(vulnerable=vulnerable)
    lead = decision.case.lead.id
    steps: tuple[Trigger, ...] = (Sign(lead, "w-7"), Contact(lead, "w-7"), Resolve(lead, "REPAIRED", "修好了"))
    for minute, trigger in enumerate(steps, 1):
        decision = decide(decision.case, trigger, BOOK, ORG, TUESDAY_MORNING + timedelta(minutes=10 * minute))
    event = stated(decision, TicketAudited)
    assert (AlwaysAsked.VULNERABLE in marks_of(hear(Record(), envelope(event)), 1)) is vulnerable
    assert AlwaysAsked.VULNERABLE in measures().sampling.always


def test_who_is_in_difficulty_is_told_to_no_unit() -> None:
    decision = opened(vulnerable=True)
    assert "vulnerable" not in str(stated(decision, TicketAssigned))
    assert "vulnerable" not in str(ticket_view(decision.case))
