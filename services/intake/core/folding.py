"""What becomes of a batch of judged tickets together: each stands alone, joins another, or is a repeat of one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from services.intake.core.incident_rules import IncidentRules
from services.intake.core.incidents import Board, Match, Place, Trace
from services.intake.core.repeats import NO_REPEAT, Prior, Repeat, Sequel, judge_repeat
from shared.terms import TicketId


class Newcomer(Struct, frozen=True):
    """A ticket that was judged just now. `place` is its grid, or the finest area known, empty when no place is.

    `near` is where to look for others, as `places_near` says.
    """

    trace: Trace
    place: str
    near: Sequence[Place]


class Fold(Struct, frozen=True):
    """The ticket waits for another one. `closed_at` says when that one was closed, if it has to be reopened."""

    into: TicketId
    rule: str
    own_follow_up: bool
    sequel: Sequel | None = None
    closed_at: datetime | None = None


class Plan(Struct, frozen=True):
    """What becomes of one ticket; `suggestion` is for a person to decide."""

    fold: Fold | None = None
    suggestion: Match | None = None
    repeat: Repeat = NO_REPEAT


ALONE = Plan()


def plan(
    newcomers: Sequence[Newcomer], standing: Iterable[Trace], priors: Iterable[tuple[bytes, Prior]], now: datetime,
    rules: IncidentRules,
) -> list[Plan]:  # fmt: skip
    """One plan for each, in order. They see what stands, and of each other those that came before them.

    `priors` are earlier tickets by the mark of their caller. A repeat goes before a merge: the same citizen's own
    ticket is the one that is worked on for them.
    """
    board = Board(rules, standing)
    told: defaultdict[bytes, dict[TicketId, Prior]] = defaultdict(dict)
    for caller, prior in priors:
        told[caller][prior.ticket_id] = prior
    calls = Counter(newcomer.trace.callers[0] for newcomer in newcomers if newcomer.trace.callers)
    plans = []
    for newcomer in newcomers:
        made = _plan_one(newcomer, board, told, now, rules)
        plans.append(made)
        trace = newcomer.trace
        if made.fold is None and not (trace.confidential or trace.is_lead):
            board.add(trace)
        if trace.callers and calls[trace.callers[0]] > 1:  # only then does anybody ask
            prior = _prior_of(newcomer, made)
            for caller in trace.callers:
                told[caller][trace.ticket_id] = prior
    return plans


def _plan_one(
    newcomer: Newcomer, board: Board, told: dict[bytes, dict[TicketId, Prior]], now: datetime, rules: IncidentRules
) -> Plan:
    trace = newcomer.trace
    if trace.is_lead:
        return ALONE
    match = board.match(trace, newcomer.near)
    mine = [prior for caller in trace.callers if caller in told for prior in told[caller].values()]
    if match is None and not mine:
        return ALONE
    joins = match.into if match is not None and match.automatic else None
    repeat = judge_repeat(trace, newcomer.place, mine, joins, now, rules.repeats) if mine else NO_REPEAT
    if repeat.of is not None and repeat.sequel in (Sequel.HASTEN, Sequel.REOPEN):
        rule = f"repeat.{repeat.sequel.lower()}"
        return Plan(Fold(repeat.of.main, rule, False, repeat.sequel, repeat.of.closed_at), None, repeat)
    if match is not None and match.automatic:
        return Plan(Fold(match.into, match.rule, True), None, repeat)
    return Plan(None, match, repeat)


def _prior_of(newcomer: Newcomer, made: Plan) -> Prior:
    trace = newcomer.trace
    main = made.fold.into if made.fold else trace.ticket_id
    return Prior(
        trace.ticket_id, main, trace.category, newcomer.place, trace.urgency, trace.received_at, None,
        trace.confidential, trace.exercise,
    )  # fmt: skip
