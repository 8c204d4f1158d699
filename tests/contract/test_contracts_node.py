"""The parser of AsyncAPI's own project reads our document and has nothing to complain of."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.intake.contract import report_schema
from shared.asyncapi import asyncapi
from shared.events import EVENT_TYPES
from shared.topics import TOPICS

HERE = Path(__file__).parent
PARTS = ("package.json", "package-lock.json", "read_asyncapi.mjs")
ERROR = 0
INSTALL_S, READ_S = 240.0, 60.0

pytestmark = pytest.mark.timeout(400)


class Missing(Exception):
    """What the parser needs is not on this machine; the text says what."""


def install() -> Path:
    """The folder with the parser, filled once per user and lock file. Raises Missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("node and npm are needed")
    print_of = hashlib.sha256(b"".join((HERE / part).read_bytes() for part in PARTS)).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "griddispatch"
    root = cache / f"asyncapi-parser-{print_of}"
    if not root.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as partial:
            _fill(Path(partial) / "parser")
            if not root.is_dir():
                (Path(partial) / "parser").rename(root)
    return root


def _fill(folder: Path) -> None:
    folder.mkdir()
    for part in PARTS:
        shutil.copy(HERE / part, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired as late:
        raise Missing(f"npm ci did not end within {INSTALL_S:g} s") from late
    if ended.returncode:
        raise Missing(f"npm ci: {ended.stderr[-500:]}")


@pytest.fixture(scope="module")
def parser() -> Path:
    try:
        return install()
    except Missing as missing:
        if os.environ.get("GRIDDISPATCH_REQUIRE_NODE") == "1":
            pytest.fail(f"Node is required: {missing}")
        pytest.skip(f"NOT COVERED by the AsyncAPI parser: {missing}")


def read(parser: Path, document: Any) -> Any:
    ended = subprocess.run(
        ["node", str(parser / "read_asyncapi.mjs")],
        input=orjson.dumps(document), capture_output=True, timeout=READ_S, check=True,
    )  # fmt: skip
    return orjson.loads(ended.stdout)


def test_the_document_is_read_without_an_error(parser: Path) -> None:
    answer = read(parser, asyncapi(report_schema()))
    assert [d for d in answer["diagnostics"] if d["severity"] == ERROR] == []
    assert sorted(answer["found"]["channels"]) == sorted(topic.name for topic in TOPICS)
    assert set(EVENT_TYPES) <= set(answer["found"]["messages"])
    assert "send dispatch-send-tickets-dispatch" in answer["found"]["operations"]


def test_a_document_with_a_broken_reference_or_an_unknown_action_is_refused(parser: Path) -> None:
    document = asyncapi()
    document["operations"]["intake-send-tickets-intake"]["channel"] = {"$ref": "#/channels/nowhere"}
    document["operations"]["notify-send-tickets-notify"]["action"] = "shout"
    errors = [d["path"] for d in read(parser, document)["diagnostics"] if d["severity"] == ERROR]
    assert "operations.intake-send-tickets-intake.channel.$ref" in errors
    assert "operations.notify-send-tickets-notify.action" in errors
