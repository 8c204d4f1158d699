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
PHASES = os.environ.get("GRIDDISPATCH_API_PHASES", "examples,fuzzing")
SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("service", ["intake", "dispatch", "notify"])
async def test_every_operation_answers_as_its_document_says(
    world: World, doors: Mapping[str, httpx.AsyncClient], tmp_path: Path, service: str, seed: int
) -> None:
    document = (await doors[service].get("/openapi.json")).json()
    settings = tmp_path / "settings.toml"
    settings.write_text(config(world, service, document), encoding="utf-8")
    run = await asyncio.create_subprocess_exec(
        *command(f"{doors[service].base_url}/openapi.json", Drawing(seed, EXAMPLES, PHASES), settings),
        env={**os.environ, KNOWN_THINGS: things(world)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await run.communicate()
    assert run.returncode == 0, said.decode()[-20_000:]
