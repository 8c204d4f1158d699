"""The month of a run on paper: the page that `griddispatch report month` writes, beside the logs of the demo."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from griddispatch.data import AREA, PACK, find
from griddispatch.named import read_names
from griddispatch.report import By, read_page, write_page
from griddispatch.report_page import Page
from services.notify.core.measures import MeasureRules, load_measures
from shared.database import connect
from shared.errors import Unavailable
from shared.packs import Pack, open_pack

_RULES: Final = ("notify.toml", "measures.toml")


def period_of(instant: datetime) -> str:
    """The assessment month that an instant lies in."""
    return _rules(_pack()).period_of(instant)


async def write_months(dsn: str, months: Iterable[str], home: Path) -> list[str]:
    """Write a page for each month in which anything happened; a line about each, or why there is none."""
    pack = _pack()
    rules, names = _rules(pack), read_names(pack, find(AREA))
    try:
        database = await connect(dsn, size=1, application="griddispatch-demo")
        try:
            pages = [await read_page(database, rules, names, month, By.TOWNSHIP) for month in months]
        finally:
            await database.close()
    except Unavailable as error:
        return [f"the report of the month was not written: {error}"]
    found = ((home / f"month-{page.sheet.period}.html", page) for page in pages if page.sheet.rows)
    return list(_written(found))


def _written(pages: Iterable[tuple[Path, Page]]) -> Iterator[str]:
    for out, page in pages:
        write_page(page, out)
        yield f"month: {out}"


def _pack() -> Pack:
    return open_pack(find(PACK), *_RULES, "categories.toml")


def _rules(pack: Pack) -> MeasureRules:
    return pack.read(load_measures, *_RULES)
