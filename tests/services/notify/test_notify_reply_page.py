"""The page behind the links in messages: it answers whoever holds a link, says nothing to others, and runs nothing."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import httpx
import pytest

from services.notify import desk_api, reply_page
from services.notify.core.links import Purpose
from services.notify.core.reply_texts import TEXTS
from services.notify.core.reply_view import ENTRANCE_HEADERS, HEADERS, SCRIPT
from services.notify.seals import Seals
from shared.connections import Gate, Thresholds
from shared.database import Database
from shared.edge import Bodies, Edge
from shared.events import TicketEvaluated
from shared.notify_events import ReopenAsked
from shared.plain_pages import COMMON, FORM, STYLE, Sayer
from shared.strict_json import Limits
from shared.terms import Satisfaction
from tests.open_access import acting_as, open_app
from tests.services.notify.measured import MeasuredStage, key
from tests.services.notify.stage import serving
from tests.services.notify.values import SATISFIED, ticket

MARKUP = "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}$ticket_no"
BIDI = "\u202e\u2066evil\u2069\u200b"
YES = {"contacted": "1", "solved": "1", "satisfaction": "SATISFIED"}
NO = {"contacted": "1", "solved": "0", "satisfaction": "DISSATISFIED"}
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def stage(notify_database: Database) -> MeasuredStage:
    """One that can seal words."""
    stage = MeasuredStage(notify_database)
    stage.desk = replace(stage.desk, seals=Seals({"k1": b"k" * 32}))
    return stage


@pytest.fixture
async def client(stage: MeasuredStage) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without scripts and without cookies, before the real doors."""
    app = open_app("notify")
    app.include_router(desk_api.router(stage.database, stage.desk))
    app.include_router(reply_page.router(stage.database, stage.desk))
    app.add_middleware(
        Edge, gate=Gate(Thresholds()), bodies=Bodies(Limits(max_bytes=40_000), unread=dict.fromkeys(reply_page.FORMS, FORM))
    )  # fmt: skip
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


async def link(stage: MeasuredStage, purpose: Purpose = Purpose.ANSWER, n: int = 1) -> str:
    async with stage.database.transaction() as tx:
        token, _ = await stage.desk.make_link(tx, key(n), purpose)
    return token


async def asked(stage: MeasuredStage) -> str:
    """A matter is done, and its citizen is asked; the token of their link."""
    await stage.handled()
    return await link(stage)


async def unreached(stage: MeasuredStage) -> str:
    """Nobody reached the citizen; the token of their way back."""
    await stage.handled()
    for _ in range(16):
        stage.now += timedelta(hours=6)
        await stage.loop.advance_due()
    return await link(stage, Purpose.REOPEN)


async def post(client: httpx.AsyncClient, act: str, token: str, lang: str = "zh", **fields: str) -> httpx.Response:
    return await client.post(f"/r/{act}", data={"token": token, "lang": lang, **fields})


async def told(stage: MeasuredStage, kind: type[TicketEvaluated] | type[ReopenAsked]) -> int:
    return [type(event) for event in await stage.told()].count(kind)


async def words_of(client: httpx.AsyncClient) -> list[str]:
    answer = await client.get(f"/v1/followups/{ticket(1)}/words", headers=acting_as("auditor", "centre", "auditor-1"))
    assert answer.status_code == 200, answer.text
    return [said["words"] for said in answer.json()["words"]]


async def test_a_citizen_looks_answers_and_adds_words(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    shown = await post(client, "look", token)
    assert shown.status_code == 200
    for name in ("asked", "contacted", "solved", "satisfaction", "words"):
        assert Sayer(TEXTS, "zh")(name) in shown.text
    assert await told(stage, TicketEvaluated) == 0, "looking answers nothing"
    answered = await post(client, "answer", token, **NO, words="  灯又不亮了\r\n请再来看看  ")
    assert answered.status_code == 200
    assert TEXTS["answered"].zh in answered.text
    assert "/r/answer" not in answered.text
    (event,) = [e for e in await stage.told() if isinstance(e, TicketEvaluated)]
    assert (event.contacted, event.solved, event.satisfaction) == (True, False, Satisfaction.DISSATISFIED)
    assert await words_of(client) == ["灯又不亮了\n请再来看看"]
    kept = str(await stage.database.fetch("SELECT * FROM reply_words")) + str(
        await stage.database.fetch("SELECT payload FROM event")
    )
    assert "不亮" not in kept
    assert "\\u4e0d" not in kept


async def test_the_first_answer_counts_and_the_same_again_is_the_same(
    stage: MeasuredStage, client: httpx.AsyncClient
) -> None:
    token = await asked(stage)
    for words in ("first", "second"):
        again = await post(client, "answer", token, lang="en", **YES, words=words)
        assert (again.status_code, TEXTS["answered"].en in again.text) == (200, True)
    other = await post(client, "answer", token, lang="en", **NO, words="third")
    assert (other.status_code, TEXTS["answered_before"].en in other.text) == (409, True)
    assert TEXTS["answered"].en in (await post(client, "look", token, lang="en")).text
    assert await told(stage, TicketEvaluated) == 1
    assert await words_of(client) == ["first"]


async def test_who_was_not_reached_comes_back_once_and_only_in_time(
    stage: MeasuredStage, client: httpx.AsyncClient
) -> None:
    token = await unreached(stage)
    shown = await post(client, "look", token)
    assert TEXTS["returnable"].zh in shown.text
    assert 'action="/r/reopen"' in shown.text
    assert re.search(r"<time datetime=\"2026-03-\d\dT\d\d:\d\d\+08:00\">", shown.text), "until when is said"
    for _ in range(2):
        back = await post(client, "reopen", token)
        assert (back.status_code, TEXTS["returned"].zh in back.text) == (200, True)
        assert 'action="/r/reopen"' not in back.text
    assert await told(stage, ReopenAsked) == 1
    stage.now += timedelta(days=16)
    for act in ("look", "reopen"):
        late = await post(client, act, token)
        assert (late.status_code, TEXTS["over"].zh in late.text) == (410, True)
    assert await told(stage, ReopenAsked) == 1


async def test_a_link_is_good_for_its_own_thing_only(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    crossed = await post(client, "reopen", token)
    assert (crossed.status_code, TEXTS["asked"].zh in crossed.text) == (409, True)
    assert await told(stage, ReopenAsked) == 0
    await stage.answer(SATISFIED)
    ended = await post(client, "answer", token, **NO)
    assert (ended.status_code, TEXTS["answered_before"].zh in ended.text) == (409, True)


async def test_when_asking_has_ended_the_page_says_where_to_go(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    for _ in range(16):
        stage.now += timedelta(hours=6)
        await stage.loop.advance_due()
    late = await post(client, "answer", token, **YES)
    assert (late.status_code, TEXTS["ended"].zh in late.text) == (409, True)
    stage.now += timedelta(days=8)
    over = await post(client, "answer", token, **YES)
    assert (over.status_code, TEXTS["over"].zh in over.text) == (410, True)


async def test_no_link_is_told_from_another_that_is_none(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    wrong = [
        await post(client, act, none, **YES)
        for act in ("look", "answer", "reopen")
        for none in ("", "x", token[:-1], token + "A", "长" * 20, MARKUP, "x" * 300)
    ]
    assert {(answer.status_code, answer.text) for answer in wrong} == {(404, wrong[0].text)}
    assert TEXTS["unknown"].zh in wrong[0].text
    assert await told(stage, TicketEvaluated) == 0


async def test_a_whole_link_may_be_pasted(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    pasted = await post(client, "look", f" https://county.example.org/r#{token}\n")
    assert (pasted.status_code, TEXTS["asked"].zh in pasted.text) == (200, True)


@pytest.mark.parametrize("missing", ["contacted", "solved", "satisfaction"])
async def test_an_answer_that_is_not_whole_is_asked_for_again_and_keeps_what_was_said(
    stage: MeasuredStage, client: httpx.AsyncClient, missing: str
) -> None:
    token = await asked(stage)
    partly = {name: said for name, said in YES.items() if name != missing}
    shown = await post(client, "answer", token, **partly, words="mine")
    assert (shown.status_code, COMMON["incomplete"].zh in shown.text) == (422, True)
    assert shown.text.count(" checked") == 2
    assert ">mine</textarea>" in shown.text
    for odd in ("2", "true", "满意", ""):
        assert (await post(client, "answer", token, **YES | {missing: odd})).status_code == 422
    assert await told(stage, TicketEvaluated) == 0


@pytest.mark.parametrize("text", ["长" * 1_001, MARKUP * 20, BIDI + "x" * 10_000], ids=["long", "markup", "bidi"])
async def test_words_that_are_not_taken_are_shown_again_and_do_nothing(
    stage: MeasuredStage, client: httpx.AsyncClient, text: str
) -> None:
    token = await asked(stage)
    shown = await post(client, "answer", token, **YES, words=text)
    assert (shown.status_code, TEXTS["too_long"].zh in shown.text) == (422, True)
    assert "<script" not in shown.text
    assert "<img" not in shown.text
    assert shown.text.count("</textarea>") == 1
    assert not set(shown.text) & set(BIDI.replace("evil", ""))
    assert (await told(stage, TicketEvaluated), await words_of(client)) == (0, [])


async def test_words_of_a_thousand_characters_are_taken(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    assert (await post(client, "answer", token, **YES, words="长" * 1_000)).status_code == 200
    assert await words_of(client) == ["长" * 1_000]


async def test_words_through_the_api_have_the_same_limit(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    body = {"token": token, "contacted": True, "solved": True, "satisfaction": "SATISFIED", "words": "x" * 1_001}
    assert (await client.post("/v1/links/answer", json=body)).status_code == 422
    assert (await client.post("/v1/links/answer", json=body | {"words": MARKUP})).status_code == 200
    assert await words_of(client) == [MARKUP]


async def test_without_a_key_nobody_is_asked_for_words_and_none_are_kept(notify_database: Database) -> None:
    stage = MeasuredStage(notify_database)
    app = open_app("notify")
    app.include_router(reply_page.router(stage.database, stage.desk))
    token = await asked(stage)
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        assert "<textarea" not in (await post(client, "look", token)).text
        assert (await post(client, "answer", token, **YES, words="mine")).status_code == 200
    assert await notify_database.fetch("SELECT * FROM reply_words") == []


async def test_words_say_when_their_key_is_gone(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    await post(client, "answer", token, **YES, words="mine")
    lost = replace(stage.desk, seals=Seals({"k2": b"o" * 32}))
    assert [said["words"] for said in await lost.words_of(stage.database, ticket(1))] == [None]


async def test_every_page_lets_nothing_run_leak_or_be_kept(stage: MeasuredStage, client: httpx.AsyncClient) -> None:
    token = await asked(stage)
    pages = [
        await post(client, "look", token), await post(client, "answer", token), await post(client, "answer", token, **YES)
    ]  # fmt: skip
    for shown in pages:
        assert {name: shown.headers[name] for name in HEADERS} == HEADERS
        assert "script" not in HEADERS["Content-Security-Policy"]
        assert not re.search(r"<script|\son\w+=|javascript:|https?://|style=", shown.text)
    entrances = [await client.get("/r"), await client.get("/r?lang=en"), await post(client, "look", "none")]
    for shown in entrances:
        assert {name: shown.headers[name] for name in ENTRANCE_HEADERS} == ENTRANCE_HEADERS
        assert re.findall(r"<script>(.*?)</script>", shown.text) == [SCRIPT]
        assert not re.search(r"\son\w+=|javascript:|https?://|style=|src=", shown.text)
    for shown in pages + entrances:
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in shown.text
        assert not shown.headers.get("set-cookie")
        assert token not in re.sub(r"<input[^>]*>", "", shown.text), "the token stands in hidden fields only"
    assert 'lang="en"' in entrances[1].text
    assert 'lang="zh-CN"' in entrances[0].text


def test_the_policy_names_the_very_script_and_style() -> None:
    def fingerprint(text: str) -> str:
        return base64.b64encode(sha256(text.encode()).digest()).decode()

    policy = ENTRANCE_HEADERS["Content-Security-Policy"]
    assert f"script-src 'sha256-{fingerprint(SCRIPT)}'" in policy
    assert f"style-src 'sha256-{fingerprint(STYLE)}'" in policy
    assert policy.startswith("default-src 'none'; ")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"token=a&token=b", FORM_TYPE, 400),
        (b"token=%00", FORM_TYPE, 400),
        (b"token=%ff", FORM_TYPE, 400),
        (b"\xff\xfe", FORM_TYPE, 400),
        (b"&".join(b"a%d=1" % n for n in range(30)), FORM_TYPE, 400),
        (b"token=" + b"x" * 50_000, FORM_TYPE, 413),
        (b'{"token": "a"}', {"Content-Type": "application/json"}, 415),
        (b"token=a", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"token=a", {**FORM_TYPE, "Content-Encoding": "gzip"}, 415),
        (b"", FORM_TYPE, 404),
    ],
)
async def test_what_is_no_form_is_refused(
    client: httpx.AsyncClient, body: bytes, kind: dict[str, str], status: int
) -> None:
    assert (await client.post("/r/look", content=body, headers=kind)).status_code == status


async def test_a_form_is_taken_nowhere_else(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/links/answer", data=YES)).status_code == 415
