"""Pages for citizens: plain, for a small screen, in Chinese or English; nothing in them runs, leaks or is kept."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

from shared.errors import Malformed
from shared.markup import Html, document, element, together

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


def form(action: str, hidden: Mapping[str, str], *children: Html) -> Html:
    """A form whose secrets travel in its body: the address, which logs keep, never holds them."""
    fields = [element("input", type="hidden", name=name, value=value) for name, value in hidden.items()]
    return element("form", *fields, *children, method="post", action=action, autocomplete="off")


def note(sentence: str) -> Html:
    """What was just done or declined; nothing for no sentence."""
    return element("p", sentence, class_="note", role="status") if sentence else together()


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


def language_of(asked: str, accepted: str) -> str:
    """The language that was asked for, else what the browser would rather read; Chinese for anything else."""
    if asked in LANGUAGES:
        return asked
    return "en" if accepted.lower().startswith("en") else "zh"


def _hash(inline: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(inline.encode()).digest()).decode()}'"


def _unreadable() -> Malformed:
    return Malformed("form", "The form cannot be read.")
