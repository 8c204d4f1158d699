"""The one way a case moves: lock the tickets, read their cases, decide each, save them all, state the events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from services.dispatch import families, store
from services.dispatch.core.case import Case
from services.dispatch.core.clocks import is_in_step
from services.dispatch.core.decide import decide
from services.dispatch.core.family_words import FAMILY_WORDS, PutAside
from services.dispatch.core.lifecycle import IllegalTransition
from services.dispatch.core.opening import DISPATCHED_LATE, open_case
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import ClockKey, Decision, NoticeCame, Refused, StandstillOrdered, Timer
from services.dispatch.core.triggers import TimerDue
from services.dispatch.core.wish import WISHES
from services.dispatch.hands import Cause, Hand, replace_trigger
from shared import telemetry, tracing
from shared.clock import Clock as Now
from shared.database import Transaction
from shared.ending_events import TicketAnswered
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
from shared.intake_events import TicketMerged
from shared.ledger import Ledger
from shared.telemetry import log
from shared.terms import TicketId, Urgency

Verifiers: TypeAlias = Mapping[TicketId, tuple[str, ...]]
"""By ticket, who accepted results on its matter."""


class Known(NamedTuple):
    """What a decision must know beside its case: clocks that run, and who accepted earlier tickets on the matter."""

    running: Sequence[Timer]
    verifiers: Verifiers


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

        What follows for other tickets of an incident is decided with them. A command that is refused, stale or for an
        unknown ticket leaves its ticket as it was; its ruling says why. Raises Rejected for an event about a ticket
        that has no case.
        """
        hands: dict[TicketId, Hand] = {}
        versions: dict[TicketId, int] = {}
        due: Mapping[TicketId, Sequence[Cause]] = causes
        while due:
            await self._take_in(tx, due, hands, versions)
            were = {ticket_id: hands[ticket_id].case for ticket_id in due}
            running = await store.read_running_timers(tx, [t for t in due if _needs_clocks(hands[t].case, due[t])])
            verifiers = await _verifiers(tx, due)
            for ticket_id, reasons in due.items():
                known = Known(running.get(ticket_id, ()), verifiers)
                self._rule(ticket_id, hands[ticket_id], reasons, known)
            due = await families.words(tx, due, were, hands)
        await store.save(tx, [step for hand in hands.values() if (step := hand.step(self.now())) is not None])
        drafts = [draft for hand in hands.values() for draft in hand.drafts]
        await self.ledger.append(tx, versions, drafts)
        accepted = {ticket_id: hand.case.accepted_at for ticket_id, hand in hands.items() if hand.case}
        late = tuple(hand.case.urgency for hand in hands.values() if hand.case and _came_late(hand))
        tx.on_commit(_Counted(tuple(drafts), accepted, sum(hand.mended for hand in hands.values()), late))
        return {ticket_id: Ruling(hands[ticket_id].case, hands[ticket_id].error) for ticket_id in causes}

    async def _take_in(
        self, tx: Transaction, due: Mapping[TicketId, Sequence[Cause]], hands: dict[TicketId, Hand],
        versions: dict[TicketId, int],
    ) -> None:  # fmt: skip
        """Lock the tickets that are not held yet, in id order with those they name, and read their cases."""
        named = {c.trigger.into for reasons in due.values() for c in reasons if isinstance(c.trigger, TicketMerged)}
        locked = await self.ledger.lock(tx, sorted({*due, *named} - versions.keys()))
        versions.update(locked)
        known = [ticket_id for ticket_id, version in locked.items() if version]
        cases = await store.read_cases(tx, known) if known else {}
        hands.update({ticket_id: Hand(cases.get(ticket_id), cases.get(ticket_id)) for ticket_id in locked})

    def _rule(self, ticket_id: TicketId, hand: Hand, causes: Sequence[Cause], known: Known) -> None:
        now = self.now()
        for cause in causes:
            if hand.case is None and isinstance(cause.trigger, (*WISHES, *FAMILY_WORDS)):
                log.info("wish_before_triage", ticket_id=str(ticket_id), wish=type(cause.trigger).__name__)
                continue  # nothing is in hand yet; what ends an untriaged matter ends it in intake
            if isinstance(cause.trigger, TimerDue) and not _may_ring(ticket_id, hand, cause.trigger):
                continue
            if isinstance(cause.trigger, TicketMerged):
                cause = replace_trigger(cause, PutAside(cause.trigger, hand.running(known.running)))
            elif isinstance(cause.trigger, NoticeCame | StandstillOrdered):
                cause = replace_trigger(cause, replace(cause.trigger, running=hand.running(known.running)))
            try:
                decision, hand.error = self._decide_one(ticket_id, hand.case, cause, now, known.verifiers), None
            except (Refused, IllegalTransition, Conflict, NotFound) as refusal:
                if cause.expected_version is None:
                    raise  # only a command may be refused; an event or a clock that cannot be applied is a fault
                hand.error = refusal
                refused = _refusal_decision(hand.case, refusal)
                if refused is None:
                    continue
                decision = refused
            hand.take(decision, cause)
            hand.drafts += [Draft(ticket_id, e, now, cause.caused_by, cause.traceparent) for e in decision.events]

    def _decide_one(
        self, ticket_id: TicketId, case: Case | None, cause: Cause, now: datetime, verifiers: Verifiers
    ) -> Decision:
        if case is None:
            if isinstance(matter := cause.trigger, TicketTriaged):
                earlier = verifiers.get(matter.repeat_of, ()) if matter.repeat_of is not None else ()
                return open_case(ticket_id, matter, self.book, self.org, now, earlier)
            if cause.expected_version is not None:
                raise NotFound(str(ticket_id))
            raise Rejected(Problem("ticket_id", "no_case", f"no case for ticket {ticket_id}"))
        if cause.expected_version not in (None, case.version):
            raise Conflict("the ticket has moved on", case.version)
        return decide(case, cause.trigger, self.book, self.org, now, cause.actor)


async def _verifiers(tx: Transaction, due: Mapping[TicketId, Sequence[Cause]]) -> Verifiers:
    """Of the tickets that those opened now come back on; they have ended, so nobody has to hold them."""
    triaged = (c.trigger for causes in due.values() for c in causes if isinstance(c.trigger, TicketTriaged))
    earlier = sorted({matter.repeat_of for matter in triaged if matter.repeat_of is not None})
    cases = await store.read_cases(tx, earlier) if earlier else {}
    return {ticket_id: case.verifiers for ticket_id, case in cases.items()}


def _may_ring(ticket_id: TicketId, hand: Hand, due: TimerDue) -> bool:
    """Whether a clock is to be decided on: not if what this transaction decided before it was about that clock.

    One that is out of step with the case is counted; the decision mends it.
    """
    if hand.has_moved(ClockKey(due.clock, due.subject)):
        return False
    if hand.case is not None and not is_in_step(hand.case, due):
        hand.mended += 1
        log.error("clock_out_of_step", ticket_id=str(ticket_id), clock=due.clock.value, fire_at=due.fire_at.isoformat())
    return True


def _needs_clocks(case: Case | None, causes: Sequence[Cause]) -> bool:
    """Whether one of these causes merges a ticket whose clocks run, or moves them."""
    kinds = (TicketMerged, NoticeCame, StandstillOrdered)
    return case is not None and bool(case.clocks) and any(isinstance(c.trigger, kinds) for c in causes)


def _came_late(hand: Hand) -> bool:
    """Whether its first decision came later than accepting and dispatching may take."""
    first = hand.decisions[0].explanation if hand.before is None and hand.decisions else ()
    return any(reason.startswith(DISPATCHED_LATE) for reason in first)


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
    mended: int = 0
    late: tuple[Urgency, ...] = ()
    """Of the tickets opened later than they should have been."""

    def __call__(self) -> None:
        telemetry.TIMERS_MENDED.inc(self.mended)
        for urgency in self.late:
            telemetry.TICKETS_DISPATCHED_LATE.labels(urgency=urgency.value).inc()
        for draft in self.drafts:
            event = draft.event
            if milestone := _MILESTONES.get(type(event)):
                took = (draft.time - self.accepted[draft.ticket_id]).total_seconds()
                telemetry.MILESTONE_SECONDS.labels(milestone=milestone).observe(
                    took, tracing.exemplar((draft.traceparent,))
                )
            match event:
                case TicketAssigned():
                    telemetry.TICKETS_ASSIGNED.labels(size=event.size.value).inc()
                case TicketEscalated():
                    telemetry.TICKETS_ESCALATED.labels(level=str(event.level)).inc()
                case TicketClosed():
                    telemetry.TICKETS_CLOSED.labels(reason=event.reason.value).inc()
                case TicketAnswered():
                    telemetry.TICKETS_CLOSED.labels(reason="ANSWERED").inc()
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
