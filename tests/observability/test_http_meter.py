"""Requests are counted by the template they matched, whatever path was asked for."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from prometheus_client import REGISTRY
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.exposition import OPENMETRICS, Exposition
from shared.http_meter import HttpMeter
from tests.observability.metrics import labels_of, value

COUNT = "griddispatch_http_requests_total"


def app() -> FastAPI:
    """Some routes behind the meter."""
    routes = FastAPI()

    @routes.get("/v1/meter/{number}")
    async def read(number: int) -> dict[str, int]:
        return {"number": number}

    @routes.get("/v1/meter-broken")
    async def broken() -> None:
        raise RuntimeError("a fault of ours")

    @routes.get("/metrics")
    async def metrics() -> str:
        return ""

    routes.add_middleware(HttpMeter)
    return routes


async def ask(method: str, path: str, *, raising: bool = False) -> int:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=raising)
    async with httpx.AsyncClient(transport=transport, base_url="http://meter") as http:
        return (await http.request(method, path)).status_code


async def test_a_request_is_counted_and_timed_by_its_route() -> None:
    for number in (7, 8, 9):
        await ask("GET", f"/v1/meter/{number}")
    assert value(COUNT, method="GET", route="/v1/meter/{number}", code="200") == 3
    assert value("griddispatch_http_request_seconds_count", method="GET", route="/v1/meter/{number}") == 3


async def test_a_refusal_is_counted_by_its_code() -> None:
    assert await ask("GET", "/v1/meter/not-a-number") == 422
    assert value(COUNT, method="GET", route="/v1/meter/{number}", code="422") == 1


async def test_paths_and_methods_that_strangers_invent_make_no_series_of_their_own() -> None:
    for path in ("/admin.php", "/.env", "/v1/meter/1/2/3"):
        assert await ask("GET", path) == 404
    assert await ask("BREW", "/coffee") == 404
    found = {(s["method"], s["route"]) for s in labels_of(COUNT)}
    assert {("GET", "unmatched"), ("OTHER", "unmatched")} <= found
    assert not [s for s in found if s[0] == "BREW" or "admin" in s[1] or "env" in s[1] or "coffee" in s[1]]


async def test_a_fault_of_ours_counts_as_500() -> None:
    with pytest.raises(RuntimeError):
        await ask("GET", "/v1/meter-broken", raising=True)
    assert value("griddispatch_http_requests_total", method="GET", route="/v1/meter-broken", code="500") == 1


async def test_scrapes_are_not_counted() -> None:
    assert await ask("GET", "/metrics") == 200
    assert not [s for s in labels_of(COUNT) if s["route"] == "/metrics"]


class Traced:
    """Everything behind it happens in one span."""

    def __init__(self, behind: ASGIApp, trace_id: int, flags: int) -> None:
        self._behind = behind
        self._span = NonRecordingSpan(SpanContext(trace_id, 7, is_remote=False, trace_flags=TraceFlags(flags)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with trace.use_span(self._span):
            await self._behind(scope, receive, send)


@pytest.mark.parametrize(("trace_id", "flags", "is_named"), [(0xABC1, 1, True), (0xABC2, 0, False)])
async def test_a_slow_answer_leads_to_its_trace_if_that_is_kept(trace_id: int, flags: int, is_named: bool) -> None:
    transport = httpx.ASGITransport(Traced(app(), trace_id, flags))
    async with httpx.AsyncClient(transport=transport, base_url="http://meter") as http:
        assert (await http.get("/v1/meter/1")).status_code == 200
    text = Exposition(REGISTRY).text(OPENMETRICS).decode()
    named = [line for line in text.splitlines() if f'# {{trace_id="{trace_id:032x}"}}' in line]
    assert len(named) == is_named
    assert all('route="/v1/meter/{number}"' in line for line in named)
