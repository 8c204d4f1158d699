"""The triage loop: claims what nobody has looked at yet, says where and what it is, and states it."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg
import orjson

from services.intake import store
from services.intake.core.categories import UNCLASSIFIED
from services.intake.core.location import Clues, Gazetteer, Location
from services.intake.core.triage import Fired, Matter, Triage
from services.intake.store import Sealed, Verdict
from services.intake.vault import OriginalWords, Vault
from shared import telemetry
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import Unavailable
from shared.events import Draft, TicketTriaged
from shared.ledger import Ledger
from shared.outcome import backoff_s
from shared.telemetry import log
from shared.terms import Channel, PlaceLevel, TicketId, TicketType, Urgency
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


class TriageLoop:
    """Works through untriaged matters, the oldest first; any number of copies may run beside each other."""

    def __init__(
        self, database: Database, ledger: Ledger, vault: Vault, gazetteer: Gazetteer, judge: Judge, *,
        rule_pack: str, now: Clock, wake: Wake, batch: int = 500,
    ) -> None:  # fmt: skip
        """`wake` is rung when something was received in this process; what others received is found by polling."""
        self._database = database
        self._ledger = ledger
        self._vault = vault
        self._gazetteer = gazetteer
        self._judge = judge
        self._rule_pack = rule_pack
        self._now = now
        self._wake = wake
        self._batch = batch

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
        """Triage one batch in one transaction; how many matters it held. Raises Unavailable."""
        async with self._database.transaction() as tx:
            rows = await store.claim_untriaged(tx, self._batch)
            if not rows:
                return 0
            verdicts = await self._verdicts(rows)
            now = self._now()
            await store.save_triage(tx, verdicts, now, self._rule_pack)
            await self._state(tx, rows, verdicts)
        for (ticket_type, urgency), times in Counter(
            (v.triage.ticket_type, v.triage.urgency) for v in verdicts
        ).items():
            telemetry.TICKETS_TRIAGED.labels(ticket_type=ticket_type, urgency=urgency).inc(times)
        return len(rows)

    async def _state(self, tx: Transaction, rows: Sequence[asyncpg.Record], verdicts: Sequence[Verdict]) -> None:
        now = self._now()
        versions = await self._ledger.lock(tx, [v.ticket_id for v in verdicts])
        drafts = [
            Draft(verdict.ticket_id, self._event(row, verdict), now)
            for row, verdict in zip(rows, verdicts, strict=True)
        ]
        await self._ledger.append(tx, versions, drafts)

    async def _verdicts(self, rows: Sequence[asyncpg.Record]) -> list[Verdict]:
        questions = [self._question(row) for row in rows]
        places = self._places([question.clues if question else Clues() for question in questions])
        verdicts = []
        for number, (row, question, place) in enumerate(zip(rows, questions, places, strict=True), 1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            ticket_id = TicketId(row["id"])
            triage = self._triage(ticket_id, question.matter, place) if question else _FAILED
            verdicts.append(Verdict(ticket_id, triage, place, _explanation(triage, place)))
        return verdicts

    def _question(self, row: asyncpg.Record) -> Question | None:
        """None when the vault does not open: then nothing can be said, and that is said."""
        ticket_id, sealed = TicketId(row["id"]), Sealed(row["key_id"], row["wrapped_key"], row["sealed"])
        try:
            words = self._vault.open(ticket_id, sealed)
        except Exception as error:  # one matter that cannot be read must not hold up the others
            _log_failure(ticket_id, error)
            return None
        return Question(_matter(row, words), _clues(row, words))

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

    def _event(self, row: asyncpg.Record, verdict: Verdict) -> TicketTriaged:
        triage, place = verdict.triage, verdict.place
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
            rules=(f"place.{place.reason}", *(fired.rule for fired in triage.rules)),
            rule_pack=self._rule_pack,
        )


_CHANNELS = {channel.value: channel for channel in Channel}
_FAILED = Triage(TicketType.OTHER, UNCLASSIFIED, Urgency.U3, 0.0, (Fired(TRIAGE_FAILED, ()),))


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
