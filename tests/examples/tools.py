"""What an example needs beside this product, fetched once per user into a cache; Missing says what cannot be had."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ROOT

EXAMPLES = ROOT / "deploy" / "examples"
INSTALL_S = 300.0


class Missing(Exception):
    """What an example needs is not on this machine; the text says what."""


def program(name: str) -> str:
    """The path of a program. Raises Missing."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not in PATH")
    return found


def installed(name: str, files: Sequence[str], command: Sequence[str]) -> Path:
    """A folder with copies of the example's `files` in which `command` has run, made once per their content.

    Raises Missing.
    """
    sources = [EXAMPLES / name / file for file in files]
    print_of = hashlib.sha256(b"".join(s.read_bytes() for s in sources) + sys.version.encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "griddispatch"
    root = cache / f"example-{name}-{print_of}"
    if not root.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as partial:
            folder = Path(partial) / name
            folder.mkdir()
            for source in sources:
                shutil.copy(source, folder)
            _run(command, folder)
            if not root.is_dir():
                folder.rename(root)
    return root


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{command[0]}: {error}") from error
    if ended.returncode:
        raise Missing(f"{' '.join(command)}: {ended.stderr[-500:]}")
