"""What people decide in intake: accept or refuse a suggestion, undo a merge, refuse a matter or hand it on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.intake import incident_store, store
from services.intake.core.incidents import hindrance, incident_of
from services.intake.core.progress import PublicState
from services.intake.core.similarity import similarity
from services.intake.incident_store import Ending, Held, Joining
from services.intake.merging import Merging, recounted
from services.intake.officers import Actor
from services.intake.vault import Vault
from shared.database import Transaction
from shared.errors import Conflict, NotFound, Problem, Rejected
from shared.events import Draft
from shared.intake_events import TicketMerged, TicketNotAccepted, TicketSplit, TicketTransferred
from shared.ledger import Ledger
from shared.terms import NotAcceptedReason, SplitReason, TicketId, TransferTarget, Urgency

BY_HAND: Final = "merge.by-hand"
"""The rule by which somebody merges what no rule found alike."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an agent does not take a matter on; `second` is another person who agrees, wanted where it is urgent."""

    reason: NotAcceptedReason
    basis: str
    route: str
    second: str | None = None


class IncidentDesk:
    """Decisions of people on tickets that intake holds. Every one is stated in the transaction it is made in."""

    def __init__(self, merging: Merging, ledger: Ledger, vault: Vault) -> None:
        self._merging = merging
        self._ledger = ledger
        self._vault = vault

    async def accept(self, tx: Transaction, suggestion_id: int, note: str | None, actor: Actor, now: datetime) -> None:
        """Merge what was suggested; the note stays here.

        Raises NotFound, and Conflict where it cannot be merged (any more).
        """
        suggestion = await incident_store.read_suggestion(tx, suggestion_id)
        if suggestion is None:
            raise NotFound(f"no suggestion {suggestion_id}")
        if not suggestion.is_open:
            raise Conflict("it is decided already", 0)
        await self._merge(tx, suggestion.ticket_id, suggestion.into, suggestion.rule, None, actor, now)
        await incident_store.decide_suggestion(tx, suggestion_id, "ACCEPTED", now, actor.name, note)

    async def merge(
        self, tx: Transaction, ticket_id: TicketId, into_no: str, note: str, area: str, actor: Actor, now: datetime
    ) -> None:
        """Merge what nobody suggested into the ticket of that number, or the one it waits for; the note stays here.

        Raises NotFound; Rejected for a number of nobody in the area; Conflict where it cannot be merged.
        """
        into = await incident_store.find_by_number(tx, into_no, area)
        if into is None:
            raise Rejected(Problem("into_ticket_no", "unknown", "is no ticket that you may see"))
        main = await self._merge(tx, ticket_id, into, BY_HAND, note, actor, now)
        await incident_store.settle_suggestions(tx, (ticket_id, into, main), now, actor.name, note)

    async def refuse_suggestion(
        self, tx: Transaction, suggestion_id: int, note: str | None, actor: Actor, now: datetime
    ) -> None:
        """Leave both as they are; the note stays here. Raises NotFound, and Conflict where it is decided already."""
        suggestion = await incident_store.read_suggestion(tx, suggestion_id)
        if suggestion is None:
            raise NotFound(f"no suggestion {suggestion_id}")
        if not suggestion.is_open:
            raise Conflict("it is decided already", 0)
        await incident_store.decide_suggestion(tx, suggestion_id, "REFUSED", now, actor.name, note)

    async def _merge(
        self, tx: Transaction, ticket_id: TicketId, into: TicketId, rule: str, note: str | None, actor: Actor,
        now: datetime,
    ) -> TicketId:  # fmt: skip
        """The ticket that this one waits for from now on."""
        held = await self._held(tx, ticket_id, into)
        main = held[into].merged_into or into
        if main != into:
            held |= await self._held(tx, main)
        self._check_merge(held[ticket_id], held[main])
        if rule == BY_HAND:
            self._check_time(held[ticket_id], held[main], now)
        incident_id = incident_of(main)
        await incident_store.merge_ticket(tx, ticket_id, main, now)
        await incident_store.open_incidents(tx, {incident_id: main}, now)
        await incident_store.insert_members(tx, [Joining(incident_id, ticket_id, rule, True)], now, actor.name, note)
        tally = (await self._merging.tallies(tx, [incident_id]))[incident_id]
        merged = TicketMerged(
            incident_id=incident_id, into=main, rule=rule, reporters=tally.reporters, mass=tally.mass,
            urgency=tally.urgency,
        )  # fmt: skip
        await self._state(
            tx, Draft(ticket_id, merged, now), Draft(main, recounted(incident_id, tally), now)
        )  # fmt: skip
        return main

    def _check_time(self, child: Held, main: Held, now: datetime) -> None:
        """Raise Conflict where it is too late: a rule looks at fresh tickets only, people at any."""
        if child.public_state not in (PublicState.ACCEPTED, PublicState.IN_HAND):
            raise Conflict("its own result is in already", 0, "RESULT_IN")
        if main.closed_at is not None and now - main.closed_at > self._merging.rules.merging.closed_within:
            raise Conflict("the other one was closed too long ago", 0, "CLOSED")

    def _check_merge(self, child: Held, main: Held) -> None:
        """Raise Conflict for what no person may merge either."""
        if not child.is_triaged or not main.is_triaged:
            raise Conflict("one of them has ended, or is not triaged yet", 0, "ENDED")
        if child.trace.ticket_id == main.trace.ticket_id:
            raise Conflict("the two are one already", 0, "SAME")
        if child.merged_into is not None or child.is_main:
            raise Conflict("it belongs to an incident already", 0, "IN_AN_INCIDENT")
        likeness = similarity(child.trace.signature, main.trace.signature)
        found = hindrance(child.trace, main.trace, likeness, self._merging.rules.merging)
        if found is not None:
            raise Conflict(f"they must not be merged: {found}", 0, found)

    async def split(
        self, tx: Transaction, ticket_id: TicketId, reason: SplitReason, note: str | None, actor: Actor, now: datetime
    ) -> None:
        """Undo a merge; the note stays here. Raises NotFound, and Conflict for a ticket that waits for none."""
        child = (await self._held(tx, ticket_id))[ticket_id]
        if child.merged_into is None:
            raise Conflict("it is not merged into another one", 0)
        main, incident_id = child.merged_into, incident_of(child.merged_into)
        await incident_store.lock_incident(tx, incident_id)
        await incident_store.split_ticket(tx, ticket_id, now, actor.name, reason, note)
        tally = (await self._merging.tallies(tx, [incident_id]))[incident_id]
        split = TicketSplit(incident_id=incident_id, reason=reason)
        await self._state(tx, Draft(ticket_id, split, now), Draft(main, recounted(incident_id, tally), now))

    async def refuse(self, tx: Transaction, ticket_id: TicketId, refusal: Refusal, actor: Actor, now: datetime) -> None:
        """Do not take a matter on: its citizen is told why, and which other way is open.

        Raises NotFound; Conflict for one that has ended or that others wait for; Rejected where a second person is
        wanted, which is for anything urgent and for what nobody has looked at yet.
        """
        row = await self._open(tx, ticket_id)
        if row["urgency"] != Urgency.U3 and (not refusal.second or refusal.second == actor.person):
            raise Rejected(Problem("second", "second_person", "must name another person who agrees"))
        ending = Ending(ticket_id, "NOT_ACCEPTED", refusal.reason, refusal.basis, refusal.route)
        await incident_store.end_tickets(tx, [ending], now)
        stated = TicketNotAccepted(
            ticket_no=row["ticket_no"], source=row["source"], reason=refusal.reason, exercise=row["exercise"]
        )  # fmt: skip
        await self._state(tx, Draft(ticket_id, stated, now))

    async def transfer(self, tx: Transaction, ticket_id: TicketId, target: TransferTarget, now: datetime) -> None:
        """Hand a whole matter on to somebody outside. Raises NotFound, and Conflict as `refuse`."""
        row = await self._open(tx, ticket_id)
        await incident_store.end_tickets(tx, [Ending(ticket_id, "TRANSFERRED", target)], now)
        stated = TicketTransferred(
            ticket_no=row["ticket_no"], source=row["source"], target=target, exercise=row["exercise"]
        )  # fmt: skip
        await self._state(tx, Draft(ticket_id, stated, now))

    async def supplements(
        self, tx: Transaction, ticket_id: TicketId, actor: Actor, purpose: str, now: datetime
    ) -> list[dict[str, object]]:
        """What the citizen added, for a purpose; the view is logged as one of the words."""
        rows = await incident_store.read_supplements(tx, ticket_id)
        if rows:
            await store.log_view(tx, ticket_id, actor.name, purpose, now)
        return [
            {"added_at": row["added_at"], "text": self._vault.open(row["id"], incident_store.sealed_of(row)).text}
            for row in rows
            if row["sealed"] is not None
        ]

    async def _held(self, tx: Transaction, *ticket_ids: TicketId) -> dict[TicketId, Held]:
        """These tickets, locked in id order. Raises NotFound when one is not there or may not be known of."""
        await incident_store.lock_groups_of(tx, ticket_ids)
        held = await incident_store.lock_tickets(tx, list(ticket_ids))
        for ticket_id in ticket_ids:
            if ticket_id not in held or held[ticket_id].hidden:
                raise NotFound(f"no ticket {ticket_id}")
        return held

    async def _open(self, tx: Transaction, ticket_id: TicketId) -> incident_store.Row:
        await incident_store.lock_groups_of(tx, [ticket_id])
        row = await incident_store.lock_for_ending(tx, ticket_id)
        if row is None:
            raise NotFound(f"no ticket {ticket_id}")
        if row["state"] not in ("RECEIVED", "TRIAGED"):
            raise Conflict("it has ended, or is not to be decided here", 0)
        if row["is_main"] or row["merged_into"] is not None:
            raise Conflict("it belongs to an incident: split it off first", 0)
        return row

    async def _state(self, tx: Transaction, *drafts: Draft) -> None:
        versions = await self._ledger.lock(tx, [draft.ticket_id for draft in drafts])
        await self._ledger.append(tx, versions, drafts)
