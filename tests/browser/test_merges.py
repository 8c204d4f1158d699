"""Merging and splitting in the console: what intake found alike is decided by a dispatcher, with a reason."""

from playwright.async_api import Page, expect

from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import assigned, forgive
from tests.builders import eventually

HOTLINE = "hotline-12345"
TEXT = "东风社区健身广场旁边的下水道井盖破损，老人孩子路过很危险"
WHY = "同一井盖，两位群众先后来电"


async def alike(stage: Stage) -> tuple[str, str]:
    """Two matters with one text some steps apart: too far to be merged unasked, near enough to be suggested."""
    first = await stage.hand_in("alike-1", source=HOTLINE, text=TEXT, location={"lon": 119.2200, "lat": 33.3800})
    await assigned(stage, first)
    second = await stage.hand_in("alike-2", source=HOTLINE, text=TEXT, location={"lon": 119.2206, "lat": 33.3800})
    await assigned(stage, second)
    return first, second


async def confirm(page: Page, command: str, note: str) -> None:
    await page.locator(f"[data-command={command}]").first.click()
    await page.locator("dialog textarea").fill(note)
    await page.locator("dialog .main").click()


async def becomes(stage: Stage, ticket_id: str, state: str) -> None:
    async def is_so() -> bool:
        return bool((await stage.ticket(ticket_id))["state"] == state)

    await eventually(is_so, within_s=60, what=f"{ticket_id} being {state}")


async def test_a_dispatcher_merges_what_was_suggested_and_splits_it_again(stage: Stage) -> None:
    main, child = await alike(stage)
    async with stage.page("/console?view=merges", role="dispatcher") as page:
        await expect(page.locator("[data-suggestion]")).to_have_count(1, timeout=PATIENCE_MS)
        await page.locator("[data-command=merge]").click()
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog textarea:invalid")).to_have_count(1)  # no reason, no merging
        await page.locator("dialog textarea").fill(WHY)
        await page.reload()
        await expect(page.locator("[data-command=merge]")).to_contain_text("草稿", timeout=PATIENCE_MS)
        await page.locator("[data-command=merge]").click()
        assert await page.locator("dialog textarea").input_value() == WHY
        await page.locator("dialog .main").click()
        await expect(page.locator("[data-suggestion]")).to_have_count(0, timeout=PATIENCE_MS)
    await becomes(stage, child, "MERGED")
    kept = await stage.world.query("SELECT state, note, decided_by FROM intake.merge_suggestion")
    assert [(row["state"], row["note"]) for row in kept] == [("ACCEPTED", WHY)]

    async with stage.page(f"/console?view=ticket&id={child}", role="dispatcher") as page:
        await expect(page.locator(".title a", has_text=(await stage.ticket(main))["ticket_no"])).to_be_visible(
            timeout=PATIENCE_MS
        )
        await page.locator("[data-command=split]").click()
        await page.locator("dialog select").select_option("OTHER_PLACE")
        await page.locator("dialog textarea").fill("相距五十余米，是两处井盖")
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog")).to_have_count(0, timeout=PATIENCE_MS)
        await becomes(stage, child, "DISPATCHED")
        await expect(page.locator("[data-command=split]")).to_have_count(0, timeout=PATIENCE_MS)


async def test_a_dispatcher_merges_two_that_nobody_suggested_and_splits_them_again(stage: Stage) -> None:
    main = await stage.hand_in("unlike-1")
    child = await stage.hand_in("unlike-2", text="垃圾堆在门口没人清运", location={"lon": 119.23, "lat": 33.37})
    for ticket_id in (main, child):
        await assigned(stage, ticket_id)
    number = (await stage.ticket(main))["ticket_no"]
    async with stage.page(f"/console?view=ticket&id={child}", role="dispatcher") as page:
        await page.locator("[data-command=merge-into]").click()
        field = page.locator("dialog input")
        await field.press_sequentially("not a number " + number[-14:])
        assert await field.input_value() == number[-14:], "only digits are taken"
        offered = page.locator("dialog datalist option")
        await expect(offered.first).to_have_attribute("value", number, timeout=PATIENCE_MS)
        await expect(offered).to_have_count(1)
        await page.locator("dialog textarea").fill("同一位群众的两件事，一并处理")
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog input:invalid")).to_have_count(1)  # fourteen digits are no number
        wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
        await field.fill(wrong)
        await expect(page.locator("dialog [role=status]")).to_contain_text("不在办的工单中")
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog .said.bad")).to_contain_text("主单编号", timeout=PATIENCE_MS)
        await field.fill(number)
        await expect(page.locator("dialog .field [role=status]")).to_contain_text("路灯")
        await page.locator("dialog .main").click()
        await becomes(stage, child, "MERGED")
        await expect(page.locator(".title a", has_text=number)).to_be_visible(timeout=PATIENCE_MS)
        await page.locator(".title a", has_text=number).click()
        waiting = page.locator("dd a", has_text=(await stage.ticket(child))["ticket_no"])
        await waiting.click()  # the one that is worked on names those that wait for it
        await page.locator("[data-command=split]").click()
        await page.locator("dialog select").select_option("OTHER_MATTER")
        await page.locator("dialog textarea").fill("是两件事")
        await page.locator("dialog .main").click()
        await becomes(stage, child, "DISPATCHED")
    forgive(stage, "422")


async def test_who_is_no_dispatcher_is_offered_neither(stage: Stage) -> None:
    async with stage.page("/console?view=merges", role="supervisor") as page:
        await expect(page.locator("[role=status]")).to_contain_text("当前角色不能办理", timeout=PATIENCE_MS)
        await expect(page.locator("nav .tab", has_text="并单")).to_have_count(0)


async def test_pages_of_elsewhere_may_not_ask_intake(stage: Stage) -> None:
    merges = f"'{stage.world.url('intake')}/v1/merges', {{headers: {{'Griddispatch-Role': 'dispatcher'}}}}"
    async with stage.page("/console") as page:
        assert await page.evaluate(f"fetch({merges}).then((a) => a.status)") == 200
    async with stage.page("/console") as page:
        await page.goto(f"{stage.world.url('notify')}/docs")
        assert await page.evaluate(f"fetch({merges}).catch((e) => e.name)") == "TypeError"
    forgive(stage, "CORS", "ERR_FAILED", "/docs")
