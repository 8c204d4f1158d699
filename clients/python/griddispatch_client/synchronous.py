"""The same client for programs without an event loop."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType

from griddispatch_client.hotline import BATCH, AsyncHotline
from griddispatch_client.report import Answer, Receipt, Report, TicketStatus
from griddispatch_client.retry import Policy


class Hotline:
    """A wrapper around AsyncHotline; every verb blocks. Use it as a context manager, from one thread."""

    def __init__(self, url: str, *, policy: Policy | None = None, headers: Mapping[str, str] | None = None) -> None:
        self._runner = asyncio.Runner()
        self._inner = AsyncHotline(url, policy=policy, headers=headers)

    def __enter__(self) -> "Hotline":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._inner.__aexit__(kind, error, trace))
        self._runner.close()

    def submit(self, report: Report, *, key: str | None = None) -> Receipt:
        """See AsyncHotline.submit."""
        return self._runner.run(self._inner.submit(report, key=key))

    def status(self, ticket_id: str) -> TicketStatus:
        """See AsyncHotline.status."""
        return self._runner.run(self._inner.status(ticket_id))

    def submit_batch(self, reports: Sequence[Report]) -> list[Answer]:
        """See AsyncHotline.submit_batch."""
        return self._runner.run(self._inner.submit_batch(reports))

    def submit_many(self, reports: Iterable[Report], *, batch: int = BATCH) -> Iterator[Answer]:
        """See AsyncHotline.submit_many."""
        source = iter(reports)
        while some := list(islice(source, batch)):
            yield from self.submit_batch(some)
