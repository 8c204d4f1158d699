"""What comes from elsewhere is pinned by hash and licensed as allowed, and nothing secret is under version control."""

import json
import runpy
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.supply.licences import PAGE, licences, page, refused
from tests.supply.locked import LOCKS, ROOT, RUNTIME, read_lock
from tests.supply.secrets import secrets_in, tracked
from tests.supply.vulnerabilities import audit

HASH = "0" * 64


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_package_is_pinned_to_one_version_and_its_hashes(lock: Path) -> None:
    packages = list(read_lock(lock.read_text(encoding="utf-8")))
    assert len(packages) > 20
    assert [p.name for p in packages if not p.version or not p.hashes] == []


def test_a_loose_line_in_a_lock_is_seen() -> None:
    text = f"a==1.0 \\\n    --hash=sha256:{HASH}\nb>=2 --hash=sha256:{HASH}\nc==1.0\nd==1.* --hash=sha256:{HASH}\n"
    assert [p.name for p in read_lock(text) if not p.version or not p.hashes] == ["b", "c", "d"]


def test_the_tests_run_on_what_the_services_run_on() -> None:
    runtime, _, dev = ({(p.name, p.version) for p in read_lock(lock.read_text(encoding="utf-8"))} for lock in LOCKS)
    assert sorted(runtime - dev) == []


def test_the_bill_of_the_lock_names_every_package_and_is_the_same_each_time() -> None:
    bill_of_lock = runpy.run_path(str(ROOT / "deploy" / "make_sbom.py"))["bill_of_lock"]
    text = RUNTIME.read_text(encoding="utf-8")
    document = json.loads(bill_of_lock(text))
    assert bill_of_lock(text) == bill_of_lock(text)
    named = {(c["name"], c["version"]) for c in document["components"]}
    assert named == {(p.name, p.version) for p in read_lock(text)}
    assert all(c["externalReferences"][0]["hashes"] for c in document["components"])


def test_the_bill_names_packages_and_no_registry() -> None:
    text = runpy.run_path(str(ROOT / "deploy" / "make_sbom.py"))["bill_of_lock"](RUNTIME.read_text(encoding="utf-8"))
    assert all(c["purl"] == f"pkg:pypi/{c['name']}@{c['version']}" for c in json.loads(text)["components"])
    assert "://" not in text


def test_every_licence_is_an_allowed_one_and_stands_on_its_page() -> None:
    found = licences()
    assert {name: licence for name, licence in found.items() if not licence or refused(licence)} == {}
    assert PAGE.read_text(encoding="utf-8") == page(found)


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND AGPL-3.0", "SSPL-1.0 OR GPL-2.0", "Proprietary"])
def test_a_licence_that_is_not_allowed_is_refused(licence: str) -> None:
    assert refused(licence)


@pytest.mark.parametrize("licence", ["MIT", "Apache-2.0 OR GPL-2.0", "MIT AND (BSD-3-Clause)"])
def test_a_choice_needs_one_allowed_part(licence: str) -> None:
    assert refused(licence) == []


def test_nothing_under_version_control_looks_like_a_secret() -> None:
    found = []
    for path in tracked(ROOT):
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}:{line}: {kind}" for line, kind in secrets_in(text)]
    assert found == []


# Put together here, so that no scanner, this one neither, finds them in this file.
PLANTED = [
    "-----BEGIN " + "RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA" * 5,
    "AK" + "IAIOSFODNN7QRSTUVW",
    "gh" + "p_" + "a1B2" * 9,
    "xo" + "xb-" + "123456789012-abcdef",
    "np" + "m_" + "a1B2" * 9,
    "ey" + "JhbGciOiJIUzI1NiJ9ab." + "ey" + "JzdWIiOiJncmlkIn0aa." + "c2lnbmF0dXJlLXNpZ25hdHVyZQ",
    "postgresql://grid:" + "Vq7zLm2pRt9w" + "@db.county.gov.cn/grid",
    'api_key = "' + "Zk3vQ9xWm5tYb8nRc2dLp7s" + 'J4h"',
]


@pytest.mark.parametrize("text", PLANTED)
def test_a_planted_secret_is_found_with_its_line(text: str) -> None:
    assert [line for line, _ in secrets_in(f"first\n{text}\n")] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://grid:password@db/grid",
        "redis://grid:Vq7zLm2pRt9w@cache.example/1",
        'secret = "change-me-change-me-change"',
        "",
    ],
)
def test_what_is_plainly_none_is_left_alone(text: str) -> None:
    assert list(secrets_in(text)) == []


class Database(BaseHTTPRequestHandler):
    """Answers as OSV does: knows one vulnerable package."""

    vulnerable: ClassVar[str] = "b"

    def do_POST(self) -> None:
        """Answer a batch."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        told = [{"vulns": [{"id": "GHSA-1"}]} if query["package"]["name"] == self.vulnerable else {} for query in asked]
        body = json.dumps({"results": told}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def database() -> Iterator[str]:
    """Where it listens."""
    server = HTTPServer(("127.0.0.1", 0), Database)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(30)
    server.server_close()


@pytest.mark.parametrize(("packages", "code"), [(("a", "c"), 0), (("a", "b"), 1)])
def test_a_version_that_is_known_to_be_vulnerable_fails(
    database: str, tmp_path: Path, packages: tuple[str, ...], code: int
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("".join(f"{name}==1.0 --hash=sha256:{HASH}\n" for name in packages), encoding="utf-8")
    assert audit(database, [lock], required=True) == code


@pytest.mark.parametrize(("required", "code"), [(False, 0), (True, 1)])
def test_a_database_that_cannot_be_asked_is_said_loudly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, required: bool, code: int
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"a==1.0 --hash=sha256:{HASH}\n", encoding="utf-8")
    assert audit("http://127.0.0.1:9", [lock], required=required) == code
    assert "NOT AUDITED" in capsys.readouterr().err
