"""Sending spans by OTLP over HTTP; needs the extra `tracing`, and is loaded only where an endpoint is set."""

from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

EXPORT_S: Final = 5
FLUSH_MS: Final = 3000


class Exporting:
    """Spans of this process on their way to a collector."""

    def __init__(self, service: str, release: str, endpoint: str, ratio: float) -> None:
        """`endpoint` is the collector's base address; `ratio` is the share of traces kept that begin here."""
        resource = Resource.create({"service.name": f"griddispatch-{service}", "service.version": release})
        self._provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)))
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(self._provider)

    def finish(self) -> None:
        """Send what is left, within a few seconds; blocks."""
        self._provider.force_flush(FLUSH_MS)
