"""Turns text into counted buckets: character n-grams, hashed by fixed arithmetic, the same in every process."""

import re
import unicodedata
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Buckets: TypeAlias = NDArray[np.int64]
Counts: TypeAlias = NDArray[np.float32]

READ_AT_MOST: Final = 5_000
"""Characters of each part that are looked at: more than a report may hold, so that time is bounded whatever comes."""
TITLE_TIMES: Final = 2
"""How often a title's n-grams count: titles are short and to the point."""

_BLANKS: Final = re.compile(r"\s+")
_PRIME: Final = np.uint64(0x100000001B3)
_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(29)


def normalised(text: str) -> str:
    """The text as it is compared: compatibility forms folded, lower case, runs of blanks as nothing.

    Blanks go because Chinese has none and people put them anywhere; any string is taken, whatever is in it.
    """
    return _BLANKS.sub("", unicodedata.normalize("NFKC", text[:READ_AT_MOST])[:READ_AT_MOST].lower())


def counted_grams(title: str, text: str, bits: int, longest: int) -> tuple[Buckets, Counts]:
    """The buckets, below 2**bits and ascending, of all n-grams of one to `longest` characters, and how often each."""
    of_title, of_text = (_hashed(normalised(part), bits, longest) for part in (title, text))
    buckets, counts = np.unique(np.concatenate([*of_title * TITLE_TIMES, *of_text]), return_counts=True)
    return buckets, counts.astype(np.float32)


def named_grams(title: str, text: str, bits: int, longest: int) -> dict[str, int]:
    """Every n-gram as it reads, with its bucket: for people who ask what a model saw."""
    named: dict[str, int] = {}
    for part in map(normalised, (title, text)):
        for n, buckets in enumerate(_hashed(part, bits, longest)[1:], 1):
            named |= {part[start : start + n]: int(bucket) for start, bucket in enumerate(buckets)}
    return named


def _hashed(text: str, bits: int, longest: int) -> list[Buckets]:
    """The bucket of every n-gram, one array for each n from nought: a rolling polynomial over code points, mixed."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    rolled = np.zeros(len(points), np.uint64)
    found: list[Buckets] = [np.zeros(0, np.int64)]
    for n in range(1, min(longest, len(points)) + 1):
        rolled = (rolled[: len(points) - n + 1] * _PRIME) ^ (points[n - 1 :] + np.uint64(n))
        rolled = rolled * _MIXER
        rolled = rolled ^ (rolled >> _HALF)
        found.append(((rolled * _MIXER) >> np.uint64(64 - bits)).astype(np.int64))
    return found
