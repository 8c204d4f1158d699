"""Each invariant holds on a run that went well, and fires on the run that breaks it; nothing is green without evidence."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.chaos.checker.evidence import Applied, Dead, Evidence, Fault, Heal, Record, Run, Sight, load, save
from tests.chaos.checker.judge import CHECKS, judge, table
from tests.chaos.tiny import (
    DONE,
    LEAD_1,
    LEAD_2,
    MIDNIGHT,
    MISSED,
    MORNING_AFTER,
    NINE,
    UNIT,
    delivery,
    op,
    real,
    record,
    whole,
)

Spoil = Callable[[Evidence], Evidence]


def word(evidence: Evidence, invariant: str) -> str:
    return next(f.word for f in judge(evidence) if f.invariant == invariant)


def with_records(change: Callable[[list[Record]], list[Record]]) -> Spoil:
    return lambda e: replace(e, records=change(list(e.records)))


def without(topic: str, version: int, ticket: str = DONE) -> Spoil:
    return with_records(
        lambda rs: [
            r for r in rs if (r.topic, r.key, r.headers["ce_version"]) != (f"tickets-{topic}", ticket, str(version))
        ]
    )


def more(name: str, *items: Any) -> Spoil:
    return lambda e: replace(e, **{name: [*getattr(e, name), *items]})


def changed(name: str, nth: int, /, **fields: Any) -> Spoil:
    def spoil(e: Evidence) -> Evidence:
        items = list(getattr(e, name))
        items[nth] = replace(items[nth], **fields)
        return replace(e, **{name: items})

    return spoil


def event(version: int, name: str, minutes: float, **body: Any) -> Spoil:
    return more(
        "records", record("dispatch", DONE, version, name, NINE + timedelta(minutes=minutes), 50 + version, **body)
    )


ANOTHER_LEAD = {"assignment_id": LEAD_1, "kind": "LEAD", "unit": UNIT, "cycle": 1}
AGAIN = {
    "level": 1,
    "to": f"unit:{UNIT}",
    "assignment_id": LEAD_2,
    "unit": UNIT,
    "clock": "RESOLVE",
    "cycle": 1,
    "due_at": MIDNIGHT.isoformat(),
}
SPOILED: list[tuple[str, str, Spoil]] = [
    ("I-01", "an accepted ticket is not there", lambda e: replace(e, tickets=e.tickets[1:])),
    ("I-01", "a received event is missing", without("intake", 1)),
    ("I-01", "one key led to two tickets", more("ops", op("create", "x:1", ticket=MISSED))),
    ("I-02", "a ticket nobody handed in", changed("tickets", 0, keys=["x:9"])),
    ("I-02", "a refused one is there", changed("tickets", 0, keys=["x:1", "x:3"])),
    ("I-02", "a story without a ticket", lambda e: replace(e, tickets=e.tickets[1:])),
    ("I-03", "another ticket for the same key", changed("ops", 4, ticket=MISSED)),
    ("I-03", "other words were taken", changed("ops", 4, fingerprint="f9")),
    ("I-03", "other words were refused as 409", changed("ops", 4, fingerprint="f9", result="fail", status=409)),
    ("I-04", "an id stands for two contents", with_records(lambda rs: [*rs, replace(rs[0], offset=70, value=b'{"x":1}')])),
    ("I-04", "a foreign id", with_records(lambda rs: [replace(rs[0], headers=rs[0].headers | {"ce_id": LEAD_1}), *rs[1:]])),
    ("I-05", "a hole", without("dispatch", 3)),
    ("I-05", "a tail that is missing", without("dispatch", 6)),
    ("I-05", "more than the service stated", lambda e: replace(e, ledger=[s for s in e.ledger if s.version < 6])),
    ("I-06", "applied twice", more("applied", Applied(service="dispatch", source="/griddispatch/intake", ticket=DONE, version=1, place=99))),
    ("I-06", "applied over a gap", more("applied", Applied(service="dispatch", source="/griddispatch/intake", ticket=DONE, version=5, place=99))),
    ("I-06", "out of order in the topic without a fault", lambda e: replace(e, faults=[], records=[replace(r, offset=1000 - r.offset) for r in e.records])),
    ("I-07", "a story in two partitions", with_records(lambda rs: [replace(rs[0], partition=(rs[0].partition + 1) % 12), *rs[1:]])),
    ("I-07", "keyed otherwise", with_records(lambda rs: [replace(rs[0], key="k"), *rs[1:]])),
    ("I-07", "the number of partitions changed", lambda e: replace(e, run=replace(e.run, partitions_after={"tickets-intake": 13}))),
    ("I-08", "closed without a result", without("dispatch", 4)),
    ("I-08", "kept in another state", changed("cases", 0, state="RESOLVED")),
    ("I-09", "a second live lead in the events", more("records", record("dispatch", MISSED, 4, "ticket.assigned.v1", MORNING_AFTER, 60, **ANOTHER_LEAD))),
    ("I-09", "two live leads kept", lambda e: replace(e, cases=[replace(e.cases[1], shares=[*e.cases[1].shares, replace(e.cases[1].shares[0], id=LEAD_1)])])),
    ("I-09", "two live leads in a sample", lambda e: replace(e, samples=[replace(e.samples[1], rows=[*e.samples[1].rows, *e.samples[1].rows])])),
    ("I-10", "two won", changed("ops", 6, result="ok", status=200)),
    ("I-10", "nobody won", changed("ops", 5, result="fail", status=409)),
    ("I-12", "never assigned", without("dispatch", 1, MISSED)),
    ("I-12", "assigned late", with_records(lambda rs: [replace(r, stamp=r.stamp + 100) if r.key == MISSED and r.topic == "tickets-dispatch" else r for r in rs])),
    ("I-13", "escalated twice", more("records", record("dispatch", MISSED, 4, "ticket.escalated.v1", MORNING_AFTER, 60, **AGAIN))),
    ("I-13", "not escalated", without("dispatch", 3, MISSED)),
    ("I-13", "escalated before it was due", with_records(lambda rs: [replace(r, stamp=real(MIDNIGHT) - 5) if "escalated" in r.headers["ce_type"] else r for r in rs])),
    ("I-13", "escalated late", with_records(lambda rs: [replace(r, stamp=r.stamp + 50) if "escalated" in r.headers["ce_type"] else r for r in rs])),
    ("I-14", "done in time, and escalated", event(7, "ticket.escalated.v1", 1500, **AGAIN | {"assignment_id": LEAD_1})),
    ("I-15", "another deadline", with_records(lambda rs: [replace(r, value=r.value.replace(MIDNIGHT.isoformat().encode(), MORNING_AFTER.isoformat().encode())) for r in rs])),
    ("I-16", "overdue and green", lambda e: replace(e, samples=[replace(e.samples[1], rows=[e.samples[1].rows[0] | {"light": "GREEN"}])])),
    ("I-16", "open without a clock", changed("samples", 2, rows=[{"ticket_id": DONE}])),
    ("I-17", "nobody was told", lambda e: replace(e, messages=e.messages[1:])),
    ("I-17", "delivered and never taken", changed("deliveries", 0, status=500)),
    ("I-17", "given up at once", changed("messages", 0, state="FAILED", error="timeout")),
    ("I-17", "no event says so", without("notify", 1)),
    ("I-18", "taken twice without a doubt", lambda e: replace(e, deliveries=[*e.deliveries, *e.deliveries])),
    ("I-18", "another body", lambda e: replace(e, deliveries=[*e.deliveries, delivery(e.deliveries[0].id, b"[]", 500)])),
    ("I-18", "an id nobody knows", more("deliveries", delivery(LEAD_1))),
    ("I-19", "a bad signature", changed("deliveries", 0, signature="v1,AAAA")),
    ("I-19", "another place", changed("deliveries", 0, place="10.0.0.1:80")),
    ("I-20", "closed and never judged", without("notify", 2)),
    ("I-20", "a no that did not reopen", with_records(lambda rs: [replace(r, value=r.value.replace(b'"SATISFIED"', b'"DISSATISFIED"')) for r in rs])),
    ("I-21", "the ledger reads otherwise", changed("ledger", 0, payload="{}")),
    ("I-22", "another unit's assignment", lambda e: replace(e, samples=[replace(e.samples[1], asked="unit-b")])),
    ("I-23", "a canary in a log", lambda e: replace(e, texts={"intake.log": b"CANARY"})),
    ("I-23", "a canary in a message", changed("deliveries", 0, body=b"CANARY")),
    ("I-24", "read and never applied", lambda e: replace(e, applied=e.applied[1:])),
    ("I-25", "poison that is not kept", lambda e: replace(e, dead=[])),
    ("I-25", "poison kept otherwise", changed("dead", 0, value=b"!")),
    ("I-25", "a good record buried", lambda e: replace(e, dead=[*e.dead, Dead(service="dispatch", topic=e.records[0].topic, partition=e.records[0].partition, offset=e.records[0].offset, reason="x", value=e.records[0].value)])),
    ("I-26", "the state changed", changed("replays", 0, after="y")),
    ("I-27", "told ok just before the kill, and lost", lambda e: replace(e, tickets=[])),
    ("I-28", "ended with an error", changed("drains", 0, exit_code=1)),
    ("I-28", "left events behind", changed("drains", 0, unpublished=3)),
    ("I-28", "took too long", changed("drains", 0, seconds=40.0)),
    ("I-29", "never came to rest", changed("heals", 0, quiet=False)),
    ("I-29", "came to rest late", changed("heals", 0, seconds=70.0)),
    ("I-30", "not found after it was accepted", changed("samples", 0, status=404)),
]  # fmt: skip


def test_a_run_that_went_well_holds_every_invariant_it_can_show() -> None:
    findings = judge(whole())
    assert {f.invariant: f.word for f in findings if f.word != "HOLDS"} == {"I-11": "NOT DECIDED"}, table(findings)


@pytest.mark.parametrize(
    ("invariant", "spoil"), [(i, s) for i, _, s in SPOILED], ids=[f"{i}: {w}" for i, w, _ in SPOILED]
)
def test_an_invariant_fires_when_it_is_broken(invariant: str, spoil: Spoil) -> None:
    assert word(spoil(whole()), invariant) == "BROKEN"


def test_every_invariant_has_a_run_that_breaks_it() -> None:
    assert {invariant for invariant, _, _ in SPOILED} == CHECKS.keys() - {"I-11"}


def test_without_evidence_nothing_is_green() -> None:
    run = Run(seed=1, commit="", broker="", began=0, ended=0, clock_shown="", clock_real="", clock_speed=1)
    assert {f.word for f in judge(Evidence(run=run))} == {"NOT DECIDED"}
    assert all(f.not_decided for f in judge(Evidence(run=run)))


def test_an_outage_makes_room_for_what_it_held_up() -> None:
    late = next(spoil for i, what, spoil in SPOILED if what == "assigned late")
    outage = Fault(kind="pause", target="kafka", began=real(NINE), ended=real(NINE) + 95)
    assert word(more("faults", outage)(late(whole())), "I-12") == "HOLDS"


@pytest.mark.parametrize(("stopped_s", "expected"), [(-1.0, "NOT DECIDED"), (3600.0, "BROKEN")])
def test_clocks_that_the_run_stopped_need_not_ring(stopped_s: float, expected: str) -> None:
    missed = next(spoil for i, what, spoil in SPOILED if what == "not escalated")(whole())
    run = replace(missed.run, clocks_stopped=real(MORNING_AFTER) + stopped_s)
    assert word(replace(missed, run=run), "I-13") == expected


@pytest.mark.parametrize(("heals", "expected"), [(99, "BROKEN"), (100, "HOLDS")])
def test_one_heal_in_a_hundred_may_take_longer(heals: int, expected: str) -> None:
    soon, late = Heal(seconds=1.0, backlog=5), Heal(seconds=70.0, backlog=5)
    assert word(replace(whole(), heals=[late, *[soon] * (heals - 1)]), "I-29") == expected


def test_a_race_that_something_else_won_before_its_end_has_no_winner_of_its_own() -> None:
    lost = changed("ops", 5, result="fail", status=409)(whole())
    assert word(lost, "I-10") == "BROKEN"
    assert word(changed("ops", 5, ended=real(MORNING_AFTER))(lost), "I-10") == "HOLDS"


def test_topics_that_were_lost_and_filled_again_do_not_make_late_what_was_told_in_time() -> None:
    late = next(spoil for i, what, spoil in SPOILED if what == "assigned late")
    told = [Sight(id=r.headers["ce_id"], stamp=r.stamp) for r in whole().records if r.topic == "tickets-dispatch"]
    assert word(more("sights", *told)(late(whole())), "I-12") == "HOLDS"
    too_late = [replace(sight, stamp=sight.stamp + 100) for sight in told]
    assert word(more("sights", *too_late)(whole()), "I-12") == "BROKEN"


def test_evidence_comes_back_from_its_files_as_it_was(tmp_path: Path) -> None:
    save(whole(), tmp_path)
    assert table(judge(load(tmp_path))) == table(judge(whole()))
