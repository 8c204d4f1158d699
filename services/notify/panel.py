"""Exclusions: the use cases behind HTTP and clock, each one transaction under its ticket's story lock."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.notify import desk_store, rates_store, store
from services.notify.aside import Aside
from services.notify.core.measures import MeasureRules
from services.notify.core.panel import Exclusion, PanelRefused, Person, Step, ask, check, lapse, vote
from services.notify.core.record import Record
from services.notify.store import Key
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import NotFound
from shared.events import Draft
from shared.ledger import Ledger
from shared.positions import Apply
from shared.rounds import keep_looking
from shared.terms import ExclusionReason, TicketId
from shared.workdays import Workdays

POLL_S = 2.0
BATCH = 100


@dataclass(frozen=True)
class Panel:
    """Takes requests, votes and second looks. `on_stated` hears what is stated, in the same transaction."""

    ledger: Ledger
    rules: MeasureRules
    workdays: Workdays
    now: Clock
    on_stated: Apply

    async def ask(
        self, tx: Transaction, key: Key, by: Person, reason: ExclusionReason, evidence: tuple[str, ...]
    ) -> Exclusion:
        """A unit asks; the same again is the same request. Raises PanelRefused."""
        versions, known = await self._locked(tx, key)
        if known is not None:
            if (known.asked_by, known.reason, known.evidence) == (by.id, reason, evidence):
                return known
            raise PanelRefused("ASKED_ALREADY", "there is one request for one judgement")
        record = (await rates_store.read_records(tx, [key[0]])).get(key[0], Record())
        step = ask(*key, record, by, reason, evidence, self.now(), self.rules, self.workdays)
        return await self._save(tx, versions, step)

    async def vote(self, tx: Transaction, key: Key, by: Person, *, grant: bool) -> Exclusion:
        """A panel member speaks. Raises NotFound, PanelRefused."""
        versions, known = await self._known(tx, key)
        return await self._save(tx, versions, vote(known, by, grant=grant, now=self.now(), rules=self.rules))

    async def check(self, tx: Transaction, key: Key, by: Person, *, upheld: bool) -> Exclusion:
        """A supervisor looks again. Raises NotFound, PanelRefused."""
        versions, known = await self._known(tx, key)
        return await self._save(tx, versions, check(known, by, upheld=upheld))

    async def lapse(self, tx: Transaction, key: Key) -> None:
        """Let a request's time be over, if it is. Raises NotFound."""
        versions, known = await self._known(tx, key)
        await self._save(tx, versions, lapse(known, self.now()))

    async def _known(self, tx: Transaction, key: Key) -> tuple[Mapping[TicketId, int], Exclusion]:
        versions, known = await self._locked(tx, key)
        if known is None:
            raise NotFound("no such request")
        return versions, known

    async def _locked(self, tx: Transaction, key: Key) -> tuple[Mapping[TicketId, int], Exclusion | None]:
        versions = await store.lock_stories(tx, self.ledger, [key[0]])
        return versions, await desk_store.read_exclusion(tx, key)

    async def _save(self, tx: Transaction, versions: Mapping[TicketId, int], step: Step) -> Exclusion:
        await desk_store.save_exclusion(tx, step.exclusion)
        if step.event is not None:
            drafts = [Draft(step.exclusion.ticket_id, step.event, self.now())]
            await self.ledger.append(tx, versions, drafts)
            await self.on_stated(tx, self.ledger.envelopes(versions, drafts))
        return step.exclusion


class PanelLoop:
    """Lets requests lapse that nobody decided. Any number of copies may run."""

    def __init__(self, database: Database, panel: Panel) -> None:
        self._database = database
        self._panel = panel
        self._aside = Aside("panel")

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until asked to stop."""
        await keep_looking("panel", self.lapse_due, stopping, POLL_S, BATCH)

    async def lapse_due(self) -> int:
        """One pass; how many had run out of time."""
        late = await desk_store.late_exclusions(self._database, self._panel.now(), BATCH, self._aside.keys())
        for key in late:
            await self._aside.each([key], self._lapse)
        return len(late)

    async def _lapse(self, keys: Collection[Key]) -> None:
        for key in keys:
            async with self._database.transaction() as tx:
                await self._panel.lapse(tx, key)
