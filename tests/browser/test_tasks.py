"""The task page on a phone: one tap a step, and nothing lost where there is no network."""

import json

from playwright.async_api import Page, Route, expect

from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import assigned, forgive
from tests.builders import eventually


async def begin(page: Page, unit: str) -> None:
    await page.locator("select[required]").select_option(unit, timeout=PATIENCE_MS)
    await page.locator("input").nth(1).fill("W001001-01")
    await page.locator("button.main").click()


async def test_a_worker_signs_contacts_and_resolves_without_a_network(stage: Stage) -> None:
    ticket_id = await stage.hand_in("phone")
    await assigned(stage, ticket_id)
    unit = (await stage.ticket(ticket_id))["assignments"][-1]["unit"]
    async with stage.page("/tasks", role="grid_worker", actor=f"{unit}/W001001-01", width=360) as page:
        await page.locator("input").first.fill(unit)
        await begin(page, unit)
        task = page.locator(f"[data-task='{ticket_id}']")
        await expect(task.locator("[data-step=sign]")).to_be_visible(timeout=PATIENCE_MS)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360

        await page.context.set_offline(True)
        await task.locator("[data-step=sign]").click()
        await task.locator("[data-step=contact]").click()
        await task.locator("[data-step=resolve]").click()
        await page.locator("dialog textarea").fill("路灯已修好")
        await page.locator("dialog .main").click()
        await expect(page.locator("[role=status] strong")).to_have_text("3", timeout=PATIENCE_MS)
        assert (await stage.ticket(ticket_id))["state"] == "DISPATCHED"
        assert len(json.loads(await page.evaluate("localStorage.getItem('gd.outbox')"))) == 3

        await page.context.set_offline(False)

        async def handed_in() -> bool:
            return (await stage.ticket(ticket_id))["state"] in ("RESOLVED", "FOLLOWING_UP")

        await eventually(handed_in, within_s=60, what="the result")
        await expect(task).to_have_count(0, timeout=PATIENCE_MS)
        file = (await stage.world.http.get(f"{stage.url}/v1/tickets/{ticket_id}/file")).json()
        types = [e["type"] for e in file["story"]]
        assert [types.count(f"ticket.{t}") for t in ("signed", "contacted", "resolved")] == [1, 1, 1]
    forgive(stage, "ERR_INTERNET_DISCONNECTED")


async def test_a_step_whose_answer_got_lost_is_not_taken_twice(stage: Stage) -> None:
    ticket_id = await stage.hand_in("lost answer")
    await assigned(stage, ticket_id)
    unit = (await stage.ticket(ticket_id))["assignments"][-1]["unit"]
    async with stage.page("/tasks", role="grid_worker", actor=f"{unit}/W001001-01", width=360) as page:
        await page.locator("input").first.fill(unit)
        await begin(page, unit)
        lost: list[str] = []

        async def lose(route: Route) -> None:
            if lost:
                await route.continue_()
            else:
                lost.append(route.request.url)
                await route.fetch()
                await route.abort("connectionreset")

        await page.route("**/sign", lose)
        await page.locator(f"[data-task='{ticket_id}'] [data-step=sign]").click()
        await expect(page.locator("[role=status]")).to_have_count(0, timeout=PATIENCE_MS)
        file = (await stage.world.http.get(f"{stage.url}/v1/tickets/{ticket_id}/file")).json()
        assert lost, "the first answer was lost"
        assert [e["type"] for e in file["story"]].count("ticket.signed") == 1
        assert await page.locator(".notice.bad").count() == 0
    forgive(stage, "ERR_CONNECTION_RESET")


async def test_the_photo_is_named_by_its_fingerprint(stage: Stage) -> None:
    ticket_id = await stage.hand_in("photo")
    await assigned(stage, ticket_id)
    unit = (await stage.ticket(ticket_id))["assignments"][-1]["unit"]
    async with stage.page("/tasks", role="grid_worker", actor=f"{unit}/W001001-01", width=360) as page:
        await page.locator("input").first.fill(unit)
        await begin(page, unit)
        task = page.locator(f"[data-task='{ticket_id}']")
        for step in ("sign", "contact"):
            await task.locator(f"[data-step={step}]").click()
        await task.locator("[data-step=resolve]").click()
        assert await page.locator("dialog .field").count() <= 6
        await page.locator("dialog input[type=file]").set_input_files(
            {"name": "lamp.jpg", "mimeType": "image/jpeg", "buffer": b"lamp"}
        )
        await expect(page.locator("dialog code")).to_have_text("c98e85f2", timeout=PATIENCE_MS)
        await page.locator("dialog button[type=button]").click()
