"""Starting intake: what is refused, and with which words."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from services.intake.app import PARTS, build, read_area, read_pack
from services.intake.settings import IntakeSettings
from services.intake.vault import read_keys
from shared import problems
from shared.assembly import NotMigrated
from tests.builders import AREA, PACK
from tests.conftest import TestDatabase
from tests.services.intake.desk import KEYS, report

GOOD_KEY = base64.b64encode(b"k" * 32).decode()
NOWHERE = "127.0.0.1:1"


def settings(dsn: str, **changes: Any) -> IntakeSettings:
    """Settings that would do."""
    facts: dict[str, Any] = {
        "database_dsn": dsn,
        "kafka_bootstrap": NOWHERE,
        "pack": PACK,
        "area": AREA,
        "vault_keys": KEYS,
    }
    return IntakeSettings(_env_file=None, **(facts | changes))


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("", "must start with a key id"),
        (GOOD_KEY, "must start with a key id"),
        ("K1:" + GOOD_KEY, "must start with a key id"),
        ("k1:", "has 0 bytes"),
        ("k1:not base64!", "is not base64"),
        ("k1:" + base64.b64encode(b"short").decode(), "has 5 bytes, not 32"),
        (f"k1:{GOOD_KEY},k1:{GOOD_KEY}", "stands twice"),
        (f"k1:{GOOD_KEY},", "entry 2 must start with a key id"),
    ],
)
def test_a_key_ring_that_cannot_be_used_is_refused_without_being_quoted(keys: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint) as refusal:
        settings("postgresql://", vault_keys=keys)
    assert GOOD_KEY not in str(refusal.value)


def test_the_first_key_is_the_active_one() -> None:
    assert list(read_keys(KEYS)) == ["k2", "k1"]


def test_every_missing_setting_is_named_at_once_and_the_exit_code_says_refused(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRIDDISPATCH_")}
    environment = kept | {"PYTHONPATH": str(PACK.parents[2]), "GRIDDISPATCH_VAULT_KEYS": "k1:" + "s3cret" * 7}
    done = subprocess.run(
        [sys.executable, "-m", "services.intake", "--only", "triage"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    for name in ("DATABASE_DSN", "KAFKA_BOOTSTRAP", "PACK", "AREA", "VAULT_KEYS"):
        assert f"GRIDDISPATCH_{name}" in done.stderr
    assert "s3cret" not in done.stderr


def test_an_area_or_a_pack_with_faults_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"grids\.geojson"):
        read_area(tmp_path)
    (tmp_path / "grids.geojson").write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    with pytest.raises(ValueError, match="must hold at least one grid"):
        read_area(tmp_path)
    with pytest.raises(ValueError, match=r"triage\.toml"):
        read_pack(tmp_path)


async def test_a_database_without_tables_is_refused_with_the_remedy(database: TestDatabase) -> None:
    with pytest.raises(NotMigrated, match="griddispatch db migrate"):
        await build(settings(database.postgres.dsn("postgres")), frozenset({"triage"}))


async def test_the_api_part_alone_serves_and_has_no_loops(intake_dsn: str) -> None:
    assembly = await build(settings(intake_dsn), frozenset({"api"}))
    problems.install(assembly.app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(assembly.app), base_url="http://localhost") as http:
        taken = await http.post("/v1/tickets", json=report(1))
        document = (await http.get("/openapi.json")).json()
    await assembly.close()
    assert taken.status_code == 201
    assert {"/v1/tickets", "/v1/tickets/bulk", "/v1/tickets/{ticket_id}"} <= document["paths"].keys()
    body = document["paths"]["/v1/tickets"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert sorted(body["required"]) == ["channel", "source", "text"]


async def test_a_process_without_the_api_part_takes_nothing_in(intake_dsn: str) -> None:
    assembly = await build(settings(intake_dsn), frozenset(PARTS) - {"api"})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(assembly.app), base_url="http://localhost") as http:
        assert (await http.post("/v1/tickets", json=report(1))).status_code == 404
    await assembly.close()
