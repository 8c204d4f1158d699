"""Prints a CycloneDX bill of materials: of what a virtual environment holds, or of what a lock file pins.

python make_sbom.py VENV, or python make_sbom.py requirements/runtime.txt. The same input gives the same bytes: no
time, no random number, components in order.
"""

import json
import re
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
    return _document(found)


def bill_of_lock(text: str) -> str:
    """The document of a lock file: every pinned package with the hashes of the files that will do."""
    found = []
    for entry in re.split(r"^(?=\S+==)", text, flags=re.MULTILINE):
        if pinned := re.match(r"([\w.-]+)==(\S+)", entry):
            one = component(pinned[1], pinned[2], "")
            hashes = [{"alg": "SHA-256", "content": h} for h in re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)]
            place = {"type": "distribution", "url": one["purl"], "hashes": hashes}
            found.append(one | {"externalReferences": [place]})
    return _document(sorted(found, key=lambda c: str(c["purl"])))


def _document(components: list[dict[str, Any]]) -> str:
    return json.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}, indent=1
    )


if __name__ == "__main__":
    given = Path(sys.argv[1])
    if given.is_file():
        print(bill_of_lock(given.read_text(encoding="utf-8")))
    else:
        (site,) = sorted(given.glob("lib/python3*/site-packages"))
        print(bill(site))
