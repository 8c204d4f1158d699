"""Calling a citizen through a relay number 隐私号: the number goes to the telephone system and to nobody else."""

import asyncio
from typing import Final
from uuid import UUID

import httpx

from shared.errors import Unavailable

TIMEOUT_S: Final = 5.0


class RelayCalls:
    """A client of the telephone system that lends relay numbers.

    It is sent `{"call_id", "phone", "caller", "valid_minutes"}` as JSON and answers 200 with `{"number"}`, a number
    that leads to the citizen for that long and shows neither side the other's.
    """

    def __init__(self, client: httpx.AsyncClient, valid_minutes: int = 30) -> None:
        """`client` has the system's address as its base, and whatever it asks of callers in its headers."""
        self._client = client
        self._valid_minutes = valid_minutes

    async def lend(self, call_id: UUID, phone: str, caller: str) -> str:
        """A number to call. Raises Unavailable when none is lent; its text never holds the citizen's number."""
        body = {"call_id": str(call_id), "phone": phone, "caller": caller, "valid_minutes": self._valid_minutes}
        try:
            response = await self._client.post("", json=body, timeout=TIMEOUT_S)
            number = response.json()["number"] if response.status_code == 200 else None
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"no relay number: {type(error).__name__}") from None
        if not isinstance(number, str) or not number:
            raise Unavailable(f"no relay number: status {response.status_code}")
        return number

    async def run(self, stopping: asyncio.Event) -> None:
        """Close the connections when the service stops."""
        await stopping.wait()
        await self._client.aclose()


def relay_calls_of(address: str, key: str) -> RelayCalls:
    """A client of the system at this address; `key` may be empty."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return RelayCalls(httpx.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT_S, trust_env=False))
