"""Early warning: matters are taken down where and when they come up, and whoever should know hears once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.notify import gathering_store as store
from services.notify import store as messages
from services.notify.core.contacts import AddressBook
from services.notify.core.courtesy import USUAL, Courtesy
from services.notify.core.measures import MeasureRules
from services.notify.core.plan import plan_alert
from services.notify.core.rates import Bucket, Counts
from services.notify.core.warning import (
    HOUR,
    Cluster,
    Neighbours,
    edges,
    growth_threshold,
    hour_of,
    is_growing,
    spike_threshold,
    window_of,
)
from services.notify.gathering_store import Alert, Hour, Occurrence
from services.notify.rates import recurrences
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.events import Draft, Envelope, TicketAssigned, TicketRedispatched, name_based
from shared.ledger import Ledger
from shared.notify_events import SurgeAlert
from shared.rounds import keep_looking
from shared.terms import AlertKind, AssignmentKind, TicketId, Urgency

STALE: Final = timedelta(hours=24)
"""What is heard of so late is history: it is counted, and nobody is called up."""
EVERYBODY_ON_THE_CONSOLE: Final = AddressBook()
POLL_S: Final = 5.0
WEEK: Final = timedelta(days=7)


class Warnings:
    """Counts matters by place and hour, and gives alerts. Every alert is a story of its own, of one event."""

    def __init__(
        self, ledger: Ledger, rules: MeasureRules, neighbours: Neighbours, now: Clock,
        book: AddressBook = EVERYBODY_ON_THE_CONSOLE, courtesy: Courtesy = USUAL,
        ring: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`ring` wakes the courier that calls people up."""
        self._book, self._courtesy, self._ring = book, courtesy, ring
        self._ledger = ledger
        self._rules = rules
        self._neighbours = neighbours
        self.now = now

    async def gather(self, tx: Transaction, envelopes: Sequence[Envelope]) -> Mapping[Bucket, Counts]:
        """Take down the matters that came up, give alerts, and answer with what recurs. Drills are no matters."""
        opened = {e.ticket_id: e.event for e in envelopes if isinstance(e.event, TicketAssigned) and _begins(e.event)}
        if not opened:
            return {}
        matters = [_occurrence(ticket_id, event) for ticket_id, event in sorted(opened.items())]
        known = await store.add_occurrences(tx, matters)
        fresh = [matter for matter in matters if matter.ticket_id in known]
        if not fresh:
            return {}
        days = self._rules.practice.recurring.counted_again_within_days
        recurring = await store.mark_recurring(tx, fresh, days)
        hours = Counter((m.group, m.township, hour_of(m.accepted_at)) for m in fresh)
        reached = await store.count_hours(tx, dict(sorted(hours.items())))
        alerts = [*await self._spikes(tx, reached), *await self._spreads(tx, fresh), *self._critical(fresh, opened)]
        await self.give(tx, [alert for alert in alerts if self._is_timely(alert)])
        return recurrences(recurring, self._rules)

    async def give(self, tx: Transaction, alerts: Sequence[Alert]) -> int:
        """State alerts that were not given yet; how many."""
        if not alerts:
            return 0
        now = self.now()
        new = await store.give_alerts(tx, alerts, now)
        fresh = [(a.id, _event(a)) for a in alerts if a.id in new]
        drafts = [Draft(TicketId(identity), event, now) for identity, event in fresh]
        await self._ledger.append(tx, {}, drafts)
        if fresh:
            plans = self._rules.practice.plans
            calls = [plan_alert(identity, event, self._book, now, plans[event.playbook]) for identity, event in fresh]
            await messages.add_messages(tx, calls, now, self._courtesy)
            tx.on_commit(self._ring)
        return len(drafts)

    async def growth(self, database: Database) -> list[Alert]:
        """Which groups grow slowly where, as of the last full week."""
        rules, until = self._rules.warning, window_of(self.now(), 7 * 24)
        weeks = max(rules.growth_mean_weeks, rules.growth_weeks + 1)
        found = await store.week_counts(database, until, weeks)
        return [
            self._alert(
                AlertKind.GROWTH, group, township, until - WEEK, WEEK, counts[-1], growth_threshold(counts, rules)
            )
            for (group, township), counts in sorted(found.items())
            if is_growing(counts, rules)
        ]

    async def graph(self, database: Database, alert_id: UUID) -> dict[str, object] | None:
        """An alert as a graph: the grids in it with their matters, and which touch which; None of no such alert."""
        alert = await store.read_alert(database, alert_id)
        if alert is None:
            return None
        nodes = await store.grids_of(database, alert)
        found = edges([str(node["grid"]) for node in nodes], self._neighbours)
        return {**alert, "nodes": nodes, "edges": [list(pair) for pair in found]}

    async def _spikes(self, tx: Transaction, reached: Mapping[Hour, int]) -> list[Alert]:
        rules = self._rules.warning
        high = [hour for hour, count in reached.items() if count >= rules.spike_least]
        past = await store.same_hours(tx, high, rules.spike_weeks * 7) if high else {}
        thresholds = {hour: spike_threshold(counts, rules) for hour, counts in past.items()}
        return [
            self._alert(AlertKind.SPIKE, group, township, start, HOUR, reached[group, township, start], threshold)
            for (group, township, start), threshold in thresholds.items()
            if reached[group, township, start] >= threshold
        ]

    async def _spreads(self, tx: Transaction, fresh: Sequence[Occurrence]) -> list[Alert]:
        """Looked for around the last matter of each group; counted once, when the alert is new."""
        rules, hours = self._rules.warning, self._rules.warning.spread_within_hours
        last = {m.group: m for m in sorted(fresh, key=lambda m: m.accepted_at) if m.grid in self._neighbours}
        wide = {
            group: grids
            for group, grids in (await self._clusters(tx, last)).items()
            if len(grids) >= rules.spread_grids
        }
        alerts = [
            self._alert(
                AlertKind.SPREAD, group, min(grids)[:9], window_of(last[group].accepted_at, hours),
                timedelta(hours=hours), 0, rules.spread_grids, grids,
            )
            for group, grids in sorted(wide.items())
        ]  # fmt: skip
        given = await store.given_alerts(tx, [a.id for a in alerts]) if alerts else frozenset[UUID]()
        return [
            replace(a, count=await store.count_matters(tx, a.group, a.grids, last[a.group].accepted_at, hours))
            for a in alerts
            if a.id not in given and self._is_timely(a)
        ]

    async def _clusters(self, tx: Transaction, last: Mapping[str, Occurrence]) -> dict[str, frozenset[str]]:
        """The grids that hang together around the last matter of each group and had matters of it a short time ago."""
        clusters = {group: Cluster(matter.grid, self._neighbours) for group, matter in last.items()}
        until = {group: matter.accepted_at for group, matter in last.items()}
        while wanted := {group: ahead for group, cluster in clusters.items() if (ahead := cluster.ahead())}:
            found = await store.grids_with_matters(tx, wanted, until, self._rules.warning.spread_within_hours)
            for group, cluster in clusters.items():
                cluster.grow(found.get(group, ()))
        return {group: frozenset(cluster.grids) for group, cluster in clusters.items()}

    def _is_timely(self, alert: Alert) -> bool:
        return alert.window_end > self.now() - STALE

    def _critical(self, fresh: Sequence[Occurrence], opened: Mapping[TicketId, TicketAssigned]) -> list[Alert]:
        return [
            replace(
                self._alert(AlertKind.CRITICAL, m.group, str(m.ticket_id), hour_of(m.accepted_at), HOUR, 1, 1),
                township=m.township,
            )
            for m in fresh
            if opened[m.ticket_id].urgency is Urgency.U1
        ]

    def _alert(
        self, kind: AlertKind, group: str, place: str, start: datetime, length: timedelta, count: int, threshold: int,
        grids: frozenset[str] = frozenset(),
    ) -> Alert:  # fmt: skip
        identity = name_based(f"alert/{kind}/{group}/{place}/{start.isoformat()}".encode())
        playbook, to = self._rules.playbook_of(group), self._rules.practice.alerts[kind]
        return Alert(
            identity, kind, group, place, start, start + length, count, threshold, tuple(sorted(grids)), playbook, to
        )


class GrowthLoop:
    """Looks once an hour for what grows slowly. Any number of copies may run."""

    def __init__(self, database: Database, warnings: Warnings) -> None:
        self._database = database
        self._warnings = warnings
        self._next: datetime | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until asked to stop."""
        await keep_looking("warnings", self.look, stopping, POLL_S)

    async def look(self) -> int:
        """One look, if it is time; how many alerts it gave."""
        now = self._warnings.now()
        if self._next is not None and now < self._next:
            return 0
        found = await self._warnings.growth(self._database)
        async with self._database.transaction() as tx:
            given = await self._warnings.give(tx, found)
        self._next = now + HOUR  # not before: a look that failed is taken again at once
        return given


def _begins(event: TicketAssigned) -> bool:
    """Whether a matter came up: the first dispatch of a ticket that is no drill."""
    first = event.kind is AssignmentKind.LEAD and event.cycle == 1 and not isinstance(event, TicketRedispatched)
    return first and not event.exercise


def _occurrence(ticket_id: TicketId, event: TicketAssigned) -> Occurrence:
    return Occurrence(
        ticket_id, event.category, event.category[:4], event.township or "", event.grid or "", event.unit,
        event.accepted_at,
    )  # fmt: skip


def _event(alert: Alert) -> SurgeAlert:
    critical = alert.kind == AlertKind.CRITICAL
    township = alert.township if critical else alert.place
    return SurgeAlert(
        kind=AlertKind(alert.kind), category=alert.group, township=township or None,
        grids=alert.grids, window_start=alert.window_start, window_end=alert.window_end, count=alert.count,
        threshold=alert.threshold, playbook=alert.playbook, to=alert.to,
        concerns=TicketId(UUID(alert.place)) if critical else None,
    )  # fmt: skip
