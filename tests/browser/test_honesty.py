"""The console says what it does not know: news that stands still, a session that ended, what a role may not see."""

import json

from playwright.async_api import Route, expect

from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import assigned, forgive

PROBLEM = "urn:griddispatch:problem:"


async def test_a_board_that_stands_still_says_so(stage: Stage) -> None:
    hello = {"now": "2026-03-10T02:00:00Z", "speed": 1, "is_following": False}

    async def stand_still(route: Route) -> None:
        body = f"event: hello\ndata: {json.dumps(hello)}\n\n"
        await route.fulfill(status=200, content_type="text/event-stream", body=body)

    async with stage.page("/console") as page:
        await expect(page.locator(".pulse")).to_have_text("实时", timeout=PATIENCE_MS)
        await expect(page.locator(".still")).to_have_count(0)
    async with stage.page("/livez") as page:
        await page.route("**/v1/stream", stand_still)
        await page.goto(f"{stage.url}/console")
        await expect(page.locator(".still")).to_contain_text("停在最后的状态", timeout=PATIENCE_MS)
        hello["is_following"] = True
        await expect(page.locator(".still")).to_have_count(0, timeout=PATIENCE_MS)


async def test_who_may_see_no_figures_sees_the_board_whole(stage: Stage) -> None:
    async with stage.page("/console?no=99999999999999999999", role="auditor") as page:
        await expect(page.locator(".empty")).to_contain_text("没有符合条件的工单", timeout=PATIENCE_MS)
        assert (
            await page.request.get(f"{stage.url}/v1/system", headers={"Griddispatch-Role": "auditor"})
        ).status == 403
    forgive(stage, "403")


async def test_who_must_sign_in_is_told_and_goes_on_afterwards(stage: Stage) -> None:
    async def ask(route: Route) -> None:
        if "authorization" in route.request.headers:
            await route.continue_()
        else:
            await route.fulfill(status=401, json={"type": f"{PROBLEM}unauthenticated", "title": "Say who you are."})

    async with stage.page("/livez") as page:
        for path in ("**/v1/stream", "**/v1/queue?*", "**/v1/system"):
            await page.route(path, ask)
        await page.goto(f"{stage.url}/console")
        await expect(page.locator("[role=alert]")).to_contain_text("请先填写访问令牌", timeout=PATIENCE_MS)
        clock = await page.locator(".wall").text_content()
        await page.locator("input[type=password]").fill("to.k.en")
        await expect(page.locator(".wall")).not_to_have_text(clock or "", timeout=PATIENCE_MS)  # drawn anew meanwhile
        await page.locator("input[type=password]").press("Enter")
        await expect(page.locator(".pulse")).to_have_text("实时", timeout=PATIENCE_MS)
        await expect(page.locator("[role=alert]")).to_have_count(0, timeout=PATIENCE_MS)
    forgive(stage, "401")


async def test_a_unit_that_supports_finds_its_work_too(stage: Stage) -> None:
    ticket_id = await stage.hand_in("supported")
    await assigned(stage, ticket_id)
    shown = await stage.ticket(ticket_id)
    share = shown["assignments"][-1]["id"]
    for path, body in (
        (f"assignments/{share}/convert-size", {"reason": "SEVERAL_UNITS"}),
        (f"tickets/{ticket_id}/add-support", {"unit": "housing"}),
    ):
        await give(stage, ticket_id, path, body)
    async with stage.page("/console?unit=housing") as page:
        await expect(page.locator(f"[data-ticket='{ticket_id}']")).to_be_visible(timeout=PATIENCE_MS)


async def give(stage: Stage, ticket_id: str, path: str, body: dict[str, str]) -> None:
    """Give a command over the API, for the version just read."""
    version = (await stage.ticket(ticket_id))["version"]
    answer = await stage.world.http.post(f"{stage.url}/v1/{path}", json=body, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


async def test_dead_letters_of_all_three_services_are_shown_and_who_cannot_be_asked_is_named(stage: Stage) -> None:
    for service in ("intake", "dispatch", "notify"):
        await stage.world.query(
            f'INSERT INTO {service}.dead_letter (topic, partition, "offset", headers, reason, tries, code)'
            " VALUES ('tickets-intake', 0, 815, '[]', $1, 1, 'x')", f"died at {service}",
        )  # fmt: skip
    async with stage.page("/console?view=system") as page:
        for service in ("intake", "dispatch", "notify"):
            await expect(page.locator(f"[data-service={service}]")).to_contain_text("已应答", timeout=PATIENCE_MS)
            await expect(page.locator("td", has_text=f"died at {service}")).to_be_visible(timeout=PATIENCE_MS)
        await expect(page.locator("[data-tile=dead]")).not_to_contain_text("未含")
        assert int(await page.locator("[data-tile=dead] b").text_content() or 0) >= 3
        await page.route(f"{stage.world.url('notify')}/v1/standing", lambda route: route.abort("connectionrefused"))
        await expect(page.locator("[data-service=notify]")).to_contain_text("问不到", timeout=PATIENCE_MS)
        await expect(page.locator("[data-tile=dead]")).to_contain_text("未含 notify")
        await expect(page.locator("td", has_text="died at notify")).to_be_visible()  # as last read
    async with stage.page("/livez") as page:
        await page.route("**/v1/names", _without_notify)
        await page.goto(f"{stage.url}/console?view=system")
        await expect(page.locator("[data-service=notify]")).to_contain_text("未配置地址", timeout=PATIENCE_MS)
        await expect(page.locator("[data-tile=dead]")).to_contain_text("未含 notify")
    forgive(stage, "ERR_CONNECTION_REFUSED")


async def _without_notify(route: Route) -> None:
    names = await (await route.fetch()).json()
    await route.fulfill(json={**names, "notify": ""})
