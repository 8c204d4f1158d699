"""How ids, codes, instants and limits read to people of one county, in one language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from griddispatch.desk import Desk
from services.dispatch.core.sentences import CLOCK_NAMES, STEP_NAMES, Language, spoken_limit
from shared.contract_labels import LABELS, Label
from shared.terms import Channel, CloseReason, PlaceLevel, ReturnReason, Satisfaction, TicketType, Urgency

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
    "type": (TicketType,), "level": (PlaceLevel,), "channel": (Channel,), "reason": (ReturnReason, CloseReason),
    "satisfaction": (Satisfaction,), "urgency": (Urgency,),
}  # fmt: skip


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
        local = instant.astimezone(self.desk.book.calendar.zone)
        return self._dated(local, f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}")

    def deadline(self, instant: datetime) -> str:
        """The same for the end of a stretch: midnight is 24:00 of the day that ends."""
        local = instant.astimezone(self.desk.book.calendar.zone)
        if local.time() == time():
            return self._dated(local - timedelta(days=1), "24:00")
        return self.instant(instant)

    def shown(self, key: str, value: str) -> str:
        """A value of a decision's explanation, by its key."""
        if key in ("unit", "department", "lead"):
            return self.unit(value)
        if key == "category":
            return self.category(value)
        if key == "limit":
            return self.limit(value)
        if key == "clock":
            return self.clock(value)
        if key == "to":
            return self._pick(ROLES[value]) if value in ROLES else self.unit(value.removeprefix("unit:"))
        if key.endswith(("_at", "_by")) or key == "until":
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

    def _dated(self, day: datetime, moment: str) -> str:
        if self.is_chinese:
            return f"{day.year}年{day.month}月{day.day}日（周{WEEKDAYS[0][day.weekday()]}）{moment}"
        return f"{WEEKDAYS[1][day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}, {moment}"

    def _pick(self, named: object) -> str:
        """The name of whatever has a Chinese and an English one."""
        return str(getattr(named, self.language))
