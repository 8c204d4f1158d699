"""The triage loop: claims what nobody has looked at yet, says where and what it is, and states it."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson
from msgspec import Struct

from services.intake import incident_store, lead_store, store
from services.intake.core.categories import UNCLASSIFIED
from services.intake.core.folding import ALONE, Plan
from services.intake.core.incident_rules import RefusalRule
from services.intake.core.incidents import incident_of
from services.intake.core.leads import Area, LeadState
from services.intake.core.location import Clues, Gazetteer, Location
from services.intake.core.reach import reach_of
from services.intake.core.repeats import LOCAL
from services.intake.core.triage import Fired, Matter, Triage
from services.intake.incident_store import Ending
from services.intake.lead_store import Lead
from services.intake.leads import Leads, created
from services.intake.merging import NOTHING_JOINED, Joined, Judged, Look, Merging, main_events, merged_event
from services.intake.store import Sealed, Verdict
from services.intake.vault import OriginalWords, Vault
from shared import telemetry
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import Unavailable
from shared.events import Draft, TicketTriaged
from shared.intake_events import TicketNotAccepted
from shared.ledger import Ledger
from shared.outcome import backoff_s
from shared.singly import Singly
from shared.telemetry import log
from shared.terms import Channel, LeadKind, PlaceLevel, TicketId, TicketType, Urgency
from shared.wake import Wake

POLL_S = 0.5
BREATH = 50
"""After so many matters the event loop gets a turn: a full batch must not hold up a request."""

TRIAGE_FAILED = "TRIAGE_FAILED"
"""The rule id of a verdict that could not be reached; confidence 0 brings the matter before a person."""

Judge = Callable[[Matter, Location], Triage]
"""The pure verdict on one matter."""


@dataclass(frozen=True, slots=True)
class Question:
    """One claimed matter as triage looks at it."""

    matter: Matter
    clues: Clues
    words: OriginalWords


class Seen(Struct, frozen=True):
    """One claimed matter and what it is; without words when the vault did not open."""

    ticket_id: TicketId
    row: asyncpg.Record
    words: OriginalWords | None
    triage: Triage
    place: Location

    @property
    def text(self) -> str:
        """All that was said, in lower case."""
        return f"{self.words.title or ''}\n{self.words.text}".lower() if self.words else ""


class TriageLoop:
    """Works through untriaged matters, the oldest first; any number of copies may run beside each other."""

    def __init__(
        self, database: Database, ledger: Ledger, vault: Vault, gazetteer: Gazetteer, judge: Judge, *,
        rule_pack: str, now: Clock, wake: Wake, batch: int = 500, merging: Merging | None = None,
        leads: Leads | None = None,
    ) -> None:  # fmt: skip
        """`wake` is rung when something was received in this process; what others received is found by polling.

        Without `merging` every matter stands alone; without both it and `leads` none is put aside.
        """
        self._database = database
        self._ledger = ledger
        self._vault = vault
        self._gazetteer = gazetteer
        self._judge = judge
        self._rule_pack = rule_pack
        self._now = now
        self._wake = wake
        self._batch = batch
        self._merging = merging
        self._leads = leads
        self._singly = Singly("triage")

    async def run(self, stopping: asyncio.Event) -> None:
        """Triage until asked to stop; a batch in hand is finished, what is left waits in the table."""
        failures = 0
        while not stopping.is_set():
            try:
                done = await self.triage_batch()
                failures = 0
            except Unavailable as error:
                failures += 1
                log.warning("triage_waits", error=str(error), failures=failures)
                await self._wake.wait(backoff_s(failures, random.random(), cap_s=5))
                continue
            if not done:
                await self._wake.wait(POLL_S)

    async def triage_batch(self) -> int:
        """Triage one batch in one transaction, or one by one where that fails; how many were triaged.

        Raises Unavailable. One that cannot be triaged (a fault of ours) is left aside for a while, logged and counted.
        """
        claimed: list[TicketId] = []
        try:
            return await self._triage_oldest(self._batch, claimed)
        except Unavailable:
            raise
        except Exception as error:  # a fault in one matter must not hold up every other
            if not claimed:
                raise
            log.error("batch_failed", loop="triage", tickets=len(claimed), error=repr(error))
        return sum([await self._triage_next() for _ in claimed])

    async def _triage_next(self) -> int:
        claimed: list[TicketId] = []
        try:
            return await self._triage_oldest(1, claimed)
        except Unavailable:
            raise
        except Exception as error:  # named, counted and tried again later; the others go on
            if not claimed:
                raise
            self._singly.leave_aside(claimed[0], error)
            return 0

    async def _triage_oldest(self, limit: int, claimed: list[TicketId]) -> int:
        """Triage so many in one transaction; `claimed` tells which, also when it fails."""
        async with self._database.transaction() as tx:
            rows = await store.claim_untriaged(tx, limit, self._singly.left_aside())
            if not rows:
                return 0
            claimed += [TicketId(row["id"]) for row in rows]
            seen = await self._look(rows)
            now = self._now()
            aside = await self._put_aside(tx, seen, now)
            looks = await self._compare(tx, [s for s in seen if s.ticket_id not in aside], now)
            verdicts = [self._verdict(s, looks.get(s.ticket_id)) for s in seen if s.ticket_id not in aside]
            await store.save_triage(tx, verdicts, now, self._rule_pack)
            joined = await self._merging.join(tx, looks, now) if self._merging else NOTHING_JOINED
            await self._state(tx, {s.ticket_id: s.row for s in seen}, verdicts, looks, joined, now)
        for (ticket_type, urgency), times in Counter(
            (v.triage.ticket_type, v.triage.urgency) for v in verdicts
        ).items():
            telemetry.TICKETS_TRIAGED.labels(ticket_type=ticket_type, urgency=urgency).inc(times)
        return len(rows)

    async def _state(
        self, tx: Transaction, rows: Mapping[TicketId, asyncpg.Record], verdicts: Sequence[Verdict],
        looks: Mapping[TicketId, Look], joined: Joined, now: datetime,
    ) -> None:  # fmt: skip
        """Every ticket's own events first, then what is stated of the tickets that others were folded into."""
        drafts: list[Draft] = []
        for verdict in verdicts:
            look = looks.get(verdict.ticket_id)
            made = look.plan if look else ALONE
            row = rows[verdict.ticket_id]
            event = self._event(row, verdict, made, joined)
            drafts.append(Draft(verdict.ticket_id, event, now, traceparent=row["traceparent"]))
            drafts += merged_event(verdict.ticket_id, made, joined, now)
        drafts += main_events(looks, joined, now)
        versions = await self._ledger.lock(tx, list({draft.ticket_id for draft in drafts}))
        await self._ledger.append(tx, versions, drafts)

    async def _look(self, rows: Sequence[asyncpg.Record]) -> list[Seen]:
        """Say what and where each matter is; nothing here waits for anybody."""
        self._gazetteer = self._gazetteer.on(self._now().astimezone(LOCAL).date())
        questions = [self._question(row) for row in rows]
        places = self._places([question.clues if question else Clues() for question in questions])
        seen = []
        for number, (row, question, place) in enumerate(zip(rows, questions, places, strict=True), 1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            ticket_id = TicketId(row["id"])
            triage = self._triage(ticket_id, question.matter, place) if question else _FAILED
            seen.append(Seen(ticket_id, row, question.words if question else None, triage, place))
        return seen

    async def _put_aside(self, tx: Transaction, seen: Sequence[Seen], now: datetime) -> set[TicketId]:
        """Matters that get no verdict: what sounds like a lead waits for a person, what is not for us ends."""
        if self._merging is None or self._leads is None:
            return set()
        rules = self._merging.rules
        live = [s for s in seen if (s.triage.lead is not None or rules.may_refuse(s.text)) and self._is_live(s)]
        if not live:
            return set()
        leads = [lead for s in live if (lead := self._lead(s, self._leads, now)) is not None]
        suspected = {lead.ticket_id for lead in leads if lead.ticket_id and lead.standing.state is LeadState.SUSPECTED}
        refused = {s.ticket_id: rule for s in live if (rule := refusal_of(s, rules.refusals)) is not None}
        await lead_store.insert_leads(tx, leads, now)
        await lead_store.suspect_tickets(tx, list(suspected), now)
        if refused:
            endings = [Ending(t, "NOT_ACCEPTED", r.reason, r.basis, r.route) for t, r in refused.items()]
            await incident_store.end_tickets(tx, endings, now)
        drafts = [Draft(s.ticket_id, _refusal(s, refused[s.ticket_id]), now) for s in live if s.ticket_id in refused]
        drafts += [created(lead, now) for lead in leads if lead.ticket_id not in suspected]
        versions = await self._ledger.lock(tx, [draft.ticket_id for draft in drafts]) if drafts else {}
        await self._ledger.append(tx, versions, drafts)
        return suspected | refused.keys()

    def _is_live(self, seen: Seen) -> bool:
        """Whether there is somebody behind a matter: not in a drill, nor where old ones are played again."""
        return (
            self._merging is not None and seen.words is not None and not seen.row["exercise"]
            and not self._merging.rules.is_replay(seen.row["source"])
        )  # fmt: skip

    def _lead(self, seen: Seen, leads: Leads, now: datetime) -> Lead | None:
        if seen.triage.lead is None or seen.words is None or seen.row["cleared"]:
            return None
        place = seen.place
        area = Area(place.county, place.township, place.village)
        kind = seen.triage.lead
        return leads.found(
            seen.ticket_id, kind, seen.text, area, seen.row["confidential"], now, urgency=seen.triage.urgency
        )

    async def _compare(self, tx: Transaction, seen: Sequence[Seen], now: datetime) -> dict[TicketId, Look]:
        """Compare with what stands and with each other those that may be compared at all."""
        if self._merging is None:
            return {}
        replay = self._merging.rules.is_replay
        judged = [judged for s in seen if not replay(s.row["source"]) and (judged := _judged(s)) is not None]
        looks = await self._merging.look(tx, judged, now)
        return {j.ticket_id: look for j, look in zip(judged, looks, strict=True)}

    def _verdict(self, seen: Seen, look: Look | None) -> Verdict:
        fold = look.plan.fold if look else None
        hidden = self._leads is not None and _is_threat(seen) and self._is_live(seen)
        explanation = _explanation(seen.triage, seen.place)
        return Verdict(
            seen.ticket_id, seen.triage, seen.place, explanation, look.trace if look else None,
            fold.into if fold else None, hidden, reach_of(seen.words.extensions) if seen.words else {},
        )  # fmt: skip

    def _question(self, row: asyncpg.Record) -> Question | None:
        """None when the vault does not open: then nothing can be said, and that is said."""
        ticket_id, sealed = TicketId(row["id"]), Sealed(row["key_id"], row["wrapped_key"], row["sealed"])
        try:
            words = self._vault.open(ticket_id, sealed)
        except Exception as error:  # one matter that cannot be read must not hold up the others
            _log_failure(ticket_id, error)
            return None
        return Question(_matter(row, words), _clues(row, words), words)

    def _places(self, clues: Sequence[Clues]) -> list[Location]:
        try:
            return self._gazetteer.locate(clues)
        except Exception as error:  # asked again one by one below, so that only the culprit is without a place
            log.error("locate_failed", size=len(clues), error=type(error).__name__)
        if len(clues) == 1:
            return [Location(PlaceLevel.COUNTY, self._gazetteer.county)]
        return [place for clue in clues for place in self._places([clue])]

    def _triage(self, ticket_id: TicketId, matter: Matter, place: Location) -> Triage:
        try:
            return self._judge(matter, place)
        except Exception as error:  # one matter that cannot be judged must not hold up the others
            _log_failure(ticket_id, error)
            return _FAILED

    def _event(self, row: asyncpg.Record, verdict: Verdict, made: Plan, joined: Joined) -> TicketTriaged:
        triage, place, repeat = verdict.triage, verdict.place, made.repeat
        incident_id = incident_of(made.fold.into) if made.fold else None
        tally = joined.tallies[incident_id] if incident_id else None
        return TicketTriaged(
            ticket_no=row["ticket_no"],
            source=row["source"],
            channel=_CHANNELS[row["channel"]],
            accepted_at=row["received_at"],
            ticket_type=triage.ticket_type,
            category=triage.category,
            urgency=triage.urgency,
            confidence=triage.confidence,
            place_level=place.level,
            county=place.county,
            township=place.township,
            village=place.village,
            grid=place.grid,
            also_grids=place.also,
            confidential=row["confidential"],
            exercise=row["exercise"],
            vulnerable=row["vulnerable"],
            rules=(f"place.{place.reason}", *(fired.rule for fired in triage.rules)),
            rule_pack=self._rule_pack,
            repeat_of=repeat.of.ticket_id if repeat.of else None,
            repeats_30d=repeat.in_30_days,
            repeats_90d=repeat.in_window,
            levels_up=repeat.levels_up,
            incident_id=incident_id,
            merged_into=made.fold.into if made.fold else None,
            reporters=tally.reporters if tally else 1,
            mass=tally.mass if tally else False,
            hidden=verdict.hidden,
            session_id=row["session_id"],
            self_fixed_by=row["self_fixed_by"],
            answered_by=row["answered_by"],
            **verdict.reach,
        )


_CHANNELS = {channel.value: channel for channel in Channel}
_FAILED = Triage(TicketType.OTHER, UNCLASSIFIED, Urgency.U3, 0.0, (Fired(TRIAGE_FAILED, ()),))


_REFUSABLE = (TicketType.HELP, TicketType.COMPLAINT, TicketType.OTHER)
"""Only these are refused by a rule: who asks a question or reports a violation is heard by a person."""


def refusal_of(seen: Seen, rules: Sequence[RefusalRule]) -> RefusalRule | None:
    """The rule by which a matter is not for this hotline; never one that is urgent, or may be a lead."""
    triage = seen.triage
    if seen.words is None or triage.urgency is not Urgency.U3 or triage.lead or triage.ticket_type not in _REFUSABLE:
        return None
    text = seen.text
    return next((rule for rule in rules if rule.fits(text)), None)


def _refusal(seen: Seen, rule: RefusalRule) -> TicketNotAccepted:
    return TicketNotAccepted(
        ticket_no=seen.row["ticket_no"], source=seen.row["source"], reason=rule.reason, rule=rule.id,
    )  # fmt: skip


def _is_threat(seen: Seen) -> bool:
    lead = seen.triage.lead
    return lead is not None and lead is LeadKind.THREAT and not seen.row["cleared"]


def _judged(seen: Seen) -> Judged | None:
    if seen.words is None:
        return None
    row = seen.row
    return Judged(
        seen.ticket_id, row["received_at"], seen.triage, seen.place, seen.words, row["lon"], row["lat"],
        row["given_village"] or row["given_township"] or "", row["confidential"], row["exercise"],
    )  # fmt: skip


def _log_failure(ticket_id: TicketId, error: Exception) -> None:
    """The kind of error only: its text could quote the citizen."""
    log.error("triage_failed", ticket_id=str(ticket_id), error=type(error).__name__)


def _matter(row: asyncpg.Record, words: OriginalWords) -> Matter:
    given = row["given_type"]
    return Matter(words.text, words.title or "", TicketType(given) if given else None, row["given_category"])


def _clues(row: asyncpg.Record, words: OriginalWords) -> Clues:
    said = f"{words.title}\n{words.text}" if words.title else words.text
    return Clues(row["lon"], row["lat"], row["given_village"], row["given_township"], words.address or "", said)


def _explanation(triage: Triage, place: Location) -> str:
    """JSON: every rule that had a say, in order, with the words of the rule pack, or the values, that it saw."""
    fired = [(f"place.{place.reason}", [place.grid or place.village or place.township or place.county])]
    fired += [(rule, list(words)) for rule, words in ((f.rule, f.words) for f in triage.rules)]
    return orjson.dumps([{"rule": rule, "saw": saw} for rule, saw in fired]).decode()
