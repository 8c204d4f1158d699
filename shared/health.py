"""/livez, /readyz and /metrics, from a list of pings."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import REGISTRY

from shared.errors import Unavailable
from shared.exposition import Exposition, answer_type

PING_S = 2.0

Ping = Callable[[], Awaitable[None]]
"""Returns when the thing answers; raises Unavailable when it does not."""


class Readiness:
    """Whether this process should get work: every ping answers, and it is not draining."""

    def __init__(self, pings: Mapping[str, Ping]) -> None:
        self._pings = dict(pings)
        self.draining = False

    async def check(self) -> dict[str, str]:
        """What is not ready, and why; empty when all is well."""
        answers = await asyncio.gather(*(self._ask(name) for name in self._pings))
        trouble = {name: why for name, why in zip(self._pings, answers, strict=True) if why}
        return trouble | ({"process": "draining"} if self.draining else {})

    async def _ask(self, name: str) -> str:
        try:
            async with asyncio.timeout(PING_S):
                await self._pings[name]()
        except (Unavailable, TimeoutError) as error:
            return str(error) or type(error).__name__
        return ""


def router(readiness: Readiness) -> APIRouter:
    """The three routes every service answers."""
    routes, exposition = APIRouter(include_in_schema=False), Exposition(REGISTRY)

    @routes.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        trouble = await readiness.check()
        return JSONResponse({"ready": not trouble, "trouble": trouble}, status_code=503 if trouble else 200)

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        wanted = answer_type(request.headers.get("accept", ""))
        return Response(exposition.text(wanted), headers={"Content-Type": wanted, "Vary": "Accept"})

    return routes
