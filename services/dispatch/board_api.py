"""HTTP for the console: queue, map, units, tickets whole, how the system stands, and what everything is called."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from asyncpg import Record
from fastapi import APIRouter, Query

from services.dispatch import board_store, store
from services.dispatch.api import read_place
from services.dispatch.base_map import BaseMap
from services.dispatch.board_store import QueueFilter
from services.dispatch.commands import NAMES, ON_ASSIGNMENTS, Commands
from services.dispatch.core.board import clock_rows, reason_rows, story_rows, unit_names, unit_rows
from services.dispatch.core.case import TicketState
from services.dispatch.core.naming import ADDRESSEES, Naming
from services.dispatch.core.permissions import ROLES
from services.dispatch.core.refusal_sentences import REFUSALS
from services.dispatch.core.sentences import CLOCK_NAMES
from services.dispatch.core.views import lifecycle_view, snapshot, ticket_view
from services.dispatch.elsewhere import Elsewhere
from services.dispatch.live import Live, place_of
from services.dispatch.open_work import UNWATCHED_SHOWN, look_over
from shared.acting import acting
from shared.actors import EVERYWHERE, covers
from shared.clock import FastClock
from shared.contract_labels import LABELS
from shared.database import Database
from shared.errors import NotFound
from shared.moments import Instant
from shared.permissions import within
from shared.recent import Recent
from shared.terms import Light, TicketId, Urgency

Many = Query(max_length=20, default_factory=list)
LATE_S = 5
"""A clock that has not rung so many real seconds after its instant is late."""
Code = Annotated[str | None, Query(pattern=r"^[0-9]{1,15}$")]


class Drawn(NamedTuple):
    """What the map shows: the grids as the area's file has them, and what lies below them."""

    grids: Mapping[str, Any]
    base_map: BaseMap = BaseMap()


def router(
    database: Database, commands: Commands, naming: Naming, drawn: Drawn, live: Live, elsewhere: Elsewhere
) -> APIRouter:
    """Every view of the console; `elsewhere` is where pages find what the other services decide and know."""
    routes = APIRouter(prefix="/v1")
    decider, county = commands.decider, commands.decider.org.county
    places = Recent(lambda _area: board_store.count_places(database))
    open_work = Recent(lambda area: look_over(database, area))

    @routes.get("/queue")
    async def list_queue(
        *,
        state: Annotated[list[TicketState], Many],
        light: Annotated[list[Light], Many],
        urgency: Annotated[list[Urgency], Many],
        grid: Code = None,
        category: Code = None,
        unit: Annotated[str | None, Query(max_length=80)] = None,
        due_before: Instant | None = None,
        after: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        """Open tickets as the stream has them, by `queue_at`; `next` is where the following page begins.

        That is the deadline, or earlier where the matter was raised: hastened, or more pressing for its citizen. Grid
        and category may be the beginnings of codes; `unit` is any that has a live share.
        """
        (grid,) = within([grid] if grid else [], acting().area) or (None,)
        wanted = QueueFilter(_texts(state), _texts(light), _texts(urgency), grid, category, due_before, unit)
        cases = await board_store.read_queue(database, wanted, read_place(after), limit)
        following = f"{cases[-1].queue_at.isoformat()},{cases[-1].ticket_id}" if len(cases) == limit else None
        return {"tickets": [snapshot(case) for case in cases], "next": following}

    @routes.get("/places")
    async def count_places() -> dict[str, Any]:
        """Open tickets by place (a grid's code, or a village's, township's or county's) and light.

        Where much is open, as of a moment ago.
        """
        counts: dict[str, dict[str, int]] = {}
        for row in await places.of(acting().area):  # the database itself shows each area its own
            if not covers(acting().area, row["place"]):
                continue
            counts.setdefault(row["place"], {})[row["light"]] = row["tickets"]
        return {"places": counts}

    @routes.get("/units")
    async def list_units(days: Annotated[int, Query(ge=1, le=31)] = 7) -> dict[str, Any]:
        """Each unit's open work, and how much of what it handed in during the last days came in time."""
        now, area = decider.now(), acting().area
        loads = await board_store.unit_loads(database, now, area)
        results = await board_store.unit_results(database, now - timedelta(days=days), area)
        return {
            "days": days,
            "units": unit_rows([dict(row) for row in loads], {u: dict(r) for u, r in results.items()}),
        }

    @routes.get("/tickets/{ticket_id}/file")
    async def get_file(ticket_id: UUID) -> dict[str, Any]:
        """A ticket whole: as it stands, what happened, which clocks run and what they will do, and why."""
        ticket = TicketId(ticket_id)
        cases = await store.find_cases(database, [ticket])
        if not cases:
            raise NotFound(str(ticket_id))
        (case,) = cases
        family = await board_store.read_family(database, ticket, case.merge.into if case.merge else None)
        return {
            "ticket": ticket_view(case),
            "story": story_rows([dict(row) for row in await board_store.read_story(database, ticket)]),
            "clocks": clock_rows(case, await board_store.read_timers(database, ticket), decider.book),
            "into": next((_named(row) for row in family if not row["waits"]), None),
            "waiting": [_named(row) for row in family if row["waits"]],
            "decisions": reason_rows([dict(row) for row in await store.read_decisions(database, ticket)], naming),
        }

    @routes.get("/system")
    async def get_system() -> dict[str, Any]:
        """How the system stands: what waits, what is parked, dead or late, and whether the live stream flows.

        Numbers are of the whole system; alerts those of the caller's area; dead letters for whom all of the county is.
        """
        now = decider.now()
        speed = decider.now.speed if isinstance(decider.now, FastClock) else 1.0
        state = await board_store.system_state(database, now - timedelta(seconds=LATE_S * speed))
        dead = await board_store.list_dead(database, ["DEAD"], 50) if covers(acting().area, county) else []
        stream = {"is_following": live.is_following, "watchers": live.watchers.count}
        lost = (await open_work.of(acting().area)).unwatched[:UNWATCHED_SHOWN]
        return {**state, "unwatched": lost, "stream": stream, "dead_letters": dead, "alerts": _alerts(live)}

    area = {
        "grids": [_grid(feature) for feature in drawn.grids["features"]],
        "base_map": drawn.base_map._asdict() if drawn.base_map.template else None,
    }
    names = cache(lambda: {**_names(commands, naming), **elsewhere._asdict()})

    @routes.get("/names")
    async def get_names() -> dict[str, Any]:
        """What everything is called in Chinese and English, who may give which command, and where services are."""
        return names()

    @routes.get("/area")
    async def get_area() -> dict[str, Any]:
        """The grids of the county: code, names, township, outlines as rings of longitude and latitude; the base map."""
        return area

    return routes


def _named(row: Record) -> dict[str, Any]:
    return {"ticket_id": row["ticket_id"], "ticket_no": row["ticket_no"]}


def _alerts(live: Live) -> list[dict[str, object]]:
    """The latest alerts of the caller's area."""
    area = acting().area
    return [alert for alert in live.alerts if area == EVERYWHERE or covers(area, place_of(alert) or "")]


def _texts(values: Sequence[StrEnum]) -> list[str] | None:
    """For the database; nothing asked for is everything."""
    return [value.value for value in values] or None


def _grid(feature: Mapping[str, Any]) -> dict[str, Any]:
    """One grid for drawing: its outer rings."""
    said, shape = feature["properties"], feature["geometry"]
    polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    return {
        "code": said["grid_code"], "zh": said["name_zh"], "en": said["name_en"], "kind": said["kind"],
        "township": said["township_code"], "township_zh": said["township_name_zh"],
        "township_en": said["township_name_en"], "rings": [polygon[0] for polygon in polygons],
    }  # fmt: skip


def _names(commands: Commands, naming: Naming) -> dict[str, Any]:
    return {
        "lifecycle": {part: {"states": said["states"]} for part, said in lifecycle_view().items() if part != "roles"},
        "roles": lifecycle_view()["roles"],
        "units": unit_names(naming.org),
        "categories": naming.categories,
        "clocks": CLOCK_NAMES,
        "addressees": ADDRESSEES,
        "labels": {kind.__name__: {v: [label.zh, label.en] for v, label in LABELS[kind].items()} for kind in LABELS},
        "refusals": {code: [wording.zh, wording.en] for code, wording in REFUSALS.items()},
        "commands": {
            name: {
                "on": "assignment" if name in ON_ASSIGNMENTS else "ticket", "roles": ROLES[model],
                "schema": commands.reader.schema(name),
            }
            for name, model in NAMES.items()
        },
    }  # fmt: skip
