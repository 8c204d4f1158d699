"""The image by itself, unpacked and without an engine: its services run as nobody on what it holds, and a matter flows.

Give the unpacked image with GRIDDISPATCH_IMAGE_ROOT (`docker export`, or `buildah mount`), as root.
"""

import asyncio
import base64
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from griddispatch.embedded import NoidaBroker
from griddispatch.embedded.process import ChildProcess, Program, free_port
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.conftest import TestDatabase

READY_S = 60.0
USER = 10001
MATTER = {
    "source": "image", "channel": "PHONE", "external_id": "i-1", "text": "小区门口路灯不亮，晚上很黑",
    "location": {"lon": 117.0, "lat": 39.0},
}  # fmt: skip

pytestmark = pytest.mark.timeout(300)


def image_root() -> Path:
    """Where the unpacked image is; skipped where there is none, since only an engine makes one."""
    place = os.environ.get("GRIDDISPATCH_IMAGE_ROOT")
    if place is None:
        pytest.skip("NOT COVERED, the image: GRIDDISPATCH_IMAGE_ROOT names no unpacked one")
    return Path(place)


def inside(root: Path, *command: str, settings: Mapping[str, str]) -> Program:
    """A program of the image, as its user, with its settings and ours and nothing else of this machine."""
    path = {"PATH": "/venv/bin:/usr/bin:/bin", "GRIDDISPATCH_PACK": "/data/packs/county-default"}
    place = {"GRIDDISPATCH_AREA": "/data/areas/sample-county", "GRIDDISPATCH_ROLES": "/data/access/roles.toml"}
    return Program(["/usr/sbin/chroot", f"--userspec={USER}:{USER}", root, *command], {**path, **place, **settings})


@pytest.fixture
def services(database: TestDatabase, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The three services of the image on real stores: their addresses."""
    root, key = image_root(), base64.b64encode(secrets.token_bytes(32)).decode()
    ports = {name: free_port() for name in ("intake", "dispatch", "notify")}
    running: list[ChildProcess] = []
    with NoidaBroker() as broker:
        asyncio.run(apply_topics(broker.bootstrap, TOPICS))
        try:
            for name, port in ports.items():
                settings = {
                    "GRIDDISPATCH_DATABASE_DSN": database.dsn(name), "GRIDDISPATCH_KAFKA_BOOTSTRAP": broker.bootstrap,
                    "GRIDDISPATCH_KAFKA_STATIC_MEMBER": "image", "GRIDDISPATCH_KAFKA_IDLE_PAUSE_MS": "200",
                    "GRIDDISPATCH_PORT": str(port), "GRIDDISPATCH_VAULT_KEYS": f"k1:{key}",
                    "GRIDDISPATCH_HOST": "127.0.0.1",
                }  # fmt: skip
                program = inside(root, "/venv/bin/python", "-m", f"services.{name}", settings=settings)
                running.append(ChildProcess(name, program, tmp_path / f"{name}.log"))
            yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        finally:
            for child in running:
                child.terminate(30)


def test_a_matter_flows_through_the_services_of_the_image(services: dict[str, str]) -> None:
    with httpx.Client(timeout=10) as client:
        for address in services.values():
            until(client, f"{address}/readyz", lambda answer: answer.status_code == 200)
        taken = client.post(f"{services['intake']}/v1/tickets", json=MATTER)
        assert taken.status_code == 201, taken.text
        ticket = taken.json()["ticket_id"]
        until(client, f"{services['dispatch']}/v1/tickets/{ticket}", lambda answer: "assignments" in answer.text)


def test_the_image_says_what_is_in_it() -> None:
    sbom = json.loads((image_root() / "venv" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert sbom["bomFormat"] == "CycloneDX"
    assert {"asyncpg", "aiokafka", "fastapi"} <= {part["name"] for part in sbom["components"]}


def until(client: httpx.Client, url: str, is_so: Callable[[httpx.Response], bool]) -> None:
    """Ask until the answer is as wished; AssertionError after a minute."""
    deadline, said = time.monotonic() + READY_S, "nothing"
    while time.monotonic() < deadline:
        try:
            answer = client.get(url)
        except httpx.HTTPError as error:
            said = repr(error)
        else:
            if is_so(answer):
                return
            said = answer.text[:500]
        time.sleep(0.1)
    raise AssertionError(f"{url} said {said}")
