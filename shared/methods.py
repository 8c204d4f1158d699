"""Which methods an address answers to: those its document names, and an Allow header that names them all."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.problems import problem

_PARAMETER = re.compile(r"\\{\w+\\}")


class Methods:
    """ASGI middleware. The framework lets `/things/{id}` answer for `/things/table`; its Allow names one route only.

    `document` is the service's OpenAPI document; what it does not name is left as it is.
    """

    def __init__(self, app: ASGIApp, document: Mapping[str, Any]) -> None:
        self._app = app
        named = {path: _allowed(methods) for path, methods in document.get("paths", {}).items()}
        self._plain = {path: allowed for path, allowed in named.items() if "{" not in path}
        self._others = [(_matcher(path), allowed) for path, allowed in named.items() if "{" in path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        allowed = self._plain.get(scope["path"])
        if allowed is not None and scope["method"] not in allowed:
            refused = problem(405, "http", "Method Not Allowed", headers={"Allow": ", ".join(allowed)})
            await refused(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                MutableHeaders(scope=message)["Allow"] = ", ".join(self._allowed_at(scope["path"]))
            await send(message)

        await self._app(scope, receive, told)

    def _allowed_at(self, path: str) -> Iterator[str]:
        """Of every route that the address fits."""
        found = dict.fromkeys(name for fits, allowed in self._others if fits.fullmatch(path) for name in allowed)
        yield from found or ["GET"]  # pages and health, which stand in no document, are only read


def _allowed(methods: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(method.upper() for method in methods))


def _matcher(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub("[^/]+", re.escape(path)))
