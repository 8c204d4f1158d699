"""Pictures of every page of a running product: python -m tests.browser.pictures http://127.0.0.1:8002 docs/images

A font with Chinese glyphs must be installed (Debian: fonts-noto-cjk): without one every glyph is an empty box, and no
test notices.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, Page, async_playwright

from tests.browser.stage import FLAGS, chromium

SETTLED_MS = 2_500


async def stay(page: Page) -> None:
    """Leave the page as it opened."""


async def open_ticket(page: Page) -> None:
    """Follow the first ticket of the queue."""
    await page.locator(".row").first.click()
    await page.wait_for_timeout(SETTLED_MS)


async def open_form(page: Page) -> None:
    """Open the form that designates a unit, half written."""
    await open_ticket(page)
    await page.locator("[data-command=designate]").click()
    await page.locator("dialog textarea").fill("两次退单，由指挥中心指定承办")


async def begin_work(page: Page) -> None:
    """Be somebody in a unit that always has something to do."""
    await page.locator("input").first.fill("卫生健康")
    await page.locator("select").select_option("health")
    await page.locator("input").nth(1).fill("W001001-01")
    await page.locator("button.main").click()
    await page.wait_for_timeout(SETTLED_MS)


async def read_words(page: Page) -> None:
    """Look at what the citizen said of the first thing to do."""
    await begin_work(page)
    await page.locator("[data-step=citizen]").first.click()
    await page.locator("dialog .main").click()
    await page.locator("dialog .spoken").first.wait_for()


async def suggest(page: Page) -> None:
    """Hand in two matters that somebody may think are one."""
    intake = (await (await page.request.get("/v1/names")).json())["intake"]
    for lon in (119.2200, 119.2206):
        matter = {
            "source": "hotline-12345", "channel": "PHONE", "text": "东风社区健身广场旁边的下水道井盖破损，老人孩子路过很危险",
            "location": {"lon": lon, "lat": 33.38}, "external_id": f"picture-{lon}",
        }  # fmt: skip
        answer = await page.request.post(f"{intake}/v1/tickets", data=matter)
        assert answer.ok, await answer.text()
        await page.wait_for_timeout(SETTLED_MS)
    await page.locator("[data-suggestion]").first.wait_for()


class Picture(NamedTuple):
    """One picture: the page, its size in pixels, its look, and what is done before."""

    name: str
    path: str
    width: int
    height: int
    theme: str = "light"
    language: str = "zh"
    act: Callable[[Page], Awaitable[None]] = stay


PICTURES = (
    Picture("board", "/console", 1440, 900),
    Picture("board-dark", "/console", 1920, 1080, "dark", "en"),
    Picture("board-wall", "/console", 2560, 1440, "dark"),
    Picture("board-phone", "/console", 360, 740),
    Picture("ticket", "/console?state=DISPATCHED", 1440, 1100, act=open_ticket),
    Picture("action", "/console?state=DISPATCHED", 1440, 900, act=open_form),
    Picture("merges", "/console?view=merges", 1440, 620, act=suggest),
    Picture("units", "/console?view=units", 1440, 900),
    Picture("system", "/console?view=system", 1440, 620),
    Picture("tasks", "/tasks", 360, 740, act=begin_work),
    Picture("words", "/tasks", 360, 740, act=read_words),
)


async def take(browser: Browser, url: str, picture: Picture, folder: Path) -> None:
    """Take one picture."""
    context = await browser.new_context(base_url=url, viewport={"width": picture.width, "height": picture.height})
    chosen = {
        "gd.theme": picture.theme, "gd.lang": picture.language, "gd.role": "command_centre",
        "gd.actor": "command-centre/leader-1",
    }  # fmt: skip
    await context.add_init_script(
        f"for (const [k, v] of Object.entries({json.dumps(chosen)})) localStorage.setItem(k, v)"
    )
    page = await context.new_page()
    await page.goto(url + picture.path)
    await page.wait_for_timeout(SETTLED_MS)
    await picture.act(page)
    await page.screenshot(path=folder / f"{picture.name}.png")
    await context.close()


async def main(url: str, folder: Path, names: list[str]) -> None:
    """Take all, or those named."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for picture in PICTURES:
            if not names or picture.name in names:
                await take(browser, url, picture, folder)
        await browser.close()


if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
