"""A newcomer before the board: what is late and where stands on the first screen, and why is one click away."""

from playwright.async_api import Locator, expect

from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import assigned
from tests.builders import eventually


async def is_in_view(part: Locator) -> bool:
    """Whether something can be seen without scrolling."""
    await expect(part).to_be_visible(timeout=PATIENCE_MS)
    found: bool = await part.evaluate(
        "(e) => { const b = e.getBoundingClientRect();"
        " return b.width > 0 && b.top >= 0 && b.left >= 0 && b.top < innerHeight - 8 && b.left < innerWidth - 8; }"
    )
    return found


async def something_is_late(stage: Stage) -> None:
    """Wait until a unit is late with something: a matter of the tests before this one, or one of its own."""

    async def is_late() -> bool:
        red = (
            await stage.world.http.get(f"{stage.url}/v1/queue", params={"light": "RED", "state": "DISPATCHED"})
        ).json()
        return bool(red["tickets"])

    if not await is_late():
        await assigned(stage, await stage.hand_in("newcomer", text="我家闻到煤气味，燃气泄漏了，快来人"))
    await eventually(is_late, within_s=180, what="nobody having come in time")


async def test_a_newcomer_finds_what_is_late_where_and_why_within_one_click(stage: Stage) -> None:
    await something_is_late(stage)
    async with stage.page("/console", role="") as page:
        assert await is_in_view(page.locator("[data-count=RED]"))
        assert int(await page.locator("[data-count=RED]").text_content() or 0) >= 1
        first = page.locator(".row").first
        await expect(first.locator(".light.RED")).to_be_visible(timeout=PATIENCE_MS)
        row = page.locator(f"[data-ticket='{await first.get_attribute('data-ticket')}']")
        assert await is_in_view(row)
        what, when, where, unit = (row.locator("> span").nth(n) for n in (2, 1, 3, 4))
        for said in (what, where, unit):
            assert (await said.text_content() or "–").strip() not in ("", "–")
        told = f"{await when.text_content()} {await what.text_content()}"
        assert "超" in told or "有时限已过" in told, "it is said how late, or that a step is"
        place = await where.text_content() or ""

        await row.click()
        assert await is_in_view(page.locator(".title .light.RED"))
        assert await is_in_view(page.locator("dl.facts dd", has_text=place).first)
        assert await is_in_view(page.locator(".why li").first)
        assert await is_in_view(page.locator(".clock").first)
        said_why = page.locator(".clock:has(.track.late), .story li:has-text('亮灯')").first
        await expect(said_why).to_be_visible()  # the limit that passed, or the light that turned
