"""The citizen's judgement from their page: handed in where follow-ups are kept, over its HTTP contract."""

import asyncio
from enum import Enum
from typing import Any, Final

import httpx

from shared.errors import Unavailable
from shared.plain_pages import Judged
from shared.terms import TicketId

TIMEOUT_S: Final = 5.0


class Taken(Enum):
    """What became of a judged."""

    YES = "done_rate"
    NOT_ASKED = "not_asked"


def ratings_of(address: str, key: str) -> "Ratings":
    """A client of the notify at this address; `key` may be empty."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Ratings(httpx.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT_S, trust_env=False))


class Ratings:
    """A client of notify. The citizen has proven who they are before anything is asked here."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client` has notify's address as its base, and whatever it asks of callers in its headers."""
        self._client = client

    async def rate(self, ticket_id: TicketId, judged: Judged) -> Taken:
        """Hand it in for the round that waits for it; the same again is the same. Raises Unavailable."""
        standing = await self._ask("GET", f"/v1/followups/{ticket_id}")
        rounds = standing.json()["follow_ups"] if standing.status_code == 200 else []
        if not rounds:
            return Taken.NOT_ASKED
        body = {
            "cycle": max(known["cycle"] for known in rounds), "contacted": judged.contacted,
            "solved": judged.solved, "satisfaction": judged.satisfaction, "recorded_by": "CITIZEN",
        }  # fmt: skip
        answered = await self._ask("POST", f"/v1/followups/{ticket_id}/answers", body)
        return Taken.YES if answered.status_code == 200 else Taken.NOT_ASKED

    async def run(self, stopping: asyncio.Event) -> None:
        """Close the connections when the service stops."""
        await stopping.wait()
        await self._client.aclose()

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            response = await self._client.request(method, path, json=body, timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            raise Unavailable(f"notify: {type(error).__name__}") from error
        if response.status_code >= 500 or response.status_code in (401, 403, 429):
            raise Unavailable(f"notify answered {response.status_code}")
        return response
