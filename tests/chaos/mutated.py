"""python -m tests.chaos.mutated <service> <bug> [--only PART]…: a service with its effects journalled and, maybe, a bug.

The product has no switch for bugs: they are put in here, in this process, before the service starts.
"""

import os
import runpy
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

from shared import clock, stream
from shared.clock import utc_now
from shared.database import Transaction
from shared.events import Envelope
from shared.positions import Apply, Incoming

_NOTE = """
INSERT INTO chaos_applied (source, ticket_id, version)
SELECT source, ticket_id, version
FROM unnest($1::text[], $2::uuid[], $3::int[]) WITH ORDINALITY AS g (source, ticket_id, version, place) ORDER BY place
"""


def journal_effects() -> None:
    """Write every event that is given effect to into a table, in the transaction of its effect."""
    in_order = stream.apply_in_order  # type: ignore[attr-defined]

    async def journalled(tx: Transaction, incoming: Sequence[Incoming], apply: Apply) -> int:
        async def and_note(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
            await apply(tx, envelopes)
            await tx.conn.execute(
                _NOTE, [e.source.value for e in envelopes], [e.ticket_id for e in envelopes],
                [e.version for e in envelopes],
            )  # fmt: skip

        return await in_order(tx, incoming, and_note)

    stream.apply_in_order = journalled  # type: ignore[attr-defined]


def make_clock_steppable(path: Path) -> None:
    """Let the run step this process's wall clock through a file of seconds, looked at again when it changes."""
    seen: tuple[int, float] = (0, 0.0)

    def stepped() -> datetime:
        nonlocal seen
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return utc_now()
        if changed != seen[0]:
            seen = changed, float(path.read_text())
        return utc_now() + timedelta(seconds=seen[1])

    clock.utc_now = stepped


def main() -> None:
    """Put in what was asked for and run the service as `python -m services.<service>` would. Never returns."""
    service, bug = sys.argv.pop(1), sys.argv.pop(1)
    import_module(f"services.{service}.app")  # first, so that only the service's business clock can be stepped
    if offset := os.environ.get("CHAOS_OFFSET"):
        make_clock_steppable(Path(offset))
    if bug != "none":
        import_module("tests.chaos.bugs.catalogue").BUGS[bug].install()
    journal_effects()
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
