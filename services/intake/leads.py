"""Sensitive leads at work: found by words, confirmed by a person, handed over, and kept apart from every ticket."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from services.intake import incident_store, lead_store, store
from services.intake.core.incident_rules import LeadRules
from services.intake.core.leads import (
    Area,
    LeadState,
    Standing,
    SubjectLevel,
    body_above,
    may_add,
    may_confirm,
    may_follow_up,
    may_move,
    may_read,
    may_visit,
    published,
    subject_level,
    take_over_by,
    target_of,
)
from services.intake.core.report import NewTicket, Place
from services.intake.incident_store import sealed_of
from services.intake.lead_store import Lead
from services.intake.officers import Actor
from services.intake.receive import Accepted, Incoming, Receiver
from services.intake.store import Sealed
from services.intake.vault import OriginalWords, Vault
from shared.database import Database, Transaction
from shared.errors import CannotOpen, Conflict, NotFound, Problem, Rejected
from shared.events import Draft
from shared.intake_events import LeadCreated, TicketRouted
from shared.ledger import Ledger
from shared.telemetry import log
from shared.terms import Channel, LeadId, LeadKind, TicketId, Urgency
from shared.workdays import Workdays

BY_RULE = "rule"
CITIZEN = "citizen"
WORDS_LOST = "原话暂时无法读取，请与指挥中心核实"
"""What a lead says whose words nobody can open now."""
DESK = "lead-desk"
"""The source of a matter that came back from those it was handed to, and had no ticket before."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A lead as somebody writes it down; `implicit` was hinted at in a talk, not said 隐性."""

    kind: LeadKind
    level: SubjectLevel
    text: str
    township: str | None = None
    village: str | None = None
    implicit: bool = False
    urgency: Urgency = Urgency.U3


class Leads:
    """Everything that is done with leads. Whoever may not know of one is told that there is none."""

    def __init__(
        self, rules: LeadRules, vault: Vault, lead_vault: Vault, ledger: Ledger, receiver: Receiver, county: str,
        workdays: Workdays,
    ) -> None:  # fmt: skip
        """`vault` holds the words of tickets, `lead_vault` those of leads, under other keys."""
        self._workdays = workdays
        self._rules = rules
        self._vault = vault
        self._lead_vault = lead_vault
        self._ledger = ledger
        self._receiver = receiver
        self.county = county

    def found(
        self, ticket_id: TicketId, kind: LeadKind, text: str, area: Area, confidential: bool, now: datetime, *,
        urgency: Urgency,
    ) -> Lead:  # fmt: skip
        """A lead that words point to. A threat is handed over at once; anything else waits for a person."""
        level = subject_level(text, self._rules)
        state = LeadState.HANDED_OVER if kind is LeadKind.THREAT else LeadState.SUSPECTED
        standing = Standing(kind, state, target_of(kind, level, area), BY_RULE, now)
        due = self._take_over_by(kind, urgency, now) if state is LeadState.HANDED_OVER else None
        return Lead(
            LeadId(uuid7()), ticket_id, standing, level, area, was_confidential=confidential, take_over_by=due,
            urgency=urgency,
        )  # fmt: skip

    def _take_over_by(self, kind: LeadKind, urgency: Urgency, now: datetime) -> datetime:
        return take_over_by(kind, urgency, now, self._rules, self._workdays)

    async def record(self, tx: Transaction, recorded: Recorded, actor: Actor, now: datetime) -> LeadId:
        """A person writes a lead down; it goes to its body at once. Raises NotFound for those who may not."""
        lead_id = LeadId(uuid7())
        area = Area(self.county, recorded.township or (recorded.village or "")[:9] or None, recorded.village)
        standing = Standing(
            recorded.kind, LeadState.HANDED_OVER, target_of(recorded.kind, recorded.level, area), actor.person or "",
            now,
        )  # fmt: skip
        if not may_add(standing, actor.role, actor.person):
            raise NotFound("no such desk")
        sealed = self._lead_vault.seal(lead_id, OriginalWords(None, recorded.text))
        lead = Lead(
            lead_id, None, standing, recorded.level, area, recorded.implicit, sealed=sealed,
            take_over_by=self._take_over_by(recorded.kind, recorded.urgency, now), urgency=recorded.urgency,
        )  # fmt: skip
        await lead_store.insert_leads(tx, [lead], now)
        await self._ledger.append(tx, {}, [created(lead, now)])
        return lead_id

    async def confirm(
        self, tx: Transaction, lead_id: LeadId, actor: Actor, kind: LeadKind, level: SubjectLevel, now: datetime,
        urgency: Urgency | None = None,
    ) -> None:  # fmt: skip
        """A person says that it is a lead, of which kind and about whom, and maybe how urgent.

        The ticket ends and all it held moves here. Raises NotFound for those who may not know of it,
        and for one that is decided already.
        """
        lead = await self._held(tx, lead_id)
        if not may_confirm(lead.standing, actor.role, actor.unit):
            raise NotFound(f"no lead {lead_id}")
        lead = replace(lead, urgency=urgency or lead.urgency)
        await self._hand_over(tx, lead, kind, level, actor.name, now)

    async def move_on(self, tx: Transaction, now: datetime) -> int:
        """What lay too long goes on by rule, to its body or to the one above; how many leads did."""
        return await self.hand_over_overdue(tx, now) + await self.escalate_untaken(tx, now)

    async def hand_over_overdue(self, tx: Transaction, now: datetime, limit: int = 20) -> int:
        """Suspicions that nobody looked at in time go to their bodies as they are: who is waiting is not forgotten."""
        overdue = await lead_store.list_overdue(tx, now - self._rules.confirm_within, limit)
        for lead_id in overdue:
            lead = await self._held(tx, lead_id)
            await self._hand_over(tx, lead, lead.standing.kind, lead.level, BY_RULE, now)
        return len(overdue)

    async def escalate_untaken(self, tx: Transaction, now: datetime, limit: int = 20) -> int:
        """Leads that their body left lying are shown to the body above, and to the lead officer; nobody else hears."""
        untaken = await lead_store.list_untaken(tx, now, limit)
        await lead_store.escalate_leads(tx, {lead_id: body_above(body) for lead_id, body in untaken.items()}, now)
        return len(untaken)

    async def _hand_over(
        self, tx: Transaction, lead: Lead, kind: LeadKind, level: SubjectLevel, by: str, now: datetime
    ) -> None:
        sealed, ticket_id = Sealed("", None, None), lead.ticket_id
        drafts = [created(lead, now, kind)]
        if ticket_id is not None:
            words = await store.read_sealed(tx, ticket_id)
            said = self._opened(ticket_id, words) if words is not None and words.words is not None else None
            if said is not None:
                sealed = self._lead_vault.seal(lead.lead_id, said)
            added = await self._move_supplements(tx, lead.lead_id, ticket_id, now)
            if added and (said is not None or words is None or words.words is None):
                await store.erase_words(tx, ticket_id)  # else they stay sealed: their key may come back
            await lead_store.route_ticket(tx, ticket_id, now)
            drafts.append(Draft(ticket_id, TicketRouted(lead_id=lead.lead_id), now))
        target = target_of(kind, level, lead.area)
        await lead_store.confirm_lead(
            tx,
            lead.lead_id,
            kind,
            level,
            target,
            sealed,
            now,
            by,
            self._take_over_by(kind, lead.urgency, now),
            lead.urgency,
        )
        versions = await self._ledger.lock(tx, [draft.ticket_id for draft in drafts])
        await self._ledger.append(tx, versions, drafts)

    async def _move_supplements(self, tx: Transaction, lead_id: LeadId, ticket_id: TicketId, now: datetime) -> bool:
        """What the citizen added to the ticket is the lead's too; whether all of it could be opened."""
        rows = await incident_store.read_supplements(tx, ticket_id)
        opened = {r["id"]: self._opened(r["id"], sealed_of(r)) for r in rows if r["sealed"] is not None}
        for note_id, words in opened.items():
            if words is not None:
                sealed = self._lead_vault.seal(note_id, words)
                await lead_store.insert_note(tx, note_id, lead_id, CITIZEN, sealed, now)
        return None not in opened.values()

    def _opened(self, words_id: UUID, sealed: Sealed) -> OriginalWords | None:
        """A ticket's words, or None when nobody can open them: the lead is handed over all the same."""
        try:
            return self._vault.open(words_id, sealed)
        except CannotOpen as error:
            log.error("lead_words_lost", words_id=str(words_id), error=str(error))
            return None

    async def dismiss(self, tx: Transaction, lead_id: LeadId, actor: Actor, now: datetime) -> None:
        """A person says that it is none: the ticket goes to triage again, as it was handed in."""
        lead = await self._held(tx, lead_id)
        if not may_confirm(lead.standing, actor.role, actor.unit) or lead.ticket_id is None:
            raise NotFound(f"no lead {lead_id}")
        await lead_store.move_lead(tx, lead_id, LeadState.DISMISSED, now, actor.name)
        await lead_store.clear_ticket(tx, lead.ticket_id, lead.was_confidential, now)

    async def take(
        self, tx: Transaction, lead_id: LeadId, actor: Actor, now: datetime, outcome: str | None = None
    ) -> None:
        """The body has it in hand; again to say what came of it. Raises NotFound for others, Conflict once returned."""
        await self._followed(tx, lead_id, actor, LeadState.RECEIVED)
        await lead_store.move_lead(tx, lead_id, LeadState.RECEIVED, now, actor.name, outcome)

    async def give_back(self, tx: Transaction, lead_id: LeadId, actor: Actor, now: datetime) -> TicketId:
        """The body says that it is none after all: what was said becomes an ordinary ticket, suspected no more.

        The id of the ticket. Raises NotFound and Conflict as `take`.
        """
        lead = await self._followed(tx, lead_id, actor, LeadState.RETURNED_NOT_LEAD)
        await lead_store.move_lead(tx, lead_id, LeadState.RETURNED_NOT_LEAD, now, actor.name)
        words = await self._words(tx, lead)
        place = Place(address=words.address, village_code=lead.area.village, township_code=lead.area.township)
        report = NewTicket(
            DESK, Channel.UPPER_LEVEL, words.text, f"lead-{lead_id}", words.title, location=place,
            reporter=words.reporter, extensions=words.extensions, confidential=lead.was_confidential,
        )  # fmt: skip
        (received,) = await self._receiver.receive(tx, [Incoming(report)], door="leads")
        assert isinstance(received, Accepted)
        ticket_id = received.receipt.ticket_id
        await lead_store.spare_ticket(tx, ticket_id)
        return ticket_id

    async def add(self, tx: Transaction, lead_id: LeadId, actor: Actor, text: str, now: datetime) -> None:
        """Whoever recorded it adds something, however long ago that was."""
        lead = await self._held(tx, lead_id)
        if not may_add(lead.standing, actor.role, actor.person):
            raise NotFound(f"no lead {lead_id}")
        note_id = UUID(bytes=uuid7().bytes)
        sealed = self._lead_vault.seal(note_id, OriginalWords(None, text))
        await lead_store.insert_note(tx, note_id, lead_id, actor.name, sealed, now)

    async def read(
        self, tx: Transaction, lead_id: LeadId, actor: Actor, purpose: str, now: datetime
    ) -> dict[str, object]:
        """What it says, for those who may read it; the view is logged. Raises NotFound for everybody else."""
        lead = await self._held(tx, lead_id)
        standing = lead.standing
        if not may_read(standing, actor.role, actor.unit, actor.person, now, self._rules):
            raise NotFound(f"no lead {lead_id}")
        await lead_store.log_lead_view(tx, lead_id, actor.name, purpose, now)
        notes = [
            {"written_at": row["written_at"], "text": self._lead_vault.open(row["id"], sealed_of(row)).text}
            for row in await lead_store.read_notes(tx, lead_id)
        ]
        return {
            "lead_id": lead_id, "kind": standing.kind, "state": standing.state, "target": standing.target,
            "recorded_at": standing.recorded_at, "implicit": lead.implicit, "outcome": lead.outcome,
            **asdict(await self._words(tx, lead)), "notes": notes,
        }  # fmt: skip

    async def name_visitor(self, tx: Transaction, lead_id: LeadId, actor: Actor, officer: str, unit: str) -> None:
        """An officer is to call on whoever hinted at it, in private. Raises Rejected for one of that very village."""
        lead = await self._followed(tx, lead_id, actor, None)
        if not may_visit(unit, lead.area):
            raise Rejected(Problem("unit", "of_that_village", "must not be a unit of the village it is about"))
        await lead_store.name_visitor(tx, lead_id, officer, unit)

    async def counts(self, database: Database, target: str) -> Mapping[str, int | None]:
        """How many leads a body has of each kind; None for so few that the count would point at people."""
        counts = await lead_store.count_leads(database, target)
        return {kind.value: published(counts.get(kind, 0), self._rules) for kind in LeadKind}

    async def _held(self, tx: Transaction, lead_id: LeadId) -> Lead:
        lead = await lead_store.read_lead(tx, lead_id)
        if lead is None:
            raise NotFound(f"no lead {lead_id}")
        return lead

    async def _followed(self, tx: Transaction, lead_id: LeadId, actor: Actor, to: LeadState | None) -> Lead:
        """The lead, for an officer of its body and a step that there is."""
        lead = await self._held(tx, lead_id)
        if not may_follow_up(lead.standing, actor.role, actor.unit):
            raise NotFound(f"no lead {lead_id}")
        if to is not None and not may_move(lead.standing, to):
            raise Conflict(f"it is {lead.standing.state}", 0)
        return lead

    async def _words(self, tx: Transaction, lead: Lead) -> OriginalWords:
        """What was said; a threat's words are still its ticket's, which is worked on."""
        if lead.sealed.words is not None:
            return self._lead_vault.open(lead.lead_id, lead.sealed)
        sealed = await store.read_sealed(tx, lead.ticket_id) if lead.ticket_id is not None else None
        if lead.ticket_id is None or sealed is None:
            raise NotFound(f"nothing is left of {lead.lead_id}")
        return self._opened(lead.ticket_id, sealed) or OriginalWords(None, WORDS_LOST)


def created(lead: Lead, now: datetime, kind: LeadKind | None = None) -> Draft:
    """That there is a lead, told in a story of its own: nothing in it leads to the ticket."""
    return Draft(TicketId(lead.lead_id), LeadCreated(lead_id=lead.lead_id, kind=kind or lead.standing.kind), now)
