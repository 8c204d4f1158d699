"""What intake asks of notify, over its HTTP contract: to take a citizen's judgement, and what it keeps of a matter."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

import httpx

from shared.errors import Unavailable
from shared.plain_pages import Judged
from shared.terms import TicketId

TIMEOUT_S: Final = 5.0
EXPORT_S: Final = 30.0
"""For everything that is kept of one person."""
AT_ONCE: Final = 4


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

    async def kept_of(self, ticket_ids: Sequence[TicketId]) -> dict[TicketId, Mapping[str, object]]:
        """What notify keeps of each matter: rounds of asking, words of the citizen, and what was told to whom.

        Raises Unavailable rather than leave anything out.
        """
        turns = asyncio.Semaphore(AT_ONCE)

        async def kept(ticket_id: TicketId) -> Mapping[str, object]:
            async with turns:
                return {
                    "follow_ups": await self._list(f"/v1/followups/{ticket_id}", "follow_ups"),
                    "words": await self._list(f"/v1/followups/{ticket_id}/words", "words"),
                    "notifications": await self._list(f"/v1/notifications?ticket_id={ticket_id}", "notifications"),
                }

        try:
            async with asyncio.timeout(EXPORT_S):
                return dict(zip(ticket_ids, await asyncio.gather(*map(kept, ticket_ids)), strict=True))
        except TimeoutError:
            raise Unavailable("notify: what it keeps was not told in time") from None

    async def _list(self, path: str, name: str) -> Sequence[object]:
        """What stands under a name; nothing where notify has heard of no such matter."""
        answer = await self._ask("GET", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"notify answered {answer.status_code}")
        found: Sequence[object] = answer.json()[name]
        return found

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
