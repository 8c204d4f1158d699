"""python -m tests.supply.licences: writes docs/licences.md, what every package licenses that the services run on."""

import sys
from importlib.metadata import PackageNotFoundError, metadata

from tests.supply.locked import ROOT, RUNTIME, read_lock

PAGE = ROOT / "docs" / "licences.md"
ALLOWED = (
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0",
    "Python-2.0", "Unlicense", "Zlib",
)  # fmt: skip
"""Which may be used and passed on beside Apache-2.0. MPL-2.0 asks only that its own files stay open."""
BY_TEXT = (
    ("apache", "Apache-2.0"), ("mpl", "MPL-2.0"), ("mozilla", "MPL-2.0"), ("3-clause", "BSD-3-Clause"),
    ("bsd", "BSD-3-Clause"), ("mit", "MIT"), ("python software", "PSF-2.0"), ("isc", "ISC"), ("unlicense", "Unlicense"),
)  # fmt: skip
"""How licences are written where they are not written as an expression of SPDX."""
_HEAD = """# Licences 许可证

What the services run on, as the packages themselves say. Written by `python -m tests.supply.licences`; a test fails on
any other licence than these: {allowed}.

| package | licence |
|---|---|
"""


def licence_of(name: str) -> str:
    """What an installed package says, as SPDX; empty when it does not. Raises PackageNotFoundError."""
    told = metadata(name)
    if expression := told.get_all("License-Expression"):
        return str(expression[0])
    classes = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    first_lines = [text.strip().partition("\n")[0] for text in told.get_all("License") or []]
    for text in (*classes, *first_lines):
        for word, spdx in BY_TEXT:
            if word in text.lower():
                return spdx
    return ""


def licences() -> dict[str, str]:
    """Of every package of the runtime lock that is for this platform; empty where none is told or it is missing."""
    found = {}
    for one in read_lock(RUNTIME.read_text(encoding="utf-8")):
        if one.is_for_here:
            try:
                found[one.name] = licence_of(one.name)
            except PackageNotFoundError:
                found[one.name] = ""
    return found


def refused(licence: str) -> list[str]:
    """The parts of an expression that are not allowed; of a choice one allowed part is enough."""
    choices = [choice.strip("() ") for choice in licence.replace(" or ", " OR ").split(" OR ")]
    judged = [[p for p in choice.split(" AND ") if p.strip("() ") not in ALLOWED] for choice in choices]
    return min(judged, key=len)


def page(found: dict[str, str]) -> str:
    """The page, in Markdown."""
    lines = [f"| {name} | {licence} |" for name, licence in sorted(found.items())]
    return _HEAD.format(allowed=", ".join(ALLOWED)) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(licences()), encoding="utf-8")
    sys.exit(0)
