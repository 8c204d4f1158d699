"""The citizen's page: it works without a script, says nothing to strangers, and lets no text do anything."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from services.intake.citizen import CitizenDesk
from services.intake.citizen_page import Page, router
from services.intake.core.citizen_view import HEADERS
from services.intake.ratings import Ratings
from shared import problems
from shared.events import TicketAssigned, TicketAudited, TicketClosed
from shared.markup import element, inert
from shared.rate_limit import RateLimits
from shared.terms import AssignmentId, AssignmentKind, CloseReason, MatterSize
from tests.services.intake.counter import Counter, said

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}"
BIDI = "\u202e\u2066evil\u2069\u200b"
LANGUAGE = {"Accept-Language": "en"}


async def post(counter: Counter, act: str = "", **fields: str) -> httpx.Response:
    return await counter.http.post(f"/c/{act}".rstrip("/"), data=fields)


async def ticket(counter: Counter) -> dict[str, Any]:
    told = await counter.post(said())
    await counter.triage()
    return told


def key(told: dict[str, Any]) -> dict[str, str]:
    return {"ticket_no": told["ticket_no"], "query_code": told["query_code"]}


def assigned(told: dict[str, Any], counter: Counter) -> TicketAssigned:
    return TicketAssigned.model_validate(
        {
            "ticket_no": told["ticket_no"], "assignment_id": AssignmentId(uuid4()), "kind": AssignmentKind.LEAD,
            "unit": "990101001001001", "size": MatterSize.SMALL, "due_at": counter.time, "cycle": 1, "attempt": 1,
            "sign_by": counter.time, "source": "hotline", "confidential": False, "urgency": "U3",
            "ticket_type": "COMPLAINT", "category": "150101", "accepted_at": counter.time,
        }
    )  # fmt: skip


async def test_number_and_code_show_the_state_and_what_happened(counter: Counter) -> None:
    told = await ticket(counter)
    counter.later(hours=1)
    await counter.tell(told["ticket_id"], 1, assigned(told, counter))
    answer = await post(counter, **key(told), lang="zh")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    assert told["ticket_no"] in page and 'lang="zh-CN"' in page
    assert page.index("收到您的诉求") < page.index("办理中:承办单位正在处理", page.index("收到您的诉求"))
    assert "2026-03-10 09:15" in page and "2026-03-10 10:15" in page
    english = (await post(counter, **key(told), lang="en")).text
    assert "In hand: a unit is working on it" in english and 'lang="en"' in english
    assert told["query_code"] not in re.sub(r"<input[^>]*>", "", page), "the code stands in hidden fields only"
    assert "路灯" not in page, "whoever finds a slip of paper does not read the matter"


async def test_every_page_is_sent_with_headers_that_let_nothing_run(counter: Counter) -> None:
    told = await ticket(counter)
    answers = [
        await counter.http.get("/c"), await counter.http.get(f"/c/{told['ticket_no']}"), await post(counter, **key(told)),
        await post(counter, ticket_no="1", query_code="2"), await counter.http.post("/c", content=b"\xff"),
    ]  # fmt: skip
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert not re.search(r"<script|\son\w+=|javascript:|https?://|style=", answer.text)
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in answer.text
        assert "color-scheme:light dark" in answer.text and not answer.headers.get("set-cookie")


async def test_a_wrong_number_and_a_wrong_code_are_told_alike_and_too_many_are_not_heard(counter: Counter) -> None:
    told = await ticket(counter)
    other = (await counter.post(said("别的事情")))["ticket_no"]
    wrong = [
        await post(counter, ticket_no=told["ticket_no"], query_code="WRONG2"),
        await post(counter, ticket_no="1" * 20, query_code=told["query_code"]),
        await post(counter, ticket_no=other, query_code=told["query_code"]),
        await post(counter, ticket_no=MARKUP, query_code=BIDI),
        await post(counter, lang="zh"),
    ]
    assert {(answer.status_code, answer.text) for answer in wrong} == {(404, wrong[0].text)}
    assert "编号或查询码不对" in wrong[0].text
    for _ in range(4):
        await post(counter, ticket_no=told["ticket_no"], query_code="WRONG2")
    locked = await post(counter, **key(told))
    assert (locked.status_code, "尝试次数过多" in locked.text) == (429, True)
    assert int(locked.headers["retry-after"]) > 0
    counter.later(minutes=16)
    assert (await post(counter, **key(told))).status_code == 200


async def test_one_address_does_not_walk_through_the_numbers(counter: Counter) -> None:
    told = await ticket(counter)
    statuses = [(await post(counter, ticket_no=f"{n:020d}", query_code="AAAAAA")).status_code for n in range(31)]
    assert statuses == [404] * 30 + [429]
    assert (await post(counter, **key(told))).status_code == 429


async def test_additions_hastening_and_taking_back_are_done_and_told(counter: Counter) -> None:
    told = await ticket(counter)
    added = await post(counter, "supplement", **key(told), text="还有\r\n一盏也坏了")
    assert (added.status_code, "已收到您的补充" in added.text, "您作了补充" in added.text) == (200, True, True)
    assert "已记录催办" in (await post(counter, "hasten", **key(told))).text
    assert "今天已经记录过催办" in (await post(counter, "hasten", **key(told))).text
    back = await post(counter, "withdraw", **key(told))
    assert "已收到撤回要求" in back.text and 'action="/c/withdraw"' not in back.text
    kinds = [event["type"] for event in await counter.stated(told["ticket_id"])]
    assert kinds[2:] == ["ticket.supplemented", "ticket.hastened", "ticket.withdrawal-requested"]


@pytest.mark.parametrize(
    "text", [MARKUP * 100, BIDI + "x" * 10_000, "</textarea><script>alert(1)</script>" + "长" * 9_970]
)
async def test_a_text_that_is_not_taken_is_shown_again_and_does_nothing(counter: Counter, text: str) -> None:
    told = await ticket(counter)
    answer = await post(counter, "supplement", **key(told), text=text)
    assert answer.status_code == 422
    assert "补充内容应为 1 到 4000 字" in answer.text
    assert "<script" not in answer.text and "<img" not in answer.text and answer.text.count("</textarea>") == 1
    assert not set(answer.text) & set("\u202e\u2066\u2069\u200b")
    assert await counter.count("supplement") == 0


async def test_what_the_desk_wrote_is_as_inert_as_what_citizens_write(counter: Counter) -> None:
    told = await ticket(counter)
    await counter.database.fetch(
        "UPDATE ticket SET state = 'ENDED', ended = 'NOT_ACCEPTED', ended_why = $2, ended_basis = $3, ended_route = $3,"
        " public_state = '已结案', closed_at = received_at WHERE ticket_no = $1", told["ticket_no"], MARKUP, MARKUP + BIDI,
    )  # fmt: skip
    page = (await post(counter, **key(told))).text
    assert "未受理" in page and "&lt;script&gt;" in page
    assert "<script" not in page and "<img" not in page and "\u202e" not in page


async def test_a_closed_matter_can_be_had_done_again_for_a_while(counter: Counter) -> None:
    told = await ticket(counter)
    assert (await post(counter, "reopen", **key(told))).status_code == 409
    await counter.tell(told["ticket_id"], 1, closed(told))
    shown = await post(counter, **key(told))
    assert 'action="/c/reopen"' in shown.text and 'action="/c/hasten"' not in shown.text
    for _ in range(2):
        assert "已收到重办要求" in (await post(counter, "reopen", **key(told))).text
    assert len(await counter.stated(told["ticket_id"], "ticket.reopen-requested")) == 1
    counter.later(days=16)
    refused = await post(counter, "reopen", **key(told))
    assert (refused.status_code, "结案已久" in refused.text) == (409, True)


def closed(told: dict[str, Any]) -> TicketClosed:
    return TicketClosed.model_validate(
        {"ticket_no": told["ticket_no"], "source": "hotline", "reason": CloseReason.EVALUATED, "cycle": 1}
    )  # fmt: skip


@asynccontextmanager
async def with_notify(counter: Counter, asked: list[Any], rounds: list[int]) -> AsyncIterator[httpx.AsyncClient]:
    """The page in front of a notify that has these rounds and writes down what it is told."""
    notify = FastAPI()

    @notify.get("/v1/followups/{ticket_id}")
    async def standing(ticket_id: str) -> Any:
        return {"follow_ups": [{"cycle": n} for n in rounds]} if rounds else Response(status_code=404)

    @notify.post("/v1/followups/{ticket_id}/answers")
    async def take(ticket_id: str, request: Request) -> Any:
        asked.append((ticket_id, await request.json()))
        return {}

    app = FastAPI()
    problems.install(app)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(notify), base_url="http://notify")
    desk = CitizenDesk(counter.database, counter.ledger, counter.vault, counter.merging, counter.now)
    app.include_router(router(Page(desk, RateLimits(), Ratings(client))))
    async with client, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as http:
        yield http


async def test_a_judgement_goes_to_the_round_that_waits_for_it(counter: Counter) -> None:
    told, asked = await ticket(counter), []  # type: dict[str, Any], list[Any]
    judged = {"contacted": "1", "solved": "0", "satisfaction": "DISSATISFIED"}
    await counter.tell(told["ticket_id"], 1, audited(told))
    async with with_notify(counter, asked, [1, 2]) as http:
        assert 'name="satisfaction"' in (await http.post("/c", data=key(told))).text
        thanked = await http.post("/c/rate", data=key(told) | judged)
        assert "谢谢您的评价" in thanked.text
        assert "请回答每个问题" in (await http.post("/c/rate", data=key(told) | {"solved": "1"})).text
        assert (
            await http.post("/c/rate", data={"ticket_no": told["ticket_no"], "query_code": "X", **judged})
        ).status_code == 404
    assert asked == [
        (told["ticket_id"], {"cycle": 2, "contacted": True, "solved": False, "satisfaction": "DISSATISFIED", "recorded_by": "CITIZEN"})
    ]  # fmt: skip
    async with with_notify(counter, asked, []) as http:
        assert "现在没有等待您评价的结果" in (await http.post("/c/rate", data=key(told) | judged)).text
    assert "我们会通过电话或短信请您评价" in (await post(counter, **key(told))).text


def audited(told: dict[str, Any]) -> TicketAudited:
    return TicketAudited.model_validate(
        {
            "ticket_no": told["ticket_no"], "source": "hotline", "unit": "990101001001001", "cycle": 1,
            "follow_up": True, "automatic": True, "assignment_id": AssignmentId(uuid4()),
        }
    )  # fmt: skip


async def test_odd_forms_are_refused_with_a_page(counter: Counter) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (
        b"ticket_no=%ff",
        b"a=1&a=2",
        b"a=%00",
        b"a=%07",
        b"&".join(b"a%d=1" % n for n in range(13)),
        b"\xff=1",
    ):
        answer = await counter.http.post("/c", content=body, headers=form)
        assert (answer.status_code, "无法读取" in answer.text) == (400, True), body
    assert (await counter.http.post("/c", json={})).status_code == 415
    assert (await counter.http.post("/c", content=b"a=" + b"x" * 300_000, headers=form)).status_code == 413


async def test_an_address_with_a_number_fills_it_in_and_tells_nothing(counter: Counter) -> None:
    told = await ticket(counter)
    known = (await counter.http.get(f"/c/{told['ticket_no']}")).text
    unknown = (await counter.http.get(f"/c/{'1' * 20}")).text
    assert known.replace(told["ticket_no"], "1" * 20) == unknown
    hostile = await counter.http.get("/c/%22%3E%3Cscript%3E")
    assert (hostile.status_code, "script" in hostile.text) == (200, False)
    assert "How your matter stands" in (await counter.http.get("/c", headers=LANGUAGE)).text


def test_a_text_can_be_nothing_but_a_text() -> None:
    assert element("p", MARKUP) == (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;`{{7*7}}</p>"
    )
    assert element("input", value='"><script>', required=True, name=None) == (
        '<input value="&quot;&gt;&lt;script&gt;" required>'
    )
    assert inert(BIDI + "\x07") == "evil"
    with pytest.raises(ValueError, match="no HTML"):
        element("script src=x")
