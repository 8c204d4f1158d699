"""The client: reports in, receipts out; what may be repeated is repeated with the same key, so nothing is doubled."""

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import Any, Final, TypeVar

import httpx

from griddispatch_client.report import (
    Answer,
    Receipt,
    Refused,
    Report,
    TicketStatus,
    Unsettled,
    receipt_of,
    refusal_of,
)
from griddispatch_client.retry import Budget, Policy, is_passing, read_retry_after

T = TypeVar("T")

BATCH: Final = 500
NDJSON: Final = "application/x-ndjson"
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class _Again:
    """A try did not settle it; why, and what the server asks us to wait."""

    reason: str
    retry_after_s: float | None = None


class AsyncHotline:
    """One hotline's way in. Use it as an asynchronous context manager; one object may serve many tasks.

    `transport`, `chance` and `sleep` are for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        policy: Policy | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        chance: Callable[[], float] = random.random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._policy = policy or Policy()
        self._budget = Budget(self._policy)
        self._chance = chance
        self._sleep = sleep
        self._http = httpx.AsyncClient(
            base_url=url, headers=dict(headers or {}), timeout=self._policy.timeout_s, transport=transport
        )  # fmt: skip

    async def __aenter__(self) -> "AsyncHotline":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def submit(self, report: Report, *, key: str | None = None) -> Receipt:
        """Hand in one matter; it is durable when this returns.

        Without an external id a key is made for this call: keep one of your own if you may have to repeat it later.
        Raises Refused, Unsettled (with the key to repeat it with), ValueError.
        """
        if key is None and report.external_id is None:
            key = str(uuid.uuid4())
        body = _encode(report)
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})

        async def attempt() -> Receipt | _Again:
            answer = await self._http.post("/v1/tickets", content=body, headers=headers)
            if answer.status_code in (200, 201):
                return receipt_of(_json(answer), answer.headers.get("Idempotent-Replay") == "true")
            return self._judged(answer)

        return await self._persist(attempt, key)

    async def status(self, ticket_id: str) -> TicketStatus:
        """How a matter stands. Raises Refused (status 404 when there is none), Unsettled."""

        async def attempt() -> TicketStatus | _Again:
            answer = await self._http.get(f"/v1/tickets/{ticket_id}")
            return _status(_json(answer)) if answer.status_code == 200 else self._judged(answer)

        return await self._persist(attempt, None)

    async def submit_batch(self, reports: Sequence[Report]) -> list[Answer]:
        """Hand in many at once, each with its external id; one answer each, in order, none of them raised.

        Lines without an answer, and lines that may go well later, are sent again; the others are not.
        Raises ValueError for a report without an external id.
        """
        if any(report.external_id is None for report in reports):
            raise ValueError("in bulk every report needs its external_id")
        lines = [_encode(report) for report in reports]
        answers: list[Answer] = [Unsettled("no answer came") for _ in reports]

        def unsettled() -> list[int]:
            return [i for i, answer in enumerate(answers) if isinstance(answer, Unsettled)]

        async def attempt() -> _Again | None:
            places = unsettled()
            again = await self._post_lines([lines[i] for i in places], places, answers)
            return again if unsettled() else None

        if reports:
            try:
                await self._persist(attempt, None)
            except (Refused, Unsettled) as error:  # the request as a whole, or what is left of it
                for i in unsettled():
                    answers[i] = error
        return answers

    async def submit_many(self, reports: Iterable[Report], *, batch: int = BATCH) -> AsyncIterator[Answer]:
        """Hand in any number, a batch at a time; answers in the order of the reports. Raises ValueError."""
        for some in _batches(reports, batch):
            for answer in await self.submit_batch(some):
                yield answer

    async def _post_lines(self, lines: Sequence[bytes], places: Sequence[int], answers: list[Answer]) -> _Again:
        """Send lines and note each answer at its place, also when the connection breaks between them."""
        reason = _Again("some lines were not settled")
        body = b"\n".join(lines) + b"\n"
        async with self._http.stream(
            "POST", "/v1/tickets/bulk", content=body, headers={"Content-Type": NDJSON}
        ) as reply:
            if reply.status_code != 200:
                await reply.aread()
                return self._judged(reply)
            async for line in reply.aiter_lines():
                number, answer = _line_answer(json.loads(line))
                if 1 <= number <= len(places):
                    answers[places[number - 1]] = answer
        return reason

    def _judged(self, answer: httpx.Response) -> _Again:
        """What an answer that is no success means. Raises Refused."""
        refusal = refusal_of(answer.status_code, _json(answer))
        if not is_passing(answer.status_code, refusal.code):
            raise refusal
        after = read_retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
        return _Again(f"status {answer.status_code}", after)

    async def _persist(self, attempt: Callable[[], Awaitable[T | _Again]], key: str | None) -> T:
        """Try until settled, within tries, deadline and budget. Raises Refused, Unsettled."""
        policy, ends_at = self._policy, asyncio.get_running_loop().time() + self._policy.deadline_s
        self._budget.call()
        for failures in range(1, policy.tries + 1):
            outcome = await self._tried(attempt)
            if not isinstance(outcome, _Again):
                return outcome
            reason = outcome.reason
            pause = policy.wait_s(failures, self._chance(), outcome.retry_after_s)
            late = asyncio.get_running_loop().time() + pause > ends_at
            if failures == policy.tries or late or not self._budget.take():
                break
            await self._sleep(pause)
        raise Unsettled(f"gave up after {failures} tries: {reason}", key)

    async def _tried(self, attempt: Callable[[], Awaitable[T | _Again]]) -> T | _Again:
        """One try under its own deadline. Raises Refused."""
        try:
            async with asyncio.timeout(2 * self._policy.timeout_s):
                return await attempt()
        except (httpx.TransportError, httpx.DecodingError, json.JSONDecodeError, TimeoutError) as error:
            return _Again(f"{type(error).__name__}: {error}")
        except Unsettled as error:
            return _Again(str(error))


def _encode(report: Report) -> bytes:
    return json.dumps(report.body(), ensure_ascii=False, separators=(",", ":")).encode()


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _status(view: Any) -> TicketStatus:
    try:
        updated_at = datetime.fromisoformat(view["updated_at"])
        return TicketStatus(
            view["ticket_id"], view["ticket_no"], view["state"], view["public_state"], updated_at, view
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise Unsettled(f"the answer is no ticket: {error!r}") from error


def _line_answer(result: Any) -> tuple[int, Answer]:
    """The line's number and what became of it. Raises Unsettled for what is no result of a bulk door."""
    try:
        number, status = int(result["line"]), int(result["status"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unsettled(f"the answer is no result of a line: {error!r}") from error
    if status in (200, 201):
        return number, receipt_of(result, bool(result.get("replayed")))
    refusal = refusal_of(status, result)
    return number, Unsettled(str(refusal)) if is_passing(status, refusal.code) else refusal


def _batches(reports: Iterable[Report], size: int) -> Iterator[list[Report]]:
    source = iter(reports)
    while some := list(islice(source, size)):
        yield some
