"""The contract over HTTP: the AsyncAPI document, and the JSON Schema of every event type."""

from functools import cached_property

import orjson
from fastapi import APIRouter, Response

from shared.asyncapi import REPORT_ELSEWHERE, asyncapi
from shared.contracts import schemas
from shared.errors import NotFound
from shared.json_schema import Json

_FRESH = {"Cache-Control": "public, max-age=300"}


class _Documents:
    """The documents, made when first asked for: a start need not wait for them."""

    def __init__(self, report: Json) -> None:
        self._report = report

    @cached_property
    def asyncapi(self) -> bytes:
        return orjson.dumps(asyncapi(self._report))

    @cached_property
    def schemas(self) -> dict[str, bytes]:
        return {name: orjson.dumps(schema) for name, schema in schemas().items()}


def router(report: Json = REPORT_ELSEWHERE) -> APIRouter:
    """Routes that every service answers; `report` is the schema of what `tickets-inbound` takes, where it is known."""
    routes = APIRouter(include_in_schema=False)
    documents = _Documents(report)

    @routes.get("/asyncapi.json")
    async def get_asyncapi() -> Response:
        return _json(documents.asyncapi)

    @routes.get("/schemas")
    async def list_schemas() -> dict[str, list[str]]:
        return {"schemas": [f"/schemas/{name}.json" for name in documents.schemas]}

    @routes.get("/schemas/{name}.json")
    async def get_schema(name: str) -> Response:
        if name not in documents.schemas:
            raise NotFound(f"no schema {name}")
        return _json(documents.schemas[name])

    return routes


def _json(body: bytes) -> Response:
    return Response(body, headers=_FRESH, media_type="application/json")
