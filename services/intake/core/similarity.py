"""How alike two texts are, told from signatures: 64 bytes a text, from which nobody can read it back.

A signature is a MinHash over the pairs of neighbouring characters, one byte a hash. The share of bytes that two
signatures have in common estimates the Jaccard index of their pairs, give or take 0.05.
"""

import re
import unicodedata
from collections.abc import Sequence
from operator import eq
from typing import Final

import numpy

LENGTH: Final = 64
"""Bytes of a signature; a text without a letter or digit has none and is like nothing."""

_MOST_CHARACTERS: Final = 600
"""Whoever writes more has said what it is about by then."""

_MOST_CHARACTERS_AT_ONCE: Final = 20_000
"""Bounds the memory of a batch to a few megabytes."""

_CACHED: Final = 32_768
"""Hashes at a time: they fit the processor's cache, all together would not."""

_BORDER: Final = "\x00"
_IDLE: Final = re.compile(r"[^\w\x00]+|_+")

_CHANCE: Final = 1 / 256
"""Two bytes that have nothing to do with each other are the same so often."""

_seeds = numpy.random.Generator(numpy.random.Philox(12345)).integers(0, 2**32, (2, LENGTH), dtype=numpy.uint32)
_FACTORS: Final = (_seeds[0] | numpy.uint32(1))[:, None]
_OFFSETS: Final = _seeds[1][:, None]
"""Part of what is stored: other numbers would make every signature kept so far worthless."""


def plain(text: str) -> str:
    """The letters and digits of a text, one width and case: what is left out makes no two texts different."""
    # Punctuation goes first: what is left is in its normal form nearly always, and to see that is cheap.
    kept = _IDLE.sub("", text)
    return (kept if unicodedata.is_normalized("NFKC", kept) else unicodedata.normalize("NFKC", kept)).casefold()


def signature(text: str) -> bytes:
    """The signature of one text."""
    return signatures([text])[0]


def signatures(texts: Sequence[str]) -> list[bytes]:
    """The signature of each text, in order; the same text has the same in whatever company."""
    # One walk over all of them: between texts stands a character that the walk keeps and no text can hold.
    whole = plain(_BORDER.join(text.replace(_BORDER, "") for text in texts))
    made = [b""] * len(texts)
    some: list[tuple[int, str]] = []
    size = 0
    for index, text in enumerate(whole.split(_BORDER)):
        if not text:
            continue
        if size > _MOST_CHARACTERS_AT_ONCE:
            _sign(some, made)
            some, size = [], 0
        some.append((index, text[:_MOST_CHARACTERS]))
        size += min(len(text), _MOST_CHARACTERS)
    if some:
        _sign(some, made)
    return made


def similarity(one: bytes, other: bytes) -> float:
    """From 0 to 1; the same whichever comes first. What has no signature is like nothing."""
    if len(one) != LENGTH or len(other) != LENGTH:
        return 0.0
    same: float = sum(map(eq, one, other)) / LENGTH
    return max(0.0, (same - _CHANCE) / (1 - _CHANCE))


def _sign(some: Sequence[tuple[int, str]], made: list[bytes]) -> None:
    """Fill in the signatures of these texts, none of them empty, at their places."""
    # Every text is followed by its own last character: so that one of a single character has a pair too.
    joined = "".join([text + text[-1] for _, text in some])
    points = numpy.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=numpy.uint32)
    lengths = numpy.array([len(text) for _, text in some])
    starts = numpy.cumsum(lengths + 1) - (lengths + 1)
    mixed = points * numpy.uint32(0x9E3779B1)
    mixed[:-1] += points[1:] * numpy.uint32(0x85EBCA77)
    mixed = numpy.delete(mixed, starts[1:] - 1)[:-1]  # what reaches over the border into the next text
    mixed ^= mixed >> numpy.uint32(15)
    mixed *= numpy.uint32(0xC2B2AE3D)
    starts -= numpy.arange(len(some))
    least = numpy.empty((LENGTH, len(some)), dtype=numpy.uint32)
    step = max(1, _CACHED // len(mixed))
    for first in range(0, LENGTH, step):
        rows = slice(first, first + step)
        numpy.minimum.reduceat(_FACTORS[rows] * mixed + _OFFSETS[rows], starts, axis=1, out=least[rows])
    least ^= least >> numpy.uint32(16)
    finished = ((least * numpy.uint32(0x9E3779B1)) >> numpy.uint32(24)).astype(numpy.uint8).T.tobytes()
    for row, (index, _) in enumerate(some):
        made[index] = finished[row * LENGTH : (row + 1) * LENGTH]
