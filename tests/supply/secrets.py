"""Looks for secrets in what is under version control: keys and tokens by their form, passwords by where they stand."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

FORMS: dict[str, re.Pattern[str]] = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64,}"),
    "key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bLTAI[0-9A-Za-z]{12,20}\b|\bAIza[0-9A-Za-z_-]{35}\b"),
    "token of a forge": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{22,}|glpat-[\w-]{20,})\b"),
    "token of a chat": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}\b"),
    "token of a registry": re.compile(r"\b(?:pypi-AgEIcHlwaS5vcmc[\w-]{50,}|npm_[0-9A-Za-z]{36})\b"),
    "signed token": re.compile(r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}\b"),
    "password in an address": re.compile(r"\b[a-z][a-z0-9+]*://[^\s:/@\"'<>{}$]+:(?P<word>[^\s:/@\"'<>{}$()]{8,})@"),
    "password that is set": re.compile(
        r"(?i)\b(?:password|passwd|secret|api_?key|pepper|token)\b[\"']?\s*[:=]\s*[\"'](?P<word>[0-9A-Za-z+/_=-]{24,})[\"']"
    ),
}
MOST_BYTES = 2_000_000
HARMLESS = re.compile(
    r"(?i)example|password|secret|change-?me|placeholder|dummy|demo|test|wrong|invalid|1234|(.)\1{5,}"
)
"""What a person reads as no secret, in the place of the secret."""
NOWHERE = re.compile(r"(?:[\w.-]*\.example|127\.0\.0\.1|localhost)\b")
"""Hosts to which a password opens nothing: names that are reserved for examples, and this machine."""


def tracked(root: Path) -> Iterator[Path]:
    """Every file under version control. Raises CalledProcessError outside a checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, timeout=60).stdout
    for name in listed.decode().split("\0"):
        path = root / name
        if name and path.is_file() and path.stat().st_size <= MOST_BYTES:
            yield path


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """Line and kind of whatever looks like a secret."""
    for kind, form in FORMS.items():
        for found in form.finditer(text):
            leads_nowhere = NOWHERE.match(text, found.end()) is not None
            if not leads_nowhere and not HARMLESS.search(found.groupdict().get("word") or ""):
                yield text.count("\n", 0, found.start()) + 1, kind
