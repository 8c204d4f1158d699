"""What ids and codes are called, in Chinese and in English: units, categories, and every value of an explanation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.dispatch.core.org import Org
from services.dispatch.core.sentences import CLOCK_NAMES, Language, sentence, spoken_limit

REST: Final = ("其他", "Other")
UNCLASSIFIED: Final = ("999999", ("未分类", "Unclassified"))
ADDRESSEES: Final = {
    "role:command-centre": ("指挥中心", "the command centre"),
    "role:county-briefing": ("县级通报", "the county briefing"),
}
SAID: Final = {"True": ("是", "yes"), "False": ("否", "no")}
Names = Mapping[str, tuple[str, str]]
"""Chinese and English by code."""


def category_names(categories: Mapping[str, Any]) -> Names:
    """The names of every root, group and leaf of a parsed `categories.toml`."""
    return dict([*_named(categories), UNCLASSIFIED])


def _named(categories: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    for root in categories.get("root", ()):
        yield root["code"], (root["zh"], root["en"])
        yield f"{root['code']}9999", REST
        for group in root.get("group", ()):
            yield group["code"], (group["zh"], group["en"])
            yield from ((leaf["code"], (leaf["zh"], leaf["en"])) for leaf in group.get("leaves", ()))


@dataclass(frozen=True)
class Naming:
    """The names of one county and pack; whatever has none is shown as it is. `labels` are those of closed lists."""

    org: Org
    categories: Names
    labels: Names
    zone: ZoneInfo

    def say(self, line: str) -> dict[Language, str]:
        """A line of an explanation as a sentence in both languages."""
        return {"zh": self._sentence(line, "zh"), "en": self._sentence(line, "en")}

    def _sentence(self, line: str, language: Language) -> str:
        return sentence(line, language, lambda key, value: self._shown(key, value, language))

    def _shown(self, key: str, value: str, language: Language) -> str:
        pick = ("zh", "en").index(language)
        match key:
            case "code" | "rule":
                return sentence(value, language)
            case "unit" | "answered_by" | "owner" | "instead_of":
                return self._unit(value, pick)
            case "category" | "human" | "machine":
                return self.categories[value][pick] if value in self.categories else value
            case "limit":
                return spoken_limit(value, language)
            case "clock":
                return CLOCK_NAMES[value][pick] if value in CLOCK_NAMES else value
            case "to":
                return ADDRESSEES[value][pick] if value in ADDRESSEES else self._unit(value.removeprefix("unit:"), pick)
            case "due_at" | "sign_by" | "until" | "accepted_at":
                return self._deadline(value)
            case "solved":
                return SAID[value][pick] if value in SAID else value
        return self.labels[value][pick] if value in self.labels else value

    def _unit(self, unit_id: str, pick: int) -> str:
        unit = self.org.unit(unit_id)
        return unit_id if unit is None else (unit.zh, unit.en)[pick]

    def _deadline(self, text: str) -> str:
        """An instant on the county's clock; midnight is 24:00 of the day that ends."""
        try:
            local = datetime.fromisoformat(text).astimezone(self.zone)
        except ValueError:  # an explanation may be from another version: what cannot be read is shown as it is
            return text
        return f"{local - timedelta(days=1):%Y-%m-%d} 24:00" if local.time() == time() else f"{local:%Y-%m-%d %H:%M}"
