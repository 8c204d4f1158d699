"""What gateways hand in signed: a citizen's reply is taken once, and nothing that anybody bent changes anything."""

import base64
import json
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from services.notify import callback_api, desk_api
from services.notify.app import read_callback_keys
from services.notify.channels.signing import KeyRefused, Sign, read_keys
from services.notify.core.callback import KEPT, WINDOW
from services.notify.core.contacts import AddressBook
from services.notify.core.courtesy import USUAL
from services.notify.core.followup import FollowUpState
from services.notify.keeping import Keeping
from services.notify.outcomes import Outcomes
from services.notify.seals import Seals
from shared.clock import Clock
from shared.connections import Gate, Thresholds
from shared.database import Database
from shared.edge import JSON, Bodies, Edge
from shared.events import TicketEvaluated
from tests.open_access import acting_as, open_app
from tests.services.notify.measured import MeasuredStage
from tests.services.notify.stage import serving
from tests.services.notify.values import ROOT, ticket

LINES = (ROOT / "tests" / "corpus" / "callbacks.ndjson").read_text(encoding="utf-8").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES]
NOW = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
KEYS = {
    name: base64.b64encode(name.encode() * 8).decode() for name in ("gateway-own", "gateway-new", "somebody", "gave-up")
}
OTHERS = {"other": KEYS["somebody"], "gone": KEYS["gave-up"], "ours": base64.b64encode(b"k" * 32).decode()}
GATEWAY = {"sms": read_keys(f"whsec_{KEYS['gateway-own']} whsec_{KEYS['gateway-new']}")}


class Gateway:
    """A gateway before the real doors, whose clock and key are its own."""

    def __init__(self, stage: MeasuredStage, http: httpx.AsyncClient, messages: dict[str, str]) -> None:
        self.stage, self.http, self.messages = stage, http, messages
        self.now = NOW

    def reply(self, **changes: Any) -> bytes:
        said = {"message_id": self.messages["ID"], "contacted": True, "solved": False, "satisfaction": "DISSATISFIED"}
        return json.dumps(said | {"words": "灯还是不亮é"} | changes, ensure_ascii=False).encode()

    async def hand_in(self, body: bytes, identity: str = "msg-1", key: str = KEYS["gateway-own"]) -> httpx.Response:
        """In good order."""
        return await self.post(body, headers_of(identity, self.now, body, key))

    async def post(self, body: bytes, headers: list[tuple[str, str | bytes]]) -> httpx.Response:
        sent = [(name.encode(), text if isinstance(text, bytes) else text.encode()) for name, text in headers]
        return await self.http.post(
            callback_api.REPLIES, content=body, headers=[(b"Content-Type", JSON.encode()), *sent]
        )

    async def changed(self) -> tuple[int, int, int]:
        """Evaluations, callbacks and words that are kept."""
        told = [type(event) for event in await self.stage.told()].count(TicketEvaluated)
        (kept,) = await self.stage.database.fetch(
            "SELECT (SELECT count(*)::int FROM callback) AS ids, (SELECT count(*)::int FROM reply_words) AS words"
        )
        return told, kept["ids"], kept["words"]


def callbacks_of(stage: MeasuredStage, keys: Mapping[str, Sequence[Sign]], now: Clock) -> callback_api.Callbacks:
    """What is behind the doors, over a stage."""
    outcomes = Outcomes(stage.ledger, stage.clock, {}, USUAL, lambda: None)
    return callback_api.Callbacks(stage.database, stage.desk, outcomes, keys, now)


def headers_of(identity: str, at: datetime, body: bytes, key: str) -> list[tuple[str, str | bytes]]:
    signature = Webhook(base64.b64decode(key)).sign(identity, at, body.decode())
    stamp = str(int(at.timestamp()))
    return [("webhook-id", identity), ("webhook-timestamp", stamp), ("webhook-signature", signature)]


@pytest.fixture
async def gateway(notify_database: Database) -> AsyncIterator[Gateway]:
    """One whose citizen was asked by a message."""
    stage = MeasuredStage(notify_database)
    stage.desk = replace(stage.desk, seals=Seals({"k1": b"k" * 32}))
    await stage.handled()
    messages = {m["template"]: str(m["id"]) for m in await stage.messages()}
    app = open_app("notify")
    app.include_router(desk_api.router(stage.database, stage.desk))
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        gateway = Gateway(stage, client, {"ID": messages["follow_up"], "TOLD": messages["assigned"]})
        app.include_router(callback_api.router(callbacks_of(stage, GATEWAY, lambda: gateway.now)))
        app.add_middleware(Edge, gate=Gate(Thresholds()), bodies=Bodies(unread={callback_api.REPLIES: JSON}))
        async with serving(app) as base:
            client.base_url = httpx.URL(base)
            yield gateway


async def test_a_reply_is_taken_with_its_words(gateway: Gateway) -> None:
    answer = await gateway.hand_in(gateway.reply())
    assert (answer.status_code, answer.json()["state"], answer.json()["solved"]) == (200, "ANSWERED", False)
    assert answer.json()["recorded_by"] == "CITIZEN"
    said = await gateway.http.get(f"/v1/followups/{ticket(1)}/words", headers=acting_as("auditor", "c", "a-1"))
    assert [one["words"] for one in said.json()["words"]] == ["灯还是不亮é"]
    assert await gateway.changed() == (1, 1, 1)


async def test_both_keys_are_taken_while_one_is_being_changed(gateway: Gateway) -> None:
    assert (await gateway.hand_in(gateway.reply(), "new", KEYS["gateway-new"])).status_code == 200


@pytest.mark.parametrize("age", [WINDOW, -WINDOW, timedelta()])
async def test_the_ends_of_the_window_are_within_it(gateway: Gateway, age: timedelta) -> None:
    headers = headers_of("msg-1", NOW - age, gateway.reply(), KEYS["gateway-own"])
    assert (await gateway.post(gateway.reply(), headers)).status_code == 200


async def test_the_same_again_is_refused_and_changes_nothing(gateway: Gateway) -> None:
    assert (await gateway.hand_in(gateway.reply())).status_code == 200
    again = await gateway.hand_in(gateway.reply())
    assert (again.status_code, again.json()["type"]) == (409, "urn:griddispatch:problem:callback-repeated")
    assert (await gateway.hand_in(gateway.reply(solved=True))).status_code == 409
    assert await gateway.changed() == (1, 1, 1)


async def test_an_id_is_forgotten_long_after_its_signature_is_too_old(gateway: Gateway) -> None:
    body = gateway.reply()
    old = headers_of("msg-1", NOW, body, KEYS["gateway-own"])
    assert (await gateway.post(body, old)).status_code == 200
    gateway.now += KEPT + timedelta(seconds=1)
    async with gateway.stage.database.transaction() as tx:
        kept = Keeping(timedelta(365), timedelta(365), real=lambda: gateway.now)
        assert await kept.forget_due(tx, gateway.now) == 1
    assert (await gateway.hand_in(gateway.reply(), "msg-2")).status_code == 200, "the same answer again is the same"
    assert await gateway.changed() == (1, 1, 1), "the first id is forgotten"
    assert (await gateway.post(body, old)).status_code == 401
    assert KEPT > 2 * WINDOW


async def test_what_was_refused_may_come_again_mended(gateway: Gateway) -> None:
    assert (await gateway.hand_in(gateway.reply(message_id=str(uuid4())))).status_code == 404
    assert (await gateway.hand_in(gateway.reply())).status_code == 200


async def test_whoever_has_no_gateway_takes_nothing(notify_database: Database) -> None:
    stage = MeasuredStage(notify_database)
    app = open_app("notify")
    app.include_router(callback_api.router(callbacks_of(stage, {}, lambda: NOW)))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        assert (await client.post(callback_api.REPLIES, content=b"{}")).status_code == 401


def test_an_unfit_secret_is_refused_by_its_name_and_not_quoted() -> None:
    with pytest.raises(KeyRefused) as refused:
        read_callback_keys({"sms": SecretStr("whsec_c2hvcnQ=")}, AddressBook())
    assert "'sms'" in str(refused.value)
    assert "c2hvcnQ" not in str(refused.value)


# The corpus


def test_the_file_is_as_large_as_it_says() -> None:
    assert len(CASES) == len({case["id"] for case in CASES}) >= 90


async def test_nothing_that_was_bent_changes_anything(gateway: Gateway) -> None:
    for case in CASES:
        body, headers = bent(case, gateway)
        answer = await gateway.post(body, headers)
        assert answer.status_code == case["status"], (case, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", case
        assert await gateway.changed() == (0, 0, 0), case
    (standing,) = await gateway.stage.database.fetch("SELECT state FROM follow_up")
    assert standing["state"] == FollowUpState.OPEN


def bent(case: dict[str, Any], gateway: Gateway) -> tuple[bytes, list[tuple[str, str | bytes]]]:
    """What a case sends: a reply in good order, but for what the case says."""
    text = case.get("text", "")
    for name, value in {**gateway.messages, "LONG": "长" * 10_000}.items():
        text = text.replace(f'"{name}"', f'"{value}"')
    signed = text.encode() if text else gateway.reply()
    at = NOW - timedelta(seconds=case.get("age_s", 0))
    key = OTHERS.get(case.get("key", ""), KEYS["gateway-own"])
    identity = case.get("identity", "msg-1")
    if case.get("key") == "empty":
        key = base64.b64encode(b"\0").decode()
    headers = dict(headers_of(identity, at, signed, key))
    headers["webhook-id"] = case.get("identity_sent", identity)
    headers["webhook-timestamp"] = case.get("stamp", headers["webhook-timestamp"])
    if "signature" in case:
        headers["webhook-signature"] = odd_signature(case["signature"], str(headers["webhook-signature"]))
    headers.pop(case.get("missing", ""), None)
    sent = [*headers.items(), *((n, v) for n, v in headers.items() if n == case.get("twice"))]
    return other_body(case.get("body", ""), signed), sent


def odd_signature(shape: str, good: str) -> str:
    """The shape, with the right signature or a bent one in it."""
    right = good.partition(",")[2]
    raw = base64.b64decode(right)
    bends = {
        "URLSAFE_NOPAD": base64.urlsafe_b64encode(raw).decode().rstrip("="), "REVERSED": right[::-1], "HEX": raw.hex(),
        "LOWER": right.lower(), "CUT": right[:-4], "SIG": right,
    }  # fmt: skip
    for name, bend in bends.items():
        shape = shape.replace(name, bend)
    return shape


def other_body(how: str, body: bytes) -> bytes:
    """Another body than was signed."""
    text = body.decode()
    match how:
        case "":
            return body
        case "flip_first" | "flip_last" | "flip_middle":
            place = {"flip_first": 0, "flip_last": len(body) - 1, "flip_middle": len(body) // 2}[how]
            return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        case "reserialised":
            return json.dumps(json.loads(text)).encode()
        case "reordered":
            return json.dumps(dict(reversed(json.loads(text).items())), ensure_ascii=False).encode()
        case "utf16":
            return text.encode("utf-16")
        case "latin1":
            return text.encode("latin-1", "replace")
        case "nfd":
            return unicodedata.normalize("NFD", text).encode()
        case _:
            ends = {"spaced": b" " + body, "newline": body + b"\n", "truncated": body[:-1], "doubled": body * 2}
            return {**ends, "emptied": b"", "bom": b"\xef\xbb\xbf" + body}[how]


def test_the_messages_id_is_what_a_gateway_is_given_as_reference() -> None:
    template = (ROOT / "deploy" / "areas" / "sample-county" / "contacts.toml").read_text(encoding="utf-8")
    assert "$id" in template
