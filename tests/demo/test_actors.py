"""Workers and citizens against answers written by hand: one command at a time, repeated where that helps."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from griddispatch.demo.actors import TRIES, Citizens, Job, Workers
from griddispatch.demo.hours import MIDNIGHT
from griddispatch.demo.records import Sighting
from shared.terms import Source

TICKET = b"00000000-0000-7000-8000-000000000001"
NIGHT = MIDNIGHT.timestamp()
FAR = NIGHT + 30 * 86_400
ASSIGNED: dict[str, Any] = {
    "assignment_id": "a1", "kind": "LEAD", "size": "SMALL", "urgency": "U3", "grid": None, "cycle": 1,
    "due_at": "2026-03-09T16:00:00Z",
}  # fmt: skip


def seen(name: str, version: int, source: Source = Source.DISPATCH, **value: Any) -> Sighting:
    type_name = f"org.griddispatch.{name}.v1".encode()
    return Sighting("t", 0, TICKET, b"", source.value.encode(), type_name, version, b"", orjson.dumps(value))


def numbered(ticket: bytes) -> int | None:
    return 2


@pytest.fixture
def workers() -> Workers:
    return Workers(1, {}, numbered)


@pytest.fixture
def citizens() -> Citizens:
    return Citizens(1, numbered)


ASSIGNMENT = seen("ticket.assigned", 1, **ASSIGNED)


def tell(workers: Workers, *news: Sighting) -> None:
    """They hear it at night, when nothing is due yet, and make their plans."""
    for sighting in news:
        workers.see(sighting)
    assert workers.due(NIGHT, 10) == []


def take(due: Callable[[float, int], list[Job]], now: float = FAR) -> Job:
    (job,) = due(now, 10)
    return job


def ok(version: int) -> dict[str, Any]:
    return {"status": 200, "version": version}


def test_an_assignment_is_worked_from_signing_to_the_result(workers: Workers) -> None:
    tell(workers, ASSIGNMENT)
    done = []
    for version in range(2, 9):
        jobs = workers.due(FAR, 10)
        if not jobs:
            break
        line = orjson.loads(workers.line(jobs[0]))
        done.append((line["command"], line["version"]))
        workers.settle(jobs[0], ok(version), FAR, FAR)
    names = [command for command, _ in done]
    assert (names[0], names[1], names[-1]) == ("sign", "contact", "resolve")
    assert [version for _, version in done] == list(range(1, len(done) + 1))


def test_nothing_is_sent_before_its_time_and_nothing_twice_at_once(workers: Workers) -> None:
    tell(workers, ASSIGNMENT)
    take(workers.due)
    assert workers.due(FAR, 10) == []


def test_an_assignment_told_twice_is_taken_on_once(workers: Workers) -> None:
    tell(workers, ASSIGNMENT, ASSIGNMENT)
    take(workers.due)
    assert workers.due(FAR, 10) == []


def test_a_command_names_the_latest_version_anybody_told(workers: Workers) -> None:
    tell(workers, ASSIGNMENT, seen("ticket.light-changed", 3), seen("ticket.triaged", 9, Source.INTAKE))
    assert orjson.loads(workers.line(take(workers.due)))["version"] == 3


def test_a_conflict_is_sent_again_with_the_version_it_told(workers: Workers) -> None:
    tell(workers, ASSIGNMENT)
    job = take(workers.due)
    workers.settle(job, {"status": 409, "code": "conflict", "current_version": 5}, FAR, FAR + 60)
    again = orjson.loads(workers.line(take(workers.due)))
    assert (again["command"], again["version"]) == ("sign", 5)


def test_what_is_unknown_is_sent_again_later(workers: Workers) -> None:
    tell(workers, ASSIGNMENT)
    workers.settle(take(workers.due), {"status": 503}, FAR, FAR + 60)
    assert workers.due(FAR, 10) == []
    assert take(workers.due, FAR + 60).act.command == "sign"


def test_a_worker_gives_up_in_the_end(workers: Workers) -> None:
    tell(workers, ASSIGNMENT)
    for _ in range(TRIES):
        workers.settle(take(workers.due), {"status": 503}, FAR, FAR)
    assert workers.due(FAR, 10) == []
    assert workers.troubles["gave up: sign answer 503"] == 1


def test_a_worker_who_is_deemed_to_have_signed_goes_on(workers: Workers) -> None:
    tell(workers, ASSIGNMENT)
    workers.settle(take(workers.due), {"status": 409, "code": "illegal-transition"}, FAR, FAR)
    assert take(workers.due).act.command == "contact"


def test_an_assignment_that_has_ended_is_dropped(workers: Workers) -> None:
    tell(workers, ASSIGNMENT)
    workers.settle(take(workers.due), {"status": 409, "code": "ASSIGNMENT_ENDED", "current_version": 4}, FAR, FAR)
    assert workers.due(FAR, 10) == []
    assert not workers.troubles


def returning() -> tuple[Workers, Job]:
    """Workers one of whom is about to return an assignment: found by trying seeds."""
    for seed in range(1000):
        workers = Workers(seed, {}, numbered)
        tell(workers, ASSIGNMENT)
        job = take(workers.due)
        if job.acts[1].command == "return":
            workers.settle(job, ok(2), FAR, FAR)
            return workers, take(workers.due)
    raise AssertionError("nobody returns anything")


def test_a_return_that_is_granted_ends_the_work() -> None:
    workers, job = returning()
    workers.settle(job, ok(4), FAR, FAR)
    assert workers.due(FAR, 10) == []


def test_a_return_that_comes_too_late_is_followed_by_work() -> None:
    workers, job = returning()
    workers.settle(job, {"status": 409, "code": "RETURN_TOO_LATE", "current_version": 2}, FAR, FAR)
    assert take(workers.due).act.command == "contact"


def test_an_assignment_waits_until_its_ticket_is_known_to_the_feed() -> None:
    numbers: dict[bytes, int] = {}
    workers = Workers(1, {}, numbers.get)
    tell(workers, ASSIGNMENT)
    assert workers.due(FAR, 10) == []
    numbers[TICKET] = 1
    assert workers.due(NIGHT, 10) == []
    take(workers.due)


def answering_seed() -> int:
    for seed in range(100):
        citizens = Citizens(seed, numbered)
        citizens.see(seen("followup.asked", 2, Source.NOTIFY, cycle=1, attempt=1))
        citizens.due(NIGHT, 10)
        if citizens.due(FAR, 10):
            return seed
    raise AssertionError("nobody answers")


def test_a_citizen_asked_thrice_answers_once() -> None:
    citizens = Citizens(answering_seed(), numbered)
    for attempt in (1, 2, 3):
        citizens.see(seen("followup.asked", attempt + 1, Source.NOTIFY, cycle=1, attempt=attempt))
    citizens.due(NIGHT, 10)
    (word,) = citizens.due(FAR, 10)
    line = orjson.loads(citizens.line(word))
    assert (line["ticket_id"], line["cycle"], line["recorded_by"]) == (TICKET.decode(), 1, "CITIZEN")
    citizens.settle(word, {"status": 200}, FAR, FAR)
    assert citizens.due(FAR, 10) == []


@pytest.mark.parametrize(("status", "again"), [(503, 1), (404, 1), (409, 0), (422, 0)])
def test_an_answer_is_given_again_only_where_that_can_help(citizens: Citizens, status: int, again: int) -> None:
    citizens = Citizens(answering_seed(), numbered)
    citizens.see(seen("followup.asked", 2, Source.NOTIFY, cycle=1, attempt=1))
    citizens.due(NIGHT, 10)
    (word,) = citizens.due(FAR, 10)
    citizens.settle(word, {"status": status}, FAR, FAR)
    assert len(citizens.due(FAR, 10)) == again
