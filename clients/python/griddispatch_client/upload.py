"""Uploading a table so that it can be broken off anywhere: a journal beside it says which rows are durable."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType

from griddispatch_client.hotline import BATCH, AsyncHotline
from griddispatch_client.report import Answer, Receipt, Refused
from griddispatch_client.table import Layout, Row, TableError, read_table


class Journal:
    """One line for every row that is durable: its external id and its ticket. Only added to; forced to disk."""

    def __init__(self, path: Path) -> None:
        """Raises TableError for a file that is something else, OSError."""
        self.done: set[str] = set()
        good = 0
        content = path.read_bytes() if path.exists() else b""
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break  # broken off while it was written: the row is sent again, and known again
            try:
                self.done.add(json.loads(line)["external_id"])
            except (ValueError, KeyError, TypeError) as error:
                raise TableError(f"{path.name} is no journal of an upload") from error
            good += len(line)
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(good)
        self._file.seek(good)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def note(self, rows: Sequence[tuple[Row, Receipt]]) -> None:
        """These rows are durable; so is this when it returns."""
        for row, receipt in rows:
            entry = {
                "external_id": row.report.external_id, "row": row.number, "ticket_id": receipt.ticket_id,
                "ticket_no": receipt.ticket_no, "query_code": receipt.query_code,
            }  # fmt: skip
            self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            self.done.add(row.report.external_id or "")
        self._file.flush()
        os.fsync(self._file.fileno())


@dataclass
class Summary:
    """What became of the rows of a table."""

    taken: int = 0
    known: int = 0
    """Taken by an earlier run, as the service says."""
    skipped: int = 0
    """Taken by an earlier run, as the journal says: not sent again."""
    refused: int = 0
    unsettled: int = 0


async def upload_table(
    hotline: AsyncHotline, path: Path, layout: Layout, journal: Journal,
    complain: Callable[[Row, Answer], None], batch: int = BATCH,
) -> Summary:  # fmt: skip
    """Send every row that the journal does not know; `complain` hears of each that was not taken.

    A refused row is no longer in the way: mend it in the table and run again. Stops at a batch that stays unsettled.
    Raises TableError, OSError.
    """
    summary = Summary()
    for rows in _fresh(path, layout, journal, summary, batch):
        answers = await hotline.submit_batch([row.report for row in rows])
        taken = [(row, a) for row, a in zip(rows, answers, strict=True) if isinstance(a, Receipt)]
        journal.note(taken)
        summary.known += sum(receipt.replayed for _, receipt in taken)
        summary.taken += sum(not receipt.replayed for _, receipt in taken)
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, Receipt):
                continue
            complain(row, answer)
            if isinstance(answer, Refused):
                summary.refused += 1
            else:
                summary.unsettled += 1
        if summary.unsettled:
            break
    return summary


def _fresh(path: Path, layout: Layout, journal: Journal, summary: Summary, size: int) -> Iterator[list[Row]]:
    rows = read_table(path, layout)
    while some := list(islice(rows, size)):
        fresh = {row.report.external_id: row for row in some if row.report.external_id not in journal.done}
        summary.skipped += len(some) - len(fresh)
        if fresh:
            yield list(fresh.values())
