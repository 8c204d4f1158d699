"""How ids, codes, instants and limits read to people of one county, in one language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Protocol

from griddispatch.desk import Desk
from services.dispatch.core.sentences import CLOCK_NAMES, STEP_NAMES, Language, sentence, spoken_limit
from shared.contract_labels import LABELS, Label
from shared.terms import (
    AssignmentKind,
    Channel,
    CloseReason,
    ConversionReason,
    PlaceLevel,
    ReturnFinding,
    ReturnReason,
    Satisfaction,
    TicketType,
    Urgency,
    WhistleKind,
)

WEEKDAYS: Final = ("一二三四五六日", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
ROLES: Final = {
    "role:command-centre": Label("指挥中心", "the command centre"),
    "role:county-briefing": Label("县级通报", "the county briefing"),
}
_PLACES: Final = {15: "grid", 12: "village", 9: "township"}
_BY_KEY: Final[Mapping[str, tuple[type[StrEnum], ...]]] = {
    "type": (TicketType,), "level": (PlaceLevel,), "channel": (Channel,), "satisfaction": (Satisfaction,),
    "reason": (ReturnReason, CloseReason, ConversionReason), "urgency": (Urgency,), "finding": (ReturnFinding,),
    "kind": (AssignmentKind, WhistleKind),
}  # fmt: skip


class Named(Protocol):
    """Whatever has a Chinese and an English name."""

    @property
    def zh(self) -> str:
        """The Chinese one."""

    @property
    def en(self) -> str:
        """The English one."""


@dataclass(frozen=True)
class Words:
    """The names of a county and a pack. Whatever has no name here is shown as it is."""

    desk: Desk
    language: Language

    @property
    def is_chinese(self) -> bool:
        """Which of the two."""
        return self.language == "zh"

    def label(self, value: StrEnum) -> str:
        """What people call a value of a closed list."""
        return self._pick(LABELS[type(value)][value.value])

    def unit(self, unit_id: str) -> str:
        """The name of a unit."""
        unit = self.desk.org.unit(unit_id)
        return unit_id if unit is None else self._pick(unit)

    def category(self, code: str) -> str:
        """The name of a category."""
        leaf = self.desk.rules.tree.leaves.get(code)
        return code if leaf is None else self._pick(leaf)

    def place(self, code: str) -> str:
        """The name of a grid, village or township."""
        return self.unit(f"{_PLACES.get(len(code), '')}:{code}").removeprefix(":")

    def limit(self, limit: str) -> str:
        """A limit such as `5 WD`."""
        return spoken_limit(limit, self.language)

    def clock(self, name: str) -> str:
        """What a clock measures."""
        return self._pick(CLOCK_NAMES[name]) if name in CLOCK_NAMES else name

    def step(self, name: str) -> str:
        """What a clock does next."""
        return self._pick(STEP_NAMES[name]) if name in STEP_NAMES else name

    def instant(self, instant: datetime) -> str:
        """Local date, weekday and time; seconds only when there are any."""
        local = self._local(instant)
        return self._on(local.date()) + _clock_time(local)

    def deadline(self, instant: datetime) -> str:
        """The same for the end of a stretch: midnight is 24:00 of the day that ends."""
        day, moment = self._end(instant)
        return self._on(day) + moment

    def run(self, instants: Sequence[datetime]) -> list[str]:
        """Ends one after the other; the date is said again only when it is another one."""
        ends = [self._end(instant) for instant in instants]
        before: list[date | None] = [None, *(day for day, _ in ends)]
        return [
            moment if day == last else self._on(day) + moment for (day, moment), last in zip(ends, before, strict=False)
        ]

    def shown(self, key: str, value: str) -> str:
        """A value of a decision's explanation, by its key."""
        match key:
            case "code" | "rule":
                return sentence(value, self.language)
            case "unit" | "answered_by" | "owner":
                return self.unit(value)
            case "category" | "human" | "machine":
                return self.category(value)
            case "limit":
                return self.limit(value)
            case "clock":
                return self.clock(value)
            case "to":
                return self._pick(ROLES[value]) if value in ROLES else self.unit(value.removeprefix("unit:"))
            case "due_at" | "sign_by" | "until":
                return self._deadline_text(value)
        labels = (LABELS[kind][value] for kind in _BY_KEY.get(key, ()) if value in LABELS[kind])
        return next((self._pick(label) for label in labels), value)

    def seen(self, value: str) -> str:
        """A value of triage's explanation: a category, a place, a type, an urgency, or anything else."""
        if value in self.desk.rules.tree.leaves:
            return self.category(value)
        if value.isdigit() and len(value) in _PLACES:
            return self.place(value)
        labels = (LABELS[kind][value] for kind in (TicketType, Urgency) if value in LABELS[kind])
        return next((self._pick(label) for label in labels), value)

    def _deadline_text(self, text: str) -> str:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:  # an explanation may be from another version: what cannot be read is shown as it is
            return text
        return text if instant.tzinfo is None else self.deadline(instant)

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.desk.book.calendar.zone)

    def _end(self, instant: datetime) -> tuple[date, str]:
        local = self._local(instant)
        if local.time() == time():
            return local.date() - timedelta(days=1), "24:00"
        return local.date(), _clock_time(local)

    def _on(self, day: date) -> str:
        if self.is_chinese:
            return f"{day.year}年{day.month}月{day.day}日（周{WEEKDAYS[0][day.weekday()]}）"
        return f"{WEEKDAYS[1][day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}, "

    def _pick(self, named: Named) -> str:
        return named.zh if self.is_chinese else named.en


def _clock_time(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
