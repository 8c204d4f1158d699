"""Text files from elsewhere, line by line: packed or not, in UTF-8 or refused."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

from griddispatch.demo.layouts import InputError

LINE_LIMIT: Final = 64 * 1024
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
"""What stands for a byte that is not UTF-8."""


def open_text(path: Path) -> IO[str]:
    """The file as text; `.gz` is unpacked, a byte order mark left out, bytes that are not UTF-8 are marked."""
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=""))
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def whole_lines(file: IO[str]) -> Iterator[str]:
    """The lines. Raises InputError for one whose bytes are not UTF-8 or that is longer than a report may be."""
    for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT + 1), ""), 1):
        if len(line) > LINE_LIMIT:
            raise InputError(f"line {number}: longer than {LINE_LIMIT} characters")
        if _ESCAPED.search(line):
            raise InputError(f"line {number}: not UTF-8")
        yield line
