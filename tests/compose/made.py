"""The root of the image as its Dockerfile makes it, out of what is installed here: no engine and no network needed."""

import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from tests.conftest import ROOT

MAKE_S = 240.0
DATA = ("packs", "areas", "access")
"""What the Dockerfile lays beside the root."""
PINNED = re.compile(r"^([\w.-]+)==", re.MULTILINE)


def make_image(folder: Path) -> Path:
    """The unpacked image in `folder`, its environment made of the packages of the runtime lock."""
    place = folder / "venv"
    venv.create(place, symlinks=True)
    (site,) = place.glob("lib/python3*/site-packages")
    for package in _installed():
        _copy_package(package, site)
    _copy_ours(site)
    bill = runpy.run_path(str(ROOT / "deploy" / "make_sbom.py"))["bill"]
    (place / "sbom.cdx.json").write_text(bill(site), encoding="utf-8")
    made = [place / "bin" / "python", ROOT / "deploy" / "make_root.py", place, folder / "image"]
    subprocess.run(made, check=True, capture_output=True, timeout=MAKE_S)
    for name in DATA:
        shutil.copytree(ROOT / "deploy" / name, folder / "image" / "data" / name)
    return folder / "image"


def _installed() -> Iterator[Distribution]:
    lock = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    for name in sorted(set(PINNED.findall(lock)) - {"colorama"}):  # for Windows only
        yield distribution(name)


def _copy_package(package: Distribution, site: Path) -> None:
    for file in package.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = site / Path(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), target)


def _copy_ours(site: Path) -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    for name in told["wheel"]["packages"]:
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in told["wheel"]["force-include"].items():
        shutil.copytree(ROOT / source, site / target)


def missing() -> str:
    """Why the root cannot be made here; empty where it can."""
    lacking = [name for name in ("ldd", "strip") if shutil.which(name) is None]
    return f"no {' and no '.join(lacking)}" if lacking or not sys.platform.startswith("linux") else ""
