"""Bugs in notify: when a message counts as sent, what it is called, and what a timeout means."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from services.notify import courier
from services.notify.channels import webhook
from services.notify.channels.signing import Sign
from services.notify.core.delivery import Outcome, Result, Verdict
from services.notify.core.message import MessageState, Policy
from services.notify.courier import Courier
from services.notify.store import Settled


def sent_before_sending() -> None:
    """M21: a message counts as delivered before it is sent."""
    try_them = Courier._try

    async def optimistic(self: Courier, name: str) -> list[Settled]:
        settled = await try_them(self, name)
        good = Verdict(MessageState.DELIVERED, None, "")
        return [replace(s, verdict=good, result=Result(Outcome.DELIVERED, "")) for s in settled]

    Courier._try = optimistic  # type: ignore[method-assign]


def new_id_each_try() -> None:
    """M22: every attempt goes by another webhook id."""
    honest = webhook.sign  # type: ignore[attr-defined]

    def renamed(keys: Sequence[Sign], identity: str, now: datetime, body: str) -> tuple[tuple[str, str], ...]:
        return honest(keys, str(uuid4()), now, body)

    webhook.sign = renamed  # type: ignore[attr-defined]


def timeout_is_failure() -> None:
    """M25: not knowing whether a message arrived counts as knowing that it did not, for good."""
    fair = courier.judge  # type: ignore[attr-defined]

    def hasty(
        policy: Policy, attempt: int, result: Result, now: datetime, chance: float, give_up_at: datetime | None = None
    ) -> Verdict:
        if result.outcome is Outcome.AMBIGUOUS:
            return Verdict(MessageState.FAILED, None, result.detail)
        return fair(policy, attempt, result, now, chance, give_up_at)

    courier.judge = hasty  # type: ignore[attr-defined]
