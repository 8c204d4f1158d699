"""What stands behind a link, page by page; and whose signature a callback carries, or why it is nobody's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest

from services.notify.core.callback import CallbackRefused, Claim, Sign, sender_of
from services.notify.core.followup import FollowUpState
from services.notify.core.links import Purpose
from services.notify.core.reply_view import UNKNOWN, Seen, Standing, entrance, reply_page, stand
from tests.services.notify.values import MORNING, follow_up

LATER = MORNING + timedelta(days=3)
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("purpose", "used", "state", "standing"),
    [
        (Purpose.REOPEN, False, FollowUpState.ANSWERED, Standing.RETURNABLE),
        (Purpose.REOPEN, True, FollowUpState.ANSWERED, Standing.RETURNED),
        (Purpose.ANSWER, False, FollowUpState.OPEN, Standing.ASKED),
        (Purpose.ANSWER, True, FollowUpState.ANSWERED, Standing.ANSWERED),
        (Purpose.ANSWER, False, FollowUpState.UNREACHABLE, Standing.ENDED),
    ],
)
def test_a_link_is_good_for_what_it_was_sent_for(
    purpose: Purpose, used: bool, state: FollowUpState, standing: Standing
) -> None:
    asked = replace(follow_up(), state=state)
    used_at = MORNING if used else None
    assert stand(purpose, LATER, used_at, asked, MORNING) == Seen(standing, asked.ticket_no, LATER)
    assert stand(purpose, MORNING, used_at, asked, MORNING) == Seen(Standing.OVER), "it says nothing once it is over"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_asks_only_what_can_be_answered_now(language: str) -> None:
    asked = reply_page(
        language, "t", Seen(Standing.ASKED, "20260310001", LATER), ZONE, words=True, draft={"words": "<b>"}
    )
    silent = reply_page(language, "t", Seen(Standing.ASKED, "20260310001", LATER), ZONE)
    back = reply_page(language, "t", Seen(Standing.RETURNABLE, "20260310001", LATER), ZONE)
    thanked = reply_page(language, "t", Seen(Standing.ANSWERED, "20260310001", LATER), ZONE, said="answered")
    nothing = reply_page(language, "t", UNKNOWN, ZONE)
    assert ("&lt;b&gt;" in str(asked), "<b>" in str(asked), "<textarea" in str(silent)) == (True, False, False)
    assert ["/r/answer" in str(one) for one in (asked, silent, back, thanked, nothing)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert ["/r/reopen" in str(one) for one in (asked, silent, back, thanked, nothing)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert ("20260310001" in str(back), "20260310001" in str(nothing)) == (True, False)
    assert 'name="token"' in str(entrance(language))


def key(secret: str) -> Sign:
    """A key that signs plainly."""

    def sign(identity: str, at: datetime, body: str) -> str:
        return sha256(f"{secret}.{identity}.{at.timestamp()}.{body}".encode()).hexdigest()

    return sign


KEYS: dict[str, Sequence[Sign]] = {"sms": (key("old"), key("new")), "mail": (key("m"),)}
AT = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
STAMP = str(int(AT.timestamp()))
BODY = b'{"solved":true}'
GOOD = Claim("msg-1", STAMP, key("new")("msg-1", AT, BODY.decode()))


def test_a_callback_is_of_whoever_signed_it_with_either_key() -> None:
    others = replace(GOOD, signatures=f"x {key('m')('msg-1', AT, BODY.decode())}")
    assert [sender_of(KEYS, claim, BODY, AT) for claim in (GOOD, others)] == ["sms", "mail"]


@pytest.mark.parametrize(
    ("claim", "body", "now", "why"),
    [
        (replace(GOOD, identity=None), BODY, AT, "missing"),
        (replace(GOOD, stamp=None), BODY, AT, "missing"),
        (replace(GOOD, signatures=None), BODY, AT, "missing"),
        (replace(GOOD, identity="a.b"), BODY, AT, "badly formed"),
        (replace(GOOD, stamp="１２３"), BODY, AT, "badly formed"),
        (GOOD, BODY, AT + timedelta(seconds=301), "time is over"),
        (GOOD, BODY, AT - timedelta(seconds=301), "has not come"),
        (replace(GOOD, signatures=" ".join("x" * 11)), BODY, AT, "too many"),
        (GOOD, b"\xff", AT, "no text"),
        (GOOD, b'{"solved":false}', AT, "no signature fits"),
    ],
)
def test_a_callback_that_nobody_signed_just_now_is_refused(claim: Claim, body: bytes, now: datetime, why: str) -> None:
    with pytest.raises(CallbackRefused, match=why):
        sender_of(KEYS, claim, body, now)
