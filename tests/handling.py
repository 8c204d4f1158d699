"""What people do next with a ticket, as its API shows it: for every test that plays a whole life."""

from collections.abc import Sequence
from typing import Any


def next_share(shares: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Who has something to do: a supporting unit before the lead, whose result waits for it."""
    supports = (a for a in shares if a["kind"] == "SUPPORT" and a["ended_at"] is None and a["state"] != "SUBMITTED")
    return next(supports, shares[-1])


def next_command(state: str) -> tuple[str, dict[str, str]]:
    """The command that moves a share on, and its body."""
    match state:
        case "PENDING_SIGN":
            return "sign", {"handler": "worker-7"}
        case "SIGNED":
            return "contact", {"handler": "worker-7"}
        case _:
            return "resolve", {"action": "REPAIRED", "reply": "已处理"}
