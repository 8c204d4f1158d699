"""Webhooks against a real receiver that behaves well and badly."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.responses import Response, StreamingResponse

from services.notify.app import make_channels, read_templates
from services.notify.channels.webhook import KeyRefused, WebhookChannel, read_keys
from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.delivery import Outcome, Result
from services.notify.core.message import Facts, Message, Policy, Template
from services.notify.core.render import make_renderer
from shared.database import Database
from tests.services.notify.stage import Receiver, Stage
from tests.services.notify.values import MORNING, NO, assigned, audited, envelope, rules, ticket

NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
PAYLOAD = make_renderer(read_templates(), rules().zone).payload


def message(n: int = 1) -> Message:
    facts: Facts = {"ticket_no": NO, "cycle": 1, "attempt": 1}
    return Message(
        UUID(int=n), ticket(n), Template.FOLLOW_UP, "source:hotline-12345", "webhook", Policy.AT_MOST_ONCE, facts, "",
        MORNING, 1,
    )  # fmt: skip


@asynccontextmanager
async def channel(url: str, secret: str = NEW, send_s: float = 15.0) -> AsyncIterator[WebhookChannel]:
    made = WebhookChannel(Endpoint("bot", ChannelKind.WEBHOOK, url, "bot"), read_keys(secret), PAYLOAD, send_s=send_s)
    yield made
    await made.close()


async def send(receiver: Receiver, *, send_s: float = 15.0, secret: str = NEW) -> Result:
    async with receiver.open() as url, channel(url, secret, send_s) as way:
        (result,) = await way.send_many([message()])
    return result


async def test_a_delivery_is_signed_so_that_the_library_verifies_it() -> None:
    receiver = Receiver(204)
    assert (await send(receiver)).outcome is Outcome.DELIVERED
    ((headers, body),) = receiver.requests
    payload = Webhook(NEW).verify(body, headers)
    assert (payload["ticket_no"], payload["template"]) == (NO, "follow_up")
    assert headers["webhook-id"] == str(UUID(int=1))
    assert headers["content-type"] == "application/json"


async def test_during_a_rotation_both_keys_verify_and_a_third_does_not() -> None:
    receiver = Receiver(204)
    await send(receiver, secret=f"{NEW} {OLD}")
    ((headers, body),) = receiver.requests
    assert Webhook(NEW).verify(body, headers) == Webhook(OLD).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 32).decode()).verify(body, headers)


@pytest.mark.parametrize(("status", "outcome"), [(500, Outcome.FAILED), (404, Outcome.FAILED), (410, Outcome.GONE)])
async def test_a_refusal_is_recorded_as_what_it_is(status: int, outcome: Outcome) -> None:
    result = await send(Receiver(status))
    assert (result.outcome, result.detail) == (outcome, f"HTTP {status}")


async def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    receiver = Receiver(Response(status_code=302, headers={"location": "/elsewhere"}))
    result = await send(receiver)
    assert (result.outcome, result.detail) == (Outcome.FAILED, "HTTP 302")
    assert receiver.strayed == 0


async def test_a_busy_receiver_says_when_to_come_back() -> None:
    result = await send(Receiver(Response(status_code=429, headers={"retry-after": "120"})))
    assert (result.outcome, result.wait) == (Outcome.FAILED, timedelta(seconds=120))


async def test_a_receiver_that_hangs_leaves_a_doubt() -> None:
    receiver = Receiver(None)
    result = await send(receiver, send_s=0.3)
    assert result.outcome is Outcome.AMBIGUOUS
    assert len(receiver.requests) == 1


async def test_a_receiver_that_is_not_there_certainly_got_nothing() -> None:
    async with Receiver(204).open() as url:
        pass
    async with channel(url) as way:
        (result,) = await way.send_many([message()])
    assert (result.outcome, result.detail) == (Outcome.FAILED, "ConnectError")


async def test_a_huge_answer_is_cut_off_and_its_status_counts() -> None:
    sent = 0

    async def huge() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 256 * 1024 * 1024:
            sent += 64 * 1024
            yield b"x" * 64 * 1024
            await asyncio.sleep(0)  # the receiver hears of the cut only when it lets others run

    result = await send(Receiver(StreamingResponse(huge(), status_code=200)), send_s=5)
    assert result.outcome is Outcome.DELIVERED
    assert sent < 64 * 1024 * 1024


async def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    result = await send(Receiver(Response(bomb, 200, {"content-encoding": "gzip"})))
    assert result.outcome is Outcome.DELIVERED


async def test_cookies_are_not_kept() -> None:
    receiver = Receiver(Response(status_code=204, headers={"set-cookie": "a=b; Path=/"}))
    async with receiver.open() as url, channel(url) as way:
        await way.send_many([message(1)])
        await way.send_many([message(2)])
    assert [headers.get("cookie") for headers, _ in receiver.requests] == [None, None]


async def test_a_batch_keeps_its_order_and_its_ids() -> None:
    receiver = Receiver(204, 500, 204)
    async with receiver.open() as url, channel(url) as way:
        results = await way.send_many([message(n) for n in range(1, 9)])
    assert sorted(receiver.ids) == [str(UUID(int=n)) for n in range(1, 9)]
    failed = receiver.ids[1]
    assert [r.outcome for r in results] == [
        Outcome.FAILED if str(UUID(int=n)) == failed else Outcome.DELIVERED for n in range(1, 9)
    ]


async def test_500_then_200_is_one_message_with_one_id_one_body_and_two_signed_attempts(
    notify_database: Database,
) -> None:
    receiver = Receiver(500, 200)
    async with receiver.open() as url:
        bot = Endpoint("bot", ChannelKind.WEBHOOK, url, "bot")
        async with channel(url) as way:
            stage = Stage(notify_database, AddressBook(exact={"unit:water": bot}), {"bot": way})
            await stage.hear(envelope(assigned()))
            await stage.courier.deliver("bot")
            stage.now += timedelta(seconds=7)
            await stage.courier.deliver("bot")
    (planned,) = await stage.messages()
    assert planned["state"] == "DELIVERED"
    assert list(receiver.ids) == [str(planned["id"])] * 2
    assert receiver.requests[0][1] == receiver.requests[1][1]
    for headers, body in receiver.requests:
        assert Webhook(NEW).verify(body, headers)["ticket_id"] == str(ticket(1))


async def test_a_webhook_carries_no_word_of_the_citizens(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        bot = Endpoint("bot", ChannelKind.WEBHOOK, url, "bot")
        async with channel(url) as way:
            stage = Stage(notify_database, AddressBook(default=bot), {"bot": way})
            await stage.hear(envelope(assigned(), version=1), envelope(audited(), version=2))
            await stage.courier.deliver("bot")
    payloads = [json.loads(body) for _, body in receiver.requests]
    assert {frozenset(p) for p in payloads} == {
        frozenset(
            [
                "type",
                "ticket_id",
                "template",
                "recipient",
                "planned_at",
                "ticket_no",
                "unit",
                "kind",
                "category",
                "urgency",
                "size",
                "grid",
                "cycle",
                "due_at",
                "sign_by",
                "text",
            ]
        ),
        frozenset(
            ["type", "ticket_id", "template", "recipient", "planned_at", "ticket_no", "cycle", "attempt", "text"]
        ),
    }


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("", "is empty"),
        ("whsec_???", "is not base64"),
        ("whsec_" + base64.b64encode(b"short").decode(), "at least 24"),
        (base64.b64encode(b"n" * 32).decode(), "must be whsec_"),
        (f"{NEW} whsec_", "at least 24"),
    ],
)
def test_an_unfit_key_is_refused_without_being_quoted(secret: str, complaint: str) -> None:
    with pytest.raises(KeyRefused, match=complaint) as refused:
        read_keys(secret)
    assert not secret or secret not in str(refused.value)


def test_a_webhook_whose_key_is_not_in_the_settings_is_refused() -> None:
    book = AddressBook({"bot": Endpoint("bot", ChannelKind.WEBHOOK, "https://bot.example.org/", "bot")})
    with pytest.raises(KeyRefused, match="bot: secret 'bot': not among the settings"):
        make_channels(book, {}, PAYLOAD)
