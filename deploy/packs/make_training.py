"""Makes the training texts of a pack's category model from sentences of our own and the pack's words; prints CSV.

Usage: python deploy/packs/make_training.py > training.csv
       griddispatch triage train training.csv --label category --threshold 0.6 --out category.npz
The same files give the same bytes. Every sentence and every word stands in one row only: a model learns how sure it may
be from rows that were held out, and would learn conceit from rows that repeat each other.
"""

import csv
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACK = HERE / "county-default"
WORDS_AT_ONCE = 3


def rows() -> Iterator[tuple[str, str]]:
    """Each text with its category."""
    for code, sentences in _read(HERE / "sentences.toml")["category"].items():
        yield from ((sentence, code) for sentence in sentences.split())
    for rule in _read(PACK / "triage.toml")["category"]:
        yield from ((example, rule["code"]) for example in _chinese(rule["examples"]))
        words = list(_chinese((*rule.get("strong", ()), *rule.get("words", ()))))
        for start in range(0, len(words), WORDS_AT_ONCE):
            yield "，".join(words[start : start + WORDS_AT_ONCE]), rule["code"]


def _chinese(texts: Iterable[str]) -> Iterator[str]:
    """Without those in Latin letters: a model of one or two characters learns noise from these."""
    return (text for text in texts if not text.isascii())


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("text", "category"))
    table.writerows(rows())
