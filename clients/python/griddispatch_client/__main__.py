"""`griddispatch-client`: hand in a table, or ask how a ticket stands."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from griddispatch_client.hotline import AsyncHotline
from griddispatch_client.report import Answer, HotlineError, Unsettled
from griddispatch_client.table import Layout, Row, TableError
from griddispatch_client.upload import Journal, Summary, upload_table

FOUND_WRONG, REFUSED, UNREACHABLE = 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exit codes: 0 all taken, 1 some rows refused, 2 refused as a whole, 3 not reachable."""
    asked = _parser().parse_args(arguments)
    try:
        sys.exit(asyncio.run(asked.run(asked)))
    except (TableError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)
    except Unsettled as error:
        print(error, file=sys.stderr)
        sys.exit(UNREACHABLE)
    except HotlineError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="griddispatch-client", description="Hands matters in to Grid Dispatch.")
    parser.add_argument("--url", default="http://127.0.0.1:8001", help="where intake listens [%(default)s]")
    verbs = parser.add_subparsers(required=True)
    upload = verbs.add_parser("upload", help="hand in every row of a CSV table; run it again after any break")
    upload.add_argument("table", type=Path)
    upload.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", help="for example text=诉求内容")
    upload.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="the same in every row")
    upload.add_argument("--zone", default="+08:00", help="of times that name none [%(default)s]")
    upload.add_argument("--journal", type=Path, help="[the table's name with .journal]")
    upload.set_defaults(run=_upload)
    status = verbs.add_parser("status", help="how a ticket stands")
    status.add_argument("ticket_id")
    status.set_defaults(run=_status)
    return parser


async def _upload(asked: argparse.Namespace) -> int:
    layout = Layout(_pairs("--map", asked.map), _pairs("--set", asked.set), asked.zone)
    if not asked.table.is_file():
        raise TableError(f"{asked.table}: there is no such file")
    journal = asked.journal or asked.table.with_name(asked.table.name + ".journal")
    async with AsyncHotline(asked.url) as hotline:
        with Journal(journal) as kept:
            summary = await upload_table(hotline, asked.table, layout, kept, _complain)
    print(
        f"{summary.taken} taken, {summary.known} known already, {summary.skipped} skipped, "
        f"{summary.refused} refused, {summary.unsettled} unsettled"
    )
    return _code(summary)


def _code(summary: Summary) -> int:
    if summary.unsettled:
        return UNREACHABLE
    return FOUND_WRONG if summary.refused else 0


async def _status(asked: argparse.Namespace) -> int:
    async with AsyncHotline(asked.url) as hotline:
        status = await hotline.status(asked.ticket_id)
    print(f"{status.ticket_no}\t{status.public_state}\t{status.updated_at.isoformat()}")
    return 0


def _complain(row: Row, answer: Answer) -> None:
    print(f"row {row.number} ({row.report.external_id}): {answer}", file=sys.stderr)


def _pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise TableError(f"{option} is FIELD=…, not {wrong[0]!r}")
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}


if __name__ == "__main__":
    main()
