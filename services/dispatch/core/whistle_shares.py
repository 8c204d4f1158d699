"""How often townships blow the whistle: their share of a month's tickets, and when that is too low or too high."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from services.dispatch.core.rule_sections import JointRules


class WhistleAlarm(StrEnum):
    """Why a township's share is looked at: it hardly calls anybody, or calls too often."""

    TOO_FEW = "TOO_FEW"
    TOO_MANY = "TOO_MANY"


class WhistleCount(NamedTuple):
    """One township's tickets of a month, and those of them on which somebody blew the whistle."""

    township: str
    tickets: int
    whistled: int

    def alarm(self, rules: JointRules) -> WhistleAlarm | None:
        """Whether the share lies outside the pack's bounds, which are within; of few tickets it says nothing."""
        if self.tickets < rules.whistle_least_tickets:
            return None
        share = self.whistled / self.tickets
        if share < rules.whistle_share_low:
            return WhistleAlarm.TOO_FEW
        return WhistleAlarm.TOO_MANY if share > rules.whistle_share_high else None


def shares_view(counts: Iterable[WhistleCount], rules: JointRules) -> list[dict[str, Any]]:
    """The counts as the API shows them, with the share to four places."""
    return [
        {**count._asdict(), "share": round(count.whistled / count.tickets, 4) if count.tickets else 0.0,
         "alarm": count.alarm(rules)}
        for count in counts
    ]  # fmt: skip
