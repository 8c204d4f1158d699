"""Words for people: small texts in Chinese and English, and the thin JSON that a webhook gets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Template as Text
from zoneinfo import ZoneInfo

from services.notify.core.message import FACTS, Facts, Message, Template

LANGUAGES = ("zh", "en")

_INSTANTS = frozenset({"due_at", "sign_by"})
_LABELS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "U1": "特急", "U2": "紧急", "U3": "一般", "SMALL": "小事", "BIG": "大事", "UNSIZED": "其他事项",
        "LEAD": "主办", "SUPPORT": "协办", "COORDINATE": "属地协调", "FIRST_DISPOSAL": "先行处置",
    },
    "en": {
        "U1": "critical", "U2": "urgent", "U3": "normal", "SMALL": "small", "BIG": "big", "UNSIZED": "other",
        "LEAD": "lead", "SUPPORT": "support", "COORDINATE": "coordination", "FIRST_DISPOSAL": "first disposal",
    },
}  # fmt: skip


class TemplatesRefused(ValueError):
    """The texts are wrong; the message names every fault."""


@dataclass(frozen=True)
class Renderer:
    """Turns messages into words and JSON. Times are shown on the clock of `zone`."""

    texts: Mapping[tuple[Template, str], Text]
    zone: ZoneInfo

    def text(self, template: Template, facts: Facts, language: str) -> str:
        """The words of a message in one of LANGUAGES."""
        words = {name: self._word(name, value, language) for name, value in facts.items()}
        return self.texts[template, language].substitute(dict.fromkeys(FACTS[template], "") | words)

    def payload(self, message: Message) -> str:
        """The JSON of a message: the same text for every attempt; codes and times only, no word of a citizen's."""
        body = {
            "type": f"org.griddispatch.message.{message.template}.v1",
            "ticket_id": str(message.ticket_id),
            "template": message.template.value,
            "recipient": message.recipient,
            "planned_at": message.created_at.isoformat(),
            **message.facts,
            "text": {language: self.text(message.template, message.facts, language) for language in LANGUAGES},
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

    def _word(self, name: str, value: str | int, language: str) -> str:
        if name in _INSTANTS:
            return datetime.fromisoformat(str(value)).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")
        return _LABELS[language].get(str(value), str(value))


def make_renderer(sources: Mapping[tuple[str, str], str], zone: ZoneInfo) -> Renderer:
    """A renderer of `sources`, texts by (template, language) with $placeholders; raises TemplatesRefused.

    Every template needs every language, and may use only what its messages know.
    """
    problems = []
    texts: dict[tuple[Template, str], Text] = {}
    for template in Template:
        for language in LANGUAGES:
            text = Text(sources.get((template.value, language), "").strip())
            texts[template, language] = text
            if not text.template:
                problems.append(f"{template}.{language}: missing or empty")
            elif not text.is_valid():
                problems.append(f"{template}.{language}: a $ that begins no placeholder is written $$")
            else:
                strange = sorted(set(text.get_identifiers()) - FACTS[template])
                problems += [f"{template}.{language}: ${name} is not known to this message" for name in strange]
    if problems:
        raise TemplatesRefused("; ".join(problems))
    return Renderer(texts, zone)
