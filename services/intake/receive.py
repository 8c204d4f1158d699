"""The use case behind every door: a batch of reports becomes tickets, each exactly once, in one transaction."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from hashlib import sha256

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from services.intake import incident_store, store
from services.intake.core.numbers import query_code, ticket_number
from services.intake.core.repeats import LOCAL
from services.intake.core.report import NewTicket, Place, Reporter
from services.intake.merging import Merging, find_said_again
from services.intake.store import Claim, Fresh, Key, Receipt, Request
from services.intake.vault import Vault, words_of
from shared import telemetry
from shared.clock import Clock
from shared.database import Transaction
from shared.errors import Problem, Unavailable
from shared.events import Draft, TicketReceived
from shared.intake_events import TicketHastened
from shared.ledger import Ledger
from shared.terms import TicketId

_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in (NewTicket, Place, Reporter)}
_KEY_REUSED = Problem("", "key_reused", "this key was used before, for another report")


class InFlight(Unavailable):
    """Another request with the same key is still being settled: ask again a little later."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A report at the door. It needs an external id, or an idempotency key (visible ASCII), or both."""

    ticket: NewTicket
    idempotency_key: str | None = None
    traceparent: str | None = None

    def keys(self) -> list[Key]:
        """Every key under which this report must be found again."""
        ticket = self.ticket
        external = [(ticket.source, f"x:{ticket.external_id}")] if ticket.external_id is not None else []
        return [*external, (ticket.source, f"k:{self.idempotency_key}")] if self.idempotency_key else external


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new ticket, durable once the transaction has committed."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Replayed:
    """A repeat: the ticket that was made the first time."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Hastened(Replayed):
    """The same citizen says word for word what they have open already: that ticket, with their wish for speed noted."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Not taken; it has left no trace."""

    problems: tuple[Problem, ...]


Received = Accepted | Replayed | Refused


def fingerprint(ticket: NewTicket) -> bytes:
    """What was said, as 32 bytes. What was left out does not count, so a new optional field changes no old one."""
    return sha256(orjson.dumps(_said(ticket), option=orjson.OPT_SORT_KEYS)).digest()


def _said(value: NewTicket | Place | Reporter) -> dict[str, object]:
    said: dict[str, object] = {}
    for name in _FIELDS[type(value)]:
        part = getattr(value, name)
        if part is None or part is False or part == {}:
            continue
        said[name] = _said(part) if isinstance(part, Place | Reporter) else part
    return said


class Receiver:
    """Takes reports in. Pure of doors: it neither knows HTTP nor Kafka."""

    def __init__(
        self, ledger: Ledger, vault: Vault, county: str, now: Clock, on_received: Callable[[], None],
        merging: Merging | None = None,
    ) -> None:  # fmt: skip
        """`on_received` is called after the commit of every transaction that took something in.

        Without `merging` every new report becomes a ticket, also one that is said again word for word.
        """
        self._ledger = ledger
        self._vault = vault
        self.county = county
        self._now = now
        self._on_received = on_received
        self._merging = merging

    async def receive(self, tx: Transaction, reports: Sequence[Incoming], *, door: str) -> list[Received]:
        """One answer for each report, in order; nothing is durable before the transaction commits.

        A report is new only if all its keys are. Of several in one batch with the same key the first counts, the
        others are repeats. Raises InFlight; ValueError for a report without any key.
        """
        batch = _Batch(reports)
        won = await self._claim(tx, batch)
        known = await store.read_requests(tx, [key for key in batch.leader_of if key not in won])
        new = [leader for leader, keys in batch.keys_of.items() if all(key in won for key in keys)]
        if len(won) > sum(len(batch.keys_of[leader]) for leader in new):
            await _settle_half_won(tx, batch, won, known)
        again = await self._said_again(tx, batch, new)
        fresh = self._fresh(batch, won, [leader for leader in new if leader not in again])
        if fresh:
            await self._take_in(tx, batch, fresh)
        for leader, receipt in ({index: made.receipt for index, made in fresh.items()} | again).items():
            request = Request(receipt, batch.fingerprints[leader])
            known.update(dict.fromkeys(batch.keys_of[leader], request))
        answers = [batch.answer(index, known, index in fresh, index in again) for index in range(len(reports))]
        tx.on_commit(partial(_count, answers, door))
        return answers

    async def _said_again(self, tx: Transaction, batch: "_Batch", new: Sequence[int]) -> dict[int, Receipt]:
        """Of these reports those that say again what the same caller, by the same source, has open: its receipt.

        Only what is alike word for word can be told here, before triage; anything else triage finds out. No lock is
        taken: of two that come at the same moment triage folds one into the other.
        """
        if self._merging is None:
            return {}
        now = self._now()
        said = {leader: batch.reports[leader].ticket for leader in new}
        again = await find_said_again(tx, self._merging, said, now)
        if not again:
            return {}
        tickets = [receipt.ticket_id for receipt in again.values()]
        counts = await incident_store.count_hastens(tx, tickets, now.astimezone(LOCAL).date(), now)
        versions = await self._ledger.lock(tx, list(counts))
        drafts = [Draft(ticket_id, TicketHastened(count=count), now) for ticket_id, count in counts.items()]
        await self._ledger.append(tx, versions, drafts)
        joined = {key: receipt.ticket_id for leader, receipt in again.items() for key in batch.keys_of[leader]}
        await store.repoint_requests(tx, joined)
        return again

    async def _claim(self, tx: Transaction, batch: "_Batch") -> dict[Key, int]:
        claims = [
            Claim(key, batch.fingerprints[leader], batch.ticket_ids[leader]) for key, leader in batch.leader_of.items()
        ]
        try:
            return await store.claim_requests(tx, claims)
        except asyncpg.LockNotAvailableError as error:
            raise InFlight("a report with the same key is being received") from error

    def _fresh(self, batch: "_Batch", won: Mapping[Key, int], leaders: Sequence[int]) -> dict[int, Fresh]:
        """The tickets to be made of these reports, by their index."""
        now = self._now()
        return {leader: self._make(batch, leader, won[batch.keys_of[leader][0]], now) for leader in leaders}

    def _make(self, batch: "_Batch", leader: int, number: int, now: datetime) -> Fresh:
        ticket, ticket_id = batch.reports[leader].ticket, batch.ticket_ids[leader]
        ticket_no = ticket_number(self.county, now.astimezone(LOCAL).date(), ticket.channel, number)
        receipt, words = Receipt(ticket_id, ticket_no, query_code(os.urandom(8)), now), words_of(ticket)
        caller = self._merging.caller_of(words, ticket.source) if self._merging else None
        return Fresh(receipt, ticket, self._vault.seal(ticket_id, words), caller)

    async def _take_in(self, tx: Transaction, batch: "_Batch", fresh: Mapping[int, Fresh]) -> None:
        news = list(fresh.values())
        received_at = news[0].receipt.received_at
        await store.insert_tickets(tx, news, self._vault.active, received_at)
        drafts = [
            Draft(
                new.receipt.ticket_id,
                TicketReceived(
                    ticket_no=new.receipt.ticket_no,
                    source=new.ticket.source,
                    channel=new.ticket.channel,
                    reported_at=new.ticket.reported_at,
                    exercise=new.ticket.exercise,
                ),
                received_at,
                traceparent=batch.reports[index].traceparent,
            )
            for index, new in fresh.items()
        ]
        await self._ledger.append(tx, {}, drafts)
        tx.on_commit(self._on_received)


class _Batch:
    """Reports with their fingerprints, each key led by the first report that brought it."""

    def __init__(self, reports: Sequence[Incoming]) -> None:
        self.reports = reports
        self.fingerprints = [fingerprint(report.ticket) for report in reports]
        self.keys = [report.keys() for report in reports]
        self.leader_of: dict[Key, int] = {}
        for index, keys in enumerate(self.keys):
            if not keys:
                raise ValueError("a report needs an external id or an idempotency key")
            leader = next((self.leader_of[key] for key in keys if key in self.leader_of), index)
            if self.fingerprints[leader] == self.fingerprints[index]:
                for key in keys:
                    self.leader_of.setdefault(key, leader)
        self.keys_of: defaultdict[int, list[Key]] = defaultdict(list)
        for key, leader in self.leader_of.items():
            self.keys_of[leader].append(key)
        self.ticket_ids = {leader: TicketId(uuid7()) for leader in self.keys_of}

    def answer(self, index: int, known: Mapping[Key, Request], is_new: bool, is_again: bool) -> Received:
        """What to tell the report at `index`, now that it is known what stands under every key."""
        requests = [known[key] for key in self.keys[index] if key in known]
        if not _is_same(requests, self.fingerprints[index]):
            return Refused((_KEY_REUSED,))
        receipt = requests[0].receipt
        if is_new:
            return Accepted(receipt)
        return Hastened(receipt) if is_again else Replayed(receipt)


def _is_same(requests: Sequence[Request], wanted: bytes) -> bool:
    """Whether these keys all lead to one ticket, made of a report with the fingerprint `wanted`."""
    tickets = {request.receipt.ticket_id for request in requests}
    return len(tickets) == 1 and all(request.fingerprint == wanted for request in requests)


async def _settle_half_won(tx: Transaction, batch: _Batch, won: Mapping[Key, int], known: dict[Key, Request]) -> None:
    """Reports with one key known and one just won: the new key joins the old ticket, or is given back."""
    joined: dict[Key, TicketId] = {}
    given_back: list[Key] = []
    for leader, keys in batch.keys_of.items():
        fresh_keys = [key for key in keys if key in won]
        if len(fresh_keys) == len(keys):
            continue
        requests = [known[key] for key in keys if key in known]
        if _is_same(requests, batch.fingerprints[leader]):
            joined |= dict.fromkeys(fresh_keys, requests[0].receipt.ticket_id)
            known.update(dict.fromkeys(fresh_keys, requests[0]))
        else:
            given_back += fresh_keys
    await store.repoint_requests(tx, joined)
    await store.release_requests(tx, given_back)


def _count(answers: Sequence[Received], door: str) -> None:
    for kind, times in Counter(map(type, answers)).items():
        _COUNTERS[kind].labels(door=door).inc(times)


_COUNTERS = {
    Accepted: telemetry.TICKETS_ACCEPTED,
    Replayed: telemetry.TICKETS_REPLAYED,
    Hastened: telemetry.TICKETS_REPLAYED,
    Refused: telemetry.REPORTS_REJECTED,
}
