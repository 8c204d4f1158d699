"""The client for hotlines against scripted answers: what it repeats, how long it waits, when it stops."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from griddispatch_client import AsyncHotline, Place, Policy, Receipt, Refused, Report, Reporter, Unsettled
from griddispatch_client.retry import Budget, is_passing, read_retry_after

RECEIPT = {
    "ticket_id": "00000000-0000-0000-0000-000000000001", "ticket_no": "99010126031010000010", "query_code": "7K3M9A",
    "received_at": "2026-03-10T01:15:00Z", "state": "RECEIVED",
}  # fmt: skip
Answer = httpx.Response | Exception


def report(n: int | None = 1) -> Report:
    return Report("hotline", "PHONE", "路灯坏了", external_id=None if n is None else f"A-{n}")


def taken() -> httpx.Response:
    return httpx.Response(201, json=RECEIPT)


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"type": f"urn:griddispatch:problem:{code}", "title": "No.", "status": status}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def lines(*results: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(r).encode() + b"\n" for r in results)


def line(number: int, status: int = 201, **more: Any) -> dict[str, Any]:
    return {"line": number, "status": status, **(RECEIPT if status == 201 else {"code": "rejected"}), **more}


class Broken(httpx.AsyncByteStream):
    """A body that breaks off after its first piece."""

    def __init__(self, piece: bytes) -> None:
        self._piece = piece

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self._piece
        raise httpx.ReadError("the connection broke")


class Service(httpx.AsyncBaseTransport):
    """Answers as scripted, the last answer for ever; keeps what it was sent."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def client(self, policy: Policy | None = None, chance: float = 0.5) -> AsyncHotline:
        return AsyncHotline("http://x", policy=policy, transport=self, chance=lambda: chance, sleep=self.sleep)

    def external_ids(self, request: int) -> Sequence[str]:
        return [json.loads(each)["external_id"] for each in self.requests[request].content.splitlines()]


async def test_a_matter_is_sent_once_when_all_goes_well() -> None:
    service = Service(taken())
    async with service.client() as hotline:
        receipt = await hotline.submit(report())
    assert receipt == Receipt(
        RECEIPT["ticket_id"], "99010126031010000010", "7K3M9A", datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
    )
    assert len(service.requests) == 1
    assert "Idempotency-Key" not in service.requests[0].headers


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"), httpx.ReadTimeout("no answer"), httpx.RemoteProtocolError("closed"),
        problem(408, "timeout"), problem(409, "in_flight"), problem(429, "slow_down"), problem(500, "bug"),
        problem(502, "gateway"), problem(503, "unavailable"), httpx.Response(201, text="<html>"),
    ],
)  # fmt: skip
async def test_what_may_pass_is_repeated_with_the_same_key(trouble: Answer) -> None:
    service = Service(trouble, trouble, taken())
    async with service.client() as hotline:
        await hotline.submit(report(None))
    keys = {request.headers["Idempotency-Key"] for request in service.requests}
    assert (len(service.requests), len(keys)) == (3, 1)
    assert len({request.content for request in service.requests}) == 1


@pytest.mark.parametrize(("status", "code"), [(400, "x"), (409, "key_reused"), (413, "x"), (415, "x"), (422, "blank")])
async def test_what_stays_wrong_is_never_repeated(status: int, code: str) -> None:
    service = Service(problem(status, code))
    async with service.client() as hotline:
        with pytest.raises(Refused) as refused:
            await hotline.submit(report())
    assert (refused.value.status, refused.value.code) == (status, code)
    assert len(service.requests) == 1


async def test_the_pause_is_what_the_server_asked_for_and_a_little_more() -> None:
    service = Service(problem(503, "unavailable", Retry_After="2"), problem(503, "unavailable"), taken())
    async with service.client(Policy(first_s=0.2), chance=0.5) as hotline:
        await hotline.submit(report())
    assert service.pauses == [2.1, 0.2]


async def test_without_any_word_it_gives_up_and_says_with_which_key_to_go_on() -> None:
    service = Service(httpx.ConnectError("refused"))
    async with service.client(Policy(tries=4)) as hotline:
        with pytest.raises(Unsettled, match="gave up after 4 tries") as unsettled:
            await hotline.submit(report(None), key="mine")
    assert unsettled.value.key == "mine"
    assert len(service.requests) == 4


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    service = Service(problem(503, "unavailable", Retry_After="3600"))
    async with service.client() as hotline:
        with pytest.raises(Unsettled):
            await hotline.submit(report())
    assert service.pauses == []


async def test_when_everything_fails_repeats_run_out_for_all_calls_together() -> None:
    service = Service(httpx.ConnectError("refused"))
    async with service.client(Policy(tries=10, budget=5, budget_share=0.1)) as hotline:
        for _ in range(20):
            with pytest.raises(Unsettled):
                await hotline.submit(report())
    assert len(service.requests) == 20 + 5 + 1  # each call once, the reserve, and what 19 calls added: 1.9


def test_the_reserve_never_grows_beyond_its_beginning() -> None:
    budget = Budget(Policy(budget=2))
    for _ in range(1000):
        budget.call()
    assert [budget.take() for _ in range(3)] == [True, True, False]


def test_the_pause_doubles_up_to_its_limit() -> None:
    policy = Policy(first_s=0.2, cap_s=10)
    assert [policy.wait_s(n, 1.0, None) for n in (1, 2, 3, 6, 7, 100)] == [0.2, 0.4, 0.8, 6.4, 10, 10]
    assert policy.wait_s(5, 0.0, None) == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None), ("7", 7.0), ("Tue, 10 Mar 2026 01:15:30 GMT", 30.0), ("Tue, 10 Mar 2026 01:00:00 GMT", 0.0),
        ("soon", None), ("-1", None), ("1.5", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(text: str | None, seconds: float | None) -> None:
    assert read_retry_after(text, datetime(2026, 3, 10, 1, 15, tzinfo=UTC)) == seconds


def test_only_one_kind_of_conflict_passes() -> None:
    assert is_passing(409, "in_flight")
    assert not is_passing(409, "conflict")


async def test_in_bulk_only_lines_without_an_answer_are_sent_again() -> None:
    broken = httpx.Response(200, stream=Broken(lines(line(1), line(2, 422))))
    service = Service(broken, httpx.Response(200, content=lines(line(1, replayed=True), line(2))))
    async with service.client() as hotline:
        answers = await hotline.submit_batch([report(n) for n in (1, 2, 3, 4)])
    assert [type(a) for a in answers] == [Receipt, Refused, Receipt, Receipt]
    assert [a.replayed for a in answers if isinstance(a, Receipt)] == [False, True, False]
    assert service.external_ids(1) == ["A-3", "A-4"]


async def test_in_bulk_a_line_that_may_go_well_later_is_sent_again() -> None:
    first = httpx.Response(200, content=lines(line(1, 503, code="unavailable"), line(2)))
    service = Service(first, httpx.Response(200, content=lines(line(1))))
    async with service.client() as hotline:
        answers = await hotline.submit_batch([report(1), report(2)])
    assert [type(a) for a in answers] == [Receipt, Receipt]
    assert service.external_ids(1) == ["A-1"]


async def test_in_bulk_a_request_refused_as_a_whole_answers_every_line() -> None:
    service = Service(problem(415, "media_type"))
    async with service.client() as hotline:
        answers = await hotline.submit_batch([report(1), report(2)])
    assert [a.code for a in answers if isinstance(a, Refused)] == ["media_type", "media_type"]


async def test_in_bulk_what_stays_without_word_is_unsettled_and_the_rest_counts() -> None:
    service = Service(httpx.Response(200, content=lines(line(1))), httpx.ConnectError("refused"))
    async with service.client(Policy(tries=3)) as hotline:
        answers = await hotline.submit_batch([report(1), report(2)])
    assert [type(a) for a in answers] == [Receipt, Unsettled]


async def test_in_bulk_a_strange_answer_settles_nothing() -> None:
    service = Service(httpx.Response(200, content=b'{"line": 9, "status": 201}\n{"ok": true}\n'))
    async with service.client(Policy(tries=2)) as hotline:
        assert [type(a) for a in await hotline.submit_batch([report(1)])] == [Unsettled]


async def test_in_bulk_a_report_without_its_own_id_is_refused_before_it_is_sent() -> None:
    service = Service(taken())
    async with service.client() as hotline:
        with pytest.raises(ValueError, match="external_id"):
            await hotline.submit_batch([report(1), report(None)])
    assert service.requests == []


async def test_many_go_out_in_batches() -> None:
    service = Service(httpx.Response(200, content=lines(line(1), line(2))))
    async with service.client() as hotline:
        answers = [a async for a in hotline.submit_many((report(n) for n in range(6)), batch=2)]
    assert (len(answers), len(service.requests)) == (6, 3)


def test_a_body_says_only_what_was_said() -> None:
    full = Report(
        "s", "PHONE", "t", reported_at=datetime(2026, 3, 10, 1, 15, tzinfo=UTC), location=Place(address="东门小区"),
        reporter=Reporter(phone="1"), confidential=True,
    )  # fmt: skip
    assert full.body() == {
        "source": "s", "channel": "PHONE", "text": "t", "reported_at": "2026-03-10T01:15:00+00:00",
        "location": {"address": "东门小区"}, "reporter": {"phone": "1"}, "confidential": True,
    }  # fmt: skip
    assert Report("s", "PHONE", "t", location=Place(1.0, 2.0)).body()["location"] == {
        "lon": 1.0,
        "lat": 2.0,
        "crs": "WGS84",
    }
    with pytest.raises(ValueError, match="zone"):
        Report("s", "PHONE", "t", reported_at=datetime(2026, 3, 10)).body()
