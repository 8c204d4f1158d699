"""The corpora of access, over real sockets: nobody gets in who should not, and nothing is answered with 500."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from tests.access.corpus import ask, read_cases
from tests.access.enforced import World
from tests.services.notify.stage import serving

FILES = ("authentication", "object_authorisation", "mass_assignment", "headers")
LEAST = 60


@pytest_asyncio.fixture(scope="session")
async def sockets(world: World) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """A client of each service, over a real socket."""
    async with AsyncExitStack() as stack:
        clients = {}
        for service, assembly in world.assemblies.items():
            base = await stack.enter_async_context(serving(assembly.app))
            client = httpx.AsyncClient(base_url=base, trust_env=False, timeout=60)
            clients[service] = await stack.enter_async_context(client)
        yield clients


@pytest.mark.parametrize("name", FILES)
async def test_every_case_is_answered_as_written(
    world: World, sockets: Mapping[str, httpx.AsyncClient], name: str
) -> None:
    wrong, seen = [], set()
    for case in read_cases(name):
        assert case.id not in seen, f"{case.id} stands twice"
        seen.add(case.id)
        answer = await ask(sockets[case.service], case, world)
        told = answer.text
        fits = answer.status_code in case.expect and answer.status_code < 500
        fits = fits and world.filled(case.has) in told and not (case.lacks and world.filled(case.lacks) in told)
        if answer.status_code >= 400:
            fits = fits and answer.headers["content-type"].startswith("application/problem+json")
        if not fits:
            wrong.append(f"{case.id}: {answer.status_code} {told[:160]}")
    assert wrong == []
    assert len(seen) >= LEAST
