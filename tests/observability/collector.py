"""A collector of spans for tests: OTLP over HTTP, as the exporters send it."""

from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Seen:
    """One span."""

    service: str
    name: str
    trace_id: str
    parent_id: str


@dataclass
class Collector:
    """Keeps every span that was sent to it."""

    spans: list[Seen] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        """The receiver."""
        return Starlette(routes=[Route("/v1/traces", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        sent = ExportTraceServiceRequest.FromString(await request.body())
        for resource in sent.resource_spans:
            facts = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    seen = Seen(facts["service.name"], span.name, span.trace_id.hex(), span.parent_span_id.hex())
                    self.spans.append(seen)
        return Response(b"", media_type="application/x-protobuf")

    def of(self, trace_id: str) -> set[tuple[str, str]]:
        """(service, span name) of one trace."""
        return {(s.service, s.name) for s in self.spans if s.trace_id == trace_id}
