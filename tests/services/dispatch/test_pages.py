"""The pages as files: whole, small, and under a policy that lets nothing in from elsewhere."""

import gzip
import re
from collections.abc import AsyncIterator

import pytest_asyncio
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from services.dispatch import pages
from services.dispatch.commands import NAMES
from services.dispatch.core.case import TicketState
from services.dispatch.elsewhere import Elsewhere
from shared import problems
from shared.events import EVENT_TYPES, INTAKE_TYPES, NOTIFY_TYPES

SCRIPT_LIMIT = 300_000
LINES = 400
ELSEWHERE = Elsewhere("http://intake.example", "http://notify.example")


@pytest_asyncio.fixture
async def http() -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.include_router(pages.router(Elsewhere(), ""))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://dispatch") as client:
        yield client


async def test_every_part_that_a_page_names_is_there(http: AsyncClient) -> None:
    for page in ("/console", "/tasks"):
        answer = await http.get(page)
        assert answer.headers["content-type"].startswith("text/html")
        for part in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
            assert (await http.get(part)).status_code == 200, part
    for name, part in pages.parts().items():
        for wanted in re.findall(r'from "\./([^"]+)"', part.body.decode()):
            assert wanted in pages.parts(), f"{name} imports {wanted}"


async def test_a_part_is_sent_again_only_when_it_changed(http: AsyncClient) -> None:
    first = await http.get("/console/app.js")
    again = await http.get("/console/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_what_is_no_part_is_not_found(http: AsyncClient) -> None:
    for path in ("nothing.js", "..%2fsettings.py", "%2e%2e/settings.py", "vendor/", "vendor/README.txt"):
        assert (await http.get(f"/console/{path}")).status_code == 404, path


async def test_the_policy_lets_nothing_in_from_elsewhere(http: AsyncClient) -> None:
    policy = (await http.get("/console")).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    ours = {name: part.body.decode() for name, part in pages.parts().items() if not name.startswith("vendor/")}
    for name, text in ours.items():
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text), f"{name} names another place"
        assert not re.findall(r"innerHTML|dangerouslySet|eval\(|document\.write", text), name
        assert len(text.splitlines()) <= LINES, f"{name} is too long"


def test_a_base_map_opens_the_policy_for_pictures_of_its_one_origin_and_tells_it_no_address() -> None:
    plain, mapped = pages.headers_for(Elsewhere(), ""), pages.headers_for(ELSEWHERE, "https://tiles.example:8443")
    assert "img-src 'self' data:;" in plain["Content-Security-Policy"]
    assert "connect-src 'self';" in plain["Content-Security-Policy"]
    assert plain["Referrer-Policy"] == "no-referrer"
    assert "img-src 'self' data: https://tiles.example:8443;" in mapped["Content-Security-Policy"]
    assert "connect-src 'self' http://intake.example http://notify.example;" in mapped["Content-Security-Policy"]
    assert mapped["Content-Security-Policy"].count("tiles.example") == 1
    assert mapped["Referrer-Policy"] == "strict-origin"


def test_the_scripts_are_small() -> None:
    scripts = b"".join(part.body for name, part in pages.parts().items() if name.endswith(".js"))
    assert len(gzip.compress(scripts)) < SCRIPT_LIMIT


def test_every_command_event_and_state_has_words() -> None:
    words = pages.parts()["words.js"].body.decode()
    actions = pages.parts()["actions.js"].body.decode()
    for name in NAMES:
        assert f'"{name}":' in words, name
        if name != "withdraw":  # the citizen's alone
            assert f'"{name}"' in actions, f"{name} is offered in no state"
    for name in EVENT_TYPES.keys() - INTAKE_TYPES - NOTIFY_TYPES:
        short = name.removeprefix("org.griddispatch.").removesuffix(".v1")
        assert f'"{short}":' in words, short
    assert set(re.findall(r"\b([A-Z_]{4,}): \[", actions)) <= set(TicketState)
