"""Whatever people and clocks do to a ticket, in any order: the promises hold after every step."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeAlias

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import structs

from services.dispatch.core import triggers as t
from services.dispatch.core.actors import Actor, Role
from services.dispatch.core.case import Assignment, AssignmentState, Case, TicketState
from services.dispatch.core.decide import decide
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.family_words import ChildJoined, ChildLeft, MainEnded, MainResolved
from services.dispatch.core.incidents import MERGEABLE
from services.dispatch.core.lifecycle import (
    ASSIGNMENT_TRANSITIONS,
    FINAL_TICKET_STATES,
    TICKET_TRANSITIONS,
    IllegalTransition,
)
from services.dispatch.core.permissions import ROLES
from services.dispatch.core.story import ArchiveDue, ClockKey, Refused
from services.dispatch.core.triggers import Command, TimerDue, Trigger
from shared.events import TicketEvaluated
from shared.intake_events import TicketNotAccepted, TicketRouted, TicketSplit, TicketTransferred
from shared.terms import (
    AssignmentKind,
    ConversionReason,
    FollowUpOutcome,
    IncidentId,
    LeadId,
    MatterSize,
    NotAcceptedReason,
    ReportAnswer,
    ReturnReason,
    Satisfaction,
    SplitReason,
    TransferTarget,
    Urgency,
    WhistleKind,
)
from tests.builders import ticket
from tests.core.course import BIG, BOOK, GRID_UNIT, ORG, TOWN, VILLAGE, Course, due, entry, local, org_with

TIDY = replace(BOOK, archive=replace(BOOK.archive, after_days=16))
"""A county that puts tickets away as soon as nobody can come back."""
STRICT = replace(
    TIDY, returns=replace(BOOK.returns, auto_grant=False),
    audit=replace(BOOK.audit, automatic_for=frozenset({MatterSize.SMALL})),
)  # fmt: skip
LISTED = org_with(entry("15", DutyKind.BASIC), entry("18", DutyKind.COOPERATE), entry("07", DutyKind.TAKEN_BACK))

Share: TypeAlias = Callable[[Assignment], Command]
Ticket: TypeAlias = Callable[[Case], Command]

ON_SHARES: Sequence[Share] = (
    lambda a: t.Sign(a.id, "w1"), lambda a: t.NameHandler(a.id, "w2"), lambda a: t.Contact(a.id, "w1"),
    lambda a: t.CheckIn(a.id, "w1"), lambda a: t.ReportStage(a.id, "进展"), lambda a: t.ReportFirstDisposal(a.id, "已控"),
    lambda a: t.Resolve(a.id, "DONE", "好了"), lambda a: t.Resolve(a.id, "DONE", "好了"),
    lambda a: t.Return(a.id, ReturnReason.NOT_OUR_DUTY, "依据"), lambda a: t.GrantReturn(a.id, "同意"),
    lambda a: t.GrantReturn(a.id, "同意", "transport"), lambda a: t.RefuseReturn(a.id, "驳回"),
    lambda a: t.Recall(a.id, "误派"), lambda a: t.ConvertSize(a.id, ConversionReason.SEVERAL_UNITS),
    lambda a: t.Assess(a.id, households=2), lambda a: t.Assess(a.id, units=3),
    lambda a: t.SubDispatch(a.id, VILLAGE), lambda a: t.SubDispatch(a.id, GRID_UNIT),
    lambda a: t.WaiveSupport("免办", a.id),
)  # fmt: skip
ON_TICKETS: Sequence[Ticket] = (
    lambda c: t.PassAudit(), lambda c: t.Rework("缺照片"), lambda c: t.Redispatch("transport", "改派"),
    lambda c: t.Designate("city-management", "指定"), lambda c: t.AskInfo("哪里?"), lambda c: t.SupplyInfo(),
    lambda c: t.AskExtension("3 WD", "延期"), lambda c: t.GrantExtension(), lambda c: t.RefuseExtension("不准"),
    lambda c: t.ProposeHang("FUNDS", "housing", "方案", "纪要", 60), lambda c: t.ApproveHang(), lambda c: t.Unhang(),
    lambda c: t.MarkComplex("疑难"), lambda c: t.ConfirmCategory("150101"), lambda c: t.WaiveSupport("免办"),
    lambda c: t.MakePlan((t.PlannedPart("REPAIR", c.lead.unit, date(2026, 3, 20)),), "方案"),
    lambda c: t.HoldMeeting("纪要"), lambda c: t.AddSupport("gas"), lambda c: t.AddSupport(TOWN),
    lambda c: t.BlowWhistle(WhistleKind.EMERGENCY, ("market",), "吹哨"),
    lambda c: t.BlowWhistle(WhistleKind.ENFORCEMENT, ("transport",), "吹哨"),
    lambda c: t.EvaluatePartner(TOWN, c.lead.unit, 3), lambda c: t.Supervise(2, "督办"), lambda c: t.Withdraw(),
    lambda c: t.Reopen("没修好"), lambda c: t.ChangeUrgency(Urgency.U3, "缓"), lambda c: t.Answer("K-1", "周六也办"),
    lambda c: t.ReportCallBack("消防已到场", True), lambda c: t.ReportCallBack("无人到场"),
)  # fmt: skip
SPLIT = TicketSplit(incident_id=IncidentId(ticket(9)), reason=SplitReason.OTHER_MATTER)
DECIDED: Sequence[Trigger] = (
    SPLIT, SPLIT, TicketNotAccepted(ticket_no="1", source="s", reason=NotAcceptedReason.NO_SUBSTANCE),
    TicketTransferred(ticket_no="1", source="s", target=TransferTarget.POLICE_110),
    TicketRouted(lead_id=LeadId(ticket(8))), MainEnded(ticket(9)), MainResolved(ticket(9), "transport"),
)  # fmt: skip
FAMILY: Sequence[Trigger] = (
    ChildJoined(ticket(7), local("2026-03-10T18:00"), True), ChildJoined(ticket(7), local("2026-03-12T00:00"), False),
    ChildLeft(local("2026-03-10T18:00")), ChildLeft(local("2026-03-10T18:00"), local("2026-03-12T00:00")),
    MainEnded(ticket(9)), MainResolved(ticket(9), "transport"),
)  # fmt: skip
PERSONS = ("w1", "w2", "leader-1", "leader-2", None)


def live(case: Case) -> list[Assignment]:
    """The shares that units answer for, by unit: none has two."""
    return sorted((share for share in case.assignments if share.is_live), key=lambda share: share.unit)


class AnyCourse(RuleBasedStateMachine):
    """One ticket; every rule is something somebody does, or time that passes."""

    course: Course

    @initialize(
        category=st.sampled_from(["150101", BIG, "070101", "999999"]), urgency=st.sampled_from(Urgency),
        strict=st.booleans(), listed=st.booleans(), confidence=st.sampled_from([0.9, 0.1]),
        placed=st.booleans(), kind=st.sampled_from(["COMPLAINT", "CONSULT", "REPORT"]),
    )  # fmt: skip
    def open(
        self, category: str, urgency: Urgency, strict: bool, listed: bool, confidence: float, placed: bool, kind: str
    ) -> None:
        place: dict[str, Any] = {} if placed else {"grid": None, "village": None, "place_level": "TOWNSHIP"}
        self.course = Course(
            book=STRICT if strict else TIDY, org=LISTED if listed else ORG, category=category, urgency=urgency,
            confidence=confidence, ticket_type=kind, **place,
        )  # fmt: skip

    def give(self, command: Command, role: Role | None, person: str | None) -> None:
        course = self.course
        by = Actor(role or ROLES[type(command)][0], None, person)
        before, stated = course.case, len(course.stated)
        try:
            course.give(command, by=by)
        except (Refused, IllegalTransition):
            assert (course.case, len(course.stated)) == (before, stated)
            return
        assert len(course.stated) > stated, "what is obeyed is stated, so that the version moves"
        again = decide(before, command, course.book, course.org, course.now, by)
        assert again.case == course.case, "the same values decide the same"

    @rule(data=st.data(), command=st.sampled_from(ON_SHARES), person=st.sampled_from(PERSONS))
    def act_on_a_share(self, data: st.DataObject, command: Share, person: str | None) -> None:
        share = data.draw(st.sampled_from(self.course.case.assignments))
        self.give(command(share), None, person)

    @rule(command=st.sampled_from(ON_TICKETS), person=st.sampled_from(PERSONS))
    def act_on_the_ticket(self, command: Ticket, person: str | None) -> None:
        self.give(command(self.course.case), None, person)

    @rule(person=st.sampled_from(["leader-1", "leader-2"]))
    def hang_it(self, person: str) -> None:
        self.give(t.ProposeHang("FUNDS", "housing", "方案", "纪要", 60), Role.COMMAND_CENTRE, "leader-1")
        self.give(t.ApproveHang(), Role.COMMAND_CENTRE, person)

    @rule(answer=st.sampled_from(ReportAnswer))
    def report_in(self, answer: ReportAnswer) -> None:
        assume(self.course.case.whistles)
        self.give(t.ReportIn(self.course.case.whistles[-1].id, answer, "依据"), None, None)

    @rule()
    def work_and_hand_in_everything(self) -> None:
        for share in [*self.course.case.parts, self.course.case.lead]:
            for command in (t.Sign(share.id, "w1"), t.Contact(share.id, "w1"), t.Resolve(share.id, "DONE", "好了")):
                self.give(command, None, "w1")

    @rule()
    def merging_and_splitting_changes_no_clock(self) -> None:
        course = self.course
        assume(course.case.state in MERGEABLE)
        before, timers = course.case, dict(course.timers)
        course.merge()
        assert (course.case.state, course.timers) == (TicketState.MERGED, {})
        assert not any(share.is_open for share in course.case.assignments)
        course.give(SPLIT)
        after = course.case
        names = {str(was.id): str(now.id) for was, now in zip(live(before), live(after), strict=True)}
        renamed = {ClockKey(k.clock, names.get(k.subject, k.subject)): t for k, t in timers.items()}
        assert course.timers == {key: structs.replace(t, subject=key.subject) for key, t in renamed.items()}
        assert [structs.replace(was, id=now.id) for was, now in zip(live(before), live(after), strict=True)] == live(
            after
        )
        assert (after.state, after.previous_state, after.due_at, after.light, after.level, after.paused_at) == (
            before.state, before.previous_state, before.due_at, before.light, before.level, before.paused_at
        )  # fmt: skip

    @rule(word=st.sampled_from(FAMILY))
    def another_ticket_of_the_incident_speaks(self, word: Trigger) -> None:
        before = self.course.case.due_at
        self.course.give(word)
        assert (
            self.course.case.cycle > 1 or self.course.case.due_at <= before or isinstance(word, ChildLeft | MainEnded)
        )

    @rule(word=st.sampled_from(DECIDED), merge=st.booleans())
    def intake_decides(self, word: Trigger, merge: bool) -> None:
        if merge:
            self.course.merge()
        self.course.give(word)

    @rule(solved=st.booleans())
    def the_citizen_speaks(self, solved: bool) -> None:
        word = TicketEvaluated(
            cycle=self.course.case.cycle, outcome=FollowUpOutcome.ANSWERED, solved=solved,
            satisfaction=Satisfaction.SATISFIED if solved else Satisfaction.DISSATISFIED,
        )  # fmt: skip
        self.course.give(word)

    @rule()
    def hasten(self) -> None:
        before = self.course.case
        timers = dict(self.course.timers)
        self.give(t.Hasten(), None, None)
        assert (self.course.case.due_at, self.course.timers) == (before.due_at, timers)

    @rule(urgency=st.sampled_from([Urgency.U1, Urgency.U2]))
    def raise_urgency(self, urgency: Urgency) -> None:
        assume(urgency < self.course.case.urgency)
        before = self.course.case.due_at
        self.give(t.ChangeUrgency(urgency, "加急"), None, None)
        assert self.course.case.due_at <= before

    @rule()
    def the_archiver_comes_by(self) -> None:
        before = self.course.case
        self.course.give(ArchiveDue())
        if before.closed_at is None:
            assert self.course.case == before, "what is in hand is never put away"

    @rule(hours=st.sampled_from([0.3, 2, 9, 30, 100, 700]))
    def time_passes(self, hours: float) -> None:
        self.course.wait(self.course.now + timedelta(hours=hours))

    @rule(hours=st.sampled_from([5, 40, 400]))
    def clocks_that_slept_ring_in_any_order(self, hours: float) -> None:
        course = self.course
        now = course.now + timedelta(hours=hours)
        ripe = [due(timer) for timer in course.timers.values() if timer.fire_at < now]
        ripe.sort(key=lambda d: (d.fire_at, d.clock, d.subject))
        forward, backward = self._rung(ripe, now), self._rung(ripe[::-1], now)
        assert forward == backward
        course.now = max(course.now, now)
        for timer in ripe:
            course.give(timer)

    def _rung(self, timers: Sequence[TimerDue], now: Any) -> tuple[Case, Counter[str]]:
        case, stated = self.course.case, Counter[str]()
        for timer in timers:
            decision = decide(case, timer, self.course.book, self.course.org, now)
            case = decision.case
            stated.update(event.model_dump_json(exclude={"rules"}) for event in decision.events)
        return structs.replace(case, escalated=tuple(sorted(case.escalated))), stated

    @invariant()
    def every_step_was_legal(self) -> None:
        case = self.course.case
        assert (case.previous_state, case.state) in TICKET_TRANSITIONS
        for share in case.assignments:
            assert (share.previous_state, share.state) in ASSIGNMENT_TRANSITIONS
            assert share.state is not AssignmentState.HANDLING or share.handler

    @invariant()
    def there_is_exactly_one_live_lead_while_it_is_in_hand(self) -> None:
        case = self.course.case
        leads = sum(a.is_live and a.kind is AssignmentKind.LEAD for a in case.assignments)
        if case.state is TicketState.MERGED:
            assert leads <= 1, "only what was handed in before"
        else:
            assert leads == (1 if case.state in MERGEABLE else 0)

    @invariant()
    def an_open_ticket_has_a_clock_and_a_closed_one_has_none_but_to_ask_whether_help_came(self) -> None:
        case = self.course.case
        runs = case.state not in FINAL_TICKET_STATES and case.state is not TicketState.MERGED
        if case.state is TicketState.TRANSFERRED:
            assert (case.call_back is not None) is (case.urgency is Urgency.U1 and case.was_assigned)
            asked = case.call_back is not None and case.call_back.helped_at is None
            assert [*case.clocks] == (["CALL_BACK"] if asked else [])
        else:
            assert bool(case.clocks) is runs
        assert case.clocks == {key.text: timer.fire_at for key, timer in self.course.timers.items()}
        assert (case.closed_at is None) is (case.state not in FINAL_TICKET_STATES)

    @invariant()
    def a_big_matter_in_hand_has_support_or_a_waiver(self) -> None:
        case = self.course.case
        if case.size is MatterSize.BIG and case.state is TicketState.DISPATCHED:
            joint = (AssignmentKind.SUPPORT, AssignmentKind.COORDINATE)
            assert case.waiver or any(part.kind in joint for part in case.parts)

    @invariant()
    def no_unit_has_two_live_shares(self) -> None:
        live = [a.unit for a in self.course.case.assignments if a.is_live]
        assert len(live) == len(set(live))

    @invariant()
    def what_the_core_states_unchecked_is_what_a_reader_makes_of_it(self) -> None:
        for event in self.course.stated[-4:]:
            written = event.model_dump_json()
            read = type(event).model_validate_json(written)
            assert (read, read.model_dump_json()) == (event, written)

    @invariant()
    def the_version_is_the_number_of_events(self) -> None:
        assert self.course.case.version == len(self.course.stated)


AnyCourse.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
TestAnyCourse = AnyCourse.TestCase
