"""The image's recipe, and its bill of materials."""

import json
import runpy
import subprocess
import sysconfig
from pathlib import Path

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


def test_the_recipe_passes_the_linter() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([str(linter), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_recipe_that_runs_as_root_would_be_noticed(tmp_path: Path) -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp && apt-get install x\n")
    done = subprocess.run([str(linter), str(tmp_path / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0


def test_the_final_stage_runs_unprivileged_and_holds_no_tools_of_the_build() -> None:
    final = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").rsplit("FROM ", 1)[1]
    assert "USER 10001:10001" in final
    assert "pip" not in final


def test_the_bill_of_materials_is_the_same_each_time_and_names_what_is_installed() -> None:
    bill = runpy.run_path(str(DEPLOY / "make_sbom.py"))["bill"]
    site = Path(sysconfig.get_path("purelib"))
    first = bill(site)
    assert first == bill(site)
    document = json.loads(first)
    assert document["bomFormat"] == "CycloneDX"
    assert {"pkg:pypi/fastapi", "pkg:pypi/asyncpg"} <= {c["purl"].partition("@")[0] for c in document["components"]}
