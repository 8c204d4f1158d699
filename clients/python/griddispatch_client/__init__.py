"""Hands matters in to Grid Dispatch: each exactly once, however often the line breaks."""

from griddispatch_client.hotline import AsyncHotline
from griddispatch_client.report import (
    Answer,
    HotlineError,
    Place,
    Receipt,
    Refused,
    Report,
    Reporter,
    TicketStatus,
    Unsettled,
)
from griddispatch_client.retry import Policy
from griddispatch_client.synchronous import Hotline

__all__ = [
    "Answer", "AsyncHotline", "Hotline", "HotlineError", "Place", "Policy", "Receipt", "Refused", "Report", "Reporter",
    "TicketStatus", "Unsettled",
]  # fmt: skip
