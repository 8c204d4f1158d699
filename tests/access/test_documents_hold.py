"""What the services' documents promise holds for what fits them and for what does not, as schemathesis draws it."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.access.drawing import KNOWN_THINGS, Drawing, command, config, things
from tests.access.enforced import World

EXAMPLES = int(os.environ.get("GRIDDISPATCH_API_EXAMPLES", "1"))
"""Drawn for each operation and phase; `make check-api` draws more."""
PHASES = os.environ.get("GRIDDISPATCH_API_PHASES", "fuzzing")
WITHIN_S = 3000
SEEDS = (1, 2, 3)

pytestmark = pytest.mark.timeout(WITHIN_S + 60)


async def drawn(world: World, client: httpx.AsyncClient, folder: Path, service: str, seed: int) -> str:
    """What the tool has found in one service; empty for nothing."""
    document = (await client.get("/openapi.json")).json()
    settings = folder / f"{service}.toml"
    settings.write_text(config(world, service, document), encoding="utf-8")
    said = folder / f"{service}.txt"  # a file, so that a run of an hour can be read while it goes
    with said.open("wb") as out:
        run = await asyncio.create_subprocess_exec(
            *command(f"{client.base_url}/openapi.json", Drawing(seed, EXAMPLES, PHASES), settings),
            env={**os.environ, KNOWN_THINGS: things(world)}, stdout=out, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(WITHIN_S):
                await run.wait()
        finally:
            if run.returncode is None:
                run.kill()
                await run.wait()
    return "" if run.returncode == 0 else f"{service}: {said.read_text(encoding='utf-8', errors='replace')[-20_000:]}"


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_operation_answers_as_its_document_says(
    whole_world: World, whole_doors: Mapping[str, httpx.AsyncClient], tmp_path: Path, seed: int
) -> None:
    found = await asyncio.gather(
        *(drawn(whole_world, client, tmp_path, service, seed) for service, client in whole_doors.items())
    )
    if any(found):
        pytest.fail("\n".join(found), pytrace=False)  # an assertion would cut it short
