"""The citizen's page as HTML: plain, for a small screen, without a script, in Chinese or English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.intake.core.citizen_words import ENDED, STATES, WORDS
from services.intake.core.progress import PublicState
from services.intake.core.repeats import LOCAL
from shared.markup import Html, element, together
from shared.plain_pages import Said, choice, form, headers_of, note, page

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
    say = _Sayer(language)
    asking = form(
        "/c",
        {},
        _field(say, "number", "ticket_no", ticket_no, "numeric", 20),
        _field(say, "code", "query_code", "", "text", 6),
        element("button", say("look"), type="submit"),
    )
    other = element("p", element("a", say("other_language"), href=f"/c?lang={say.other}", hreflang=say.other))
    return page(language, say("title"), _note(say, said), asking, other)


def ticket_page(language: str, shown: Shown) -> Html:
    """The page of a ticket, with what its citizen may do now."""
    say, view = _Sayer(language), shown.view
    closed = view["public_state"] == PublicState.CLOSED or view["public_state"] in ENDED
    acts = [] if closed else _open_acts(say, shown)
    if shown.may_reopen:
        acts.append(_act(say, shown, "reopen"))
    if view["public_state"] == PublicState.AWAITING_EVALUATION:
        acts.append(_rating(say, shown))
    steps = [element("li", _time(step.at), " ", say.step(step.what)) for step in shown.steps]
    facts = [
        element("p", say(name), ": ", element("bdi", str(view[name])))
        for name in ("reason", "basis", "route") if view.get(name)
    ]  # fmt: skip
    return page(
        language,
        say("title"),
        _note(say, shown.note),
        element("p", say("number"), " ", element("strong", shown.ticket_no)),
        element("h2", say("now")),
        element("p", say.step(str(view["public_state"])), class_="state"),
        *facts,
        element("h2", say("timeline")),
        element("ol", *steps),
        *acts,
        _act(say, shown, "other_language", say.other),
    )


class _Sayer:
    """Says things in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.other = "zh" if language == "en" else "en"

    def __call__(self, name: str) -> str:
        return WORDS[name].of(self.language)

    def step(self, what: str) -> str:
        """What happened: a public state, an ending, or a step by its name."""
        said: Said | None = ENDED.get(what) if what not in tuple(PublicState) else STATES[PublicState(what)]
        return (said or WORDS[what]).of(self.language)


def _open_acts(say: _Sayer, shown: Shown) -> list[Html]:
    area = element(
        "textarea", shown.draft[:MOST_WORDS], name="text", rows="4", maxlength=str(MOST_WORDS), required=True,
        id="text", dir="auto",
    )  # fmt: skip
    added = _form(
        say, shown, "supplement", element("label", say("supplement"), for_="text"), area,
        element("p", say("supplement_hint")), element("button", say("send"), type="submit"),
    )  # fmt: skip
    acts = [element("h2", say("supplement")), added, _act(say, shown, "hasten"), element("p", say("hasten_hint"))]
    return acts if shown.view.get("withdrawal_asked") else [*acts, _act(say, shown, "withdraw")]


def _rating(say: _Sayer, shown: Shown) -> Html:
    if not shown.rating:
        return together(element("h2", say("rate")), element("p", say("rate_elsewhere")))
    yes_no = (("1", "yes"), ("0", "no"))
    grades = tuple((grade, grade) for grade in ("SATISFIED", "BASICALLY", "DISSATISFIED"))
    return together(
        element("h2", say("rate")),
        _form(
            say, shown, "rate", _choice(say, "contacted", yes_no), _choice(say, "solved", yes_no),
            _choice(say, "satisfaction", grades), element("button", say("send"), type="submit"),
        ),
    )  # fmt: skip


def _choice(say: _Sayer, name: str, options: Sequence[tuple[str, str]]) -> Html:
    return choice(name, say(name), [(value, say(word)) for value, word in options])


def _act(say: _Sayer, shown: Shown, act: str, language: str | None = None) -> Html:
    """A button that does one thing; the language's does nothing but show the page in it."""
    return _form(say, shown, "" if language else act, element("button", say(act), type="submit"), language=language)


def _form(say: _Sayer, shown: Shown, act: str, *children: Html, language: str | None = None) -> Html:
    """The code travels in the body of every step: the address, which logs keep, never holds it."""
    hidden = {"ticket_no": shown.ticket_no, "query_code": shown.code, "lang": language or say.language}
    return form(f"/c/{act}" if act else "/c", hidden, *children)


def _field(say: _Sayer, word: str, name: str, value: str, mode: str, length: int) -> Html:
    return together(
        element("label", say(word), for_=name),
        element(
            "input", type="text", id=name, name=name, value=value, inputmode=mode, maxlength=str(length),
            required=True, autocapitalize="characters", spellcheck="false",
        ),
    )  # fmt: skip


def _note(say: _Sayer, name: str | None) -> Html:
    return note(say(name) if name else "")


def _time(at: datetime) -> Html:
    local = at.astimezone(LOCAL)
    return element("time", f"{local:%Y-%m-%d %H:%M}", datetime=local.isoformat(timespec="minutes"))
