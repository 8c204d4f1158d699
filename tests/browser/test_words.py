"""The citizen's words on the task page: for who has the matter in hand, masked, written down, and never on the phone."""

from playwright.async_api import Page, expect

from tests.browser.conftest import RELAY
from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import HOSTILE, assigned, faults, forgive
from tests.browser.test_tasks import begin
from tests.builders import eventually

NAME, PHONE = "邓小敏", "13912345678"
SAID = f"小区门口的路灯不亮了，我是{NAME}，电话{PHONE} {HOSTILE} \u202eevil\u202c " + "长" * 2000
WORKER = "W001001-01"


async def in_hand(stage: Stage, key: str, text: str) -> tuple[str, str]:
    """A matter that a unit has, as intake knows by now; both ids."""
    ticket_id = await stage.hand_in(key, text=text, reporter={"name": NAME, "phone": PHONE})
    await assigned(stage, ticket_id)

    async def is_told() -> bool:
        return bool(await stage.world.query("SELECT 1 FROM intake.share WHERE ticket_id::text = $1", ticket_id))

    await eventually(is_told, within_s=60, what="intake hearing who has it")
    unit: str = (await stage.ticket(ticket_id))["assignments"][-1]["unit"]
    return ticket_id, unit


async def look(page: Page, ticket_id: str, unit: str) -> None:
    await page.locator("input").first.fill(unit)
    await begin(page, unit)
    await page.locator(f"[data-task='{ticket_id}'] [data-step=citizen]").click()
    await page.locator("dialog select").select_option("上门前联系")
    await page.locator("dialog .main").click()


async def test_a_worker_reads_what_was_said_and_calls_without_seeing_who(stage: Stage) -> None:
    ticket_id, unit = await in_hand(stage, "words", SAID)
    async with stage.page("/tasks", role="grid_worker", actor=f"{unit}/{WORKER}", width=360) as page:
        await look(page, ticket_id, unit)
        spoken = page.locator("dialog .spoken")
        await expect(spoken).to_contain_text("我是邓**，电话139****5678", timeout=PATIENCE_MS)
        await expect(spoken).to_contain_text("DROP TABLE")
        assert "\u202e" not in (await spoken.text_content() or ""), "nothing turns the text around"
        assert await page.locator("dialog img, dialog script").count() == 0
        assert await page.title() != "stolen"
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert await faults(page) == []
        await page.locator("dialog [data-call]").click()
        number = page.locator("dialog [data-number]")
        await expect(number).to_have_attribute("href", f"tel:{RELAY}", timeout=PATIENCE_MS)
        shown = await page.locator("body").inner_text()
        assert NAME not in shown and PHONE not in shown
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0, timeout=PATIENCE_MS)
        kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert "路灯不亮" not in kept and "139****5678" not in kept and RELAY not in kept
        assert await page.evaluate("caches.keys()") == []
    views = await stage.world.query(
        "SELECT viewer, purpose FROM intake.vault_view WHERE ticket_id::text = $1 ORDER BY id", ticket_id
    )
    assert [(view["viewer"], view["purpose"]) for view in views] == [
        (f"grid_worker:{WORKER}", "上门前联系"),
        (f"grid_worker:{WORKER}", "call: 上门前联系"),
    ]


async def test_without_a_network_and_for_others_there_are_no_words_and_the_page_says_why(stage: Stage) -> None:
    ticket_id, unit = await in_hand(stage, "no words", "小区门口的路灯不亮了")
    async with stage.page("/tasks", role="grid_worker", actor=f"{unit}/{WORKER}", width=360) as page:
        await page.locator("input").first.fill(unit)
        await begin(page, unit)
        await page.locator(f"[data-task='{ticket_id}'] [data-step=citizen]").click()
        await page.context.set_offline(True)
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog [role=alert]")).to_contain_text("没有网络", timeout=PATIENCE_MS)
        await page.context.set_offline(False)
        await page.evaluate("localStorage.setItem('gd.actor', 'grid:000000000000000/W9')")
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog [role=alert]")).to_contain_text("正在承办", timeout=PATIENCE_MS)
        assert await page.locator("dialog .spoken").count() == 0
    forgive(stage, "ERR_INTERNET_DISCONNECTED", "404")
