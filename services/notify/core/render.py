"""Words for people: small texts in Chinese and English, escaped for where they are shown, and a webhook's thin JSON."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html import escape
from string import Template as Text
from zoneinfo import ZoneInfo

from services.notify.core.contacts import LANGUAGES
from services.notify.core.links import Links
from services.notify.core.message import FACTS, Facts, Message, Template

DIGEST = "digest"
DIGEST_FIELDS = frozenset({"count"})
CUT = "…(略)"
"""What stands at the end of a text that was too long for its channel."""


class Form(StrEnum):
    """How a text is going to be read, and so how what is put into it is escaped."""

    PLAIN = "plain"
    HTML = "html"
    MARKDOWN = "markdown"
    SMS = "sms"


Key = tuple[str, str, Form]
"""A text's template or DIGEST, its language, its form."""

_KINDS: Mapping[str, frozenset[str]] = {**{t.value: FACTS[t] for t in Template}, DIGEST: DIGEST_FIELDS}
NO_LINKS = Links()
_LINK = "link"
_INSTANTS = frozenset({"due_at", "sign_by", "since"})
_TO_THE_MINUTE = len("2026-03-10 09:15")
_LABELS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "U1": "特急", "U2": "紧急", "U3": "一般", "SMALL": "小事", "BIG": "大事", "UNSIZED": "其他事项",
        "LEAD": "主办", "SUPPORT": "协办", "COORDINATE": "属地协调", "FIRST_DISPOSAL": "先行处置",
        "link": " 链接:", "REPEAT": ",重复诉求",
        "SPIKE": "突增", "GROWTH": "持续增长", "SPREAD": "扩散", "CRITICAL": "特急个案",
        "POLICE_110": "110", "FIRE_119": "119", "AMBULANCE_120": "120", "OTHER_TERRITORY": "外地热线",
    },
    "en": {
        "U1": "critical", "U2": "urgent", "U3": "normal", "SMALL": "small", "BIG": "big", "UNSIZED": "other",
        "LEAD": "lead", "SUPPORT": "support", "COORDINATE": "coordination", "FIRST_DISPOSAL": "first disposal",
        "link": " Link: ", "REPEAT": ", repeat",
        "SPIKE": "spike", "GROWTH": "growth", "SPREAD": "spread", "CRITICAL": "critical matter",
        "POLICE_110": "110", "FIRE_119": "119", "AMBULANCE_120": "120", "OTHER_TERRITORY": "another hotline",
    },
}  # fmt: skip

_INERT = str.maketrans("*[]()#<>`~|\\!", "＊［］（）＃＜＞｀～｜＼！")
"""Robots know different dialects of markdown and few ways to escape; the wide twin of a mark means nothing in any."""
_OUTER_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


class TemplatesRefused(ValueError):
    """The texts are wrong; the message names every fault with its file and line."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A text and the fields it uses: only those are made ready for it."""

    text: Text
    fields: frozenset[str]


@dataclass(frozen=True)
class Renderer:
    """Turns messages into words and JSON. Times are shown on the clock of `zone`."""

    texts: Mapping[Key, Wording]
    zone: ZoneInfo
    links: Links = NO_LINKS

    def text(self, template: Template, facts: Facts, language: str, form: Form = Form.PLAIN) -> str:
        """The words of one message in one of LANGUAGES."""
        return self._fill(template.value, facts, language, form)

    def words(self, message: Message, language: str, form: Form = Form.PLAIN) -> str:
        """The words of a message and of all that it carries: one text, or a digest of numbered ones."""
        if not message.carried:
            return self.text(message.template, message.facts, language, form)
        together = (message, *message.carried)
        head = self._fill(DIGEST, {"count": len(together)}, language, form)
        items = [f"{n}. {self.text(m.template, m.facts, language, form)}" for n, m in enumerate(together, 1)]
        return {Form.SMS: " ", Form.HTML: "<br>\n"}.get(form, "\n").join([head, *items])

    def payload(self, message: Message) -> str:
        """The JSON of a message: the same text for every attempt; codes and times only, no word of a citizen's."""
        body = self._body(message)
        if message.carried:
            body["also"] = [self._body(carried) for carried in message.carried]
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

    def _body(self, message: Message) -> dict[str, object]:
        return {
            "type": f"org.griddispatch.message.{message.template}.v1",
            "ticket_id": str(message.ticket_id),
            "template": message.template.value,
            "recipient": message.recipient,
            "planned_at": message.created_at.isoformat(),
            **message.facts,
            **({"link": self.links.url(str(message.facts["link"]))} if "link" in message.facts else {}),
            "text": {language: self.text(message.template, message.facts, language) for language in LANGUAGES},
        }

    def _fill(self, kind: str, facts: Facts, language: str, form: Form) -> str:
        own = self.texts.get((kind, language, form))
        wording = own or self.texts[kind, language, Form.PLAIN]
        if own is None and form is Form.HTML:
            return escape(self._substitute(wording, facts, language, Form.PLAIN)).replace("\n", "<br>\n")
        return _finish(self._substitute(wording, facts, language, form), form)

    def _substitute(self, wording: Wording, facts: Facts, language: str, form: Form) -> str:
        return wording.text.substitute(
            {name: put(self._word(name, facts.get(name, ""), language), form) for name in wording.fields}
        )

    def _word(self, name: str, value: str | int, language: str) -> str:
        if name in _INSTANTS and value:
            local = datetime.fromisoformat(str(value)).astimezone(self.zone)
            return local.isoformat(" ", "minutes")[:_TO_THE_MINUTE]
        if name == "link":
            url = self.links.url(str(value))
            return f"{_LABELS[language][_LINK]}{url}" if url else ""
        return _LABELS[language].get(str(value), str(value))


def put(word: str, form: Form) -> str:
    """A value as it may stand in a text of `form`: on one line, without control marks, and inert."""
    line = word if word.isprintable() else "".join(mark if mark.isprintable() else " " for mark in word)
    match form:
        case Form.HTML:
            return escape(line)
        case Form.MARKDOWN:
            return _OUTER_UNDERSCORE.sub("＿", line.translate(_INERT))
        case _:
            return line


def cut(text: str, most: int, size: Callable[[str], int] = len) -> str:
    """`text`, or its beginning with CUT at the end, so that its `size` is at most `most`."""
    if size(text) <= most:
        return text
    room = most - size(CUT)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= room else (low, middle - 1)
    return text[:low] + CUT


def utf8_size(text: str) -> int:
    """How many bytes `text` takes on the way."""
    return len(text.encode())


def preview(template: str, sample: Mapping[str, str], form: Form = Form.PLAIN) -> str:
    """What a template's text reads like with `sample` for its fields. Raises TemplatesRefused with the lines at fault.

    The fields are exactly those of `sample`: another one in the text is refused.
    """
    problems = _faults("template", template, frozenset(sample))
    if problems:
        raise TemplatesRefused("; ".join(problems))
    return _finish(Text(template.strip()).substitute({name: put(w, form) for name, w in sample.items()}), form)


def make_renderer(sources: Mapping[str, str], zone: ZoneInfo, links: Links = NO_LINKS) -> Renderer:
    """A renderer of `sources`: texts with $placeholders by file name; raises TemplatesRefused.

    A name is `<template>.<language>.txt`, or `<template>.<language>.<form>.txt` for a text of one form alone. Every
    template and the digest need every language, and may use only what their messages know.
    """
    problems: list[str] = []
    texts: dict[Key, Wording] = {}
    for name, source in sorted(sources.items()):
        key = _read_name(name)
        if key is None:
            problems.append(f"{name}: names no template, language and form")
            continue
        problems += _faults(name, source, _KINDS[key[0]])
        text = Text(source.strip())
        texts[key] = Wording(text, frozenset(text.get_identifiers() if text.is_valid() else ()))
    for kind in _KINDS:
        missing = [language for language in LANGUAGES if (kind, language, Form.PLAIN) not in texts]
        problems += [f"{kind}.{language}.txt: missing" for language in missing]
    if problems:
        raise TemplatesRefused("; ".join(problems))
    return Renderer(texts, zone, links)


def _read_name(name: str) -> Key | None:
    kind, language, *rest = [*name.removesuffix(".txt").split("."), ""]
    form = rest[0] if len(rest) > 1 else Form.PLAIN.value
    known = name.endswith(".txt") and kind in _KINDS and language in LANGUAGES and len(rest) <= 2
    return (kind, language, Form(form)) if known and form in list(Form) else None


def _faults(name: str, source: str, known: frozenset[str]) -> Sequence[str]:
    """What is wrong with a text, each with file and line."""
    if not source.strip():
        return [f"{name}:1: is empty"]
    faults = []
    for number, line in enumerate(source.split("\n"), 1):
        text = Text(line)
        if not text.is_valid():
            faults.append(f"{name}:{number}: a $ that begins no placeholder is written $$")
            continue
        strange = sorted(set(text.get_identifiers()) - known)
        faults += [f"{name}:{number}: ${field} is not known to this message" for field in strange]
    return faults


def _finish(text: str, form: Form) -> str:
    """An SMS is one line, whatever its template."""
    return " ".join(text.split()) if form is Form.SMS else text
