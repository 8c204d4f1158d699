"""Routes of citizens' pages: what every one of them answers with, and how a request says its language."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from shared.plain_pages import SHOWN, language_of

HTML: Final = "text/html; charset=utf-8"
Show = Callable[[Request, str], Awaitable[Response]]
"""Do the step of that name, "" for none, and show how the thing stands then."""


def add_steps(
    routes: APIRouter, show: Show, steps: Mapping[str, tuple[str, str, str]], form: Mapping[str, Any]
) -> None:
    """A posted form for each step: where to → its step, the name of its operation, and what it does.

    `form` is what the OpenAPI document says of their fields.
    """

    def one(step: str) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            return await show(request, step)

        return take

    for path, (step, name, told) in steps.items():
        routes.add_api_route(
            path, one(step), methods=["POST"], name=name, description=told, response_class=Response,
            response_model=None, responses=SHOWN, openapi_extra=dict(form),
        )  # fmt: skip


def language_asked(request: Request, fields: Mapping[str, str]) -> str:
    """What the form says, or the address, else what the browser would rather read; Chinese for anything else."""
    asked = fields.get("lang") or request.query_params.get("lang", "")
    return language_of(asked, request.headers.get("accept-language", ""))


def sent(page: str, status: int, headers: Mapping[str, str]) -> Response:
    """A page on its way."""
    return Response(page, status, dict(headers), media_type=HTML)
