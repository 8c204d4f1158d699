"""Webhooks against a real receiver that behaves well and badly."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.responses import Response, StreamingResponse

from services.notify.app import read_templates
from services.notify.channels.factory import make_channels
from services.notify.channels.guard import Guard
from services.notify.channels.signing import KeyRefused, read_keys, sign
from services.notify.channels.webhook import WebhookChannel
from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.delivery import Outcome, Result
from services.notify.core.message import Facts, Message, Policy, Template
from services.notify.core.render import make_renderer
from shared.database import Database
from tests.services.notify.receivers import Behave, RawReceiver, drip, guard_for, hang_up, reset, says, status
from tests.services.notify.stage import Receiver, Stage
from tests.services.notify.values import MORNING, NO, assigned, audited, envelope, rules, ticket

NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
RENDERER = make_renderer(read_templates(), rules().zone)
PAYLOAD = RENDERER.payload
VECTOR_ID, VECTOR_BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}'
VECTOR_TIME = datetime.fromtimestamp(1614265330, UTC)
VECTOR_HMAC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ED25519 = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="


def message(n: int = 1) -> Message:
    facts: Facts = {"ticket_no": NO, "cycle": 1, "attempt": 1}
    return Message(
        UUID(int=n), ticket(n), Template.FOLLOW_UP, "source:hotline-12345", "webhook", Policy.AT_MOST_ONCE, facts, "",
        MORNING, 1,
    )  # fmt: skip


@asynccontextmanager
async def channel(url: str, secret: str = NEW, send_s: float = 15.0) -> AsyncIterator[WebhookChannel]:
    bot = Endpoint("bot", ChannelKind.WEBHOOK, url, "bot")
    made = WebhookChannel(bot, read_keys(secret), PAYLOAD, guard_for(url), send_s=send_s)
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


def test_signatures_are_the_published_ones() -> None:
    keys = read_keys(f"{VECTOR_HMAC} {VECTOR_ED25519}")
    assert dict(sign(keys, VECTOR_ID, VECTOR_TIME, VECTOR_BODY)) == {
        "webhook-id": VECTOR_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": (
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
        ),
    }


async def test_an_ed25519_signature_verifies_with_the_public_key_alone() -> None:
    private = Ed25519PrivateKey.generate()
    seed = base64.b64encode(private.private_bytes_raw()).decode()
    receiver = Receiver(204)
    await send(receiver, secret=f"whsk_{seed} {NEW}")
    ((headers, body),) = receiver.requests
    asymmetric, symmetric = headers["webhook-signature"].split(" ")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    private.public_key().verify(base64.b64decode(asymmetric.removeprefix("v1a,")), signed)
    assert symmetric.startswith("v1,")
    assert Webhook(NEW).verify(body, headers)


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
    assert (result.outcome, result.detail) == (Outcome.FAILED, "ConnectionRefusedError when connecting")


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


HALF_SAID = says(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nshort")
WITHOUT_END = says(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")


@pytest.mark.parametrize(
    ("behaviour", "outcome", "detail"),
    [
        (status("200 OK"), Outcome.DELIVERED, "HTTP 200"),
        (status("204 No Content"), Outcome.DELIVERED, "HTTP 204"),
        (status("200"), Outcome.DELIVERED, "HTTP 200"),
        (WITHOUT_END, Outcome.DELIVERED, "HTTP 200"),
        (says(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"), Outcome.FAILED, "HTTP 500"),
        (says(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), Outcome.FAILED, "HTTP 101"),
        (HALF_SAID, Outcome.DELIVERED, "HTTP 200"),
        (drip(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 0.002), Outcome.DELIVERED, "HTTP 200"),
        (drip(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 1.0), Outcome.AMBIGUOUS, "no answer in time"),
        (hang_up, Outcome.AMBIGUOUS, "closed without an answer"),
        (reset, Outcome.AMBIGUOUS, "ConnectionResetError"),
        (says(b"SSH-2.0-other\r\n\r\n"), Outcome.AMBIGUOUS, "unreadable answer"),
        (says(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000), Outcome.AMBIGUOUS, "endless head"),
        (says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), Outcome.DELIVERED, "HTTP 200"),
    ],
)
async def test_whatever_a_receiver_does_is_recorded_as_what_it_is(
    behaviour: Behave, outcome: Outcome, detail: str
) -> None:
    # Who leaves an answer half said is waited for as long as may be; the others have all the time they need.
    send_s = 3.0 if detail == "no answer in time" or behaviour in (HALF_SAID, WITHOUT_END) else 20.0
    async with RawReceiver(behaviour).open() as url, channel(url, send_s=send_s) as way:
        started = asyncio.get_running_loop().time()
        (result,) = await way.send_many([message()])
        took = asyncio.get_running_loop().time() - started
    # How a torn connection shows depends on what was read before.
    known = {detail, "closed without an answer"} if "Reset" in detail else {detail}
    assert (result.outcome, result.detail in known) == (outcome, True), result
    assert took < 30


async def test_connections_are_used_again_and_not_after_their_time() -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url, channel(url) as way:
        for n in range(1, 11):
            await way.send_many([message(n)])
    assert len(receiver.requests) == 10
    assert receiver.connections < 10, "one serves for many, unless it was idle for long in between"


async def test_what_comes_unasked_spoils_no_later_answer() -> None:
    twice = says(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")
    receiver = RawReceiver(twice, status("204 No Content"))
    async with receiver.open() as url, channel(url) as way:
        results = [(await way.send_many([message(n)]))[0].outcome for n in (1, 2)]
    assert results == [Outcome.DELIVERED, Outcome.DELIVERED]


async def test_a_dead_receiver_costs_a_few_attempts_and_not_the_batch() -> None:
    async with RawReceiver(hang_up).open() as url, channel(url) as way:
        results = await way.send_many([message(n) for n in range(1, 201)])
    tried = [r for r in results if r.outcome is not Outcome.UNTRIED]
    assert 10 <= len(tried) <= 14


async def test_a_place_of_this_machine_that_is_not_named_gets_no_connection() -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url:
        way = WebhookChannel(
            Endpoint("bot", ChannelKind.WEBHOOK, "https://hook.example.org/", "bot"), read_keys(NEW), PAYLOAD,
            Guard(resolve=lambda host, port: _found("127.0.0.1")),
        )  # fmt: skip
        (result,) = await way.send_many([message()])
        await way.close()
        assert url
    assert (result.outcome, result.detail) == (
        Outcome.FAILED, "the host resolves to a forbidden address: loopback",
    )  # fmt: skip
    assert receiver.connections == 0


async def _found(address: str) -> Sequence[str]:
    return [address]


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
                "mark",
                "text",
            ]
        ),
        frozenset(
            [
                "type",
                "ticket_id",
                "template",
                "recipient",
                "planned_at",
                "ticket_no",
                "cycle",
                "attempt",
                "link",
                "text",
            ]
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
        ("whsk_" + base64.b64encode(b"n" * 31).decode(), "32 or 64 bytes"),
        ("whsk_" + base64.b64encode(b"n" * 64).decode(), "belongs to another key"),
    ],
)
def test_an_unfit_key_is_refused_without_being_quoted(secret: str, complaint: str) -> None:
    with pytest.raises(KeyRefused, match=complaint) as refused:
        read_keys(secret)
    assert not secret or secret not in str(refused.value)


def test_a_webhook_whose_key_is_not_in_the_settings_is_refused() -> None:
    book = AddressBook({"bot": Endpoint("bot", ChannelKind.WEBHOOK, "https://bot.example.org/", "bot")})
    with pytest.raises(KeyRefused, match="bot: secret 'bot': not among the settings"):
        make_channels(book, {}, {}, RENDERER, Guard())
