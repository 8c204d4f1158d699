"""The rules of measuring, tickets' stories as dispatch and notify tell them, and a stage that measures."""

import tomllib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.notify import rates_store
from services.notify.core.contacts import AddressBook
from services.notify.core.measures import MeasureRules, load_measures
from services.notify.core.rates import Bucket, Counts
from services.notify.core.warning import Neighbours
from services.notify.desk import Desk
from services.notify.followups import FollowUpLoop, FollowUps
from services.notify.handlers import measure_and_draw, routes
from services.notify.panel import Panel, PanelLoop
from services.notify.rates import Rates, compare
from services.notify.warnings import GrowthLoop, Warnings
from shared.codec import Record
from shared.database import Database
from shared.events import Envelope, Event, TicketEvaluated, TicketReopened, TicketResolved, event_id
from shared.positions import Incoming
from shared.terms import AssignmentId, FollowUpOutcome, Satisfaction, Source, TicketId
from shared.workdays import Workdays, load_workdays
from tests.services.notify.stage import Stage
from tests.services.notify.values import MORNING, PACK, assigned, audited, rules, rules_source, ticket

GRID = "990101001001001"
TOWN = "990101001"
PLACE: dict[str, Any] = {"township": TOWN, "grid": GRID, "category": "150101"}
MARCH = Bucket("2026-03", "water", TOWN, "15")
"""Where a matter of MORNING is counted, 10 March, with months from the 19th."""


def practice_source() -> dict[str, Any]:
    """The default pack's measures.toml, parsed; a fresh copy each time."""
    return tomllib.loads((PACK / "measures.toml").read_text(encoding="utf-8"))


def measures() -> MeasureRules:
    """The default pack's rules of measuring."""
    return load_measures(rules_source(), practice_source())


def workdays() -> Workdays:
    """The default pack's working days."""
    return load_workdays(tomllib.loads((PACK / "calendar.toml").read_text(encoding="utf-8")))


def told(event: Event, n: int = 1, version: int = 1, at: datetime = MORNING, by: Source = Source.DISPATCH) -> Envelope:
    """`event` as the `version`-th statement about the n-th ticket."""
    return Envelope(event_id(by, ticket(n), version), by, ticket(n), version, at, event)


def resolved(cycle: int = 1, *, on_time: bool = True, unit: str = "water") -> TicketResolved:
    """The unit handed its result in."""
    return TicketResolved(
        assignment_id=AssignmentId(UUID(int=77)), unit=unit, action="REPAIRED", cycle=cycle, on_time=on_time
    )


def reopened(cycle: int = 2) -> TicketReopened:
    """The citizen said no, and the round of that number begins."""
    return TicketReopened(cycle=cycle, due_at=MORNING + timedelta(days=2))


def evaluated(
    cycle: int = 1, *, contacted: bool = True, solved: bool = True, satisfaction: Satisfaction = Satisfaction.SATISFIED
) -> TicketEvaluated:
    """The citizen's word."""
    return TicketEvaluated(
        cycle=cycle, outcome=FollowUpOutcome.ANSWERED, contacted=contacted, solved=solved, satisfaction=satisfaction
    )


def unreachable(cycle: int = 1) -> TicketEvaluated:
    """Nobody answered."""
    return TicketEvaluated(cycle=cycle, outcome=FollowUpOutcome.UNREACHABLE)


class MeasuredStage(Stage):
    """One notify service as it is put together, with everything that measures."""

    def __init__(
        self, database: Database, neighbours: Neighbours | None = None, used: MeasureRules | None = None
    ) -> None:
        super().__init__(database, AddressBook())
        self.measures = used or measures()
        self.warnings = Warnings(self.ledger, self.measures, neighbours or {}, self.clock)
        self.rates = Rates(self.measures, self.warnings.gather)
        self.follow_ups = FollowUps(self.ledger, rules(), AddressBook(), self.clock, self._ring, self.rates.note)
        self.loop = FollowUpLoop(database, self.follow_ups)
        self.desk = Desk(self.follow_ups, self.measures)
        self.panel = Panel(self.ledger, self.measures, workdays(), self.clock, self.rates.note)
        self.panel_loop = PanelLoop(database, self.panel)
        self.growth_loop = GrowthLoop(database, self.warnings)
        (self._route,) = routes(
            self.follow_ups, measure_and_draw(self.rates, self.desk), asks_about=self.desk.asks_about
        )
        self._versions: dict[int, int] = {}

    async def happens(self, n: int, *events: Event, at: datetime | None = None) -> None:
        """Dispatch states events about the n-th ticket, at the stage's present unless another time is given."""
        first = self._versions.get(n, 0) + 1
        self._versions[n] = first + len(events) - 1
        await self.hear(*(told(event, n, first + k, at or self.now) for k, event in enumerate(events)))

    async def hear_all(self, envelopes: Sequence[Envelope]) -> None:
        """One batch with many tickets."""
        async with self.database.transaction() as tx:
            incoming = [Incoming(e, Record("tickets-dispatch", 0, 0, None, None)) for e in envelopes]
            await self._route.apply(tx, incoming)

    async def handled(self, n: int = 1, unit: str = "water", **changes: Any) -> None:
        """The n-th ticket was assigned, resolved in time, and audited."""
        work = assigned(unit=unit, **(PLACE | changes))
        exercise = bool(changes.get("exercise", False))
        await self.happens(n, work, resolved(unit=unit), audited(unit=unit, exercise=exercise))

    async def counts(self) -> dict[Bucket, Counts]:
        """Every bucket."""
        async with self.database.transaction() as tx:
            return await rates_store.all_counts(tx)

    async def difference(self) -> dict[Bucket, Counts]:
        """What a recount finds wrong."""
        return await compare(self.database, self.measures)

    async def alerts(self) -> list[dict[str, Any]]:
        """What was stated of alerts, in order."""
        rows = await self.database.fetch("SELECT payload FROM event WHERE type LIKE '%surge%' ORDER BY recorded_at")
        return [dict(orjson.loads(row["payload"])) for row in rows]


def key(n: int = 1, cycle: int = 1) -> tuple[TicketId, int]:
    """A cycle of the n-th ticket."""
    return ticket(n), cycle
