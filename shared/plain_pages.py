"""Pages for citizens: plain, for a small screen, in Chinese or English; nothing in them runs, leaks or is kept."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from shared.errors import Malformed
from shared.markup import Html, document, element, together
from shared.terms import Satisfaction

FORM: Final = "application/x-www-form-urlencoded"
LANGUAGES: Final = ("zh", "en")
MOST_FIELDS: Final = 12
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""As in JSON, but that a form ends its lines with CR and LF."""

STYLE: Final = """
:root{color-scheme:light dark;--line:#8888}
*{box-sizing:border-box}
body{margin:0 auto;padding:16px;max-width:40rem;font:1rem/1.6 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.3rem}h2{font-size:1.1rem;margin-top:1.5rem}
.state{font-size:1.2rem;font-weight:600}.note{border-left:4px solid;padding-left:12px}
label,fieldset{display:block;margin:12px 0 4px}fieldset{border:1px solid var(--line)}
input[type=text],textarea{width:100%;font:inherit;padding:10px}
button{font:inherit;padding:10px 16px;min-height:44px;margin:8px 0}
li{margin:6px 0}time{opacity:.75}
"""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence in both languages."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        """The sentence in one of them."""
        return self.en if language == "en" else self.zh


COMMON: Final = MappingProxyType(
    {
        "contacted": Said("工作人员联系过您吗?", "Did anybody get in touch with you?"),
        "solved": Said("问题解决了吗?", "Is it solved?"),
        "satisfaction": Said("您对结果满意吗?", "Are you satisfied with the result?"),
        "yes": Said("是", "yes"),
        "no": Said("否", "no"),
        "SATISFIED": Said("满意", "satisfied"),
        "BASICALLY": Said("基本满意", "mostly satisfied"),
        "DISSATISFIED": Said("不满意", "not satisfied"),
        "send": Said("提交", "Send"),
        "reopen": Said("没有解决,要求重办", "Not solved: have it done again"),
        "incomplete": Said("请回答每个问题。", "Please answer every question."),
        "away": Said("系统暂时无法答复,请稍后再试。", "We cannot answer just now. Please try again later."),
        "unreadable": Said("提交的内容无法读取。", "What was sent cannot be read."),
        "other_language": Said("English", "中文"),
    }
)
"""What every page for citizens says alike, by name."""


class Judged(NamedTuple):
    """A citizen's judgement as a form has it."""

    contacted: bool
    solved: bool
    satisfaction: Satisfaction


def headers_of(script: str = "") -> dict[str, str]:
    """What a page is sent with: nothing runs but `script`, nothing is kept, nothing is told to others."""
    runs = f"script-src {_hash(script)}; " if script else ""
    return {
        "Content-Security-Policy": f"default-src 'none'; {runs}style-src {_hash(STYLE)}; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store",
    }


def page(language: str, title: str, *parts: Html, script: str = "") -> Html:
    """A whole page. `script` must be one that `headers_of` was asked for, and none that holds another's words."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Html(STYLE)),
    )
    runs = element("script", Html(script)) if script else Html("")
    return document("en" if language == "en" else "zh-CN", head, element("body", element("h1", title), *parts, runs))


def choice(name: str, question: str, options: Sequence[tuple[str, str]], chosen: str = "") -> Html:
    """A question with one answer of several (value, label); the browser asks for one."""

    def radio(value: str, label: str) -> Html:
        given = element("input", type="radio", name=name, value=value, required=True, checked=value == chosen)
        return element("label", given, " ", label)

    return element("fieldset", element("legend", question), *(radio(*option) for option in options))


def writing(name: str, text: str, most: int, **more: str | bool) -> Html:
    """A field for words of up to `most` characters."""
    return element(
        "textarea", text[:most], name=name, id=name, rows="4", maxlength=str(most), dir="auto", **more
    )  # fmt: skip


def entry(name: str, label: str, most: int, **more: str | bool) -> Html:
    """A line that must be filled in, of up to `most` characters, under its label."""
    line = element(
        "input", type="text", id=name, name=name, maxlength=str(most), required=True, spellcheck="false", **more
    )  # fmt: skip
    return together(element("label", label, for_=name), line)


def instant(local: datetime) -> Html:
    """A minute of local time, for eyes and for programs."""
    return element("time", f"{local:%Y-%m-%d %H:%M}", datetime=local.isoformat(timespec="minutes"))


def form(action: str, hidden: Mapping[str, str], *children: Html) -> Html:
    """A form whose secrets travel in its body: the address, which logs keep, never holds them."""
    fields = [element("input", type="hidden", name=name, value=value) for name, value in hidden.items()]
    return element("form", *fields, *children, method="post", action=action, autocomplete="off")


class Sayer:
    """Says a page's sentences in one language, by their names; what stands in none of its own is common to all."""

    def __init__(self, words: Mapping[str, Said], language: str) -> None:
        self._words = words
        self.language = language
        self.other = "zh" if language == "en" else "en"

    def __call__(self, name: str) -> str:
        return (self._words.get(name) or COMMON[name]).of(self.language)

    def note(self, name: str | None) -> Html:
        """What was just done or declined, by the name of its sentence; nothing for no name."""
        return element("p", self(name), class_="note", role="status") if name else together()

    def button(self, name: str) -> Html:
        """What sends a form, with a sentence on it."""
        return element("button", self(name), type="submit")

    def questions(self, chosen: Mapping[str, str]) -> Html:
        """What a citizen is asked about a result, as `read_judged` reads it; `chosen` is what they said so far."""
        flags = (("1", self("yes")), ("0", self("no")))
        grades = tuple((grade.value, self(grade.value)) for grade in Satisfaction)
        asked = (("contacted", flags), ("solved", flags), ("satisfaction", grades))
        return together(*(choice(name, self(name), options, chosen.get(name, "")) for name, options in asked))

    def elsewhere(self, address: str) -> Html:
        """The way to the same page in the other language."""
        link = element("a", self("other_language"), href=f"{address}?lang={self.other}", hreflang=self.other)
        return element("p", link)


SHOWN: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/html": {}}}, 400: {"description": "Asked again.", "content": {"text/html": {}}},
}  # fmt: skip
"""What the OpenAPI document says of a page's answers: what is wrong is said in words, too."""


def posted(required: Sequence[str], more: Sequence[str]) -> dict[str, Any]:
    """What the OpenAPI document says of a form's fields; which of `more` count depends on the step."""
    schema = {
        "type": "object", "required": list(required), "additionalProperties": False,
        "properties": {name: {"type": "string"} for name in (*required, *more)},
    }  # fmt: skip
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


def read_fields(body: bytes) -> dict[str, str]:
    """The fields of a posted form, each once, with plain line ends. Raises Malformed for what is no form in UTF-8."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise _unreadable() from error
    fields = dict(pairs)
    if len(fields) < len(pairs) or any(_FORBIDDEN.search(value) for value in fields.values()):
        raise _unreadable()
    return {name: value.replace("\r\n", "\n") for name, value in fields.items()}


def read_judged(fields: Mapping[str, str]) -> Judged | None:
    """What `questions` asked for; None unless every question has one of its answers."""
    flags = {"1": True, "0": False}
    contacted, solved = flags.get(fields.get("contacted", "")), flags.get(fields.get("solved", ""))
    said = fields.get("satisfaction", "")
    if contacted is None or solved is None or said not in tuple(Satisfaction):
        return None
    return Judged(contacted, solved, Satisfaction(said))


def language_of(asked: str, accepted: str) -> str:
    """The language that was asked for, else what the browser would rather read; Chinese for anything else."""
    if asked in LANGUAGES:
        return asked
    return "en" if accepted.lower().startswith("en") else "zh"


def _hash(inline: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(inline.encode()).digest()).decode()}'"


def _unreadable() -> Malformed:
    return Malformed("form", "The form cannot be read.")
