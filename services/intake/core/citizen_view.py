"""The citizen's page as HTML: plain, for a small screen, without a script, in Chinese or English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.intake.core.citizen_words import ENDED, STATES, WORDS
from services.intake.core.progress import PublicState
from services.intake.core.repeats import LOCAL
from shared.markup import Html, element, together
from shared.plain_pages import Said, Sayer, entry, form, headers_of, instant, page, writing

MOST_WORDS: Final = 4000

HEADERS: Final = headers_of()
"""What every page is sent with."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: when, and the name of its sentence or of a public state."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A ticket as its page shows it. `note` names a sentence on what was just done or declined; `draft` what it was."""

    ticket_no: str
    code: str
    view: Mapping[str, object]
    steps: Sequence[Step]
    rating: bool = False
    may_reopen: bool = False
    note: str | None = None
    draft: str = ""


def ask_page(language: str, ticket_no: str = "", said: str | None = None) -> Html:
    """The page that asks for number and code; the same whether there is such a ticket or not."""
    say = Sayer(WORDS, language)
    asking = form(
        "/c",
        {},
        entry("ticket_no", say("number"), 20, value=ticket_no, inputmode="numeric", autocapitalize="characters"),
        entry("query_code", say("code"), 6, value="", inputmode="text", autocapitalize="characters"),
        say.button("look"),
    )
    return page(language, say("title"), say.note(said), asking, say.elsewhere("/c"))


def ticket_page(language: str, shown: Shown) -> Html:
    """The page of a ticket, with what its citizen may do now."""
    say, view = Sayer(WORDS, language), shown.view
    closed = view["public_state"] == PublicState.CLOSED or view["public_state"] in ENDED
    acts = [] if closed else _open_acts(say, shown)
    if shown.may_reopen:
        acts.append(_act(say, shown, "reopen"))
    if view["public_state"] == PublicState.AWAITING_EVALUATION:
        acts.append(_rating(say, shown))
    steps = [element("li", instant(step.at.astimezone(LOCAL)), " ", _told(say, step.what)) for step in shown.steps]
    facts = [
        element("p", say(name), ": ", element("bdi", str(view[name])))
        for name in ("reason", "basis", "route") if view.get(name)
    ]  # fmt: skip
    return page(
        language,
        say("title"),
        say.note(shown.note),
        element("p", say("number"), " ", element("strong", shown.ticket_no)),
        element("h2", say("now")),
        element("p", _told(say, str(view["public_state"])), class_="state"),
        *facts,
        element("h2", say("timeline")),
        element("ol", *steps),
        *acts,
        _act(say, shown, "other_language", say.other),
    )


def _told(say: Sayer, what: str) -> str:
    """What happened: a public state, an ending, or a step by its name."""
    said: Said | None = ENDED.get(what) if what not in tuple(PublicState) else STATES[PublicState(what)]
    return said.of(say.language) if said else say(what)


def _open_acts(say: Sayer, shown: Shown) -> list[Html]:
    added = _form(
        say, shown, "supplement", element("label", say("supplement"), for_="text"),
        writing("text", shown.draft, MOST_WORDS, required=True), element("p", say("supplement_hint")),
        say.button("send"),
    )  # fmt: skip
    acts = [element("h2", say("supplement")), added, _act(say, shown, "hasten"), element("p", say("hasten_hint"))]
    return acts if shown.view.get("withdrawal_asked") else [*acts, _act(say, shown, "withdraw")]


def _rating(say: Sayer, shown: Shown) -> Html:
    if not shown.rating:
        return together(element("h2", say("rate")), element("p", say("rate_elsewhere")))
    asked = _form(say, shown, "rate", say.questions({}), say.button("send"))
    return together(element("h2", say("rate")), asked)


def _act(say: Sayer, shown: Shown, act: str, language: str | None = None) -> Html:
    """A button that does one thing; the language's does nothing but show the page in it."""
    return _form(say, shown, "" if language else act, say.button(act), language=language)


def _form(say: Sayer, shown: Shown, act: str, *children: Html, language: str | None = None) -> Html:
    """The code travels in the body of every step: the address, which logs keep, never holds it."""
    hidden = {"ticket_no": shown.ticket_no, "query_code": shown.code, "lang": language or say.language}
    return form(f"/c/{act}" if act else "/c", hidden, *children)
