"""Links in messages: really sent, good for one thing about one ticket, until their time is over."""

import json
from datetime import timedelta

import pytest

from services.notify.app import read_templates
from services.notify.channels.guard import Guard
from services.notify.channels.sms import SmsChannel
from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.followup import FollowUp
from services.notify.core.gateways import read_gateway
from services.notify.core.links import Links, Purpose, code_of
from services.notify.core.render import make_renderer
from services.notify.core.table import Table
from services.notify.courier import Courier
from services.notify.desk import Desk
from services.notify.followups import FollowUpLoop, FollowUps
from services.notify.handlers import routes
from shared.database import Database
from shared.errors import NotFound
from shared.events import FollowUpAsked
from shared.notify_events import ReopenAsked
from tests.services.notify.measured import measures
from tests.services.notify.stage import Receiver, Stage
from tests.services.notify.values import SATISFIED, audited, envelope, rules, ticket

LINKS = Links("https://county.example.org/reply", b"k" * 32)
PHONE = Endpoint("phone", ChannelKind.SMS, gateway="sms", to=("13800000000",))
BOOK = AddressBook({"phone": PHONE}, {}, (), PHONE)


class LinkedStage(Stage):
    """A stage whose messages hold links and leave as SMS."""

    def __init__(self, database: Database, url: str) -> None:
        super().__init__(database, BOOK)
        place = ("127.0.0.1", int(url.split(":")[2].split("/")[0]))
        described = {"kind": "sms", "url": url, "body": '{"to": "$to", "text": "$text"}', "success": {}}
        gateway = read_gateway("sms", Table("", described, []), {place})
        assert gateway is not None
        renderer = make_renderer(read_templates(), rules().zone, LINKS)
        self.follow_ups = FollowUps(self.ledger, rules(), BOOK, self.clock, self._ring, links=LINKS)
        self.loop = FollowUpLoop(database, self.follow_ups)
        self.desk = Desk(self.follow_ups, measures())
        channel = SmsChannel(PHONE, gateway, "", renderer, Guard({place}))  # type: ignore[arg-type]
        self.courier = Courier(database, self.ledger, {"phone": channel}, self.clock)
        (self._route,) = routes(self.follow_ups)

    async def sent(self, receiver: Receiver) -> list[str]:
        """The texts that have left; everything that is due goes out first."""
        await self.courier.deliver("phone")
        return [json.loads(body)["text"] for _, body in receiver.requests]


def token_in(text: str) -> str:
    return text.partition("https://county.example.org/reply#")[2]


async def test_a_citizen_answers_through_the_link_that_was_sent(notify_database: Database) -> None:
    receiver = Receiver(200)
    async with receiver.open() as url:
        stage = LinkedStage(notify_database, url)
        await stage.hear(envelope(audited()))
        (text,) = await stage.sent(receiver)
        async with notify_database.transaction() as tx:
            reply = await stage.desk.answer_by_link(tx, token_in(text), SATISFIED)
    assert isinstance(reply, FollowUp)
    assert reply.answer == SATISFIED
    assert token_in(text) not in str(await notify_database.fetch("SELECT * FROM message")), "kept nowhere"


async def test_whom_nobody_reached_gets_a_way_back_that_reopens_once(notify_database: Database) -> None:
    receiver = Receiver(200)
    async with receiver.open() as url:
        stage = LinkedStage(notify_database, url)
        await stage.hear(envelope(audited()))
        for _ in range(12):
            stage.now += timedelta(hours=6)
            await stage.loop.advance_due()
        stage.now += timedelta(hours=24)
        (text,) = [text for text in await stage.sent(receiver) if "免费重办" in text]
        for _ in range(2):
            async with notify_database.transaction() as tx:
                await stage.desk.reopen_by_link(tx, token_in(text))
        stage.now += timedelta(days=16)
        with pytest.raises(NotFound):
            async with notify_database.transaction() as tx:
                await stage.desk.reopen_by_link(tx, token_in(text))
    told = [type(e) for e in await stage.told()]
    assert told.count(ReopenAsked) == 1
    assert FollowUpAsked in told


async def test_a_link_of_another_ticket_purpose_key_or_time_opens_nothing(notify_database: Database) -> None:
    receiver = Receiver(200)
    async with receiver.open() as url:
        stage = LinkedStage(notify_database, url)
        await stage.hear(envelope(audited()))
        own = LINKS.token(code_of(Purpose.ANSWER, ticket(1), 1))
        forged = Links(LINKS.page, b"x" * 32).token(code_of(Purpose.ANSWER, ticket(1), 1))
        others = LINKS.token(code_of(Purpose.ANSWER, ticket(2), 1))
        wrong = LINKS.token(code_of(Purpose.REOPEN, ticket(1), 1))
        for token in (forged, others, wrong, own[:-1], own + "A", ""):
            with pytest.raises(NotFound):
                async with notify_database.transaction() as tx:
                    await stage.desk.answer_by_link(tx, token, SATISFIED)
        stage.now += timedelta(days=8)
        with pytest.raises(NotFound):
            async with notify_database.transaction() as tx:
                await stage.desk.answer_by_link(tx, own, SATISFIED)


def test_without_a_page_or_a_key_no_message_holds_a_link() -> None:
    for links in (Links(), Links("https://county.example.org/reply"), Links("", b"k" * 32)):
        assert links.url(code_of(Purpose.ANSWER, ticket(1), 1)) == ""
