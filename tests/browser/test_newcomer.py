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


async def test_a_newcomer_finds_what_is_late_where_and_why_within_one_click(stage: Stage) -> None:
    late = await stage.hand_in("newcomer", text="我家闻到煤气味，燃气泄漏了，快来人")
    await assigned(stage, late)

    async def is_red() -> bool:
        return bool((await stage.ticket(late))["light"] == "RED")

    await eventually(is_red, within_s=120, what="nobody having come in time")
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
        passed = page.locator(".clock", has=page.locator(".track.late")).first
        lit = page.locator(".story li", has_text="亮灯").first
        assert await is_in_view(passed if await passed.count() else lit), "which limit passed"
