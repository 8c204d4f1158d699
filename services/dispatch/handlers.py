"""What dispatch does with events: triaged matters become cases, the citizen's word closes or reopens them."""

from collections.abc import Sequence

from services.dispatch.core.wish import WISHES
from services.dispatch.decisions import Decider
from services.dispatch.hands import Cause
from shared.database import Transaction
from shared.events import Envelope, TicketEvaluated, TicketTriaged
from shared.positions import Apply, Incoming
from shared.stream import Route, ticket_route
from shared.terms import TicketId
from shared.topics import INTAKE, NOTIFY


def decide_on_events(decider: Decider) -> Apply:
    """Turn the events that matter into causes, ticket by ticket, and decide them together."""

    async def apply(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        causes: dict[TicketId, list[Cause]] = {}
        for envelope in envelopes:
            match envelope.event:
                case TicketTriaged() | TicketEvaluated() as trigger:
                    cause = Cause(trigger, str(envelope.id), envelope.traceparent)
                    causes.setdefault(envelope.ticket_id, []).append(cause)
                case event if isinstance(event, WISHES):
                    cause = Cause(event, str(envelope.id), envelope.traceparent)
                    causes.setdefault(envelope.ticket_id, []).append(cause)
                case _:
                    pass  # counted in its ticket's order, and nothing more
        if causes:
            await decider.decide(tx, causes)

    return apply


def routes(decider: Decider) -> tuple[Route[Incoming], ...]:
    """The topics dispatch reads."""
    apply = decide_on_events(decider)
    return (
        ticket_route(INTAKE, apply, (TicketTriaged, *WISHES)),
        ticket_route(NOTIFY, apply, (TicketEvaluated, *WISHES)),
    )
