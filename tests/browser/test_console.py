"""The console in a real browser: it moves, it is honest about what it does not know, and it keeps what people wrote."""

import re
from datetime import datetime

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.stage import PATIENCE_MS, Stage, axe
from tests.builders import eventually

HOSTILE = "<img src=x onerror=\"document.title='stolen'\"> <script>document.title='stolen'</script> '); DROP TABLE x;--"


async def assigned(stage: Stage, ticket_id: str) -> None:
    async def known() -> bool:
        return bool(await stage.ticket(ticket_id))

    await eventually(known, within_s=60, what="being assigned")


async def test_the_board_moves_when_a_ticket_arrives(stage: Stage) -> None:
    async with stage.page("/console") as page:
        await expect(page.locator(".pulse")).to_have_text("实时", timeout=PATIENCE_MS)
        await expect(page.locator("path.cell")).to_have_count(58, timeout=PATIENCE_MS)
        ticket_id = await stage.hand_in("arrives")
        row = page.locator(f"[data-ticket='{ticket_id}']")
        await expect(row).to_contain_text("路灯", timeout=PATIENCE_MS)
        await row.click()
        await expect(page.locator("h1 .light")).to_have_count(1, timeout=PATIENCE_MS)
        await expect(page.locator(".why")).to_contain_text("属于网格当日能化解的小事")
        await expect(page.locator(".story")).to_contain_text("派单")
        await page.go_back()
        await expect(row).to_be_visible(timeout=PATIENCE_MS)


async def test_a_light_turns_at_its_second(stage: Stage) -> None:
    critical = await stage.hand_in("gas", text="我家闻到煤气味，燃气泄漏了，快来人")
    await assigned(stage, critical)
    async with stage.page(f"/console?view=ticket&id={critical}") as page:
        await expect(page.locator(".title h1")).to_contain_text("燃气", timeout=PATIENCE_MS)
        clock = page.locator(".story li", has_text="亮灯").first
        await expect(clock).to_be_visible(timeout=PATIENCE_MS)  # it appears by itself when a clock reaches its step
        shown = await stage.world.http.get(f"{stage.url}/v1/tickets/{critical}/file")
        lit = next(e for e in shown.json()["story"] if e["type"] == "ticket.light-changed")
        late_s = (instant(lit["time"]) - instant(lit["facts"]["due_at"])) / stage.world.speed
        assert -3600 < late_s < 30, "the step rang near its instant, however loaded the machine"


async def test_what_was_half_written_survives_a_lost_connection_and_an_ended_session(stage: Stage) -> None:
    ticket_id = await stage.hand_in("survives")
    await assigned(stage, ticket_id)
    path = f"/console?view=ticket&id={ticket_id}"
    async with stage.page(path) as page:
        await page.locator("[data-command=designate]").click()
        await page.locator("dialog select").select_option("housing")
        await page.locator("dialog textarea").fill("属地无力承办，指定住建局")
        await page.reload()
        await expect(page.locator("[data-command=designate]")).to_contain_text("草稿", timeout=PATIENCE_MS)
        await page.locator("[data-command=designate]").click()
        assert await page.locator("dialog textarea").input_value() == "属地无力承办，指定住建局"

        await page.route("**/designate", _answer_401)
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog .said")).to_contain_text("登录已失效", timeout=PATIENCE_MS)
        await page.unroute("**/designate")

        await page.route("**/designate", _cut_off)
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog .said")).to_contain_text("网络不通", timeout=PATIENCE_MS)
        assert (await stage.ticket(ticket_id))["assignments"][-1]["designated"] is False
        await page.unroute("**/designate")  # the connection is back: it goes out by itself

        async def designated() -> bool:
            if await page.locator("dialog .said.bad").count():  # a clock rang meanwhile: looked at, and confirmed again
                await page.locator("dialog .main").click()
            lead = (await stage.ticket(ticket_id))["assignments"][-1]
            return bool(lead["designated"]) and lead["unit"] == "housing"

        await eventually(designated, within_s=60, what="the designation")
        await expect(page.locator("dialog")).to_have_count(0, timeout=PATIENCE_MS)
        assert await page.evaluate("Object.keys(localStorage).filter((k) => k.startsWith('gd.draft')).length") == 0
    forgive(stage, "401", "ERR_")


async def test_a_stale_view_is_told_that_the_ticket_has_moved_on(stage: Stage) -> None:
    ticket_id = await stage.hand_in("stale")
    await assigned(stage, ticket_id)
    async with stage.page(f"/console?view=ticket&id={ticket_id}") as page:
        await page.locator("[data-command=supervise]").click()
        await page.locator("dialog input[type=number]").fill("1")
        await page.locator("dialog textarea").fill("群众多次催办")
        await page.route("**/supervise", _with_old_version)
        await page.locator("dialog .main").click()
        await expect(page.locator("dialog .said")).to_contain_text("新变化", timeout=PATIENCE_MS)
    forgive(stage, "409")


@pytest.mark.parametrize(
    "query", ["light=BLUE", "grid=%3Cscript%3E", "view=ticket", "unit=nobody", "state=SLEEPING", "colour=red"]
)
async def test_an_address_that_makes_no_sense_is_said_to(stage: Stage, query: str) -> None:
    async with stage.page(f"/console?{query}") as page:
        await expect(page.locator("[role=alert]")).to_contain_text("不认识", timeout=PATIENCE_MS)
        await expect(page.locator(".figures")).to_be_visible()
        assert await page.title() != "stolen"


async def test_a_ticket_that_is_not_there_is_said_to_be(stage: Stage) -> None:
    async with stage.page("/console?view=ticket&id=00000000-0000-0000-0000-00000000dead") as page:
        await expect(page.locator("[role=alert]")).to_contain_text("没有这个工单", timeout=PATIENCE_MS)
    forgive(stage, "404")


async def test_filters_stand_in_the_address_and_come_back_from_it(stage: Stage) -> None:
    await stage.hand_in("filtered")
    async with stage.page("/console") as page:
        await page.locator(".figures button").nth(1).click()
        await expect(page).to_have_url(re.compile("light=RED"))
        await page.reload()
        await expect(page.locator(".figures button").nth(1)).to_have_attribute(
            "aria-pressed", "true", timeout=PATIENCE_MS
        )


async def test_hostile_words_stay_words(stage: Stage) -> None:
    await stage.world.query(
        "INSERT INTO dispatch.dead_letter (topic, partition, \"offset\", key, headers, reason, tries, code)"
        " VALUES ('tickets-intake', 0, 4711, $1, '[]', $2, 1, 'x')", HOSTILE.encode(), HOSTILE,
    )  # fmt: skip
    async with stage.page("/console?view=system") as page:
        await expect(page.locator("td", has_text="DROP TABLE").first).to_be_visible(timeout=PATIENCE_MS)
        assert await page.locator("td img, td script").count() == 0
        assert await page.title() != "stolen"


@pytest.mark.parametrize(
    ("view", "theme"),
    [("/console", "light"), ("/console", "dark"), ("/console?view=units", "light"), ("/console?view=system", "dark"),
     ("/tasks", "light")],
)  # fmt: skip
async def test_nobody_is_shut_out(stage: Stage, view: str, theme: str) -> None:
    async with stage.page(view, theme=theme) as page:
        await expect(page.locator(".panel, form").first).to_be_visible(timeout=PATIENCE_MS)
        assert await faults(page) == []


async def test_the_file_of_a_ticket_and_its_forms_shut_nobody_out(stage: Stage) -> None:
    ticket_id = await stage.hand_in("open to all")
    await assigned(stage, ticket_id)
    async with stage.page(f"/console?view=ticket&id={ticket_id}", language="en") as page:
        await page.locator("[data-command=redispatch]").click()
        assert await faults(page) == []


async def faults(page: Page) -> list[str]:
    """What axe-core calls serious or critical."""
    await page.evaluate(axe())
    found = await page.evaluate("axe.run()")
    return [
        f"{v['id']}: {n['html'][:160]}"
        for v in found["violations"] if v["impact"] in ("serious", "critical")
        for n in v["nodes"]
    ]  # fmt: skip


def test_no_page_complained(stage: Stage) -> None:
    assert stage.complaints == []


def forgive(stage: Stage, *reasons: str) -> None:
    """What the browser itself says of answers that this test asked for."""
    stage.complaints[:] = [c for c in stage.complaints if not any(reason in c for reason in reasons)]


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def _answer_401(route: Route) -> None:
    await route.fulfill(status=401, json={"type": "urn:griddispatch:problem:unauthenticated", "title": "Who are you?"})


async def _cut_off(route: Route) -> None:
    await route.abort("internetdisconnected")


async def _with_old_version(route: Route) -> None:
    await route.continue_(headers={**route.request.headers, "if-match": '"77"'})
