"""The hotlines: matters go to intake in bulk or at a steady rate, and what is not answered is sent again."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import httpx

from griddispatch.demo.exchange import AGAIN, Answer, post_lines, post_one

LINES = 200
BULK_IN_FLIGHT = 3
SINGLE_IN_FLIGHT = 32
TRIES = 40
PAUSE_S = 0.25
IN_FLIGHT = "in_flight"
"""The same matter is being taken in by another request: its outcome is not known yet."""

Line = tuple[str, bytes]
"""External id and report."""


@dataclass
class Taken:
    """What intake answered. `numbers` gives each ticket its place in the feed, from 1."""

    accepted: dict[str, bytes] = field(default_factory=dict)
    numbers: dict[bytes, int] = field(default_factory=dict)
    rejected: int = 0
    first_rejection: str = ""
    twins: list[str] = field(default_factory=list)
    """External ids that got two different tickets."""
    unanswered: list[str] = field(default_factory=list)
    sent: int = 0
    is_over: bool = False

    def number_of(self, ticket: bytes) -> int | None:
        """The ticket's place in the feed. Once the feed is over, a ticket it does not know has a number from its id."""
        number = self.numbers.get(ticket)
        return int(ticket[:8], 16) if number is None and self.is_over else number

    def note(self, external_id: str, answer: Answer) -> bool:
        """Take an answer down; False when the line must be sent again."""
        status = answer.get("status", 503)
        if status in AGAIN or answer.get("code") == IN_FLIGHT:
            return False
        if not 200 <= status < 300:
            self.rejected += 1
            self.first_rejection = self.first_rejection or f"{external_id}: {answer}"[:500]
            return True
        ticket = str(answer["ticket_id"]).encode()
        known = self.accepted.setdefault(external_id, ticket)
        if known != ticket:
            self.twins.append(external_id)
        self.numbers.setdefault(ticket, int(external_id.rpartition("-")[2]))
        return True


class Feed:
    """Sends every line until intake has answered it, a few requests at a time."""

    def __init__(self, client: httpx.AsyncClient, intake: str, lines: Iterator[Line], rate: float | None) -> None:
        self.taken = Taken()
        self._client = client
        self._intake = intake
        self._lines = lines
        self._rate = rate
        self._started_at = 0.0

    async def run(self) -> None:
        """Send everything; returns when each line was answered or given up."""
        self._started_at = asyncio.get_running_loop().time()
        hands = SINGLE_IN_FLIGHT if self._rate else BULK_IN_FLIGHT
        async with asyncio.TaskGroup() as group:
            for n in range(hands):
                group.create_task(self._single() if self._rate else self._bulk(), name=f"feed-{n}")
        self.taken.is_over = True

    async def _bulk(self) -> None:
        while chunk := list(islice(self._lines, LINES)):
            self.taken.sent += len(chunk)
            for _ in range(TRIES):
                answers = await post_lines(self._client, f"{self._intake}/v1/tickets/bulk", [line for _, line in chunk])
                chunk = [line for line, answer in zip(chunk, answers, strict=True) if not self._note(line, answer)]
                if not chunk:
                    break
                await asyncio.sleep(PAUSE_S)
            self.taken.unanswered += [external_id for external_id, _ in chunk]

    async def _single(self) -> None:
        while (line := next(self._lines, None)) is not None:
            await self._until_due()
            for _ in range(TRIES):
                if self._note(line, await post_one(self._client, f"{self._intake}/v1/tickets", line[1])):
                    break
                await asyncio.sleep(PAUSE_S)
            else:
                self.taken.unanswered.append(line[0])

    async def _until_due(self) -> None:
        assert self._rate is not None
        due_at = self._started_at + self.taken.sent / self._rate
        self.taken.sent += 1
        await asyncio.sleep(max(0.0, due_at - asyncio.get_running_loop().time()))

    def _note(self, line: Line, answer: Answer) -> bool:
        return self.taken.note(line[0], answer)
