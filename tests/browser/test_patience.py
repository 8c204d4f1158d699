"""What a worker noted outlives a busy service, a refusal, an ended session and a phone that was put away."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.stage import PATIENCE_MS, Stage
from tests.browser.test_console import assigned, forgive
from tests.browser.test_tasks import begin
from tests.builders import eventually

PROBLEM = "urn:griddispatch:problem:"
REPLY = "灯杆已更换，明早通电"


@asynccontextmanager
async def at_work(stage: Stage, key: str) -> AsyncIterator[tuple[Page, Locator, str]]:
    """A worker's phone with a ticket that he has signed and phoned about: the page, the task, the ticket's id."""
    ticket_id = await stage.hand_in(key)
    await assigned(stage, ticket_id)
    unit = (await stage.ticket(ticket_id))["assignments"][-1]["unit"]
    async with stage.page("/tasks", role="grid_worker", actor=f"{unit}/W001001-01", width=360) as page:
        await page.locator("input").first.fill(unit)
        await begin(page, unit)
        task = page.locator(f"[data-task='{ticket_id}']")
        for step in ("sign", "contact"):
            await task.locator(f"[data-step={step}]").click()
        await expect(task.locator("[data-step=resolve]")).to_be_visible(timeout=PATIENCE_MS)
        yield page, task, ticket_id


async def hand_in_result(page: Page, task: Locator) -> None:
    await task.locator("[data-step=resolve]").click()
    await page.locator("dialog textarea").fill(REPLY)
    await page.locator("dialog .main").click()


def answering(*answers: tuple[int, dict[str, str], str]) -> tuple[Callable[[Route], Awaitable[None]], list[int]]:
    """What a route answers, one after the other, the last again and again; and what it has answered."""
    given: list[int] = []

    async def answer(route: Route) -> None:
        status, headers, code = answers[min(len(given), len(answers) - 1)]
        given.append(status)
        await route.fulfill(status=status, headers=headers, json={"type": PROBLEM + code, "title": code})

    return answer, given


async def test_a_result_that_is_put_off_waits_and_one_that_is_refused_gives_its_words_back(stage: Stage) -> None:
    async with at_work(stage, "put off") as (page, task, _):
        answer, given = answering((429, {"Retry-After": "1"}, "quota-exceeded"), (409, {}, "NOT_CONTACTED"))
        await page.route("**/resolve", answer)
        await hand_in_result(page, task)
        refused = page.locator(".notice.bad")
        await expect(refused).to_contain_text(REPLY, timeout=PATIENCE_MS)
        assert given == [429, 409], "too much now is no refusal"
        assert await page.evaluate("localStorage.getItem('gd.outbox')") == "[]"
        await page.reload()
        await expect(refused).to_contain_text(REPLY, timeout=PATIENCE_MS)
        await task.locator("[data-step=resolve]").click()
        assert await page.locator("dialog textarea").input_value() == REPLY
    forgive(stage, "429", "409")


async def test_a_service_that_is_away_behind_its_proxy_is_asked_again(stage: Stage) -> None:
    async with at_work(stage, "bad gateway") as (page, task, ticket_id):
        answers = iter([408, 502, 503, 504])
        given: list[int] = []

        async def answer(route: Route) -> None:
            status = next(answers, None)
            if status is None:
                await route.continue_()
            else:
                given.append(status)
                await route.fulfill(status=status, body="<html>gateway</html>")

        await page.route("**/resolve", answer)
        await hand_in_result(page, task)

        async def handed_in() -> bool:
            return (await stage.ticket(ticket_id))["state"] in ("RESOLVED", "FOLLOWING_UP")

        await eventually(handed_in, within_s=60, what="the result")
        assert given == [408, 502, 503, 504]
        assert await page.locator(".notice.bad").count() == 0
    forgive(stage, "408", "502", "503", "504")


async def test_an_ended_session_keeps_what_was_half_written(stage: Stage) -> None:
    async with at_work(stage, "session") as (page, task, ticket_id):
        await task.locator("[data-step=resolve]").click()
        await page.locator("dialog textarea").fill(REPLY)
        answer, _ = answering((401, {}, "unauthenticated"))
        await page.route("**/v1/assignments?*", answer)
        await expect(page.locator("[role=alert]")).to_contain_text("登录已失效", timeout=PATIENCE_MS)
        await page.unroute("**/v1/assignments?*")
        await page.locator("input[type=password]").fill("new.to.ken")
        await page.locator("[data-role]").select_option("grid_worker")
        await page.locator("button.main").click()
        await expect(page.locator("dialog textarea")).to_have_value(
            REPLY, timeout=PATIENCE_MS
        )  # it opens again by itself
        await page.locator("dialog .main").click()

        async def handed_in() -> bool:
            return (await stage.ticket(ticket_id))["state"] in ("RESOLVED", "FOLLOWING_UP")

        await eventually(handed_in, within_s=60, what="the result")
    forgive(stage, "401")


async def test_who_has_several_roles_is_asked_in_which(stage: Stage) -> None:
    ticket_id = await stage.hand_in("several roles")
    await assigned(stage, ticket_id)
    unit = (await stage.ticket(ticket_id))["assignments"][-1]["unit"]

    async def choose(route: Route) -> None:
        if "griddispatch-role" in route.request.headers:
            await route.continue_()
        else:
            title = "Griddispatch-Role is one of liaison, grid_worker."
            await route.fulfill(status=403, json={"type": PROBLEM + "forbidden", "title": title})

    async with stage.page("/tasks", role="", width=360) as page:
        await page.route("**/v1/assignments?*", choose)
        await page.locator("input[type=password]").fill("to.k.en")
        await page.locator("input").first.fill(unit)
        await begin(page, unit)
        await expect(page.locator("[role=alert]")).to_contain_text("liaison, grid_worker", timeout=PATIENCE_MS)
        await page.locator("[data-role]").select_option("grid_worker")
        await page.locator("button.main").click()
        await expect(page.locator(f"[data-task='{ticket_id}']")).to_be_visible(timeout=PATIENCE_MS)
    forgive(stage, "403")


async def test_the_tasks_are_read_on_to_the_last(stage: Stage) -> None:
    tickets = [await stage.hand_in(f"read on {n}") for n in range(3)]
    for ticket_id in tickets:
        await assigned(stage, ticket_id)
    unit = (await stage.ticket(tickets[0]))["assignments"][-1]["unit"]

    async def one_a_page(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=200", "limit=1"))

    async with stage.page("/tasks", role="grid_worker", actor=f"{unit}/W001001-01", width=360) as page:
        await page.route("**/v1/assignments?*", one_a_page)
        await page.locator("input").first.fill(unit)
        await begin(page, unit)
        for ticket_id in tickets:
            await expect(page.locator(f"[data-task='{ticket_id}']")).to_be_visible(timeout=PATIENCE_MS)


async def call(page: Page, module: str, expression: str) -> object:
    """What an expression over a module of the page gives, as JSON."""
    said = await page.evaluate(f"import('/console/{module}').then((m) => JSON.stringify({expression}))")
    return json.loads(said)


async def test_the_small_rules_of_the_pages(stage: Stage) -> None:
    async with stage.page("/console") as page:
        assert await call(page, "api.js", "['7', '', null, 'soon', '999999'].map((t) => m.retryAfterMs(t))") == [
            7000, 0, 0, 0, 600_000,
        ]  # fmt: skip
        assert (
            await call(page, "api.js", "m.retryAfterMs('Tue, 10 Mar 2026 02:00:30 GMT', Date.UTC(2026,2,10,2,0))")
            == 30_000
        )

        step = "{body: {kind: 'EMERGENCY', units: ['gas']}, whistles: SEEN}"
        whistle = "{kind: 'EMERGENCY', unit: 'gas', answer: ANSWER}"
        table = [
            ("undefined", [], False),
            ("undefined", ["null"], True),  # the same one waits for its answer
            ("undefined", ["'ACCEPT'"], False),  # it was answered: this is a second one
            ("1", ["'ACCEPT'"], False),
            ("1", ["'ACCEPT'", "'ACCEPT'"], True),  # ours came through, its answer got lost, and it was answered since
        ]
        for seen, answers, done in table:
            blown = "[" + ",".join(whistle.replace("ANSWER", a) for a in answers) + "]"
            assert await call(page, "outbox.js", f"m.isBlown({step.replace('SEEN', seen)}, {blown})") is done

        assert await call(page, "outbox.js", "m.together({reply: 'a', action: 'X', evidence: ['1']}, {reply: 'b', evidence: ['2']})") == {
            "reply": "a\nb", "action": "X", "evidence": ["1", "2"],
        }  # fmt: skip
        assert await call(page, "outbox.js", "m.together({reply: 'a'}, {action: 'Y'})") == {"reply": "a", "action": "Y"}

        known = "new Map([['a', 1], ['b', 1], ['c', 2], ['d', 1]].map(([id, version]) => [id, VALUE]))"
        tickets = known.replace("VALUE", "{ticket_id: id, due_at: id}")
        versions, before = known.replace("VALUE", "version"), "new Map([['a', 1], ['b', 1], ['c', 1]])"
        gone = f"m.gone({tickets}, {versions}, {before}, new Set(['a']), LAST)"
        assert await call(page, "state.js", gone.replace("LAST", "''")) == ["b"], "c moved on and d came meanwhile"
        assert await call(page, "state.js", gone.replace("LAST", "'b'")) == [], "the reading ended before b"

        rows = "[['a', 'GREEN', 'DISPATCHED', 1], ['b', 'RED', 'RESOLVED', 2], ['c', 'RED', 'DISPATCHED', 9], ['d', 'YELLOW', 'DISPATCHED', 3]]"
        made = f"{rows}.map(([ticket_id, light, state, due_at]) => ({{ticket_id, light, state, due_at}}))"
        assert await call(page, "state.js", f"m.inOrder({made}).map((t) => t.ticket_id)") == ["c", "a", "d", "b"]
