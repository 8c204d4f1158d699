"""Whether the tests of values walk the branches of every core: reads coverage's JSON, exit code 1 where one is short."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

LEAST: Final = 95.0
"""Percent of the branches of each service's `core/`."""


class Walked(NamedTuple):
    """How many branches there are, and how many were taken."""

    branches: int
    taken: int

    @property
    def percent(self) -> float:
        """Of a core without branches all are taken."""
        return 100 * self.taken / self.branches if self.branches else 100.0


def walked(report: Mapping[str, Any]) -> dict[str, Walked]:
    """The branches of each core by its folder, from `coverage json --branch`."""
    cores: dict[str, Walked] = {}
    for file, found in report["files"].items():
        folder = Path(file).parent.as_posix()
        if folder.endswith("/core"):
            summary, so_far = found["summary"], cores.get(folder, Walked(0, 0))
            cores[folder] = Walked(
                so_far.branches + summary["num_branches"], so_far.taken + summary["covered_branches"]
            )
    return cores


def missed(report: Mapping[str, Any], core: str) -> list[str]:
    """The files of a core that miss branches, the worst first, with the lines they leave from."""
    lines = []
    for file, found in report["files"].items():
        if Path(file).parent.as_posix() == core and (gaps := found["missing_branches"]):
            lines.append((len(gaps), f"  {file}: from line {', '.join(str(start) for start, _ in gaps)}"))
    return [line for _, line in sorted(lines, reverse=True)]


def main(path: str) -> int:
    """Print each core's share; the number of cores that fall short."""
    report = json.loads(Path(path).read_bytes())
    cores = walked(report)
    short = [core for core, found in sorted(cores.items()) if found.percent < LEAST]
    for core, found in sorted(cores.items()):
        print(f"{core}: {found.taken} of {found.branches} branches, {found.percent:.1f} %")
    for core in short:
        print(f"{core} falls short of {LEAST:.0f} %:", *missed(report, core), sep="\n")
    return len(short) if cores else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
