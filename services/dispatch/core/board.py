"""What the console shows: the units board, a ticket's clocks and what lies ahead, its story and its reasons."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.dispatch.core.case import Case
from services.dispatch.core.naming import Naming
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.sentences import CLOCK_NAMES, STEP_NAMES
from services.dispatch.core.story import Timer

Row = Mapping[str, Any]
REFUSED = ("CANDIDATE_REFUSED", "REFUSED")


def unit_rows(loads: Sequence[Row], results: Mapping[str, Row]) -> list[dict[str, Any]]:
    """A row per unit with open work or results: load, overdue, and the share handed in on time (None: nothing was).

    The most overdue first, then the most loaded.
    """
    none: Row = {"open": 0, "overdue": 0, "unsigned": 0, "leads": 0, "next_due": None}
    by_unit: dict[str, Row] = dict.fromkeys(results, none) | {row["unit"]: row for row in loads}
    rows = [_unit_row(unit, load, results.get(unit)) for unit, load in by_unit.items()]
    return sorted(rows, key=lambda row: (-row["overdue"], -row["open"], row["unit"]))


def _unit_row(unit: str, load: Row, result: Row | None) -> dict[str, Any]:
    handed_in, on_time = (result["results"], result["on_time"]) if result else (0, 0)
    figures = {key: load[key] for key in ("open", "overdue", "unsigned", "leads", "next_due")}
    rate = on_time / handed_in if handed_in else None
    return {"unit": unit, **figures, "results": handed_in, "on_time": on_time, "on_time_rate": rate}


def clock_rows(case: Case, timers: Sequence[Timer], book: Rulebook) -> list[dict[str, Any]]:
    """Each running clock: what it measures, whose it is, its deadline, and the steps that lie ahead."""
    units = {str(a.id): a.unit for a in case.assignments}
    return [
        {
            "clock": t.clock, "name": CLOCK_NAMES.get(t.clock, (t.clock, t.clock)), "unit": units.get(t.subject),
            "limit": t.limit, "started_at": t.started_at, "due_at": t.due_at, "step": t.step,
            "step_name": STEP_NAMES.get(t.step, (t.step, t.step)), "fire_at": t.fire_at,
            "ahead": _ahead(case, t, book),
        }
        for t in timers
    ]  # fmt: skip


def _ahead(case: Case, timer: Timer, book: Rulebook) -> list[dict[str, Any]]:
    rungs = timer.rungs(book, case.urgency) if timer.step in STEP_NAMES and timer.limit else ()
    return [
        {"step": rung.step, "name": STEP_NAMES.get(rung.step, (rung.step, rung.step)), "at": rung.due_at}
        for rung in rungs
        if rung.due_at >= timer.fire_at
    ]


def story_rows(events: Sequence[Row]) -> list[dict[str, Any]]:
    """What happened, in order: the type without its prefix, when, by what, and the facts."""
    return [
        {
            "version": e["version"], "type": e["type"].removeprefix("org.griddispatch.").rpartition(".")[0],
            "time": e["time"], "caused_by": e["caused_by"], "facts": msgspec.json.decode(e["payload"]),
        }
        for e in events
    ]  # fmt: skip


def reason_rows(decisions: Sequence[Row], naming: Naming) -> list[dict[str, Any]]:
    """Why: each decision with its lines as sentences; `refused` are those that turned somebody or something down."""
    return [
        {
            "version": d["version"], "decided_at": d["decided_at"], "trigger": d["trigger"],
            "reasons": [
                {"line": line, "refused": line.startswith(REFUSED), **naming.say(line)} for line in d["explanation"]
            ],
        }
        for d in decisions
    ]  # fmt: skip


def unit_names(org: Org) -> dict[str, dict[str, Any]]:
    """Every unit by id, with its names, kind and who stands above it."""
    return {u.id: {"zh": u.zh, "en": u.en, "kind": u.kind, "parent": u.parent} for u in org.units.values()}
