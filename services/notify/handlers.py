"""What notify does with dispatch's events: people are told, citizens are asked, and asking stops at closing."""

from collections.abc import Callable, Sequence

from services.notify import store
from services.notify.core.plan import plan
from services.notify.core.record import HEARD
from services.notify.desk import Desk
from services.notify.followups import FollowUps
from services.notify.keeping import Forgetting
from services.notify.rates import Rates
from services.notify.subscriptions import Subscriptions
from shared.database import Transaction
from shared.ending_events import TicketAnswered, TicketCallBackAsked
from shared.events import (
    EVENT_TYPES,
    Envelope,
    Event,
    TicketAssigned,
    TicketAudited,
    TicketClosed,
    TicketEscalated,
    TicketRedispatched,
    TicketReminded,
    TicketReopened,
    TicketSigned,
)
from shared.positions import Apply, Incoming
from shared.stream import Route, ticket_route
from shared.terms import TicketId
from shared.topics import DISPATCH, INTAKE, NOTIFY

WANTED: frozenset[type[Event]] = frozenset(
    (TicketAssigned, TicketRedispatched, TicketSigned, TicketReminded, TicketEscalated, TicketAudited, TicketAnswered,
     TicketCallBackAsked, TicketClosed, *HEARD)
)  # fmt: skip

AsksAbout = Callable[[TicketId], bool]
"""Whether the citizen of a ticket that was answered directly is to be asked about the answer."""


def ask_about_none(ticket_id: TicketId) -> bool:
    """Nobody draws."""
    return False


def tell_and_ask(
    follow_ups: FollowUps, on_messages: Callable[[], None], on_measured: Apply, asks_about: AsksAbout = ask_about_none
) -> Apply:
    """Apply a batch of events; each fact of it is handled by the function named for it, in an order that is safe:
    drills are known before anything is planned, follow-ups open before they close, and what all copies count comes
    last."""

    async def apply(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        await on_exercises(tx, envelopes)
        await on_news(tx, envelopes)
        await on_audited_or_closed(tx, envelopes)
        await on_measured(tx, envelopes)

    async def on_exercises(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        drills = {
            e.ticket_id
            for e in envelopes
            if isinstance(e.event, TicketAssigned | TicketAudited | TicketAnswered) and e.event.exercise
        }
        await store.note_exercises(tx, list(drills))

    async def on_news(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        silent = [e.ticket_id for e in envelopes if isinstance(e.event, TicketEscalated)]
        exercises = await store.exercises_among(tx, silent)
        now = follow_ups.now()
        messages = [m for e in envelopes for m in plan(e, follow_ups.book, now, exercises)]
        if messages:
            await store.add_messages(tx, messages, now, follow_ups.courtesy)
            tx.on_commit(on_messages)

    async def on_audited_or_closed(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        audited = [
            e
            for e in envelopes
            if isinstance(e.event, TicketAudited)
            or (isinstance(e.event, TicketAnswered) and not e.event.exercise and asks_about(e.ticket_id))
        ]
        closed = {(e.ticket_id, e.event.cycle) for e in envelopes if isinstance(e.event, TicketClosed)}
        # Who came back about an answer is not asked about it any more.
        closed |= {(e.ticket_id, e.event.cycle - 1) for e in envelopes if isinstance(e.event, TicketReopened)}
        await follow_ups.follow(tx, audited, closed)

    return apply


def measure_and_draw(rates: Rates, desk: Desk) -> Apply:
    """Move the counts, and draw whom to call."""

    async def on_measured(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        records = await rates.hear(tx, envelopes)
        await desk.draw(tx, envelopes, records)

    return on_measured


async def measure_nothing(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
    """Nobody measures."""


def routes(
    follow_ups: FollowUps,
    on_measured: Apply = measure_nothing,
    subscriptions: Subscriptions | None = None,
    asks_about: AsksAbout = ask_about_none,
) -> tuple[Route[Incoming], ...]:
    """The topics notify reads: dispatch's, and all three where there is a key to seal with: then somebody can subscribe
    to them, and words are kept that intake may want erased."""
    told = tell_and_ask(follow_ups, follow_ups.on_messages, on_measured, asks_about)
    if subscriptions is None:
        return (ticket_route(DISPATCH, told, WANTED),)
    hear, every = subscriptions.hear, frozenset(EVENT_TYPES.values())

    async def tell_and_feed(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        await told(tx, envelopes)
        await hear(tx, envelopes)

    async def forget_and_feed(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        await hear(tx, envelopes)
        await Forgetting(follow_ups.now).hear(tx, envelopes)

    return (
        ticket_route(DISPATCH, tell_and_feed, every), ticket_route(INTAKE, forget_and_feed, every),
        ticket_route(NOTIFY, hear, every),
    )  # fmt: skip
