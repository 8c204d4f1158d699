"""The page behind a citizen's link in a real browser: the token leaves it in bodies only, and no word does anything."""

from typing import Any

from playwright.async_api import Page, Request, expect

from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import HOSTILE, assigned, faults, forgive
from tests.builders import eventually
from tests.handling import next_command, next_share
from tests.open_access import acting_as

AGENT = acting_as("follow_up_agent", "hotline", "agent-1")


async def done(stage: Stage, key: str) -> str:
    """A matter whose result is in and whose citizen is asked; its ticket id."""
    ticket_id = await stage.hand_in(key)
    await assigned(stage, ticket_id)

    async def asked() -> bool:
        shown = await stage.ticket(ticket_id)
        if shown["state"] == "DISPATCHED":
            share = next_share(shown["assignments"])
            command, body = next_command(share["state"])
            address = f"{stage.url}/v1/assignments/{share['id']}/{command}"
            await stage.world.http.post(address, json=body, headers={"If-Match": f'"{shown["version"]}"'})
        answer = await stage.world.http.get(f"{stage.world.url('notify')}/v1/followups/{ticket_id}")
        return answer.status_code == 200

    await eventually(asked, within_s=120, what="asking the citizen")
    return ticket_id


async def link(stage: Stage, ticket_id: str) -> str:
    """The token of a link for the citizen of that ticket."""
    address = f"{stage.world.url('notify')}/v1/followups/{ticket_id}/links"
    answer = await stage.world.http.post(address, json={"cycle": 1, "purpose": "ANSWER"}, headers=AGENT)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


async def choose(page: Page, **answers: str) -> None:
    for name, value in answers.items():
        await page.locator(f"input[name={name}][value='{value}']").check()


async def follow_up(stage: Stage, ticket_id: str) -> dict[str, Any]:
    answer = await stage.world.http.get(f"{stage.world.url('notify')}/v1/followups/{ticket_id}")
    found: dict[str, Any] = answer.json()["follow_ups"][0]
    return found


async def test_a_citizen_follows_the_link_and_says_no(stage: Stage) -> None:
    ticket_id = await done(stage, "reply")
    token = await link(stage, ticket_id)
    async with stage.page("/r", service="notify", width=360) as page:
        seen: list[Request] = []
        page.on("request", lambda request: seen.append(request))
        await page.goto(f"{stage.world.url('notify')}/livez")
        await page.goto(f"{stage.world.url('notify')}/r#{token}")
        send = page.locator("button", has_text="提交")
        await expect(send).to_be_visible(timeout=PATIENCE_MS)
        assert page.url.endswith("/r/look")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        await choose(page, contacted="1", solved="0", satisfaction="DISSATISFIED")
        await page.locator("textarea").fill(HOSTILE)
        assert not await faults(page)
        await send.click()
        await expect(page.locator("[role=status]")).to_have_text("已收到您的评价,谢谢。", timeout=PATIENCE_MS)
        assert await page.title() == "诉求回访"
        sent = [(request.url, await request.all_headers()) for request in seen]
        assert len(sent) >= 3
        assert not [url for url, headers in sent if token in url or token in str(headers)], "in bodies only"
        assert await page.context.cookies() == []
        history = await (await page.context.new_cdp_session(page)).send("Page.getNavigationHistory")
        assert token not in str(history["entries"]), "nor does the history hold it"
    standing = await follow_up(stage, ticket_id)
    assert (standing["solved"], standing["recorded_by"]) == (False, "CITIZEN")
    words = await stage.world.http.get(f"{stage.world.url('notify')}/v1/followups/{ticket_id}/words", headers=AGENT)
    assert [said["words"] for said in words.json()["words"]] == [HOSTILE]


async def test_without_scripts_the_link_is_pasted_and_wrong_ones_are_said_to_be(stage: Stage) -> None:
    token = await link(stage, await done(stage, "reply, no scripts"))
    async with stage.page("/r", service="notify", width=360, language="en", scripts=False) as page:
        await expect(page.locator("noscript p")).to_contain_text("paste the whole link")
        await page.locator("#token").fill("https://county.example.org/r#wrong")
        await page.locator("button").click()
        await expect(page.locator("[role=status]")).to_contain_text("no link of ours", timeout=PATIENCE_MS)
        await page.locator("#token").fill(f"https://county.example.org/r#{token}")
        await page.locator("button").click()
        await choose(page, contacted="1", solved="1", satisfaction="SATISFIED")
        await page.locator("button", has_text="Send").click()
        await expect(page.locator("[role=status]")).to_have_text("We have your answer. Thank you.", timeout=PATIENCE_MS)
    forgive(stage, "404")


async def test_another_link_in_the_same_tab_is_followed_too(stage: Stage) -> None:
    one, other = [await link(stage, await done(stage, f"reply {n}")) for n in (1, 2)]
    async with stage.page("/r", service="notify") as page:
        for token in (one, other):
            await page.goto(f"{stage.world.url('notify')}/r")
            await page.evaluate(f"location.hash = '{token}'")
            await expect(page.locator("fieldset")).to_have_count(3, timeout=PATIENCE_MS)
    assert [complaint for complaint in stage.complaints if "/r" in complaint] == []
