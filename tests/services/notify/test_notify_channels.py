"""Robots, SMS and mail against real receivers: what they get, how it is signed and escaped, and what a no means."""

import base64
import email
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from services.notify.app import read_templates
from services.notify.channels.mail import MailChannel
from services.notify.channels.robot import RobotChannel
from services.notify.channels.signing import KeyRefused
from services.notify.channels.sms import SmsChannel
from services.notify.core.contacts import ChannelKind, Endpoint, load_contacts
from services.notify.core.delivery import Outcome, Result
from services.notify.core.gateways import Security, SmsGateway, SmtpGateway
from services.notify.core.message import Message, Policy, Template
from services.notify.core.render import make_renderer
from tests.services.notify.receivers import Behave, MailServer, RawReceiver, guard_for, hang_up, says, status, words
from tests.services.notify.values import MORNING, NO, rules, ticket

RENDERER = make_renderer(read_templates(), rules().zone)
LONG = make_renderer(read_templates() | {"escalated.zh.txt": "网格 $ticket_no\n" * 1000}, rules().zone)
WELL = status("200 OK", '{"errcode":0,"errmsg":"ok"}')


def message(ticket_no: str = NO) -> Message:
    facts: dict[str, str | int] = {"ticket_no": ticket_no, "unit": "water", "clock": "RESOLVE", "level": 1, "cycle": 1}
    return Message(
        UUID(int=1), ticket(1), Template.ESCALATED, "unit:water", "any", Policy.RESEND,
        {**facts, "due_at": MORNING.isoformat()}, "", MORNING, 1,
    )  # fmt: skip


async def to_robot(
    kind: ChannelKind, secret: str, *behaviours: Behave, sent: Message | None = None, renderer: Any = RENDERER
) -> tuple[Result, str, dict[str, Any]]:
    """Send one message; how it went, and the address and body the robot got."""
    receiver = RawReceiver(*behaviours)
    async with receiver.open() as url:
        way = RobotChannel(Endpoint("bot", kind, url, "bot"), secret, renderer, guard_for(url), send_s=1.0)
        (result,) = await way.send_many([sent or message()])
        await way.close()
    first, _, body = receiver.requests[0]
    return result, first.split(" ")[1], json.loads(body)


async def test_a_wecom_robot_gets_markdown_under_its_key() -> None:
    result, path, body = await to_robot(ChannelKind.WECOM, "the-key", WELL)
    assert (result.outcome, path, body["msgtype"]) == (Outcome.DELIVERED, "/hook?key=the-key", "markdown")
    assert NO in body["markdown"]["content"]


async def test_a_dingtalk_robot_is_signed() -> None:
    result, path, body = await to_robot(ChannelKind.DINGTALK, "token SECkey", WELL)
    query = {name: found[0] for name, found in parse_qs(urlsplit(path).query).items()}
    assert result.outcome is Outcome.DELIVERED
    expected = hmac.new(b"SECkey", f"{query['timestamp']}\nSECkey".encode(), hashlib.sha256).digest()
    assert (query["access_token"], base64.b64decode(query["sign"])) == ("token", expected)
    assert len(query["timestamp"]) == 13
    assert set(body["markdown"]) == {"title", "text"}


async def test_a_feishu_robot_is_signed() -> None:
    result, path, body = await to_robot(ChannelKind.FEISHU, "token key", status("200 OK", '{"code":0}'))
    assert (result.outcome, path, len(body["timestamp"])) == (Outcome.DELIVERED, "/hook/token", 10)
    expected = hmac.new(f"{body['timestamp']}\nkey".encode(), b"", hashlib.sha256).digest()
    assert base64.b64decode(body["sign"]) == expected
    assert NO in body["card"]["elements"][0]["content"]


@pytest.mark.parametrize("kind", [ChannelKind.WECOM, ChannelKind.DINGTALK, ChannelKind.FEISHU])
async def test_markup_in_a_value_does_nothing_in_a_group(kind: ChannelKind) -> None:
    nasty = "<at id=all></at><@all>[here](https://a.example)*b*\n# c"
    _, _, body = await to_robot(kind, "token", WELL, sent=message(nasty))
    shown = json.dumps(body, ensure_ascii=False)
    assert not any(mark in shown for mark in ("<at", "<@", "](", "*b*", "\\n# c"))


@pytest.mark.parametrize(("kind", "most"), [(ChannelKind.WECOM, 4096), (ChannelKind.DINGTALK, 20_000)])
async def test_a_long_text_is_cut_at_the_robots_limit_with_a_mark(kind: ChannelKind, most: int) -> None:
    _, _, body = await to_robot(kind, "token", WELL, renderer=LONG)
    text = body["markdown"].get("content") or body["markdown"]["text"]
    assert most - 8 <= len(text.encode()) <= most
    assert text.endswith("…(略)")


@pytest.mark.parametrize(
    ("behaviour", "outcome", "wait"),
    [
        (status("200 OK", '{"errcode":93000,"errmsg":"invalid"}'), Outcome.FAILED, None),
        (status("200 OK", '{"errcode":45009}'), Outcome.FAILED, timedelta(minutes=1)),
        (status("200 OK", "fine"), Outcome.AMBIGUOUS, None),
        (status("200 OK", '{"errcode":"0"}'), Outcome.AMBIGUOUS, None),
        (status("200 OK", "[]"), Outcome.AMBIGUOUS, None),
        (status("200 OK", "[0]"), Outcome.AMBIGUOUS, None),
        (status("200 OK", "5"), Outcome.AMBIGUOUS, None),
        (status("200 OK", "true"), Outcome.AMBIGUOUS, None),
        (status("200 OK", '"errcode"'), Outcome.AMBIGUOUS, None),
        (status("200 OK", '["errcode"]'), Outcome.AMBIGUOUS, None),
        (status("200 OK", '{"errcode":false}'), Outcome.AMBIGUOUS, None),
        (says(b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"errco'), Outcome.AMBIGUOUS, None),
        (status("500 No"), Outcome.FAILED, None),
        (status("302 Found", "", "location: /elsewhere"), Outcome.FAILED, None),
        (status("429 Slow", "", "retry-after: 30"), Outcome.FAILED, timedelta(seconds=30)),
        (hang_up, Outcome.AMBIGUOUS, None),
    ],
)
async def test_a_robots_no_is_heard(behaviour: Behave, outcome: Outcome, wait: timedelta | None) -> None:
    result, _, _ = await to_robot(ChannelKind.WECOM, "key", behaviour)
    assert (result.outcome, result.wait) == (outcome, wait)


@pytest.mark.parametrize(("kind", "secret"), [(ChannelKind.WECOM, "a b"), (ChannelKind.DINGTALK, ""), (ChannelKind.FEISHU, "a b c"), (ChannelKind.FEISHU, "值")])  # fmt: skip
def test_a_secret_that_does_not_fit_the_robot_is_refused_without_being_quoted(kind: ChannelKind, secret: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        RobotChannel(Endpoint("bot", kind, "https://bot.example.org/"), secret, RENDERER, guard_for())
    assert not secret or secret not in str(refused.value)


SMS: dict[str, Any] = {
    "kind": "sms", "headers": {"authorization": "Bearer $secret"}, "secret": "sms",
    "body": '{"phone": "$to", "content": "$text", "ref": "$id"}', "success": {"pointer": "/data/0/code", "values": ["0", "OK"]},
}  # fmt: skip


async def to_phone(behaviour: Behave, *, sent: Message | None = None, renderer: Any = RENDERER, **changes: Any) -> tuple[Result, dict[str, str], bytes]:  # fmt: skip
    """Send one SMS; how it went, and the headers and body the provider got."""
    receiver = RawReceiver(behaviour)
    async with receiver.open() as url:
        guard = guard_for(url)
        source = {"gateways": {"city": {**SMS, "url": url, **changes}}, "endpoints": {"phone": {"channel": "sms", "gateway": "city", "to": ["13800000000"]}}}  # fmt: skip
        book = load_contacts(source, guard.loopback)
        gateway = book.gateways["city"]
        assert isinstance(gateway, SmsGateway)
        way = SmsChannel(book.endpoints["phone"], gateway, "s3cret", renderer, guard, send_s=1.0)
        (result,) = await way.send_many([sent or message()])
        await way.close()
    _, headers, body = receiver.requests[0]
    return result, headers, body


async def test_an_sms_is_what_the_description_says_with_its_id_as_reference() -> None:
    result, headers, body = await to_phone(status("200 OK", '{"data":[{"code":"OK"}]}'))
    assert (result.outcome, headers["authorization"]) == (Outcome.DELIVERED, "Bearer s3cret")
    sent = json.loads(body)
    assert (sent["phone"], sent["ref"]) == ("13800000000", str(UUID(int=1)))
    assert sent["content"].startswith("【督办 1 级】工单 99010126031010000010")


async def test_a_value_breaks_out_of_no_json_and_no_form() -> None:
    nasty = '","phone":"110\r\n$to{0}&to=110\\'
    _, _, body = await to_phone(WELL, sent=message(nasty))
    sent = json.loads(body)
    assert set(sent) == {"phone", "content", "ref"}
    assert sent["phone"] == "13800000000"
    assert '工单 ","phone":"110 $to{0}&to=110\\ 由' in sent["content"].replace("  ", " ")
    _, headers, form = await to_phone(WELL, sent=message(nasty), format="form", body="to=$to&text=$text")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert {name: len(found) for name, found in parse_qs(form.decode()).items()} == {"to": 1, "text": 1}


async def test_a_long_sms_is_one_line_cut_with_a_mark() -> None:
    _, _, body = await to_phone(WELL, renderer=LONG, limit=300)
    content = json.loads(body)["content"]
    assert (len(content), content.endswith("…(略)"), "\n" in content) == (300, True, False)


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (status("200 OK", '{"data":[{"code":0}]}'), Outcome.DELIVERED),
        (status("200 OK", '{"data":[{"code":"LIMIT"}]}'), Outcome.FAILED),
        (status("200 OK", '{"data":[]}'), Outcome.AMBIGUOUS),
        (status("200 OK", "well"), Outcome.AMBIGUOUS),
        (status("202 Later", '{"data":[{"code":0}]}'), Outcome.FAILED),
        (status("410 Gone"), Outcome.GONE),
        (status("503 No"), Outcome.FAILED),
        (hang_up, Outcome.AMBIGUOUS),
    ],
)
async def test_a_providers_answer_is_read_by_its_own_test_of_success(behaviour: Behave, outcome: Outcome) -> None:
    assert (await to_phone(behaviour))[0].outcome is outcome


@asynccontextmanager
async def mailing(server: MailServer, *, to: tuple[str, ...] = ("duty@example.org",), renderer: Any = RENDERER, user: str = "") -> AsyncIterator[MailChannel]:  # fmt: skip
    async with server.open() as port:
        gateway = SmtpGateway(
            "mail", "127.0.0.1", port, "grid@example.org", Security.NONE, user, "mail" if user else ""
        )
        endpoint = Endpoint("mail", ChannelKind.EMAIL, gateway="mail", to=to)
        way = MailChannel(endpoint, gateway, "pass word", renderer, guard_for(f"http://127.0.0.1:{port}"), send_s=1.0)
        yield way
        await way.close()


def read(server: MailServer) -> EmailMessage:
    mail = email.message_from_bytes(server.mails[0], policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


async def test_a_mail_has_a_subject_two_forms_and_the_messages_id() -> None:
    server = MailServer()
    async with mailing(server, to=("duty@example.org", "head@example.org"), user="grid") as way:
        (result,) = await way.send_many([message("<b>7</b>")])
    assert (result.outcome, result.detail) == (Outcome.DELIVERED, "taken for 2 of 2")
    assert words(server.said) == ["EHLO", "AUTH", "MAIL", "RCPT", "RCPT", "DATA"]
    mail = read(server)
    assert mail["Subject"].startswith("【督办 1 级】工单 <b>7</b>")
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == (f"<{UUID(int=1)}@example.org>", "auto-generated")
    assert mail["To"] == "duty@example.org, head@example.org"
    plain, html = mail.get_body(["plain"]), mail.get_body(["html"])
    assert plain is not None and "工单 <b>7</b> 由" in plain.get_content()
    assert html is not None and "&lt;b&gt;7&lt;/b&gt;" in html.get_content()


async def test_a_line_break_in_a_value_adds_no_header() -> None:
    server = MailServer()
    async with mailing(server) as way:
        await way.send_many([message("7\r\nBcc: other@example.org\r\n\r\nbody")])
    assert (read(server)["Bcc"], words(server.said).count("RCPT")) == (None, 1)


async def test_a_mail_of_a_bundle_keeps_its_subject_short() -> None:
    server = MailServer()
    async with mailing(server, renderer=LONG) as way:
        await way.send_many([replace(message(), carried=tuple(message() for _ in range(20)))])
    assert read(server)["Subject"] == "共 21 件:"


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        ({"GREETING": "554 no"}, Outcome.FAILED),
        ({"GREETING": None}, Outcome.FAILED),
        ({"GREETING": ""}, Outcome.FAILED),
        ({"MAIL": "451 later"}, Outcome.FAILED),
        ({"RCPT": "550 nobody"}, Outcome.GONE),
        ({"RCPT": "450 busy"}, Outcome.FAILED),
        ({"RCPT": None}, Outcome.FAILED),
        ({"DATA": "554 no"}, Outcome.FAILED),
        ({"END": "452 full"}, Outcome.FAILED),
        ({"END": None}, Outcome.AMBIGUOUS),
        ({"END": ""}, Outcome.AMBIGUOUS),
    ],
)
async def test_a_mail_servers_no_is_heard_and_silence_after_the_mail_is_a_doubt(
    replies: dict[str, str | None], outcome: Outcome
) -> None:
    async with mailing(MailServer(**replies)) as way:
        (result,) = await way.send_many([message()])
    assert result.outcome is outcome, result


async def test_a_challenge_that_cannot_be_read_is_a_no() -> None:
    server = MailServer(EHLO="250-here\r\n250 AUTH CRAM-MD5", AUTH="334 abc")
    async with mailing(server, user="grid") as way:
        (result,) = await way.send_many([message()])
    assert (result.outcome, result.detail, server.mails) == (Outcome.FAILED, "Error", [])


async def test_a_server_that_does_not_know_the_login_gets_no_mail() -> None:
    server = MailServer(AUTH="535 no")
    async with mailing(server, user="grid") as way:
        (result,) = await way.send_many([message()])
    assert (result.outcome, server.mails) == (Outcome.FAILED, [])
    assert "pass word" not in result.detail
