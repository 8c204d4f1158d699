"""The one way a case moves: lock the tickets, read their cases, decide each, save them all, state the events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from services.dispatch import store
from services.dispatch.core.actors import Actor
from services.dispatch.core.case import Case
from services.dispatch.core.decide import decide
from services.dispatch.core.lifecycle import IllegalTransition
from services.dispatch.core.opening import open_case
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import ClockKey, Decision, Refused, Timer
from services.dispatch.core.triggers import TimerDue, Trigger
from services.dispatch.core.wish import WISHES
from shared import telemetry
from shared.clock import Clock as Now
from shared.database import Transaction
from shared.errors import Conflict, NotFound, Problem, Rejected
from shared.events import (
    Draft,
    Event,
    TicketAssigned,
    TicketCheckedIn,
    TicketClosed,
    TicketContacted,
    TicketEscalated,
    TicketLightChanged,
    TicketReopened,
    TicketResolved,
    TicketSigned,
    TicketTriaged,
)
from shared.ledger import Ledger
from shared.telemetry import log
from shared.terms import TicketId


@dataclass(frozen=True, slots=True)
class Cause:
    """A trigger with where it came from. A command says for which version of the ticket it was given, and by whom."""

    trigger: Trigger
    caused_by: str
    traceparent: str | None = None
    expected_version: int | None = None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """How the causes of one ticket ended: the case as it is now, or why nothing changed."""

    case: Case | None
    error: Exception | None = None


@dataclass(frozen=True)
class Decider:
    """Decides batches of cases in the caller's transaction."""

    ledger: Ledger
    book: Rulebook
    org: Org
    now: Now

    async def decide(self, tx: Transaction, causes: Mapping[TicketId, Sequence[Cause]]) -> dict[TicketId, Ruling]:
        """Apply each ticket's causes in order, all tickets in a handful of statements.

        A command that is refused, stale or for an unknown ticket leaves its ticket as it was; its ruling says why.
        Raises Rejected for an event about a ticket that has no case.
        """
        versions = await self.ledger.lock(tx, sorted(causes))
        known = [ticket_id for ticket_id, version in versions.items() if version]
        cases = await store.read_cases(tx, known) if known else {}
        rulings: dict[TicketId, Ruling] = {}
        steps: list[store.Step] = []
        drafts: list[Draft] = []
        for ticket_id, reasons in causes.items():
            ruling, step = self._rule(ticket_id, cases.get(ticket_id), reasons, drafts)
            rulings[ticket_id] = ruling
            if step is not None:
                steps.append(step)
        await store.save(tx, steps)
        await self.ledger.append(tx, versions, drafts)
        accepted = {ticket_id: ruling.case.accepted_at for ticket_id, ruling in rulings.items() if ruling.case}
        tx.on_commit(_Counted(tuple(drafts), accepted))
        return rulings

    def _rule(
        self, ticket_id: TicketId, before: Case | None, causes: Sequence[Cause], drafts: list[Draft]
    ) -> tuple[Ruling, store.Step | None]:
        now = self.now()
        decisions: list[Decision] = []
        stated: list[Draft] = []
        case: Case | None = before
        error: Exception | None = None
        for cause in causes:
            if case is None and isinstance(cause.trigger, WISHES):
                log.info("wish_before_triage", ticket_id=str(ticket_id), wish=cause.trigger.type)
                continue  # nothing is in hand yet; what ends an untriaged matter ends it in intake
            try:
                decision, error = self._decide_one(ticket_id, case, cause), None
            except (Refused, IllegalTransition, Conflict, NotFound) as refusal:
                if cause.expected_version is None:
                    raise  # only a command may be refused; an event or a clock that cannot be applied is a fault
                error = refusal
                refused = _refusal_decision(case, refusal)
                if refused is None:
                    continue
                decision = refused
            if isinstance(cause.trigger, WISHES) and not decision.events:
                log.info(
                    "wish_passed_over", ticket_id=str(ticket_id), wish=cause.trigger.type, why=decision.explanation
                )
            case = decision.case
            decisions.append(decision)
            stated += [Draft(ticket_id, event, now, cause.caused_by, cause.traceparent) for event in decision.events]
        if case is None or not decisions:
            return Ruling(case, error), None
        drafts += stated
        return Ruling(case, error), store.Step(before, _joined(case, decisions), causes[-1].caused_by, now)

    def _decide_one(self, ticket_id: TicketId, case: Case | None, cause: Cause) -> Decision:
        now = self.now()
        if case is None:
            if isinstance(cause.trigger, TicketTriaged):
                return open_case(ticket_id, cause.trigger, self.book, self.org, now)
            if cause.expected_version is not None:
                raise NotFound(str(ticket_id))
            raise Rejected(Problem("ticket_id", "no_case", f"no case for ticket {ticket_id}"))
        if cause.expected_version not in (None, case.version):
            raise Conflict("the ticket has moved on", case.version)
        return decide(case, cause.trigger, self.book, self.org, now, cause.actor)


def _joined(case: Case, decisions: Sequence[Decision]) -> Decision:
    """Several decisions on one ticket as one: the last word on each clock counts."""
    if len(decisions) == 1:
        return decisions[0]
    timers: dict[ClockKey, Timer | None] = {}
    for decision in decisions:
        timers.update(decision.timers)
    events = tuple(event for decision in decisions for event in decision.events)
    explanation = tuple(reason for decision in decisions for reason in decision.explanation)
    notes = tuple(note for decision in decisions for note in decision.notes)
    results = tuple(result for decision in decisions for result in decision.results)
    return Decision(case, events, timers, explanation, notes, results)


def _refusal_decision(case: Case | None, refusal: Exception) -> Decision | None:
    """A refusal by a guard is stated; the case stays as it is but for its version. None: nothing to state."""
    if case is None or not isinstance(refusal, Refused) or refusal.event is None:
        return None
    return Decision(replace(case, version=case.version + 1), (refusal.event,), {}, (f"REFUSED code={refusal.code}",))


@dataclass(frozen=True, eq=False)
class _Counted:
    """Counts what was stated, once it is durable."""

    drafts: tuple[Draft, ...]
    accepted: Mapping[TicketId, datetime]

    def __call__(self) -> None:
        for draft in self.drafts:
            event = draft.event
            if milestone := _MILESTONES.get(type(event)):
                took = (draft.time - self.accepted[draft.ticket_id]).total_seconds()
                telemetry.MILESTONE_SECONDS.labels(milestone=milestone).observe(took)
            match event:
                case TicketAssigned():
                    telemetry.TICKETS_ASSIGNED.labels(size=event.size.value).inc()
                case TicketEscalated():
                    telemetry.TICKETS_ESCALATED.labels(level=str(event.level)).inc()
                case TicketClosed():
                    telemetry.TICKETS_CLOSED.labels(reason=event.reason.value).inc()
                case TicketReopened():
                    telemetry.TICKETS_REOPENED.inc()
                case TicketLightChanged():
                    telemetry.LIGHTS_CHANGED.labels(light=event.light.value).inc()


_MILESTONES: Mapping[type[Event], str] = {
    TicketAssigned: "assigned", TicketSigned: "signed", TicketContacted: "contacted", TicketCheckedIn: "checked_in",
    TicketResolved: "resolved", TicketClosed: "closed",
}  # fmt: skip
"""A dispatch to another unit is no milestone: only the first assignment is."""


def timer_cause(due: TimerDue) -> Cause:
    """A clock's step as a cause."""
    return Cause(due, f"timer:{due.clock}/{due.cycle}/{due.step}")
