"""The page behind the links in messages: plain, for a small screen, and inert whatever is put in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.core.followup import FollowUp, FollowUpState
from services.notify.core.links import Purpose
from services.notify.core.reply_texts import TEXTS
from shared.markup import Html, element, together
from shared.plain_pages import Sayer, entry, form, headers_of, instant, page, writing

MOST_WORDS: Final = 1_000
SCRIPT: Final = (
    "(()=>{const go=()=>{const t=location.hash.slice(1);if(!t)return;"
    'history.replaceState(null,"",location.pathname);'
    "const f=document.forms[0];f.elements.token.value=t;f.submit()};"
    'addEventListener("hashchange",go);go()})()'
)
"""What stands behind the # never leaves the browser in an address: this takes it out and posts it."""
ENTRANCE_HEADERS: Final = headers_of(SCRIPT)
HEADERS: Final = headers_of()
"""What every other page is sent with."""


class Standing(StrEnum):
    """What a link is good for now; the values name their sentences."""

    ASKED = "asked"
    ANSWERED = "answered"
    ENDED = "ended"
    RETURNABLE = "returnable"
    RETURNED = "returned"
    OVER = "over"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Seen:
    """A link as its page shows it; a link that is no good says nothing of its ticket."""

    standing: Standing
    ticket_no: str = ""
    until: datetime | None = None


UNKNOWN: Final = Seen(Standing.UNKNOWN)


def stand(purpose: str, expires_at: datetime, used_at: datetime | None, follow_up: FollowUp, now: datetime) -> Seen:
    """How the thing stands that a link leads to."""
    if expires_at <= now:
        return Seen(Standing.OVER)
    if purpose == Purpose.REOPEN:
        standing = Standing.RETURNED if used_at else Standing.RETURNABLE
    elif follow_up.state is FollowUpState.OPEN:
        standing = Standing.ASKED
    else:
        standing = Standing.ANSWERED if follow_up.state is FollowUpState.ANSWERED else Standing.ENDED
    return Seen(standing, follow_up.ticket_no, expires_at)


def entrance(language: str, said: str = "") -> Html:
    """The page that takes a link's token: by itself from the address, or pasted where no script runs."""
    say = Sayer(TEXTS, language)
    asking = form(
        "/r/look",
        {"lang": language},
        element("noscript", element("p", say("no_script"))),
        entry("token", say("token"), 300, autocapitalize="none"),
        say.button("go_on"),
    )
    hint = element("p", say("opening"))
    return page(language, say("title"), say.note(said), hint, asking, say.elsewhere("/r"), script=SCRIPT)


def reply_page(
    language: str, token: str, seen: Seen, zone: ZoneInfo, *, said: str = "", words: bool = False,
    draft: Mapping[str, str] | None = None,
) -> Html:  # fmt: skip
    """What the citizen may do with a link now. `words` lets them write; `draft` is what they sent and may mend."""
    say, hidden = Sayer(TEXTS, language), {"token": token, "lang": language}
    parts = [say.note(said)]
    if seen.ticket_no:
        parts.append(element("p", say("number"), " ", element("strong", seen.ticket_no)))
    if not said or seen.standing in (Standing.ASKED, Standing.RETURNABLE):
        parts.append(element("p", say(seen.standing.value), class_="state"))
    if seen.standing is Standing.ASKED:
        asked = say.questions(draft or {}), _words(say, draft or {}) if words else together()
        parts.append(form("/r/answer", hidden, *asked, say.button("send")))
    if seen.standing is Standing.RETURNABLE and seen.until:
        until = element("p", say("until"), " ", instant(seen.until.astimezone(zone)))
        parts += [until, form("/r/reopen", hidden, say.button("reopen"))]
    parts.append(form("/r/look", {**hidden, "lang": say.other}, say.button("other_language")))
    return page(language, say("title"), *parts)


def _words(say: Sayer, draft: Mapping[str, str]) -> Html:
    area = writing("words", draft.get("words", ""), MOST_WORDS, aria_describedby="hint")
    hint = element("p", say("words_hint"), id="hint")
    return together(element("label", say("words"), for_="words"), area, hint)
