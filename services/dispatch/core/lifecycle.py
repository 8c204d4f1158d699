"""The two state machines, each as one published table: no state moves but through here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from services.dispatch.core.actors import Role
from services.dispatch.core.case import Assignment, AssignmentState, Case, TicketState

Owner = Literal["intake", "dispatch"]


class StateNames(NamedTuple):
    """A state as people read it; `public` is what the citizen sees."""

    zh: str
    en: str
    public: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: from any of `before` to `after` by `trigger`, by whom, under which guards, and what it does to timers.

    `owner` is the part of the product that takes the step; steps of others stand here to be read.
    """

    row: str
    before: tuple[TicketState | AssignmentState | None, ...]
    after: TicketState | AssignmentState
    trigger: str
    zh: str
    en: str
    roles: tuple[Role, ...]
    guards: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    owner: Owner = "dispatch"


T, A, R = TicketState, AssignmentState, Role

TICKET_STATES: Final[dict[TicketState, StateNames]] = {
    T.REGISTERED: StateNames("已登记", "Registered", "已受理"),
    T.NEED_INFO: StateNames("待补充", "Information awaited", "办理中"),
    T.ACCEPTED: StateNames("已受理(待派)", "Accepted", "已受理"),
    T.DISPATCHED: StateNames("已派单(办理中)", "Dispatched", "办理中"),
    T.HUNG: StateNames("挂账", "Hung", "办理中"),
    T.RESOLVED: StateNames("已办结(待审核)", "Resolved", "已办结"),
    T.FOLLOWING_UP: StateNames("待回访", "Following up", "待评价"),
    T.CLOSED: StateNames("已结案", "Closed", "已结案"),
    T.ANSWERED: StateNames("直接答复办结", "Answered directly", "已结案"),
    T.NOT_ACCEPTED: StateNames("不予受理", "Not accepted", "未受理"),
    T.TRANSFERRED: StateNames("已转外部", "Transferred", "已转办"),
    T.ROUTED: StateNames("已专线移送", "Routed apart", "已转办"),
    T.MERGED: StateNames("已并单", "Merged", "办理中"),
    T.WITHDRAWN: StateNames("诉求人撤回", "Withdrawn", "已结案"),
    T.ARCHIVED: StateNames("已归档", "Archived", "已结案"),
}

ASSIGNMENT_STATES: Final[dict[AssignmentState, StateNames]] = {
    A.PENDING_SIGN: StateNames("待签收", "To be signed"),
    A.SIGNED: StateNames("已签收", "Signed"),
    A.HANDLING: StateNames("办理中", "Being handled"),
    A.SUBMITTED: StateNames("已反馈", "Submitted"),
    A.REWORK: StateNames("退回重办", "Sent back"),
    A.RETURN_REQUESTED: StateNames("申请退单", "Return asked"),
    A.ACCEPTED_RESULT: StateNames("审核通过", "Result accepted"),
    A.RETURNED: StateNames("退单", "Returned"),
    A.RECALLED: StateNames("收回", "Recalled"),
    A.WAIVED: StateNames("免办", "Waived"),
}

FINAL_TICKET_STATES: Final = frozenset(
    (T.CLOSED, T.ANSWERED, T.NOT_ACCEPTED, T.TRANSFERRED, T.ROUTED, T.WITHDRAWN, T.ARCHIVED)
)
"""A merged ticket is none of these: it ends with the one it waits for, or is worked on by itself again."""
FINAL_ASSIGNMENT_STATES: Final = frozenset((A.ACCEPTED_RESULT, A.RETURNED, A.RECALLED, A.WAIVED))
PUBLIC_STATES: Final = {state: names.public for state, names in TICKET_STATES.items()}
OPEN_TICKET_STATES: Final = (T.NEED_INFO, T.DISPATCHED, T.HUNG, T.RESOLVED, T.FOLLOWING_UP)
"""In hand. ACCEPTED is none of them: a decision that comes to it goes on from it, so no ticket ever stands there."""
UNFINISHED: Final = (*OPEN_TICKET_STATES, T.MERGED)
"""In hand, or waiting for another ticket that is."""
ACTIVE: Final = (A.PENDING_SIGN, A.SIGNED, A.HANDLING)

TICKET_ROWS: Final = (
    Transition("1", (None,), T.REGISTERED, "ticket.received", "登记", "register",
               (R.HOTLINE_AGENT, R.CITIZEN, R.GRID_WORKER, R.SYSTEM), ("IDEMPOTENT", "ORIGINAL_WORDS_KEPT"), ("T01",),
               owner="intake"),
    Transition("2", (None,), T.ACCEPTED, "ticket.triaged", "受理", "accept", (R.HOTLINE_AGENT, R.SYSTEM),
               ("TYPE_CATEGORY_PLACE_SET",), ("T02", "T07"), ("T01",)),
    Transition("2", (T.REGISTERED,), T.ACCEPTED, "ticket.triaged", "受理", "accept", (R.HOTLINE_AGENT, R.SYSTEM),
               ("TYPE_CATEGORY_PLACE_SET",), ("T02", "T07"), ("T01",), owner="intake"),
    Transition("3", (T.REGISTERED,), T.NOT_ACCEPTED, "ticket.not-accepted", "不予受理", "refuse",
               (R.HOTLINE_AGENT, R.SYSTEM), ("REASON_AND_BASIS", "SECOND_PERSON_FOR_URGENT_WORDS"), (), ("T01",),
               owner="intake"),
    Transition("3", UNFINISHED, T.NOT_ACCEPTED, "ticket.not-accepted", "不予受理", "refuse",
               (R.HOTLINE_AGENT, R.SYSTEM), ("REASON_AND_BASIS", "SECOND_PERSON_FOR_URGENT_WORDS"), (), ("*",)),
    Transition("4", (T.ACCEPTED,), T.ANSWERED, "ticket.answered", "直接答复", "answer at the door",
               (R.HOTLINE_AGENT,), ("CONSULT_OR_RECORD_ONLY", "NOT_URGENT", "KNOWLEDGE_NAMED"), (),
               ("T01", "T02", "T07")),
    Transition("4", (T.DISPATCHED,), T.ANSWERED, "ticket.answered", "直接答复", "answer", (R.HOTLINE_AGENT,),
               ("CONSULT_OR_RECORD_ONLY", "NOT_URGENT", "KNOWLEDGE_NAMED", "NOBODY_HAS_BEGUN"), (), ("*",)),
    Transition("5", (T.REGISTERED,), T.TRANSFERRED, "ticket.transferred", "转外部", "transfer",
               (R.HOTLINE_AGENT, R.COMMAND_CENTRE), ("OTHER_ROUTE",), (), ("*",), owner="intake"),
    Transition("5", UNFINISHED, T.TRANSFERRED, "ticket.transferred", "转外部", "transfer",
               (R.HOTLINE_AGENT, R.COMMAND_CENTRE), ("OTHER_ROUTE",), ("T06",), ("*",)),
    Transition("5", (T.TRANSFERRED,), T.TRANSFERRED, "ticket.called-back", "回访核实", "find out whether help came",
               (R.HOTLINE_AGENT, R.DISPATCHER, R.COMMAND_CENTRE), ("CALL_BACK_ASKED", "HELP_CAME"), (), ("T06",)),
    Transition("6", (T.REGISTERED,), T.ROUTED, "ticket.routed", "专线移送", "route", (R.HOTLINE_AGENT,),
               ("LEAD_KIND_SET",), ("T18",), ("*",), owner="intake"),
    Transition("6", UNFINISHED, T.ROUTED, "ticket.routed", "专线移送", "route", (R.HOTLINE_AGENT,),
               ("LEAD_KIND_SET",), (), ("*",)),
    Transition("7", (T.DISPATCHED,), T.NEED_INFO, "ticket.info-requested", "要求补充", "ask for information",
               (R.HANDLER, R.LIAISON, R.HOTLINE_AGENT), ("ONCE", "NOT_URGENT", "BEFORE_EXPIRY"), ("T14",), ("T07",)),
    Transition("7", (T.NEED_INFO,), T.DISPATCHED, "ticket.info-supplied", "补充", "supply information",
               (R.CITIZEN, R.HOTLINE_AGENT, R.SYSTEM), (), ("T07",), ("T14",)),
    Transition("8", (T.ACCEPTED, T.DISPATCHED, T.NEED_INFO, T.HUNG, T.RESOLVED), T.MERGED, "ticket.merged", "并单",
               "merge", (R.SYSTEM, R.DISPATCHER), ("NOT_CONFIDENTIAL", "INCIDENT_OPEN"), (), ("*",)),
    Transition("9", (T.MERGED,), T.ACCEPTED, "ticket.split", "拆单", "split", (R.DISPATCHER, R.SYSTEM), ("REASON",),
               ("*",)),
    Transition("10", (T.ACCEPTED,), T.DISPATCHED, "ticket.assigned", "派单", "dispatch", (R.SYSTEM, R.DISPATCHER),
               ("DUTY_LIST", "CONFLICT_OF_INTEREST", "UNIT_PRESENT", "ONE_LEAD", "BIG_NEEDS_SUPPORT"),
               ("T03", "T04", "T05", "T06", "T08"), ("T02",)),
    Transition("11", (T.DISPATCHED,), T.DISPATCHED, "ticket.redispatched", "二次派单/指定承办", "redispatch, designate",
               (R.DISPATCHER, R.COMMAND_CENTRE, R.SYSTEM), ("AT_MOST_TWICE", "DUTY_LIST", "CONFLICT_OF_INTEREST")),
    Transition("12", (T.DISPATCHED,), T.HUNG, "ticket.hung", "挂账", "hang", (R.COMMAND_CENTRE,),
               ("TWO_PERSONS", "PLAN_OWNER_RECORD", "REVIEW_WITHIN_LIMIT"), ("T15",), ("T07",)),
    Transition("13", (T.HUNG,), T.DISPATCHED, "ticket.unhung", "恢复办理", "unhang", (R.SYSTEM, R.COMMAND_CENTRE), (),
               ("T07",), ("T15",)),
    Transition("14", (T.DISPATCHED,), T.RESOLVED, "ticket.resolved", "办理反馈", "submit", (R.HANDLER, R.GRID_WORKER),
               ("RESULT_COMPLETE", "SUPPORTS_DONE_OR_WAIVED"), ("T12",), ("T07",)),
    Transition("14", (T.MERGED,), T.RESOLVED, "ticket.resolved-with", "随主单办结", "resolve with the main ticket",
               (R.SYSTEM,), ("MAIN_TICKET_CLOSED",), ("T12",)),
    Transition("15", (T.RESOLVED,), T.DISPATCHED, "ticket.reworked", "返工", "send back", (R.AUDITOR,),
               ("NOT_OWN_WORK", "REASON"), ("T07",), ("T12",)),
    Transition("16", (T.RESOLVED,), T.FOLLOWING_UP, "ticket.audited", "审核通过", "pass audit", (R.AUDITOR, R.SYSTEM),
               ("NOT_OWN_WORK",), ("T13",), ("T12",)),
    Transition("17", (T.RESOLVED,), T.CLOSED, "ticket.closed", "免回访结案", "close without follow-up", (R.SYSTEM,),
               ("NO_FOLLOW_UP_DUE",), (), ("*",)),
    Transition("18", (T.FOLLOWING_UP,), T.CLOSED, "ticket.evaluated", "评价结案", "close on the citizen's word",
               (R.CITIZEN, R.FOLLOW_UP_AGENT), ("CITIZENS_OWN_WORD",), (), ("T13",)),
    Transition("19", (T.FOLLOWING_UP,), T.DISPATCHED, "ticket.reopened", "重办", "reopen",
               (R.FOLLOW_UP_AGENT, R.CITIZEN), ("NOT_SOLVED_OR_DISSATISFIED",), ("T07",), ("T13",)),
    Transition("20", (T.FOLLOWING_UP,), T.CLOSED, "ticket.closed", "联系不上结案", "close as unreachable", (R.SYSTEM,),
               ("THREE_ATTEMPTS_TWO_BANDS",), (), ("T13",)),
    Transition("21", (T.CLOSED,), T.DISPATCHED, "ticket.reopened", "结案后重办", "reopen after closing",
               (R.CITIZEN, R.SUPERVISOR), ("WITHIN_T19",), ("T07",)),
    Transition("21", (T.ANSWERED,), T.ACCEPTED, "ticket.reopened", "答复后受理", "take on after an answer",
               (R.CITIZEN, R.FOLLOW_UP_AGENT, R.SUPERVISOR), ("WITHIN_T19",), ("T07",)),
    Transition("22", (T.REGISTERED,), T.WITHDRAWN, "ticket.withdrawal-requested", "撤回", "withdraw", (R.CITIZEN,),
               ("NOT_URGENT", "NO_REPORT_UNDER_WAY"), (), ("T01",), owner="intake"),
    Transition("22", UNFINISHED, T.WITHDRAWN, "ticket.withdrawn", "撤回", "withdraw", (R.CITIZEN,),
               ("NOT_URGENT", "NO_REPORT_UNDER_WAY"), (), ("*",)),
    Transition("23", tuple(sorted(FINAL_TICKET_STATES - {T.ARCHIVED})), T.ARCHIVED, "ticket.archived", "归档",
               "archive", (R.SYSTEM,), ("NO_REOPENING_POSSIBLE", "LONG_ENOUGH_AGO")),
)  # fmt: skip
"""The ticket, as the citizen and the city see it."""

ASSIGNMENT_ROWS: Final = (
    Transition("A1", (None,), A.PENDING_SIGN, "ticket.assigned", "派单", "assign", (R.SYSTEM, R.DISPATCHER),
               ("DUTY_LIST", "CONFLICT_OF_INTEREST", "UNIT_PRESENT"), ("T03", "T04", "T09", "T07u")),
    Transition("A2", (A.PENDING_SIGN,), A.SIGNED, "ticket.signed", "签收", "sign", (R.GRID_WORKER, R.LIAISON, R.SYSTEM),
               (), (), ("T03",)),
    Transition("A3", (A.SIGNED, A.REWORK), A.HANDLING, "ticket.contacted", "办理", "handle", (R.HANDLER, R.GRID_WORKER),
               ("HANDLER_NAMED",), (), ("T04", "T05", "T06")),
    Transition("A4", (A.HANDLING,), A.SUBMITTED, "ticket.resolved", "反馈", "submit", (R.HANDLER, R.GRID_WORKER),
               ("RESULT_COMPLETE",), (), ("T07u", "T08")),
    Transition("A5", (A.SUBMITTED,), A.ACCEPTED_RESULT, "ticket.audited", "审核通过", "pass audit",
               (R.AUDITOR, R.SYSTEM), ("NOT_OWN_WORK",)),
    Transition("A6", (A.SUBMITTED,), A.REWORK, "ticket.reworked", "退回重办", "send back", (R.AUDITOR,),
               ("NOT_OWN_WORK", "REASON")),
    Transition("A7", ACTIVE, A.RETURN_REQUESTED, "ticket.return-requested", "申请退单", "ask to return",
               (R.LIAISON, R.GRID_WORKER),
               ("WITHIN_T09", "BASIS", "FIRST_DISPOSAL_DONE", "NOT_DESIGNATED", "ONCE_PER_UNIT"), ("T10",), ("T03",)),
    Transition("A8", (A.RETURN_REQUESTED,), A.RETURNED, "ticket.returned", "同意退单", "grant the return",
               (R.DISPATCHER, R.ADJUDICATOR, R.SYSTEM), ("DECISION",), (), ("*",)),
    Transition("A9", (A.RETURN_REQUESTED,), A.SIGNED, "ticket.return-refused", "驳回退单", "refuse the return",
               (R.DISPATCHER, R.ADJUDICATOR), ("DECISION",), (), ("T10",)),
    Transition("A9", (A.RETURN_REQUESTED,), A.HANDLING, "ticket.return-refused", "驳回退单", "refuse the return",
               (R.DISPATCHER, R.ADJUDICATOR), ("DECISION",), (), ("T10",)),
    Transition("A10", (*ACTIVE, A.REWORK, A.RETURN_REQUESTED, A.SUBMITTED), A.RECALLED, "ticket.recalled", "收回",
               "recall", (R.DISPATCHER, R.COMMAND_CENTRE, R.SYSTEM), (), (), ("*",)),
    Transition("A11", (*ACTIVE, A.RETURN_REQUESTED), A.WAIVED, "ticket.support-waived", "免办", "waive",
               (R.COMMAND_CENTRE, R.SYSTEM), ("PARTS_ONLY", "REASON"), (), ("*",)),
)  # fmt: skip
"""One unit's share. Handling time runs from dispatch, not from signing."""


def _steps(rows: tuple[Transition, ...]) -> dict[tuple[str | None, str], Transition]:
    """The first row of every step that dispatch takes."""
    steps: dict[tuple[str | None, str], Transition] = {}
    for row in rows:
        if row.owner == "dispatch":
            for before in row.before:
                steps.setdefault((before, row.after), row)
    return steps


TICKET_TRANSITIONS: Final = _steps(TICKET_ROWS)
ASSIGNMENT_TRANSITIONS: Final = _steps(ASSIGNMENT_ROWS)


class IllegalTransition(Exception):
    """The table has no such step."""


def move(case: Case, to: TicketState) -> Case:
    """The case in its next state. Raises IllegalTransition."""
    if (case.state, to) not in TICKET_TRANSITIONS:
        raise IllegalTransition(f"ticket: {case.state} -> {to}")
    return replace(case, state=to, previous_state=case.state)


def step(assignment: Assignment, to: AssignmentState, now: datetime) -> Assignment:
    """The assignment in its next state; a final one ends now. Raises IllegalTransition."""
    if (assignment.state, to) not in ASSIGNMENT_TRANSITIONS:
        raise IllegalTransition(f"assignment: {assignment.state} -> {to}")
    ended = now if to in FINAL_ASSIGNMENT_STATES else None
    return replace(assignment, state=to, previous_state=assignment.state, ended_at=ended)
