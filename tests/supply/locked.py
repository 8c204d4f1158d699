"""What the lock files pin: name, version, where it is for, and the hashes of the files that will do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
LOCKS = tuple(ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "demo", "dev"))
RUNTIME = LOCKS[0]
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One package. `version` is empty where it is not pinned to one."""

    name: str
    version: str
    hashes: tuple[str, ...]
    is_for_here: bool
    """Whether its marker holds on this platform and Python."""


def read_lock(text: str) -> Iterator[Locked]:
    """Every requirement of a lock file. Raises packaging's InvalidRequirement for what is none."""
    whole = re.sub(r"\\\n\s*", " ", text)
    for line in whole.splitlines():
        said = line.partition("#")[0].strip()
        if said:
            wanted = Requirement(said.partition(" --hash")[0])
            pins = [s.version for s in wanted.specifier if s.operator == "=="]
            version = pins[0] if len(pins) == 1 and len(wanted.specifier) == 1 and "*" not in pins[0] else ""
            here = wanted.marker is None or wanted.marker.evaluate()
            yield Locked(canonicalize_name(wanted.name), version, tuple(_HASH.findall(said)), here)
