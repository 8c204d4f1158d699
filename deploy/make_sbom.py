"""Prints what a virtual environment holds as a CycloneDX bill of materials: python make_sbom.py VENV

The same environment gives the same bytes: no time, no random number, components in order.
"""

import json
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any


def component(name: str, version: str, licence: str) -> dict[str, Any]:
    """One package."""
    canonical = name.lower().replace("_", "-").replace(".", "-")
    found: dict[str, Any] = {
        "type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{canonical}@{version}",
    }  # fmt: skip
    if licence:
        found["licenses"] = [{"expression": licence}]
    return found


def bill(site_packages: Path) -> str:
    """The document."""
    found = sorted(
        (
            component(d.metadata["Name"], d.version, d.metadata.get("License-Expression") or "")
            for d in distributions(path=[str(site_packages)])
        ),
        key=lambda c: str(c["purl"]),
    )
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": found}, indent=1)


if __name__ == "__main__":
    (site,) = sorted(Path(sys.argv[1]).glob("lib/python3*/site-packages"))
    print(bill(site))
