"""Requests that wait at the same time share one transaction, and each is answered once it is durable."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")


class Gathering(Generic[T, R]):
    """Hands what is waiting to `settle`, as one batch while the batch before is still being settled.

    Nobody is made to wait for company: a lone request is settled at once, and only under load do batches grow. When a
    batch fails, each of its requests is settled alone, so that nobody pays for another's fault; but when the database
    is away (Unavailable itself, not one of its kinds), all are told so.
    """

    def __init__(
        self, settle: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, limit: int = 256, lanes: int = 1
    ) -> None:
        """`settle` answers each item, in order. At most `lanes` batches, of at most `limit` items, are under way."""
        self._settle = settle
        self._limit = limit
        self._lanes = lanes
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._at_work: set[asyncio.Task[None]] = set()

    async def ask(self, item: T) -> R:
        """The answer to `item`; raises what settling it raised. Whoever stops waiting does not stop the settling."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if len(self._at_work) < self._lanes:
            self._at_work.add(asyncio.create_task(self._work(), name="gathering"))
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
                await self._settle_batch(batch)
        finally:
            # In the same breath in which nothing was waiting: who asks from now on starts a new worker.
            self._at_work = {task for task in self._at_work if task is not asyncio.current_task()}

    async def _settle_batch(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._settle([item for item, _ in batch])
            settled = list(zip(batch, results, strict=True))
        except Exception as error:  # whatever it was, it is handed to whoever asked
            if len(batch) == 1 or type(error) is Unavailable:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                return
            for entry in batch:
                await self._settle_batch([entry])
        else:
            for (_, answer), result in settled:
                if not answer.done():
                    answer.set_result(result)
