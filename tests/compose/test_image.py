"""The image by itself, unpacked and without an engine: it is small, and its services run on it alone, as nobody.

The root is made here by what the Dockerfile makes it with; GRIDDISPATCH_IMAGE_ROOT names a built one that is unpacked
(`docker export`, or `buildah mount`). To run what is in it takes root, for chroot.
"""

import asyncio
import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from griddispatch.embedded import NoidaBroker
from griddispatch.embedded.process import ChildProcess, Program, free_port
from services.dispatch import pages
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.compose.made import make_image, missing
from tests.conftest import TestDatabase

READY_S = 120.0
PORTS_TRIED = 5
USER = 10001
MOST_BYTES = 150_000_000
"""Of the whole image, unpacked: there is no base below it."""
MATTER = {
    "source": "image", "channel": "PHONE", "external_id": "i-1", "text": "小区门口路灯不亮，晚上很黑",
    "location": {"lon": 117.0, "lat": 39.0},
}  # fmt: skip
IMPORT_ALL = """
from importlib import import_module
from pkgutil import walk_packages
import griddispatch, services, shared
found = [m.name for p in (services, shared, griddispatch) for m in walk_packages(p.__path__, p.__name__ + '.')]
for name in found:
    if not name.endswith(('__main__', 'shared.tracing_export')):
        import_module(name)
print(len(found))
"""
"""All but the export of traces, which is an extra that the image does not have."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the unpacked image is."""
    if place := os.environ.get("GRIDDISPATCH_IMAGE_ROOT"):
        return Path(place)
    if (why := missing()) and os.environ.get("GRIDDISPATCH_REQUIRE_IMAGE") == "1":
        pytest.fail(f"the image is required: {why}")
    elif why:
        pytest.skip(f"NOT COVERED, the image: {why}")
    return make_image(tmp_path_factory.mktemp("made"))


@pytest.fixture
def root(image: Path) -> Path:
    """The same where it can be entered."""
    if os.geteuid() != 0 or shutil.which("chroot") is None:
        pytest.skip("NOT COVERED, what runs in the image: only root may enter it")
    return image


class Ended(Exception):
    """A service has ended by itself."""


def python_of(root: Path) -> str:
    """The interpreter, by the path that it has inside."""
    (settings,) = root.rglob("pyvenv.cfg")  # the interpreter itself is a link that may lead nowhere outside
    return f"/{settings.parent.relative_to(root).as_posix()}/bin/python"


def inside(root: Path, *command: str, settings: Mapping[str, str]) -> Program:
    """A program of the image, as its user, with its settings and ours and nothing else of this machine."""
    own = {
        "GRIDDISPATCH_PACK": "/data/packs/county-default", "GRIDDISPATCH_AREA": "/data/areas/sample-county",
        "GRIDDISPATCH_ROLES": "/data/access/roles.toml", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    enter: list[str | Path] = [shutil.which("chroot") or "chroot", f"--userspec={USER}:{USER}", root]
    return Program([*enter, python_of(root), *command], {**own, **settings})


@pytest.fixture
def services(root: Path, database: TestDatabase, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The three services of the image on real stores, ready: their addresses."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    running: list[ChildProcess] = []
    with NoidaBroker() as broker:
        asyncio.run(apply_topics(broker.bootstrap, TOPICS))
        common = {
            "GRIDDISPATCH_KAFKA_BOOTSTRAP": broker.bootstrap, "GRIDDISPATCH_KAFKA_STATIC_MEMBER": "image",
            "GRIDDISPATCH_KAFKA_IDLE_PAUSE_MS": "200", "GRIDDISPATCH_VAULT_KEYS": f"k1:{key}",
            "GRIDDISPATCH_HOST": "127.0.0.1",
        }  # fmt: skip
        try:
            addresses = {}
            for name in ("intake", "dispatch", "notify"):
                settings = {**common, "GRIDDISPATCH_DATABASE_DSN": database.dsn(name)}
                child, addresses[name] = ready(root, name, settings, tmp_path)
                running.append(child)
            yield addresses
        finally:
            for child in running:
                child.terminate(READY_S)


def ready(root: Path, name: str, settings: Mapping[str, str], logs: Path) -> tuple[ChildProcess, str]:
    """A service that answers, and where. A port that somebody else took meanwhile is replaced by another one."""
    for attempt in range(PORTS_TRIED):
        port = free_port()
        program = inside(root, "-m", f"services.{name}", settings={**settings, "GRIDDISPATCH_PORT": str(port)})
        child = ChildProcess(name, program, logs / f"{name}-{attempt}.log")
        try:
            until(f"http://127.0.0.1:{port}/readyz", lambda answer: answer.status_code == 200, child)
        except Ended:
            child.terminate(READY_S)
        except BaseException:
            child.kill()
            raise
        else:
            return child, f"http://127.0.0.1:{port}"
    raise AssertionError(child.log_tail())


def test_a_matter_flows_through_the_services_of_the_image(services: dict[str, str]) -> None:
    taken = httpx.post(f"{services['intake']}/v1/tickets", json=MATTER, timeout=READY_S, trust_env=False)
    assert taken.status_code == 201, taken.text
    story = f"{services['dispatch']}/v1/tickets/{taken.json()['ticket_id']}"
    until(story, lambda answer: "assignments" in answer.text)


def test_the_pages_are_in_the_image_whole(services: dict[str, str]) -> None:
    with httpx.Client(base_url=services["dispatch"], timeout=READY_S, trust_env=False) as client:
        assert {path: client.get(path).status_code for path in ("/console", "/tasks")} == {
            "/console": 200,
            "/tasks": 200,
        }
        sent = {name: client.get(f"/console/{name}").content for name in pages.parts()}
    assert sent == {name: part.body for name, part in pages.parts().items()}


def test_the_image_says_what_is_in_it(image: Path) -> None:
    (bill,) = image.rglob("sbom.cdx.json")
    sbom = json.loads(bill.read_text(encoding="utf-8"))
    assert sbom["bomFormat"] == "CycloneDX"
    assert {"asyncpg", "aiokafka", "fastapi"} <= {part["name"] for part in sbom["components"]}


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the image has Python 3.11, and this is another")
def test_the_whole_image_is_small(image: Path) -> None:
    lengths = {path: path.stat().st_size for path in image.rglob("*") if path.is_file() and not path.is_symlink()}
    largest = sorted(lengths, key=lambda path: -lengths[path])[:20]
    assert sum(lengths.values()) <= MOST_BYTES, [(path.name, lengths[path]) for path in largest]


def test_nothing_in_the_image_can_be_run_but_python(image: Path) -> None:
    names = {path.name for folder in ("bin", "usr/bin", "sbin") for path in (image / folder).glob("*")}
    assert {name for name in names if not name.startswith("python")} == set()
    assert not [path for path in image.rglob("pip*") if path.is_dir()]


def test_everything_of_ours_in_the_image_finds_what_it_imports(root: Path) -> None:
    program = inside(root, "-c", IMPORT_ALL, settings={})
    ended = subprocess.run(
        [*program.argv], env=dict(program.env or {}), capture_output=True, text=True, timeout=READY_S, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 300


def until(url: str, is_so: Callable[[httpx.Response], bool], child: ChildProcess | None = None) -> None:
    """Ask until the answer is as wished; AssertionError after two minutes, Ended when the child does not live so long."""
    deadline, said = time.monotonic() + READY_S, "nothing"
    with httpx.Client(timeout=10, trust_env=False) as client:
        while time.monotonic() < deadline:
            if child is not None and child.exit_code is not None:
                raise Ended(child.log_tail())
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
