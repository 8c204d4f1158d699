"""The console stays quick with much to show; the bounds leave room for a machine that has other things to do."""

import re
import statistics
from datetime import UTC, datetime

from playwright.async_api import expect

from tests.browser import probes
from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import assigned, forgive

FRAME_MS = 250
"""A frame takes 16 ms where nothing is in its way; what redraws ten thousand rows takes seconds."""
SHOWN_MS = 10_000
PAINTED_MS = 10_000
SCRIPT_BYTES = 300_000


async def test_ten_thousand_tickets_scroll_and_only_the_rows_in_sight_are_drawn(stage: Stage) -> None:
    async with stage.page("/livez") as page:
        await probes.pretend(page, probes.many(probes.MANY, datetime(2026, 3, 10, 2, tzinfo=UTC)))
        await page.goto(f"{stage.url}/console")
        # What other tests handed in may come in over the stream meanwhile.
        await expect(page.locator(".panel h2 .num")).to_have_text(re.compile(r"^10\d{3}$"), timeout=PATIENCE_MS)
        took, drawn, top = await probes.scroll(page, 60)
        assert drawn <= 60
        assert top > 30_000, "it went as far as it was asked to"
        assert statistics.median(took) < FRAME_MS, probes.spread(took)
    forgive(stage, "404")


async def test_the_page_is_painted_and_small(stage: Stage) -> None:
    async with stage.page("/livez") as page:
        first, figures, scripts = await probes.painted(page, stage.url)
        assert 0 < first <= figures < PAINTED_MS
        assert 0 < scripts < SCRIPT_BYTES


async def test_what_is_committed_is_soon_on_the_screen(stage: Stage) -> None:
    ticket_id = await stage.hand_in("soon on the screen")
    await assigned(stage, ticket_id)
    async with stage.page("/console", role="dispatcher") as page:
        await expect(page.locator(f"[data-ticket='{ticket_id}']")).to_be_visible(timeout=PATIENCE_MS)
        told = [await probes.shown_after(page, ticket_id, urgency) for urgency in ("U1", "U2", "U1", "U2")]
        shown = [took for took in told if took is not None]
        assert shown, "at least one change came between two clocks"
        assert 0 <= min(shown) < SHOWN_MS
    forgive(stage, "409")
