"""Counting and timing requests by route: the template a request matched, never the path it named."""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry, tracing

UNMATCHED: Final = "unmatched"
UNMETERED: Final = frozenset(("/livez", "/readyz", "/metrics"))
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
BROKEN: Final = 500
CUT_OFF: Final = 499
"""What is counted when the caller went away before anything was answered."""


class HttpMeter:
    """ASGI middleware. The number of series is bounded by the number of routes; health and scrapes are left out.

    It belongs inside the tracer: there it sees the route that the request matched, and the span to name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = CUT_OFF
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status = BROKEN
            raise
        finally:
            _note(scope, status, time.perf_counter() - started)


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", UNMATCHED)
    if route in UNMETERED:
        return
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    telemetry.HTTP_REQUESTS.labels(method=method, route=route, code=str(status)).inc()
    telemetry.HTTP_SECONDS.labels(method=method, route=route).observe(seconds, tracing.exemplar_now())
