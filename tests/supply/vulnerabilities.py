"""python -m tests.supply.vulnerabilities: asks the public database OSV about every pinned version of a lock file.

Exit code 1 when a version is known to be vulnerable. Where the database cannot be reached that is said loudly, and is
an error only with GRIDDISPATCH_REQUIRE_AUDIT=1.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.supply.locked import LOCKS, Locked, read_lock

OSV = "https://api.osv.dev"
ASK_S = 30.0
AT_ONCE = 500


def known(base: str, packages: Sequence[Locked]) -> dict[str, list[str]]:
    """Vulnerabilities by `name version`. Raises httpx.HTTPError, ValueError for an answer that is none."""
    found: dict[str, list[str]] = {}
    with httpx.Client(base_url=base, timeout=ASK_S) as http:
        for first in range(0, len(packages), AT_ONCE):
            asked = packages[first : first + AT_ONCE]
            answer = http.post("/v1/querybatch", json={"queries": [_query(one) for one in asked]})
            told = answer.raise_for_status().json()["results"]
            if len(told) != len(asked):
                raise ValueError(f"{len(asked)} questions, {len(told)} answers")
            for one, result in zip(asked, told, strict=True):
                if result.get("vulns"):
                    found[f"{one.name} {one.version}"] = [vulnerability["id"] for vulnerability in result["vulns"]]
    return found


def _query(one: Locked) -> dict[str, object]:
    return {"package": {"name": one.name, "ecosystem": "PyPI"}, "version": one.version}


def audit(base: str, locks: Sequence[Path], *, required: bool) -> int:
    """Ask, and say what is known; the exit code."""
    packages = {one for lock in locks for one in read_lock(lock.read_text(encoding="utf-8"))}
    try:
        found = known(base, sorted(packages, key=lambda one: (one.name, one.version)))
    except (httpx.HTTPError, ValueError, KeyError) as error:
        print(f"NOT AUDITED: {base} could not be asked about {len(packages)} packages: {error!r}", file=sys.stderr)
        return 1 if required else 0
    for package, names in found.items():
        print(f"{package}: {', '.join(names)}")
    print(f"{len(packages)} packages asked about, {len(found)} known to be vulnerable")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(audit(os.environ.get("OSV_URL", OSV), LOCKS, required=os.environ.get("GRIDDISPATCH_REQUIRE_AUDIT") == "1"))
