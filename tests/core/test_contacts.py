"""Address books: who is found how, and everything about endpoints and gateways that is refused."""

from datetime import timedelta
from typing import Any

import pytest

from services.notify.core.contacts import ChannelKind, ContactsRefused, Endpoint, load_contacts
from services.notify.core.gateways import Security, SmsGateway, SmtpGateway

BOT = Endpoint("bot", ChannelKind.WEBHOOK, "https://bot.example.org/hook", "bot")
SOURCE: dict[str, Any] = {
    "endpoints": {"bot": {"channel": "webhook", "url": "https://bot.example.org/hook", "secret": "bot"}},
    "contacts": {"unit:water": "bot", "unit:9901*": "bot", "unit:990101*": "console", "source:*": "bot"},
}


@pytest.mark.parametrize(
    ("recipient", "endpoint"),
    [
        ("unit:water", "bot"),
        ("unit:waterworks", "console"),
        ("unit:990102001", "bot"),
        ("unit:990101001", "console"),
        ("source:hotline-12345", "bot"),
        ("role:command-centre", "console"),
        ("", "console"),
    ],
)
def test_the_exact_name_wins_then_the_longest_beginning_then_the_console(recipient: str, endpoint: str) -> None:
    assert load_contacts(SOURCE).find(recipient).name == endpoint


@pytest.mark.parametrize(
    ("recipient", "named"), [("unit:water", True), ("unit:990102001", True), ("person:W1", False), ("unit:gas", False)]
)
def test_a_book_names_whom_it_lists_and_not_whom_the_default_would_take(recipient: str, named: bool) -> None:
    assert load_contacts(SOURCE).names(recipient) is named


def test_the_default_may_be_another_endpoint() -> None:
    assert load_contacts(SOURCE | {"default": "bot"}).find("role:anyone") == BOT


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"default": "pigeon"}, "default: no such endpoint"),
        ({"contacts": {"unit:water": "pigeon"}}, "contacts.unit:water: no such endpoint"),
        ({"contacts": {"water": "console"}}, "must be kind:name"),
        ({"contacts": {"unit:*water": "console"}}, "with \\* at the end only"),
        ({"contacts": ["unit:water"]}, "contacts: must be a table"),
        ({"endpoint": {}}, "endpoint: unknown key"),
        ({"endpoints": {"console": {"channel": "console"}}}, "console is built in"),
        ({"endpoints": {"bot": {"channel": "carrier-pigeon"}}}, "channel must be one of"),
        ({"endpoints": {"bot": {}}}, "channel must be one of"),
        ({"endpoints": {"bot": 7}}, "endpoints.bot: must be a table"),
        ({"endpoints": {"bot": {"channel": "console", "url": "https://a.example.org/"}}}, "only a webhook"),
        ({"endpoints": {"bot": {"channel": "webhook", "url": "https://a.example.org/"}}}, "always signed"),
    ],
)
def test_a_wrong_address_book_is_refused_with_the_place_of_the_fault(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContactsRefused, match=complaint):
        load_contacts({"endpoints": SOURCE["endpoints"]} | change)


def endpoint(**fields: Any) -> dict[str, Any]:
    """An address book with one endpoint `bot`, and a gateway of each kind."""
    return {"endpoints": {"bot": fields}, "gateways": {"mail": MAIL, "sms": SMS}}


MAIL: dict[str, Any] = {"kind": "smtp", "host": "smtp.example.org", "from": "grid@example.org"}
SMS: dict[str, Any] = {"kind": "sms", "url": "https://sms.example.org/send", "body": '{"to": "$to", "text": "$text"}'}


def test_every_kind_of_endpoint_is_read() -> None:
    source = {
        "endpoints": {
            "bot": {"channel": "webhook", "url": "https://bot.example.org/", "secret": "k", "fallback": "group"},
            "group": {"channel": "wecom", "secret": "k", "fallback": "mail", "digest_minutes": 10, "language": "en"},
            "mail": {"channel": "email", "gateway": "mail", "to": ["duty@example.org", "head@example.org"]},
            "phone": {"channel": "sms", "gateway": "sms", "to": ["+8613800000000"], "fallback": "console"},
        },
        "gateways": {"mail": MAIL, "sms": SMS},
    }
    book = load_contacts(source)
    assert book.endpoints["group"] == Endpoint(
        "group", ChannelKind.WECOM, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "k", language="en",
        fallback="mail", digest=timedelta(minutes=10),
    )  # fmt: skip
    assert book.endpoints["mail"].to == ("duty@example.org", "head@example.org")
    assert {name: e.name for name, e in book.fallbacks.items()} == {"bot": "group", "group": "mail", "phone": "console"}
    mail, sms = book.gateways["mail"], book.gateways["sms"]
    assert isinstance(mail, SmtpGateway) and isinstance(sms, SmsGateway)
    assert (mail.port, mail.security, sms.method, sms.statuses, sms.limit) == (465, Security.TLS, "POST", (200,), 500)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/hook", "https://[::1]:8443/", "https://10.0.0.1/", "http://bot.example.org/"]
)
def test_an_address_of_our_own_network_is_refused_when_the_book_is_read(url: str) -> None:
    with pytest.raises(ContactsRefused, match=r"endpoints\.bot\.url"):
        load_contacts(endpoint(channel="webhook", url=url, secret="bot"))


def test_a_place_of_this_machine_is_taken_where_it_is_allowed_by_name() -> None:
    book = endpoint(channel="webhook", url="http://127.0.0.1:8080/hook", secret="bot")
    assert load_contacts(book, {("127.0.0.1", 8080)}).endpoints["bot"].url == "http://127.0.0.1:8080/hook"


@pytest.mark.parametrize(
    "number",
    [
        "",
        "110,120",
        "13800000000\r\n13900000000",
        "13800000000\n",
        "１３８００００００００",
        "138 0000 0000",
        "tel:110120",
        "1380000000x",
        "+",
        "1" * 21,
    ],
)
def test_a_phone_number_is_digits_and_one_number(number: str) -> None:
    with pytest.raises(ContactsRefused, match=r"endpoints\.bot\.to: must be one phone number"):
        load_contacts(endpoint(channel="sms", gateway="sms", to=[number]))


@pytest.mark.parametrize("to", [[], ["13800000000", "13900000000"]])
def test_a_phone_endpoint_has_exactly_one_number(to: list[str]) -> None:
    with pytest.raises(ContactsRefused, match="one phone number"):
        load_contacts(endpoint(channel="sms", gateway="sms", to=to))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "duty",
        "a@b.example, c@d.example",
        "duty@example.org\r\nbcc: other@example.org",
        "duty@example.org\n",
        "Duty <duty@example.org>",
        "值班@example.org",
        "duty@@example.org",
        "duty@example",
        "a" * 65 + "@example.org",
        '"a b"@example.org',
    ],
)
def test_a_mail_address_is_plain_and_one(address: str) -> None:
    with pytest.raises(ContactsRefused, match=r"endpoints\.bot\.to: must be 1 to 50 plain"):
        load_contacts(endpoint(channel="email", gateway="mail", to=[address]))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"channel": "email", "gateway": "sms", "to": ["duty@example.org"]}, "must name a gateway of kind smtp"),
        ({"channel": "sms", "gateway": "nobody", "to": ["13800000000"]}, "must name a gateway of kind sms"),
        ({"channel": "sms", "gateway": "sms", "to": ["13800000000"], "secret": "k"}, "only a webhook and a robot"),
        ({"channel": "wecom", "secret": "k", "gateway": "sms"}, "only e-mail and SMS"),
        ({"channel": "wecom"}, "a robot has a token"),
        ({"channel": "wecom", "secret": "k", "fallback": "bot"}, "the chain must come to an end"),
        ({"channel": "wecom", "secret": "k", "fallback": "nobody"}, "must name another endpoint"),
        ({"channel": "wecom", "secret": "k", "language": "fr"}, "must be one of zh, en"),
        ({"channel": "wecom", "secret": "k", "digest_minutes": -1}, "from 0 to 1440"),
        ({"channel": "wecom", "secret": "k", "digest_minutes": True}, "from 0 to 1440"),
        ({"channel": "wecom", "secret": 7}, "secret: must be text"),
        ({"channel": "wecom", "secret": "k", "colour": "red"}, "colour: unknown key"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_the_place_of_the_fault(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContactsRefused, match=complaint):
        load_contacts(endpoint(**fields))


def test_fallbacks_that_go_in_a_circle_are_refused() -> None:
    two = {
        "a": {"channel": "wecom", "secret": "k", "fallback": "b"},
        "b": {"channel": "wecom", "secret": "k", "fallback": "a"},
    }
    with pytest.raises(ContactsRefused, match="the chain must come to an end"):
        load_contacts({"endpoints": two})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"host": "10.0.0.1"}, "gateways.mail.host: the host is not allowed: private"),
        ({"host": "localhost"}, "not a full name"),
        ({"port": 22}, "port 22 is not one of"),
        ({"security": "none"}, "must be tls or starttls"),
        ({"from": "grid@example.org\r\nx: y"}, "must be one plain mail address"),
        ({"user": "grid"}, "both or none"),
        ({"kind": "pigeon"}, "must be one of smtp, sms"),
        ({"retries": 3}, "retries: unknown key"),
    ],
)
def test_a_wrong_mail_server_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContactsRefused, match=complaint):
        load_contacts({"gateways": {"mail": MAIL | change}})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"url": "https://127.0.0.1/send"}, "loopback"),
        ({"method": "DELETE"}, "must be one of POST, PUT"),
        ({"body": "$to only"}, "must hold"),
        ({"body": "$to $text $phone"}, "\\$phone is none of"),
        ({"body": "$to $text ${to.__class__}"}, "a \\$ that begins no placeholder"),
        ({"body": "$to $text {to} $"}, "a \\$ that begins no placeholder"),
        ({"headers": {"x": "a\r\ny: b"}}, "is no header that may be set"),
        ({"headers": {"x y": "a"}}, "is no header that may be set"),
        ({"headers": {"Host": "a"}}, "is no header that may be set"),
        ({"headers": {"authorization": "Bearer $secret"}}, "is named in the description, but not which one"),
        ({"success": {"statuses": [302]}}, "from 200 to 299"),
        ({"success": {"pointer": "/code"}}, "names a place like /code"),
        ({"success": {"pointer": "code", "values": ["0"]}}, "names a place like /code"),
        ({"success": {"when": "ok"}}, "when: unknown key"),
        ({"limit": 5}, "from 10 to 5000"),
        ({"format": "xml"}, "must be one of json, form"),
    ],
)
def test_a_wrong_description_of_an_sms_provider_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContactsRefused, match=complaint):
        load_contacts({"gateways": {"sms": SMS | change}})
