"""Merging and repeats at work: marks on new tickets, a look at what stands, incidents counted, and all of it stated."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from services.intake import incident_store
from services.intake.core.folding import Newcomer, Plan, plan
from services.intake.core.incident_rules import IncidentRules
from services.intake.core.incidents import Tally, Trace, cells_near, incident_of, places_near
from services.intake.core.location import Location
from services.intake.core.repeats import LOCAL, Sequel, caller_number, is_said_again, plain_address
from services.intake.core.report import NewTicket, Place
from services.intake.core.similarity import signatures
from services.intake.core.triage import Triage
from services.intake.incident_store import Joining
from services.intake.store import Receipt
from services.intake.vault import Marks, OriginalWords, words_of
from shared.database import Transaction
from shared.events import Draft
from shared.intake_events import IncidentRecounted, ReopenRequested, TicketHastened, TicketMerged
from shared.terms import IncidentId, TicketId, TicketType, Urgency

BY_RULE: Final = "rule"
"""Who merged what nobody merged."""

COMPONENT: Final = "component_id"
PARTY: Final = "reported_party"
"""Extensions of a report that merging reads: the thing it is about, and whom a report of a violation is against."""

LOOK_BACK: Final = timedelta(days=400)
"""Tickets received before then are not looked at, however lately they were closed."""


class Judged(Struct, frozen=True):
    """A ticket that triage has a verdict on. `area` is the code of the village or township that was given."""

    ticket_id: TicketId
    received_at: datetime
    triage: Triage
    place: Location
    words: OriginalWords
    lon: float | None
    lat: float | None
    area: str
    confidential: bool
    exercise: bool


class Look(Struct, frozen=True):
    """What was found out about one ticket."""

    trace: Trace
    plan: Plan


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of folding a batch: how each incident stands now, and for whom asking today counts, with the days."""

    tallies: Mapping[IncidentId, Tally]
    hastened: Mapping[TicketId, int]


NOTHING_JOINED: Final = Joined({}, {})


class Merging:
    """Knows the rules and the keys; any number of copies may work beside each other."""

    def __init__(self, rules: IncidentRules, marks: Marks) -> None:
        self.rules = rules
        self._marks = marks

    async def look(self, tx: Transaction, judged: Sequence[Judged], now: datetime) -> list[Look]:
        """One look for each, in order. From here until the transaction ends no other copy looks at the same groups."""
        if not judged:
            return []
        made = signatures([_said(j.words) for j in judged])
        cells = [_cells(j) for j in judged]
        traces = [self.trace_of(*each) for each in zip(judged, made, cells, strict=True)]
        newcomers = [_newcomer(*each) for each in zip(traces, judged, cells, strict=True)]
        await incident_store.lock_groups(tx, {trace.group for trace in traces})
        places = set(chain.from_iterable([newcomer.near for newcomer in newcomers]))
        standing = await incident_store.find_standing(tx, places, now - self.rules.merging.closed_within)
        callers = {caller for trace in traces for caller in trace.callers}
        priors = await incident_store.find_priors(tx, list(callers), now - LOOK_BACK) if callers else []
        plans = plan(newcomers, standing, priors, now, self.rules)
        return [Look(trace, made) for trace, made in zip(traces, plans, strict=True)]

    def trace_of(self, judged: Judged, signature: bytes, cells: Sequence[int]) -> Trace:
        """What merging looks at of a ticket; the first of `cells` holds its point."""
        words, group = judged.words, judged.triage.category[:4]
        component, party = words.extensions.get(COMPONENT), words.extensions.get(PARTY)
        return Trace(
            judged.ticket_id, judged.received_at, judged.triage.category, judged.triage.ticket_type,
            judged.triage.urgency, signature, judged.lon, judged.lat, cells[0] if cells else None,
            _number(self._marks.of("component", f"{group}|{component}")[0]) if component else None,
            self.addresses_of(words, group), self.callers_of(words),
            self._marks.of("party", plain_address(str(party)))[0] if party else None,
            judged.area, judged.confidential, judged.exercise, judged.triage.lead is not None,
        )  # fmt: skip

    def callers_of(self, words: OriginalWords) -> tuple[bytes, ...]:
        """Marks of who called; none where that cannot be told."""
        number = caller_number(words.reporter.phone) if words.reporter else None
        return self._marks.of("caller", number) if number else ()

    def caller_of(self, words: OriginalWords, source: str) -> bytes | None:
        """The mark by which a person is given their matters, also those that end before triage; none of a replay."""
        marks = () if self.rules.is_replay(source) else self.callers_of(words)
        return marks[0] if marks else None

    def addresses_of(self, words: OriginalWords, group: str) -> tuple[int, ...]:
        """Marks of the address within a group of categories; none where there is no address."""
        address = plain_address(words.address) if words.address else ""
        return tuple(map(_number, self._marks.of("address", f"{group}|{address}"))) if address else ()

    def is_said_again(self, report: NewTicket, callers: tuple[bytes, ...], row: asyncpg.Record) -> bool:
        """Whether a report says what an open ticket of the same caller says."""
        place, words = report.location or Place(), words_of(report)
        new = Trace(
            TicketId(row["id"]), row["received_at"], row["category"], TicketType.OTHER, Urgency.U3,
            signatures([_said(words)])[0], place.lon, place.lat, None, None,
            self.addresses_of(words, row["category"][:4]), callers, None,
            place.village_code or place.township_code or "", report.confidential, report.exercise,
        )  # fmt: skip
        old = replace(
            new, signature=row["signature"] or b"", lon=row["lon"], lat=row["lat"], area=row["area"],
            addresses=(row["address"],) if row["address"] is not None else (), callers=(row["caller"],),
            confidential=row["confidential"], exercise=row["exercise"],
        )  # fmt: skip
        return is_said_again(new, old)

    async def join(
        self, tx: Transaction, looks: Mapping[TicketId, Look], now: datetime, by: str = BY_RULE,
        eager: Collection[TicketId] = (),
    ) -> Joined:  # fmt: skip
        """Write down what was folded and what is suggested; the tickets' own rows are the caller's to write.

        `eager` are those whose citizens have asked for speed: what they are folded into is asked for then.
        """
        suggested = {t: look.plan.suggestion for t, look in looks.items() if look.plan.suggestion is not None}
        await incident_store.insert_suggestions(tx, suggested, now)
        folds = {t: look.plan.fold for t, look in looks.items() if look.plan.fold is not None}
        if not folds:
            return NOTHING_JOINED
        mains = {incident_of(fold.into): fold.into for fold in folds.values()}
        await incident_store.open_incidents(tx, mains, now)
        joinings = [Joining(incident_of(f.into), t, f.rule, f.own_follow_up) for t, f in folds.items()]
        await incident_store.insert_members(tx, joinings, now, by)
        asked = [fold.into for t, fold in folds.items() if fold.sequel is Sequel.HASTEN or t in eager]
        day = now.astimezone(LOCAL).date()
        hastened = await incident_store.count_hastens(tx, asked, day, now) if asked else {}
        return Joined(await self.tallies(tx, list(mains)), hastened)

    async def tallies(self, tx: Transaction, incident_ids: Sequence[IncidentId]) -> dict[IncidentId, Tally]:
        """How these incidents stand now; the caller holds their rows."""
        incidents = await incident_store.read_incidents(tx, incident_ids)
        return {incident_id: incident.tally(self.rules.merging) for incident_id, incident in incidents.items()}


async def find_said_again(
    tx: Transaction, merging: Merging, reports: Mapping[int, NewTicket], now: datetime
) -> dict[int, Receipt]:  # fmt: skip
    """Of these reports those that say word for word what their caller has open by the same source: its receipt."""
    live = {n: r for n, r in reports.items() if r.reporter and not merging.rules.is_replay(r.source)}
    callers = {n: marks for n, r in live.items() if (marks := merging.callers_of(words_of(r)))}
    if not callers:
        return {}
    wanted = list({mark for marks in callers.values() for mark in marks})
    standing: defaultdict[bytes, list[asyncpg.Record]] = defaultdict(list)
    for row in await incident_store.find_open_of_callers(tx, wanted, now - LOOK_BACK):
        standing[row["caller"]].append(row)
    again = {}
    for n, marks in callers.items():
        rows = [row for mark in marks for row in standing[mark] if row["source"] == live[n].source]
        found = next((row for row in rows if merging.is_said_again(live[n], marks, row)), None)
        if found is not None:
            again[n] = Receipt(TicketId(found["id"]), found["ticket_no"], found["query_code"], found["received_at"])
    return again


def merged_event(ticket_id: TicketId, made: Plan, joined: Joined, now: datetime) -> list[Draft]:
    """What is stated of a ticket that was folded; nothing for one that stands alone."""
    if made.fold is None:
        return []
    incident_id = incident_of(made.fold.into)
    tally = joined.tallies[incident_id]
    merged = TicketMerged(
        incident_id=incident_id, into=made.fold.into, rule=made.fold.rule, reporters=tally.reporters, mass=tally.mass,
        urgency=tally.urgency, own_follow_up=made.fold.own_follow_up,
    )  # fmt: skip
    return [Draft(ticket_id, merged, now)]


def main_events(looks: Mapping[TicketId, Look], joined: Joined, now: datetime) -> list[Draft]:
    """What is stated of the tickets that others were folded into: asked again, to be reopened, counted anew."""
    drafts = [Draft(into, TicketHastened(count=count), now) for into, count in joined.hastened.items()]
    folds = {t: look.plan.fold for t, look in looks.items() if look.plan.fold is not None}
    for ticket_id, fold in folds.items():
        if fold.sequel is Sequel.REOPEN and fold.closed_at is not None:
            drafts.append(Draft(fold.into, ReopenRequested(by=ticket_id, closed_at=fold.closed_at), now))
    mains = {incident_of(fold.into): fold.into for fold in folds.values()}
    drafts += [Draft(main, recounted(i, joined.tallies[i]), now) for i, main in mains.items()]
    return drafts


def recounted(incident_id: IncidentId, tally: Tally) -> IncidentRecounted:
    """How an incident stands, as it is stated of its main ticket."""
    return IncidentRecounted(
        incident_id=incident_id, tickets=tally.tickets, reporters=tally.reporters, mass=tally.mass,
        urgency=tally.urgency, supervise=tally.supervise,
    )  # fmt: skip


def _said(words: OriginalWords) -> str:
    return f"{words.title}\n{words.text}" if words.title else words.text


def _cells(judged: Judged) -> Sequence[int]:
    lon, lat = judged.lon, judged.lat
    return cells_near(judged.triage.category[:4], lon, lat) if lon is not None and lat is not None else ()


def _newcomer(trace: Trace, judged: Judged, cells: Sequence[int]) -> Newcomer:
    near, place = [] if trace.is_lead else places_near(trace, cells), judged.place
    return Newcomer(trace, place.grid or place.village or place.township or "", near)


def _number(mark: bytes) -> int:
    return int.from_bytes(mark[:8], signed=True)
