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
from shared.plain_pages import choice, form, headers_of, note, page
from shared.terms import Satisfaction

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
    say = _Sayer(language)
    asking = form(
        "/r/look",
        {"lang": language},
        element("noscript", element("p", say("no_script"))),
        element("label", say("token"), for_="token"),
        element(
            "input", type="text", id="token", name="token", maxlength="300", required=True, autocapitalize="none",
            spellcheck="false",
        ),
        element("button", say("go_on"), type="submit"),
    )  # fmt: skip
    other = element("p", element("a", say("other_language"), href=f"/r?lang={say.other}", hreflang=say.other))
    hint = element("p", say("opening"))
    return page(language, say("title"), _note(say, said), hint, asking, other, script=SCRIPT)


def reply_page(
    language: str, token: str, seen: Seen, zone: ZoneInfo, *, said: str = "", words: bool = False,
    draft: Mapping[str, str] | None = None,
) -> Html:  # fmt: skip
    """What the citizen may do with a link now. `words` lets them write; `draft` is what they sent and may mend."""
    say, hidden = _Sayer(language), {"token": token, "lang": language}
    parts = [_note(say, said)]
    if seen.ticket_no:
        parts.append(element("p", say("number"), " ", element("strong", seen.ticket_no)))
    if not said or seen.standing in (Standing.ASKED, Standing.RETURNABLE):
        parts.append(element("p", say(seen.standing.value), class_="state"))
    if seen.standing is Standing.ASKED:
        parts.append(_questions(say, hidden, draft or {}, words=words))
    if seen.standing is Standing.RETURNABLE and seen.until:
        parts += [_until(say, seen.until, zone), form("/r/reopen", hidden, _button(say, "reopen"))]
    parts.append(form("/r/look", {**hidden, "lang": say.other}, _button(say, "other_language")))
    return page(language, say("title"), *parts)


class _Sayer:
    """Says things in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.other = "zh" if language == "en" else "en"

    def __call__(self, name: str) -> str:
        return TEXTS[name].of(self.language)


def _questions(say: _Sayer, hidden: Mapping[str, str], draft: Mapping[str, str], *, words: bool) -> Html:
    yes_no = (("1", say("yes")), ("0", say("no")))
    grades = tuple((grade.value, say(grade.value)) for grade in Satisfaction)
    asked = [
        choice(name, say(name), options, draft.get(name, ""))
        for name, options in (("contacted", yes_no), ("solved", yes_no), ("satisfaction", grades))
    ]
    return form("/r/answer", hidden, *asked, _words(say, draft) if words else together(), _button(say, "send"))


def _words(say: _Sayer, draft: Mapping[str, str]) -> Html:
    area = element(
        "textarea", draft.get("words", "")[:MOST_WORDS], name="words", id="words", rows="4",
        maxlength=str(MOST_WORDS), dir="auto", aria_describedby="hint",
    )  # fmt: skip
    hint = element("p", say("words_hint"), id="hint")
    return together(element("label", say("words"), for_="words"), area, hint)


def _until(say: _Sayer, until: datetime, zone: ZoneInfo) -> Html:
    local = until.astimezone(zone)
    shown = element("time", f"{local:%Y-%m-%d %H:%M}", datetime=local.isoformat(timespec="minutes"))
    return element("p", say("until"), " ", shown)


def _button(say: _Sayer, name: str) -> Html:
    return element("button", say(name), type="submit")


def _note(say: _Sayer, name: str) -> Html:
    return note(say(name) if name else "")
