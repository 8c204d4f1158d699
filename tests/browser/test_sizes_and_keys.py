"""From a phone to a wall, and without a mouse: nothing hangs over, nothing lies over another, every grid is reached."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import assigned

_OVERLAPS = """() => [...document.querySelectorAll(".row")].flatMap((row) => {
  const boxes = [...row.children].map((c) => c.getBoundingClientRect()).filter((b) => b.width && b.height);
  return boxes.flatMap((a, n) => boxes.slice(n + 1).filter((b) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1).map(() => row.textContent));
})"""
_HANGS_OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def settled(page: Page) -> None:
    await expect(page.locator(".panel, form").first).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_on_a_phone_nothing_hangs_over_the_edge_or_lies_over_another(stage: Stage, language: str) -> None:
    ticket_id = await stage.hand_in(f"phone-{language}", text="路口的井盖不见了，晚上很危险")
    await assigned(stage, ticket_id)
    async with stage.page("/console", width=360, language=language) as page:
        row = page.locator(f"[data-ticket='{ticket_id}']")
        await page.locator("input[type=search]").fill((await stage.ticket(ticket_id))["ticket_no"])
        await expect(row.locator(".tag.U2")).to_be_visible(timeout=PATIENCE_MS)
        assert await page.evaluate(_OVERLAPS) == []
        assert await page.locator("[data-grid]").first.is_visible()
        for view in ("", "?view=units", "?view=system", "?view=merges", f"?view=ticket&id={ticket_id}"):
            await page.goto(f"{stage.url}/console{view}")
            await settled(page)
            assert await page.evaluate(_HANGS_OVER) <= 0, view
        await page.goto(f"{stage.url}/tasks")
        await settled(page)
        assert await page.evaluate(_HANGS_OVER) <= 0, "/tasks"


async def test_on_a_phone_who_somebody_is_folds_away(stage: Stage) -> None:
    async with stage.page("/console", width=360) as page:
        await settled(page)
        role = page.locator(".bar select.mine")
        await expect(role).to_be_hidden()
        await page.locator(".bar .fold").click()
        await expect(role).to_be_visible()
    async with stage.page("/console", width=1440) as page:
        await settled(page)
        await expect(page.locator(".bar select.mine")).to_be_visible()
        await expect(page.locator(".bar .fold")).to_be_hidden()


@pytest.mark.parametrize(("width", "pixels"), [(1440, 16), (2560, 22), (3840, 32)])
async def test_on_a_wall_everything_is_larger(stage: Stage, width: int, pixels: int) -> None:
    async with stage.page("/console", width=width) as page:
        await settled(page)
        assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == f"{pixels}px"


async def test_a_ticket_is_opened_and_acted_on_without_a_mouse(stage: Stage) -> None:
    ticket_id = await stage.hand_in("keys")
    await assigned(stage, ticket_id)
    number = (await stage.ticket(ticket_id))["ticket_no"]
    async with stage.page("/console") as page:
        await expect(page.locator("input[type=search]")).to_be_visible(timeout=PATIENCE_MS)
        await page.locator("input[type=search]").focus()
        await page.keyboard.type(number)
        row = page.locator(f"[data-ticket='{ticket_id}']")
        await expect(row).to_be_visible(timeout=PATIENCE_MS)
        for _ in range(6):  # past the button that clears, and the list itself
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.dataset.ticket") == ticket_id:
                break
        await page.keyboard.press("Enter")
        act = page.locator("[data-command=supervise]")
        await expect(act).to_be_visible(timeout=PATIENCE_MS)
        await act.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog[open]")).to_have_count(1)
        assert await page.evaluate("Boolean(document.activeElement.closest('dialog'))"), "typing goes into the form"
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
        assert await page.evaluate("document.activeElement.dataset.command") == "supervise", "back where it was opened"


async def test_the_map_is_one_stop_of_the_keyboard_and_arrows_walk_it(stage: Stage) -> None:
    async with stage.page("/console") as page:
        await expect(page.locator(".map path.cell")).to_have_count(58, timeout=PATIENCE_MS)
        stops = page.locator(".map path.cell[tabindex='0']")
        await expect(stops).to_have_count(1)
        await stops.focus()
        seen = {await focused(page)}
        for key in ["ArrowRight"] * 3 + ["ArrowDown"] * 3 + ["ArrowLeft", "ArrowUp"]:
            await page.keyboard.press(key)
            seen.add(await focused(page))
        assert len(seen) >= 7
        await expect(stops).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(f"grid={await focused(page)}"))


async def test_every_grid_is_reached_by_arrows(stage: Stage) -> None:
    async with stage.page("/console") as page:
        await expect(page.locator(".map path.cell")).to_have_count(58, timeout=PATIENCE_MS)
        lost = await page.evaluate(
            "async () => { const map = await import('/console/map.js');"
            " const { cells } = map.layout((await (await fetch('/v1/area')).json()).grids);"
            " const reached = new Set([cells[0].code]), next = [cells[0]];"
            " while (next.length) { const from = next.pop(); for (const way of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {"
            "   const to = map.neighbour(cells, from, way); if (!reached.has(to.code)) { reached.add(to.code); next.push(to); } } }"
            " return cells.filter((c) => !reached.has(c.code)).map((c) => c.code); }"
        )
        assert lost == []


async def focused(page: Page) -> str:
    """The code of the grid that has the focus."""
    code: str = await page.evaluate("document.activeElement.dataset.grid")
    return code
