"""The pure core by itself: what one decision and one triage cost on one core, without anything around them."""

import gc
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID

import orjson

from griddispatch import data
from griddispatch.bench.figures import Figure, Goal, most
from services.dispatch.core.opening import open_case
from services.dispatch.core.org import Org
from services.dispatch.core.org_files import ORG_FILES, leaf_codes, load_org_files
from services.dispatch.core.rulebook import Rulebook, load_pack_rules
from services.intake.core.triage import Matter, triage
from services.intake.core.triage_rules import read_rules
from shared.events import TicketTriaged, event_id
from shared.packs import open_pack
from shared.terms import Channel, PlaceLevel, Source, TicketId, TicketType, Urgency

CALLS = 2000
PACK_FILES = ("dispatch.toml", "categories.toml", "calendar.toml")
TRIAGE_FILES = ("triage.toml", "categories.toml")
MORNING = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
"""Tuesday, 09:15 in the county: an ordinary working day."""


def micro(*, quick: bool) -> list[Figure]:
    """Medians of single calls, each on a value it has not seen before."""
    calls = CALLS if quick else 5 * CALLS
    book, org = _rules()
    pack = open_pack(data.find(data.PACK), *TRIAGE_FILES)
    words = pack.read(read_rules, *TRIAGE_FILES)
    rows = [orjson.loads(line) for line in data.find(data.MATTERS).read_bytes().splitlines()]
    matters = [Matter(row["text"], row.get("title", "")) for row in rows]
    small, urgent = _triaged("150101", Urgency.U3), _triaged("130101", Urgency.U2)
    opened = open_case(TicketId(UUID(int=1)), small, book, org, MORNING).events[0]

    def opening(matter: TicketTriaged) -> Callable[[int], object]:
        return lambda n: open_case(TicketId(UUID(int=n + 1)), matter, book, org, MORNING + timedelta(seconds=n))

    return [
        _figure("open_case, small matter in its grid", calls, opening(small), most(40)),
        _figure("open_case, urgent big matter with its parts", calls, opening(urgent), most(120)),
        _figure("triage by words alone", calls, lambda n: triage(matters[n % len(matters)], words), most(60)),
        _figure("id of an event", calls, lambda n: event_id(Source.DISPATCH, TicketId(UUID(int=n)), 1)),
        _figure("assigned event to JSON", calls, lambda n: opened.model_dump_json()),
    ]


def _rules() -> tuple[Rulebook, Org]:
    pack = open_pack(data.find(data.PACK), *PACK_FILES)
    area = data.find(data.AREA)
    files = {name: (area / name).read_bytes() for name in ORG_FILES if (area / name).is_file()}
    categories = pack.read(leaf_codes, "categories.toml")
    return pack.read(load_pack_rules, *PACK_FILES), load_org_files(files, categories)


def _triaged(category: str, urgency: Urgency) -> TicketTriaged:
    grid = json.loads(data.find(f"{data.AREA}/grids.geojson").read_bytes())["features"][0]["properties"]["grid_code"]
    return TicketTriaged(
        ticket_no="99010126031010000010", source="bench", channel=Channel.PHONE, accepted_at=MORNING,
        ticket_type=TicketType.COMPLAINT, category=category, urgency=urgency, confidence=0.9,
        place_level=PlaceLevel.GRID, county=grid[:6], township=grid[:9], village=grid[:12], grid=grid,
    )  # fmt: skip


def _figure(name: str, calls: int, act: Callable[[int], object], goal: Goal | None = None) -> Figure:
    took = list(_timed(calls, act))
    return Figure("micro", name, median(took), "µs", goal, f"p99 {sorted(took)[calls * 99 // 100]:.0f} µs")


def _timed(calls: int, act: Callable[[int], object]) -> Iterator[float]:
    """Microseconds of each call, after a tenth as many that warm up; the collector of garbage stands still."""
    for n in range(calls // 10):
        act(n)
    gc.collect()
    gc.disable()
    try:
        for n in range(calls):
            began = time.perf_counter_ns()
            act(n)
            yield (time.perf_counter_ns() - began) / 1000
    finally:
        gc.enable()
