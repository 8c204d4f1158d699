"""Receipts of gateways: what was taken waits for its receipt, a failed one goes the second way, whatever comes when."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from services.notify import callback_api
from services.notify.app import read_callback_keys
from services.notify.channels.signing import KeyRefused
from services.notify.core.contacts import AddressBook, ChannelKind, ContactsRefused, Endpoint, load_contacts
from services.notify.core.courtesy import USUAL
from services.notify.core.delivery import Awaited, Outcome, Result
from services.notify.courier import Courier
from services.notify.desk import Desk
from services.notify.keeping import UNMATCHED, Keeping
from services.notify.outcomes import Outcomes
from shared.connections import Gate, Thresholds
from shared.database import Database
from shared.edge import JSON, Bodies, Edge
from shared.events import NotificationDelivered, NotificationFailed
from shared.terms import Urgency
from tests.open_access import open_app
from tests.services.notify.measured import measures
from tests.services.notify.receivers import Behave, status
from tests.services.notify.stage import Stage, serving
from tests.services.notify.test_notify_callbacks import GATEWAY, KEYS, headers_of
from tests.services.notify.test_notify_channels import SMS, to_phone
from tests.services.notify.test_notify_courier import Scripted
from tests.services.notify.values import assigned, audited, envelope, escalated

NOW = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
PHONE = Endpoint("phone", ChannelKind.SMS, fallback="desk")
DESK = Endpoint("desk", ChannelKind.EMAIL)
BOOK = AddressBook({"phone": PHONE, "desk": DESK}, default=PHONE)
DONE = Result(Outcome.DELIVERED)


def taken(reference: str = "sid-1") -> Result:
    """The gateway took it, and calls it so."""
    return Result(Outcome.DELIVERED, awaited=Awaited("sms", reference, timedelta(hours=24)))


@dataclass
class Counter:
    """Notify with a phone and a second channel, and the door at which receipts are handed in."""

    stage: Stage
    phone: Scripted
    courier: Courier
    http: httpx.AsyncClient

    async def hand_in(
        self, reference: str = "sid-1", state: str = "DELIVERED", identity: str = "r-1", key: str = KEYS["gateway-own"]
    ) -> httpx.Response:
        """A receipt, signed."""
        body = json.dumps({"reference": reference, "state": state}).encode()
        return await self.post(body, headers_of(identity, NOW, body, key))

    async def post(self, body: bytes, headers: list[tuple[str, str | bytes]]) -> httpx.Response:
        """Anything at all."""
        sent = {name: text if isinstance(text, str) else text.decode() for name, text in headers}
        return await self.http.post(callback_api.RECEIPTS, content=body, headers={"Content-Type": JSON, **sent})

    async def states(self, n: int = 1) -> dict[str, str]:
        """Where the n-th ticket's messages stand, by endpoint."""
        return {m["endpoint"]: m["state"] for m in await self.stage.messages(n)}

    async def ends(self, n: int = 1) -> list[str]:
        """What was stated of its notifications, in order."""
        ends = (NotificationDelivered, NotificationFailed)
        return [type(event).__name__ for event in await self.stage.told(n) if isinstance(event, ends)]


@pytest.fixture
async def counter(notify_database: Database) -> AsyncIterator[Counter]:
    """Everybody is reached by phone, and by mail where that failed."""
    stage = Stage(notify_database, BOOK)
    phone = Scripted(taken())
    channels = {"phone": phone, "desk": Scripted(DONE)}
    courier = Courier(stage.database, stage.ledger, channels, stage.clock, fallbacks=BOOK.fallbacks)
    outcomes = Outcomes(stage.ledger, stage.clock, BOOK.fallbacks, USUAL, courier.ring)
    app = open_app("notify")
    desk = Desk(stage.follow_ups, measures())
    app.include_router(
        callback_api.router(callback_api.Callbacks(stage.database, desk, outcomes, GATEWAY, lambda: NOW))
    )  # fmt: skip
    app.add_middleware(Edge, gate=Gate(Thresholds()), bodies=Bodies(unread={callback_api.RECEIPTS: JSON}))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as http:
        yield Counter(stage, phone, courier, http)


async def test_what_was_taken_is_delivered_when_its_receipt_says_so_and_not_before(counter: Counter) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    assert (await counter.states(), await counter.ends()) == ({"phone": "SENT"}, [])
    answer = await counter.hand_in()
    assert (answer.status_code, answer.json()) == (200, {"reference": "sid-1", "state": "DELIVERED"})
    assert (await counter.states(), await counter.ends()) == ({"phone": "DELIVERED"}, ["NotificationDelivered"])


async def test_a_failed_receipt_sends_it_the_second_way(counter: Counter) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    assert (await counter.hand_in(state="FAILED")).status_code == 200
    assert await counter.states() == {"phone": "FAILED", "desk": "QUEUED"}
    assert await counter.courier.deliver("desk") == 1
    assert await counter.states() == {"phone": "FAILED", "desk": "DELIVERED"}
    assert await counter.ends() == ["NotificationFailed", "NotificationDelivered"]
    failed = next(event for event in await counter.stage.told() if isinstance(event, NotificationFailed))
    assert failed.reason == "the gateway could not deliver it"


async def test_a_receipt_handed_in_twice_is_one(counter: Counter) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    await counter.hand_in(state="FAILED")
    again = await counter.hand_in(state="FAILED")
    assert (again.status_code, again.json()["type"]) == (409, "urn:griddispatch:problem:callback-repeated")
    assert (await counter.hand_in(state="FAILED", identity="r-2")).status_code == 200, "the same under another id"
    assert await counter.states() == {"phone": "FAILED", "desk": "QUEUED"}
    assert await counter.ends() == ["NotificationFailed"]


@pytest.mark.parametrize(("first", "then"), [("DELIVERED", "FAILED"), ("FAILED", "DELIVERED")])
async def test_what_is_said_first_counts(counter: Counter, first: str, then: str) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    await counter.hand_in(state=first)
    late = await counter.hand_in(state=then, identity="r-2")
    assert (late.status_code, late.json()["state"]) == (200, first)
    assert (await counter.states())["phone"] == first
    assert len(await counter.ends()) == 1


@pytest.mark.parametrize(
    ("state", "standing"),
    [("DELIVERED", {"phone": "DELIVERED"}), ("FAILED", {"phone": "FAILED", "desk": "QUEUED"})],
)
async def test_a_receipt_may_come_before_the_gateways_own_answer_is_written_down(
    counter: Counter, state: str, standing: dict[str, str]
) -> None:
    await counter.stage.hear(envelope(assigned()))
    early = await counter.hand_in(state=state)
    assert (early.status_code, early.json()["state"]) == (202, state)
    await counter.courier.deliver("phone")
    assert await counter.states() == standing
    assert len(await counter.ends()) == 1


async def test_a_receipt_of_what_nobody_sent_changes_nothing_and_is_forgotten(counter: Counter) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    assert (await counter.hand_in("sid-of-another", "FAILED")).status_code == 202
    assert await counter.states() == {"phone": "SENT"}
    assert await left_at(counter, NOW + UNMATCHED) == 2
    assert await left_at(counter, NOW + UNMATCHED + timedelta(seconds=1)) == 1, "one of ours, which stays"


async def left_at(counter: Counter, real: datetime) -> int:
    """How many receipts are left once what is due by then was forgotten."""
    async with counter.stage.database.transaction() as tx:
        await Keeping(timedelta(365), timedelta(365), real=lambda: real).forget_due(tx, counter.stage.clock())
    return len(await counter.stage.database.fetch("SELECT FROM receipt"))


async def test_another_gateways_receipt_is_of_another_thing(counter: Counter) -> None:
    elsewhere = Scripted(Result(Outcome.DELIVERED, awaited=Awaited("other", "sid-1", timedelta(hours=1))))
    await counter.stage.hear(envelope(assigned()))
    await Courier(counter.stage.database, counter.stage.ledger, {"phone": elsewhere}, counter.stage.clock).deliver(
        "phone"
    )
    assert (await counter.hand_in(state="FAILED")).status_code == 202
    assert await counter.states() == {"phone": "SENT"}


async def test_what_travels_in_one_ends_with_its_receipt(counter: Counter) -> None:
    await counter.stage.hear(*(envelope(escalated(level=1), n) for n in (1, 2)))
    await counter.courier.deliver("phone")
    await counter.hand_in(state="FAILED")
    for n in (1, 2):
        assert await counter.states(n) == {"phone": "FAILED", "desk": "QUEUED"}
        assert await counter.ends(n) == ["NotificationFailed"]


# Silence


async def test_a_duty_whose_receipt_does_not_come_goes_the_second_way(counter: Counter) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    counter.stage.now += timedelta(hours=2, minutes=59)
    assert await counter.courier.sweep() == 0
    counter.stage.now += timedelta(minutes=1)
    assert await counter.courier.sweep() == 1, "a second channel is there: it is not waited for a whole day"
    assert await counter.states() == {"phone": "FAILED", "desk": "QUEUED"}
    assert (await counter.hand_in()).json()["state"] == "DELIVERED", "late, and of no effect"
    assert (await counter.states())["phone"] == "FAILED"


async def test_what_is_urgent_is_not_left_waiting_for_a_receipt(counter: Counter) -> None:
    await counter.stage.hear(envelope(assigned(urgency=Urgency.U1)))
    await counter.courier.deliver("phone")
    counter.stage.now += timedelta(minutes=2)
    assert await counter.courier.sweep() == 1
    assert await counter.states() == {"phone": "FAILED", "desk": "QUEUED"}


async def test_a_survey_whose_receipt_does_not_come_is_unknown_and_not_asked_again(counter: Counter) -> None:
    await counter.stage.hear(envelope(audited()))
    await counter.courier.deliver("phone")
    counter.stage.now += timedelta(days=1)
    await counter.courier.sweep()
    assert await counter.states() == {"phone": "UNKNOWN"}


# The door


async def test_nobody_but_the_gateway_hands_receipts_in(counter: Counter) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    body = b'{"reference":"sid-1","state":"FAILED"}'
    good = headers_of("r-1", NOW, body, KEYS["gateway-own"])
    refused = [
        await counter.hand_in(state="FAILED", key=KEYS["somebody"]),
        await counter.post(body, headers_of("r-1", NOW - timedelta(minutes=6), body, KEYS["gateway-own"])),
        await counter.post(body.replace(b"sid-1", b"sid-2"), good),
        await counter.post(body, good[:2]),
    ]
    assert [answer.status_code for answer in refused] == [401] * 4
    assert await counter.states() == {"phone": "SENT"}


@pytest.mark.parametrize(
    "body",
    [
        {"reference": "sid-1", "state": "QUEUED"}, {"reference": "", "state": "FAILED"}, {"reference": "sid-1"},
        {"reference": "a b", "state": "FAILED"}, {"reference": "sid-1\n", "state": "FAILED"},
        {"reference": "x" * 101, "state": "FAILED"}, {"reference": 7, "state": "FAILED"},
        {"reference": "sid-1", "state": "FAILED", "phone": "13800000000"},
    ],
)  # fmt: skip
async def test_a_badly_formed_receipt_is_refused_and_may_come_again_mended(
    counter: Counter, body: dict[str, Any]
) -> None:
    await counter.stage.hear(envelope(assigned()))
    await counter.courier.deliver("phone")
    raw = json.dumps(body).encode()
    answer = await counter.post(raw, headers_of("r-1", NOW, raw, KEYS["gateway-own"]))
    assert answer.status_code == 422
    assert (await counter.hand_in()).status_code == 200, "its id was not used up"


# The description


@pytest.mark.parametrize(
    ("pointer", "answer", "reference"),
    [
        ("/sid", '{"data":[{"code":0}],"sid":"a-1"}', "a-1"),
        ("/sid", '{"data":[{"code":0}],"sid":77}', "77"),
        ("", '{"data":[{"code":0}]}', str(UUID(int=1))),
    ],
)
async def test_the_reference_is_the_providers_id_or_ours(pointer: str, answer: str, reference: str) -> None:
    result, _, _ = await to_phone(status("200 OK", answer), receipts={"pointer": pointer, "within_hours": 2})
    assert result.outcome is Outcome.DELIVERED
    assert result.awaited == Awaited("city", reference, timedelta(hours=2))


@pytest.mark.parametrize("sid", ['"a b"', '""', "[]", '"' + "x" * 101 + '"'])
async def test_a_provider_that_gives_no_id_is_in_doubt(sid: str) -> None:
    behave: Behave = status("200 OK", f'{{"data":[{{"code":0}}],"sid":{sid}}}')
    result, _, _ = await to_phone(behave, receipts={"pointer": "/sid"})
    assert result.awaited is None
    assert result.outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    ("receipts", "problem"),
    [
        ({"pointer": "sid"}, "gateways.city.receipts.pointer: names a place like /id"),
        ({"within_hours": 97}, "gateways.city.receipts.within_hours: must be a whole number from 1 to 96"),
        ({"secret": "x"}, "gateways.city.receipts.secret: unknown key"),
        ("yes", "gateways.city.receipts: must be a table"),
    ],
)
def test_a_description_at_fault_is_refused(receipts: object, problem: str) -> None:
    with pytest.raises(ContactsRefused) as refused:
        load_contacts({"gateways": {"city": {**SMS, "url": "https://sms.example.org/", "receipts": receipts}}})
    assert problem in str(refused.value)


def test_without_an_id_in_the_body_the_answer_must_hold_one() -> None:
    described = {**SMS, "url": "https://sms.example.org/", "body": "$to $text", "receipts": {}}
    with pytest.raises(ContactsRefused) as refused:
        load_contacts({"gateways": {"city": described}})
    assert "nobody could tell whose a receipt is" in str(refused.value)


def test_a_gateway_that_gives_receipts_has_a_key_to_sign_them_with() -> None:
    book = load_contacts({"gateways": {"city": {**SMS, "url": "https://sms.example.org/", "receipts": {}}}})
    with pytest.raises(KeyRefused) as refused:
        read_callback_keys({}, book)
    assert "'city'" in str(refused.value)
    assert set(read_callback_keys({"city": SecretStr(f"whsec_{KEYS['gateway-own']}")}, book)) == {"city"}
