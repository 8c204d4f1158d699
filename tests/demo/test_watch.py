"""The observer, on stories written by hand: it sees what is lost, what is doubled, and what merely came twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
import pytest

from griddispatch.demo.records import Sighting, sighting
from griddispatch.demo.watch import Watch
from shared.clock import FastClock
from shared.events import NAMESPACE
from shared.terms import Source

REAL = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SHOWN = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)
CLOCK = FastClock(SHOWN, REAL, 3600.0)

ONE = b"00000000-0000-7000-8000-000000000001"
TWO = b"00000000-0000-7000-8000-000000000002"
TOPICS = {Source.INTAKE: "tickets-intake", Source.DISPATCH: "tickets-dispatch", Source.NOTIFY: "tickets-notify"}


def event(
    stated_by: Source, version: int, name: str, /, *, ticket: bytes = ONE, after_ms: int = 0, **value: Any
) -> Sighting:
    """A record as the relay would have sent it, `after_ms` real milliseconds after the clocks were set."""
    return Sighting(
        TOPICS[stated_by],
        int(REAL.timestamp() * 1000) + after_ms,
        ticket,
        str(uuid5(NAMESPACE, f"{stated_by}/{ticket.decode()}/{version}")).encode(),
        stated_by.value.encode(),
        f"org.griddispatch.{name}.v1".encode(),
        version,
        (SHOWN + timedelta(milliseconds=after_ms * 3600)).isoformat().encode(),
        orjson.dumps(value),
    )


def received(ticket: bytes = ONE, version: int = 1, after_ms: int = 0, source: str = "demo.hotline") -> Sighting:
    return event(
        Source.INTAKE, version, "ticket.received", ticket=ticket, after_ms=after_ms, source=source, ticket_no="1"
    )


def assigned(
    ticket: bytes = ONE, version: int = 1, lead: str = "a1", after_ms: int = 0, kind: str = "LEAD"
) -> Sighting:
    return event(
        Source.DISPATCH, version, "ticket.assigned", ticket=ticket, after_ms=after_ms, assignment_id=lead, kind=kind
    )


def ended(name: str, version: int, lead: str = "a1", ticket: bytes = ONE) -> Sighting:
    return event(
        Source.DISPATCH, version, f"ticket.{name}", ticket=ticket, assignment_id=lead, clock="RESOLVE", cycle=1
    )


def snapshot(ticket: bytes = ONE, state: str = "DISPATCHED") -> Sighting:
    return Sighting("tickets-state", 0, ticket, b"", b"", b"", 0, b"", orjson.dumps({"state": state}))


def watching(*records: Sighting) -> Watch:
    watch = Watch(CLOCK)
    for record in records:
        watch.see(record)
    return watch


def test_a_ticket_that_was_received_and_assigned_is_neither_lost_nor_doubled() -> None:
    verdict = watching(received(), assigned(), snapshot()).judge({"demo-1": ONE})
    assert (verdict.lost, verdict.duplicated) == ((), ())


def test_an_accepted_ticket_that_never_came_is_lost() -> None:
    verdict = watching(received(), assigned(), snapshot()).judge({"demo-1": ONE, "demo-2": TWO})
    assert verdict.lost == (TWO.decode(),)


def test_a_ticket_that_was_never_assigned_is_lost() -> None:
    assert watching(received(), snapshot()).judge({"demo-1": ONE}).lost == (ONE.decode(),)


def test_a_ticket_assigned_without_having_been_received_is_lost() -> None:
    assert watching(assigned(), snapshot()).judge({"demo-1": ONE}).lost == (ONE.decode(),)


def test_a_ticket_with_a_hole_in_its_story_is_lost() -> None:
    holed = (received(), assigned(), ended("resolved", 3), snapshot())
    assert watching(*holed).judge({"demo-1": ONE}).lost == (ONE.decode(),)


def test_a_hole_that_is_filled_later_is_none() -> None:
    late = (received(), assigned(), ended("resolved", 3), ended("signed", 2), snapshot())
    assert watching(*late).judge({"demo-1": ONE}).lost == ()


def test_a_ticket_without_a_public_state_is_lost() -> None:
    assert watching(received(), assigned()).judge({"demo-1": ONE}).lost == (ONE.decode(),)


def test_two_different_events_for_one_version_are_a_double() -> None:
    watch = watching(received(), assigned(lead="a1"), assigned(lead="a2"), snapshot())
    assert watch.judge({"demo-1": ONE}).duplicated == (ONE.decode(),)


def test_the_same_event_twice_is_only_redelivered() -> None:
    watch = watching(received(), assigned(), received(), assigned(), snapshot())
    assert watch.judge({"demo-1": ONE}).duplicated == ()
    assert watch.counts["redelivered"] == 2
    assert watch.counts["assigned"] == 1


def test_a_ticket_received_twice_is_a_double() -> None:
    watch = watching(received(), received(version=2), assigned(), snapshot())
    assert watch.judge({"demo-1": ONE}).duplicated == (ONE.decode(),)


def test_two_leads_at_once_are_a_double() -> None:
    watch = watching(received(), assigned(lead="a1"), assigned(version=2, lead="a2"), snapshot())
    assert watch.judge({"demo-1": ONE}).duplicated == (ONE.decode(),)


@pytest.mark.parametrize("end", ["returned", "resolved"])
def test_a_lead_after_another_has_ended_is_none(end: str) -> None:
    watch = watching(received(), assigned(lead="a1"), ended(end, 2), assigned(version=3, lead="a2"), snapshot())
    assert watch.judge({"demo-1": ONE}).duplicated == ()


def test_a_supporting_unit_is_no_second_lead() -> None:
    watch = watching(received(), assigned(), assigned(version=2, lead="a2", kind="SUPPORT"), snapshot())
    assert watch.judge({"demo-1": ONE}).duplicated == ()


def test_a_second_ticket_for_a_matter_of_the_demo_is_a_double() -> None:
    stories = (received(), assigned(), snapshot(), received(TWO), assigned(TWO), snapshot(TWO))
    assert watching(*stories).judge({"demo-1": ONE}).duplicated == (TWO.decode(),)
    assert watching(*stories).judge({"demo-1": ONE, "demo-2": TWO}, ["demo-1"]).duplicated == ("demo-1",)


def test_a_ticket_that_somebody_else_handed_in_is_no_double() -> None:
    stories = (received(), assigned(), snapshot(), received(TWO, source="hotline-12345"))
    assert watching(*stories).judge({"demo-1": ONE}).duplicated == ()


def test_milestones_count_tickets_and_escalations_count_each_time() -> None:
    watch = watching(
        received(), assigned(), ended("signed", 2), ended("escalated", 3), ended("escalated", 4), ended("resolved", 5),
        event(Source.DISPATCH, 6, "ticket.reopened", cycle=2), assigned(version=7, lead="a2"),
        ended("resolved", 8, lead="a2"), event(Source.DISPATCH, 9, "ticket.closed", cycle=2),
    )  # fmt: skip
    assert dict(watch.counts) == {
        "received": 1, "assigned": 1, "signed": 1, "escalated": 2, "resolved": 1, "reopened": 1, "closed": 1,
    }  # fmt: skip
    assert watch.is_closed([ONE])
    assert not watch.is_closed([ONE, TWO])


def test_a_ticket_is_red_once_and_yellow_does_not_count() -> None:
    lights = [
        event(Source.DISPATCH, n, "ticket.light-changed", light=light)
        for n, light in enumerate(("YELLOW", "RED", "RED"), 2)
    ]
    assert watching(received(), assigned(), *lights).counts["red"] == 1


def test_delay_is_real_time_from_acceptance_to_the_record_of_the_assignment() -> None:
    watch = watching(
        received(after_ms=0), received(TWO, after_ms=100), assigned(after_ms=40), assigned(TWO, after_ms=2100)
    )
    assert watch.delays_ms() == [40.0, 2000.0]
    assert watch.throughput_per_s == 1.0  # two tickets in 2.1 seconds


def test_dead_letters_are_counted_once_each() -> None:
    dead = Sighting("dispatch-dead", 0, b"k", b"id", b"", b"", 0, b"", b"{}")
    other = Sighting("notify-dead", 0, b"k", b"id", b"", b"", 0, b"", b"{}")
    assert len(watching(dead, dead, other).dead) == 2


def test_states_are_the_latest_snapshots() -> None:
    watch = watching(snapshot(), snapshot(state="CLOSED"))
    assert watch.states([ONE, TWO]) == {"CLOSED": 1, "NONE": 1}


def test_a_record_without_headers_is_read_and_ignored() -> None:
    class Bare:
        topic, timestamp, key, value, headers = "tickets-intake", 1, None, None, ()

    seen = sighting(Bare())
    assert seen.version == 0
    assert watching(seen).trails == {}


def test_the_hand_written_ids_are_ids() -> None:
    assert UUID(ONE.decode()) != UUID(TWO.decode())
