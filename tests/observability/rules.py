"""The alerting rules as tests see them, and promtool, which may be missing."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULE_FILES = ("alerts.yml", "slo.yml")
PROMTOOL_S = 110


@dataclass(frozen=True)
class Rule:
    """One rule: an alert, or a recording."""

    name: str
    is_alert: bool
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


def load(name: str) -> dict[str, Any]:
    """A file of deploy/prometheus, parsed."""
    found: dict[str, Any] = yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))
    return found


def rules() -> list[Rule]:
    """Every rule of every file."""
    return [
        Rule(r.get("alert") or r["record"], "alert" in r, r["expr"], r.get("labels", {}), r.get("annotations", {}))
        for name in RULE_FILES
        for group in load(name)["groups"]
        for r in group["rules"]
    ]


def alerts() -> list[Rule]:
    """Every alert; one name may stand for several speeds."""
    return [rule for rule in rules() if rule.is_alert]


def promtool(*args: str | Path) -> str:
    """Run promtool; what it printed. Skips loudly where there is none, or fails if it is required."""
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("GRIDDISPATCH_REQUIRE_PROMTOOL") == "1":
            pytest.fail("promtool is required and not here: it comes with Debian's package prometheus")
        pytest.skip("NOT COVERED: promtool is not here (Debian: apt-get install prometheus)")
    done = subprocess.run([found, *map(str, args)], capture_output=True, text=True, timeout=PROMTOOL_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
