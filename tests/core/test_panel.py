"""Exclusions: who may ask until when, who may decide, and that nobody sits in judgement over their own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.notify.core.panel import (
    Exclusion,
    ExclusionState,
    PanelRefused,
    Person,
    Step,
    ask,
    check,
    lapse,
    vote,
)
from services.notify.core.record import Cycle, Record
from services.notify.core.sampling import is_drawn, lot_of
from shared.notify_events import ExclusionChecked, ExclusionDecided, ExclusionRequested
from shared.terms import ExclusionReason, FollowUpOutcome, TicketId
from tests.services.notify.measured import measures, workdays
from tests.services.notify.values import MORNING, local, ticket

RULES, DAYS = measures(), workdays()
FROGS = ExclusionReason.BEYOND_GOVERNMENT_DUTY
CLERK = Person("clerk-1", "water")
FIRST, SECOND, THIRD = Person("panel-1", "justice"), Person("panel-2", "planning"), Person("panel-3", "audit")
CHIEF = Person("supervisor-1", "command-centre")
JUDGED = Record(cycles=(Cycle(1, "water", judged_at=MORNING, outcome=FollowUpOutcome.ANSWERED),))
LAST_INSTANT = local("13 00:00")
"""Judged on a Tuesday: two working days are over on Thursday at midnight."""


def request(
    now: datetime = MORNING, by: Person = CLERK, record: Record = JUDGED, evidence: tuple[str, ...] = ("photo-1",),
    n: int = 1,
) -> Step:  # fmt: skip
    return ask(ticket(n), 1, record, by, FROGS, evidence, now, RULES, DAYS)


def asked(n: int = 1) -> Exclusion:
    return request(n=n).exclusion


def granted(n: int = 1) -> Exclusion:
    once = vote(asked(n), FIRST, grant=True, now=MORNING, rules=RULES).exclusion
    return vote(once, SECOND, grant=True, now=MORNING, rules=RULES).exclusion


def sampled(drawn: bool) -> Exclusion:
    seed = f"{RULES.practice.calls.seed}/exclusion/"
    return next(granted(n) for n in range(1, 200) if is_drawn(lot_of(seed, ticket(n)), 0.1) is drawn)


def test_bad_faith_is_found_by_two_of_the_panel_alone_and_can_be_overturned() -> None:
    step = ask(ticket(1), 1, JUDGED, CLERK, ExclusionReason.MALICIOUS_REPEAT, ("calls-1",), MORNING, RULES, DAYS)
    assert isinstance(step.event, ExclusionRequested) and step.event.reason is ExclusionReason.MALICIOUS_REPEAT
    with pytest.raises(PanelRefused) as own:
        vote(step.exclusion, Person("chief-2", "water"), grant=True, now=MORNING, rules=RULES)
    assert own.value.code == "OWN_UNIT"
    once = vote(step.exclusion, FIRST, grant=True, now=MORNING, rules=RULES)
    assert (once.exclusion.state, once.event) == (ExclusionState.ASKED, None), "one word finds nothing"
    twice = vote(once.exclusion, SECOND, grant=True, now=MORNING, rules=RULES)
    assert isinstance(twice.event, ExclusionDecided) and twice.event.granted, "and it is told"
    drawn = replace(twice.exclusion, sampled=True)
    overturned = check(drawn, CHIEF, upheld=False)
    assert overturned.exclusion.state is ExclusionState.OVERTURNED


def test_a_request_states_until_when_it_is_decided() -> None:
    step = request()
    assert step.exclusion.decide_by == local("14 00:00")
    assert step.event == ExclusionRequested(cycle=1, unit="water", reason=FROGS, decide_by=local("14 00:00"))


def test_a_unit_may_ask_until_the_end_of_the_second_working_day() -> None:
    assert request(LAST_INSTANT).exclusion.state is ExclusionState.ASKED
    with pytest.raises(PanelRefused, match="open until") as refused:
        request(LAST_INSTANT + timedelta(microseconds=1))
    assert refused.value.code == "TOO_LATE"


@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        (lambda: request(by=Person("clerk-2", "roads")), "NOT_YOURS"),
        (lambda: request(evidence=()), "EVIDENCE_NEEDED"),
        (lambda: request(record=Record()), "NOT_JUDGED"),
        (lambda: request(record=Record(cycles=(Cycle(1, "water"),))), "NOT_JUDGED"),
        (
            lambda: request(
                record=Record(cycles=(Cycle(1, "water", judged_at=MORNING, outcome=FollowUpOutcome.UNREACHABLE),))
            ),
            "NOT_JUDGED",
        ),
        (lambda: vote(asked(), Person("x", "water"), grant=True, now=MORNING, rules=RULES), "OWN_UNIT"),
        (lambda: vote(asked(), replace(CLERK, unit="justice"), grant=True, now=MORNING, rules=RULES), "SAME_PERSON"),
        (lambda: vote(asked(), FIRST, grant=True, now=local("14 00:01"), rules=RULES), "TOO_LATE"),
        (lambda: vote(granted(), THIRD, grant=True, now=MORNING, rules=RULES), "DECIDED"),
        (lambda: check(asked(), CHIEF, upheld=True), "NOT_SAMPLED"),
        (lambda: check(sampled(False), CHIEF, upheld=True), "NOT_SAMPLED"),
        (lambda: check(sampled(True), FIRST, upheld=True), "SAME_PERSON"),
        (lambda: check(sampled(True), replace(CLERK, unit="justice"), upheld=True), "SAME_PERSON"),
        (lambda: check(sampled(True), Person("x", "water"), upheld=True), "OWN_UNIT"),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_code(attempt: Callable[[], object], code: str) -> None:
    with pytest.raises(PanelRefused) as refused:
        attempt()
    assert refused.value.code == code


def test_one_vote_decides_nothing_and_two_of_two_persons_do() -> None:
    once = vote(asked(), FIRST, grant=True, now=MORNING, rules=RULES)
    assert (once.exclusion.state, once.event) == (ExclusionState.ASKED, None)
    twice = vote(once.exclusion, SECOND, grant=True, now=MORNING, rules=RULES)
    assert twice.exclusion.state is ExclusionState.GRANTED
    assert isinstance(twice.event, ExclusionDecided)
    assert twice.event.granted


def test_the_same_person_twice_is_one_vote() -> None:
    once = vote(asked(), FIRST, grant=True, now=MORNING, rules=RULES).exclusion
    assert vote(once, FIRST, grant=True, now=MORNING, rules=RULES) == Step(once)
    with pytest.raises(PanelRefused, match="once"):
        vote(once, FIRST, grant=False, now=MORNING, rules=RULES)


def test_the_first_no_ends_it() -> None:
    once = vote(asked(), FIRST, grant=True, now=MORNING, rules=RULES).exclusion
    step = vote(once, SECOND, grant=False, now=MORNING, rules=RULES)
    assert step.exclusion.state is ExclusionState.REFUSED
    assert step.event == ExclusionDecided(cycle=1, unit="water", granted=False)


def test_what_nobody_decides_in_time_counts_as_it_was_judged() -> None:
    assert lapse(asked(), asked().decide_by) == Step(asked())
    step = lapse(asked(), asked().decide_by + timedelta(microseconds=1))
    assert step.exclusion.state is ExclusionState.LAPSED
    assert step.event == ExclusionDecided(cycle=1, unit="water", granted=False, lapsed=True)
    assert lapse(granted(), local("30 00:00")) == Step(granted())


def test_one_in_ten_is_looked_at_again() -> None:
    drawn = sum(granted(n).sampled for n in range(1, 1001))
    assert 70 < drawn < 130


@pytest.mark.parametrize(("upheld", "state"), [(True, ExclusionState.UPHELD), (False, ExclusionState.OVERTURNED)])
def test_a_supervisor_looks_once(upheld: bool, state: ExclusionState) -> None:
    step = check(sampled(True), CHIEF, upheld=upheld)
    assert step.exclusion.state is state
    assert step.event == ExclusionChecked(cycle=1, unit="water", upheld=upheld)
    assert check(step.exclusion, CHIEF, upheld=upheld) == Step(step.exclusion)
    with pytest.raises(PanelRefused):
        check(step.exclusion, CHIEF, upheld=not upheld)


def test_the_ticket_of_a_request_stays() -> None:
    assert granted().ticket_id == TicketId(ticket(1))
