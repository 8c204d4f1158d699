"""The story of a ticket in service, read from real HTTP servers that behave well and badly."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from griddispatch.explain import explain as command
from services.dispatch.core.opening import open_case
from services.dispatch.core.views import ticket_view
from tests.builders import TUESDAY_MORNING, org, rulebook, ticket, triaged

RUNNER = CliRunner()
APP = Typer()
APP.command()(command)
TICKET = str(ticket(7))


@contextmanager
def served(pages: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """A server on loopback that answers exactly these paths; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages.get(self.path, (404, b"{}"))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="pages")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(10)


def pages(**changes: tuple[int, bytes]) -> dict[str, tuple[int, bytes]]:
    """What dispatch says of a small matter that has just been opened."""
    decision = open_case(ticket(7), triaged(), rulebook(), org(), TUESDAY_MORNING)
    view = ticket_view(decision.case)
    decisions = [
        {"version": 1, "trigger": "event", "explanation": decision.explanation, "decided_at": "2026-03-10T01:15:00Z"},
        {"version": 2, "trigger": "timer", "explanation": ["LIGHT_YELLOW clock=RESOLVE due_at=2026-03-10T16:00:00+00:00"],
         "decided_at": "2026-03-10T10:00:00Z"},
        {"version": 3, "trigger": "command", "explanation": [], "decided_at": "2026-03-10T10:05:00Z"},
    ]  # fmt: skip
    found = {
        f"/v1/tickets/{TICKET}": (200, json.dumps(view, default=str).encode()),
        f"/v1/tickets/{TICKET}/explanation": (200, json.dumps(decisions).encode()),
    }
    return found | changes


def asked(*arguments: str) -> Result:
    return RUNNER.invoke(APP, [TICKET, *arguments])


def test_a_ticket_is_told_from_its_decisions() -> None:
    with served(pages()) as url:
        done = asked("--dispatch", url + "/", "--lang", "zh")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "工单99010126031010000010（办理中）：投诉，“路灯”，一般，小事，绿灯；"
        "东风社区第一网格 主办；2026年3月10日（周二）24:00前办结。"
    )
    assert lines[1] == (
        "2026年3月10日（周二）09:15：“路灯”属于网格当日能化解的小事；小事由所在网格就地承办；"
        "时限为当日，须在2026年3月10日（周二）24:00前办结。"
    )
    assert lines[2] == "2026年3月10日（周二）18:00：办结将于2026年3月10日（周二）24:00到期，亮黄灯。"
    assert lines[3] == "2026年3月10日（周二）18:05：无变化。"
    assert "SIZE_SMALL_ELIGIBLE category=150101" in lines


def test_intake_says_why_it_was_triaged_so() -> None:
    why = [{"rule": "place.IN_GRID", "saw": ["990101001001001"]}, {"rule": "cat.lamps", "saw": ["路灯"]}]
    intake = {f"/v1/tickets/{TICKET}/explanation": (200, json.dumps(why).encode())}
    with served(pages()) as dispatch, served(intake) as url:
        done = asked("--dispatch", dispatch, "--intake", url, "--lang", "en")
    assert "Triage: it lies in Dongfeng Community Grid 1; it says “路灯”." in done.stdout
    assert "place.IN_GRID “990101001001001”" in done.stdout


def test_without_intakes_word_that_is_said() -> None:
    with served(pages()) as dispatch, served({}) as intake:
        done = asked("--dispatch", dispatch, "--intake", intake, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["triage"] is None
    assert len(found["decisions"]) == 3
    assert set(found["text"]) == {"zh", "en"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, b"{}"), 2),
        ((200, b"[]"), 2),
        ((200, b'{"status": "another service"}'), 2),
        ((500, b"oops"), 3),
        ((200, b"not json"), 3),
        ((302, b""), 3),
    ],
)
def test_a_service_that_does_not_know_or_does_not_answer_has_its_exit_code(
    answer: tuple[int, bytes], code: int
) -> None:
    with served(pages() | {f"/v1/tickets/{TICKET}": answer}) as url:
        done = asked("--dispatch", url)
    assert done.exit_code == code, done.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "http://[::1", "ftp://127.0.0.1"])
def test_an_address_that_nobody_answers_is_unreachable(url: str) -> None:
    done = asked("--dispatch", url)
    assert done.exit_code == 3, done.output
