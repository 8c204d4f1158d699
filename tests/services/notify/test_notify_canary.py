"""Whatever door of notify a citizen's words come in by, a name, a number and an address in them come out of none."""

import io
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client import REGISTRY, generate_latest

from services.notify import api, callback_api, desk_api, panel_api, reply_page
from services.notify.core.links import Purpose
from services.notify.seals import Seals
from shared.connections import Gate, Thresholds
from shared.database import Database
from shared.edge import JSON, Bodies, Edge
from shared.plain_pages import FORM
from tests.open_access import ADDRESS as OPEN
from tests.open_access import acting_as, open_app
from tests.services.intake.test_canary import NAME, WORDS, Traffic, leaks
from tests.services.notify.measured import MeasuredStage, key
from tests.services.notify.test_notify_callbacks import GATEWAY, KEYS, NOW, callbacks_of, headers_of
from tests.services.notify.values import ticket

NO: dict[str, Any] = {"contacted": True, "solved": False, "satisfaction": "DISSATISFIED"}
AUDITOR = acting_as("auditor", "centre", "a-1")
ANSWERED = (1, 2, 3)
"""By the link's API, by the page behind the link, and by a gateway: a ticket each."""


@dataclass
class Doors:
    """Every door by which words come, and what went over HTTP but the bodies of requests."""

    stage: MeasuredStage
    http: httpx.AsyncClient
    traffic: Traffic

    async def post(self, path: str, status: int, **request: Any) -> httpx.Response:
        """Hand something in, and be answered so."""
        answer = await self.http.post(path, **request)
        assert answer.status_code == status, (path, answer.text)
        return answer

    async def signed(self, body: dict[str, Any], identity: str, status: int) -> None:
        """As a gateway does."""
        raw = json.dumps(body, ensure_ascii=False).encode()
        headers = [(n.encode(), v.encode()) for n, v in headers_of(identity, NOW, raw, KEYS["gateway-own"])
                   if isinstance(v, str)]  # fmt: skip
        kind = (b"Content-Type", JSON.encode())
        await self.post(callback_api.REPLIES, status, content=raw, headers=[kind, *headers])


@pytest.fixture
async def doors(notify_database: Database) -> AsyncIterator[Doors]:
    """Three citizens were asked, and notify can seal what they say."""
    stage = MeasuredStage(notify_database)
    stage.desk = replace(stage.desk, seals=Seals({"k1": b"k" * 32}))
    for n in ANSWERED:
        await stage.handled(n)
    app = open_app("notify")
    app.include_router(api.router(stage.database, stage.follow_ups))
    app.include_router(desk_api.router(stage.database, stage.desk))
    app.include_router(panel_api.router(stage.database, stage.panel))
    app.include_router(reply_page.router(stage.database, stage.desk))
    app.include_router(callback_api.router(callbacks_of(stage, GATEWAY, lambda: NOW)))
    unread = dict.fromkeys(reply_page.FORMS, FORM) | dict.fromkeys(callback_api.PATHS, JSON)
    app.add_middleware(Edge, gate=Gate(Thresholds()), bodies=Bodies(unread=unread))
    traffic = Traffic(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(traffic), base_url=OPEN, timeout=60) as http:
        yield Doors(stage, http, traffic)


async def link(stage: MeasuredStage, n: int) -> str:
    async with stage.database.transaction() as tx:
        token, _ = await stage.desk.make_link(tx, key(n), Purpose.ANSWER)
    return token


async def by_every_door(doors: Doors) -> None:
    """A link, the page behind one, a gateway; and what is refused at each, at the desk and at the panel."""
    by_link, by_page = await link(doors.stage, 1), await link(doors.stage, 2)
    (asked,) = [str(m["id"]) for m in await doors.stage.messages(3) if m["template"] == "follow_up"]
    said = NO | {"words": WORDS}
    await refused_everywhere(doors, by_link, asked)
    await doors.post("/v1/links/answer", 200, json=said | {"token": by_link})
    form = {"token": by_page, "contacted": "1", "solved": "0", "satisfaction": "DISSATISFIED", "words": WORDS}
    await doors.post("/r/answer", 200, data=form)
    await doors.signed(said | {"message_id": asked}, "m-1", 200)
    again = form | {"solved": "1", "satisfaction": "SATISFIED"}
    await doors.post("/r/answer", 409, data=again)
    await doors.signed(said | {"message_id": asked, "solved": True}, "m-1", 409)


async def refused_everywhere(doors: Doors, token: str, asked: str) -> None:
    """What is refused is not quoted back, or anywhere else."""
    said = NO | {"words": WORDS}
    await doors.post("/v1/links/answer", 404, json=said | {"token": "nobodys"})
    await doors.post("/v1/links/answer", 422, json=said | {"token": token, "satisfaction": NAME})
    await doors.post("/v1/links/answer", 422, json=said | {"token": token, "other": WORDS})
    await doors.post("/r/answer", 404, data={"token": NAME, "words": WORDS})
    await doors.signed(said | {"message_id": asked, "satisfaction": NAME}, "m-2", 422)
    answers = f"/v1/followups/{ticket(1)}/answers"
    await doors.post(answers, 422, json=NO | {"cycle": 1, "recorded_by": NAME, "words": WORDS})
    line = json.dumps(NO | {"cycle": 1, "ticket_id": str(ticket(1)), "recorded_by": NAME, "words": WORDS})
    lines = {"Content-Type": "application/x-ndjson"}
    await doors.post("/v1/followups/answers", 200, content=line.encode(), headers=lines)
    ask = {"reason": NAME, "evidence": [WORDS]}
    await doors.post(f"/v1/exclusions/{ticket(1)}/1", 422, json=ask, headers=acting_as("liaison", "water", "l-1"))


async def plain_tables(stage: MeasuredStage) -> list[str]:
    """Every row of every table as text."""
    names = await stage.database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'notify'")
    assert len(names) > 20
    rows: list[str] = []
    for name in names:
        rows += [row[0] for row in await stage.database.fetch(f"SELECT t::text FROM {name[0]} AS t")]
    return rows


async def test_no_door_of_notify_lets_a_citizens_words_out(doors: Doors) -> None:
    said_in_log = io.StringIO()
    handler = logging.StreamHandler(said_in_log)
    logging.getLogger().addHandler(handler)
    try:
        with structlog.testing.capture_logs() as entries:
            await by_every_door(doors)
            await doors.stage.courier.deliver("console")
            for n in ANSWERED:
                shown = await doors.http.get(f"/v1/followups/{ticket(n)}")
                assert [one["state"] for one in shown.json()["follow_ups"]] == ["ANSWERED"], n
                assert (await doors.http.get(f"/v1/notifications?ticket_id={ticket(n)}")).status_code == 200
    finally:
        logging.getLogger().removeHandler(handler)
    stated = [event.model_dump_json() for n in ANSWERED for event in await doors.stage.told(n)]
    assert len(stated) >= len(ANSWERED)
    places = {
        "topics": stated, "logs": [repr(entries), said_in_log.getvalue()],
        "metrics": [generate_latest(REGISTRY).decode()], "addresses": doors.traffic.addresses,
        "answers": [answer.decode() for answer in doors.traffic.answers], "tables": await plain_tables(doors.stage),
    }  # fmt: skip
    assert {place: leaks(texts) for place, texts in places.items()} == {place: [] for place in places}
    for n in ANSWERED:
        kept = await doors.http.get(f"/v1/followups/{ticket(n)}/words", headers=AUDITOR)
        assert [one["words"] for one in kept.json()["words"]] == [WORDS], "every door was open"
