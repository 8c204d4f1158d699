"""The report of a month in a real browser: it prints to A4, nothing runs over its edge, and nothing complains."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from services.notify.core.rates import Bucket, Counts
from tests.browser.stage import FLAGS, PATIENCE_MS, chromium
from tests.report.test_month import HUNDRED, put, report
from tests.services.notify.measured import MARCH

A4_PX = 794
"""The width of A4 at 96 pixels an inch."""
MARGINS_PX = 106
UNITS = 40
LONG = "某某县某某镇某某街道综合行政执法和网格化服务管理中心第二工作站"


async def printed(page_file: Path, out: Path) -> tuple[int, int, list[str], list[str]]:
    """Open the page as wide as a sheet, and print it: the width it needs, its charts, what it asked for, complaints."""
    complaints, asked = list[str](), list[str]()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS, timeout=PATIENCE_MS)
        page = await browser.new_page(viewport={"width": A4_PX - MARGINS_PX, "height": 1000})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(page_file.as_uri(), timeout=PATIENCE_MS)
        await page.emulate_media(media="print")
        width = await page.evaluate("document.documentElement.scrollWidth")
        charts = await page.locator("svg rect").count()
        await page.pdf(path=out, prefer_css_page_size=True)
        await browser.close()
    return width, charts, complaints, [url for url in asked if not url.startswith("file:")]


@pytest.mark.parametrize("by", ["unit", "township", "category"])
def test_a_month_prints_on_a4(notify_dsn: str, tmp_path: Path, by: str) -> None:
    chromium()
    counts: dict[Bucket, Counts] = {
        MARCH._replace(unit=f"{LONG}{n:02}", township=f"9901010{n:02}", category=f"{n:02}"): HUNDRED._replace(
            dispatched=1_234_567, on_time=900_000 + n, late=n
        )
        for n in range(1, UNITS + 1)
    }
    asyncio.run(put(notify_dsn, counts))
    out, sheet = tmp_path / "month.html", tmp_path / "month.pdf"
    code, said = report("month", "--period", "2026-03", "--by", by, "--out", str(out), "--dsn", notify_dsn)
    assert code == 0, said
    width, charts, complaints, asked = asyncio.run(printed(out, sheet))
    assert width <= A4_PX - MARGINS_PX, "nothing runs over the edge"
    assert charts >= 2 * UNITS
    assert complaints == []
    assert asked == []
    pdf = sheet.read_bytes()
    assert pdf.startswith(b"%PDF-")
    boxes = {tuple(round(float(edge)) for edge in box.split()) for box in re.findall(rb"/MediaBox ?\[([^]]+)\]", pdf)}
    assert boxes == {(0, 0, 595, 842)}, "A4, upright"
