"""The CloudEvents door on a test's intake."""

import json
from typing import Any

import httpx
from fastapi import FastAPI

from services.intake.cloudevents import STRUCTURED, router
from services.intake.doors import Doors
from shared import problems
from shared.strict_json import Limits
from tests.services.intake.desk import SMALL_BODY_LIMIT, Desk


def serve_events(desk: Desk) -> FastAPI:
    """The door's route on this intake."""
    app = FastAPI()
    problems.install(app)
    app.include_router(router(Doors(desk.database, desk.receiver, Limits(max_bytes=SMALL_BODY_LIMIT), bulk_batch=50)))
    return app


async def post(http: httpx.AsyncClient, body: Any, media_type: str = STRUCTURED, **headers: str) -> httpx.Response:
    """Post a body as JSON."""
    return await http.post("/v1/events", content=json.dumps(body), headers={"Content-Type": media_type} | headers)
