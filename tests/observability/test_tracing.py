"""What a caller says of its trace is carried along, and never taken for more than it is."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI, Request
from opentelemetry.trace import SpanKind

from shared import tracing
from shared.tracing import HttpTracer, trace_of
from tests.services.notify.stage import Receiver
from tests.services.notify.test_notify_webhook import channel, message

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "value", [None, 7, "", "00-abc", GOOD.upper(), GOOD + "-more", GOOD.replace("00-", "\n00-", 1)]
)
def test_what_is_no_trace_is_none(value: object) -> None:
    assert trace_of(value) is None


def test_a_trace_is_kept_as_it_is() -> None:
    assert trace_of(GOOD) == GOOD


async def test_where_nobody_exports_a_request_passes_untouched() -> None:
    app = FastAPI()

    @app.get("/seen")
    async def seen(request: Request) -> str | None:
        return request.headers.get("traceparent")

    app.add_middleware(HttpTracer)
    assert not tracing.is_on()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as http:
        assert (await http.get("/seen", headers={"traceparent": GOOD})).json() == GOOD
    tracing.note("nothing", [GOOD, None], tracing.now_ns(), SpanKind.CLIENT)


async def test_a_webhook_carries_the_trace_of_what_caused_it() -> None:
    receiver = Receiver(204)
    async with receiver.open() as url, channel(url) as way:
        await way.send_many([message(1)])
    assert "traceparent" not in receiver.requests[0][0]
    traced = Receiver(204)
    async with traced.open() as url, channel(url) as way:
        await way.send_many([replace(message(2), traceparent=GOOD)])
    assert traced.requests[0][0]["traceparent"] == GOOD


def test_where_nobody_exports_a_measurement_names_no_trace() -> None:
    assert tracing.exemplar([GOOD]) is None
    assert tracing.exemplar_now() is None
