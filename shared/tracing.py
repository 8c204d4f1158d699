"""Traces by W3C Trace Context: a matter's way from the HTTP door through Kafka's headers to the webhook, in spans.

Spans are made only where an exporter was set up (`shared.tracing_export`); without one this costs next to nothing.
What a caller says of its trace is carried along either way.
"""

import re
import time
from collections.abc import Iterable
from typing import Final

import structlog
from opentelemetry import trace
from opentelemetry.trace import ProxyTracerProvider, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCOPE: Final = "griddispatch"
FAULT: Final = 500
SAMPLED: Final = 1
EXEMPLAR: Final = "trace_id"
"""The name under which a measurement names its trace."""
_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_NAME: Final = "traceparent"
_HEADER: Final = _NAME.encode()
_CONTEXT: Final = TraceContextTextMapPropagator()


def trace_of(value: object) -> str | None:
    """A trace as W3C Trace Context writes it, or None for anything else."""
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def is_on() -> bool:
    """Whether anybody exports spans."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def now_ns() -> int:
    """The instant a span begins or ends."""
    return time.time_ns()


def note(
    name: str, traceparents: Iterable[str | None], started_ns: int, kind: SpanKind, **attributes: str | int
) -> None:
    """One finished span for each of these traces that is sampled; for None, and where nobody exports, nothing."""
    if not is_on():
        return
    tracer = trace.get_tracer(SCOPE)
    for traceparent in traceparents:
        if traceparent is not None and int(traceparent[-1], 16) & SAMPLED:
            parent = _CONTEXT.extract({_NAME: traceparent})
            tracer.start_span(name, parent, kind, attributes, start_time=started_ns).end()


def exemplar(traceparents: Iterable[str | None]) -> dict[str, str] | None:
    """The first of these traces that is sampled, for a measurement to name; None where nobody exports."""
    if is_on():
        for traceparent in traceparents:
            if traceparent is not None and int(traceparent[-1], 16) & SAMPLED:
                return {EXEMPLAR: traceparent.split("-")[1]}
    return None


def exemplar_now() -> dict[str, str] | None:
    """The same for the span that is under way."""
    context = trace.get_current_span().get_span_context()
    return {EXEMPLAR: f"{context.trace_id:032x}"} if context.is_valid and context.trace_flags.sampled else None


class HttpTracer:
    """ASGI middleware: a span for each request, child of the caller's, and the parent of what is stated because of it.

    Log lines written meanwhile say `trace_id`. A trace that is not what the standard says begins anew.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_on():
            await self._app(scope, receive, send)
            return
        others = [(name, value) for name, value in scope["headers"] if name != _HEADER]
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER), None)
        parent = _CONTEXT.extract({_NAME: given} if trace_of(given) else {})
        tracer = trace.get_tracer(SCOPE)
        with tracer.start_as_current_span(scope["method"], parent, SpanKind.SERVER) as span:
            carried: dict[str, str] = {}
            _CONTEXT.inject(carried)
            scope = {**scope, "headers": [*others, (_HEADER, carried[_NAME].encode())]}

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= FAULT:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            trace_id = f"{span.get_span_context().trace_id:032x}"
            with structlog.contextvars.bound_contextvars(trace_id=trace_id):
                await self._app(scope, receive, watched)
            if route := getattr(scope.get("route"), "path", ""):
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)
