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
from griddispatch.bench.quiet import yardstick
from services.dispatch.core.case import Case
from services.dispatch.core.decide import decide
from services.dispatch.core.opening import open_case
from services.dispatch.core.org import Org
from services.dispatch.core.org_files import ORG_FILES, leaf_codes, load_org_files
from services.dispatch.core.rulebook import Rulebook, load_pack_rules
from services.dispatch.core.triggers import Command, Contact, Resolve, Sign
from services.intake.core.triage import Matter, triage
from services.intake.core.triage_rules import read_rules
from shared.actors import Scope
from shared.api_keys import ApiKey, Pepper, check_key, lookup_of, new_key_text
from shared.events import TicketTriaged, event_id
from shared.packs import open_pack
from shared.terms import Channel, PlaceLevel, Source, TicketId, TicketType, Urgency

CALLS = 200
KEYS = 1_000
ROUNDS = 10
PACK_FILES = ("dispatch.toml", "categories.toml", "calendar.toml")
TRIAGE_FILES = ("triage.toml", "categories.toml")
MORNING = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
"""Tuesday, 09:15 in the county: an ordinary working day."""
TICKETS = tuple(TicketId(UUID(int=n + 1)) for n in range(CALLS))
INSTANTS = tuple(MORNING + timedelta(seconds=n) for n in range(CALLS))
"""Made beforehand, as a record and its clock are."""


def micro(rounds: int) -> list[Figure]:
    """Medians of single calls, each on a value it has not seen before: of so many rounds the best.

    A machine shared with others is only ever slowed down by them, so the best round says most of the code. For the
    same reason the yardstick stands beside: a loop that never changes, by which two runs can be compared.
    """
    book, org = _rules()
    pack = open_pack(data.find(data.PACK), *TRIAGE_FILES)
    words = pack.read(read_rules, *TRIAGE_FILES)
    rows = [orjson.loads(line) for line in data.find(data.MATTERS).read_bytes().splitlines()]
    matters = [Matter(row["text"], row.get("title", "")) for row in rows]
    small, urgent = _triaged("150101", Urgency.U3), _triaged("130101", Urgency.U2)
    opened = open_case(TicketId(UUID(int=1)), small, book, org, MORNING)
    assigned = opened.events[0]

    def opening(matter: TicketTriaged) -> Callable[[int], object]:
        return lambda n: open_case(TICKETS[n], matter, book, org, INSTANTS[n])

    def obeying(case: Case, command: Command) -> Callable[[int], object]:
        return lambda n: decide(case, command, book, org, INSTANTS[n])

    lead = opened.case.lead.id
    signed = decide(opened.case, Sign(lead, "worker-7"), book, org, MORNING).case
    contacted = decide(signed, Contact(lead, "worker-7"), book, org, MORNING).case
    acts = {
        "yardstick: a loop that never changes": (yardstick, None),
        "decide: a small matter is opened": (opening(small), most(40)),
        "decide: an urgent one with its parts": (opening(urgent), most(120)),
        "decide: signed": (obeying(opened.case, Sign(lead, "worker-7")), most(40)),
        "decide: contacted": (obeying(signed, Contact(lead, "worker-7")), most(40)),
        "decide: resolved": (obeying(contacted, Resolve(lead, "HANDLED", "路灯已修好")), most(40)),
        "triage by words alone": (lambda n: triage(matters[n % len(matters)], words), most(40)),
        "check an API key, one of 1,000": (_key_check(), most(50)),
        "id of an event": (lambda n: event_id(Source.DISPATCH, TICKETS[n], 1), None),
        "assigned event to JSON": (lambda n: assigned.model_dump_json(), None),
    }
    return [_figure(name, rounds, act, goal) for name, (act, goal) in acts.items()]


def _key_check() -> Callable[[int], object]:
    """What lets a request in once the keys are read; a different key each time."""
    pepper, texts = Pepper(b"bench pepper of 32 random letters"), [new_key_text() for _ in range(KEYS)]
    scope, end = frozenset({Scope("tickets:write")}), MORNING + timedelta(days=1)
    kept = {
        lookup_of(text): ApiKey(
            lookup_of(text), "bench", pepper.digest(text), "hotline", scope, "990101", frozenset(), None, 600, MORNING,
            end,
        )
        for text in texts
    }  # fmt: skip
    return lambda n: check_key(kept.get(lookup_of(texts[n])), texts[n], pepper, MORNING)


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


def _figure(name: str, rounds: int, act: Callable[[int], object], goal: Goal | None = None) -> Figure:
    took = [list(_timed(act)) for _ in range(rounds)]
    worst = sorted(took[0])[CALLS * 99 // 100]
    return Figure("micro", name, min(map(median, took)), "µs", goal, f"best of {rounds} medians; p99 {worst:.0f} µs")


def _timed(act: Callable[[int], object]) -> Iterator[float]:
    """Microseconds of each call, after a tenth as many that warm up; the collector of garbage stands still."""
    for n in range(CALLS // 10):
        act(n)
    gc.collect()
    gc.disable()
    try:
        for n in range(CALLS):
            began = time.perf_counter_ns()
            act(n)
            yield (time.perf_counter_ns() - began) / 1000
    finally:
        gc.enable()
