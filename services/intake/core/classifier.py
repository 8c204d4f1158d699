"""Guesses a label from a text: a linear model over hashed character n-grams, read from a file of mere numbers."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.intake.core.grams import Buckets, Counts, counted_grams, named_grams
from shared.errors import Malformed

FORMAT: Final = 1
"""The layout of the file; another number is another layout, and is refused."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""What a model may take unpacked: a small file must not unfold into all memory."""
MOST_LABELS: Final = 2_000
BITS: Final = range(8, 21)
LENGTHS: Final = range(1, 6)


class Choice(NamedTuple):
    """A label, and how sure the model is of it, in [0, 1]."""

    label: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """One trained model.

    `weights` has a row for each bucket and a column for each label, in steps of the label's `steps`. `rarity` weighs a
    bucket by how few training texts have it; buckets of none weigh `unseen`: they say nothing for a label, but make
    every label less sure. `scale` turns scores into confidence, `threshold` is where its word begins to count.
    """

    target: str
    labels: tuple[str, ...]
    bits: int
    longest: int
    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    rarity: NDArray[np.float32]
    unseen: float
    scale: float
    threshold: float
    trained_on: str
    """SHA-256 of the training examples, in hex."""
    examples: int

    def choose(self, text: str, title: str = "") -> Choice:
        """The likeliest label of any text; the first of equals."""
        chances = self.chances(text, title)
        best = int(chances.argmax())
        return Choice(self.labels[best], round(float(chances[best]), 3))

    def chances(self, text: str, title: str = "") -> NDArray[np.float64]:
        """What each label has of the whole of 1, in the order of `labels`."""
        buckets, counts = counted_grams(title, text, self.bits, self.longest)
        scores = self.scale * self.scores(buckets, weighed(counts, self.rarity[buckets], self.unseen))
        powers: NDArray[np.float64] = np.exp(scores - scores.max())
        return powers / float(powers.sum())

    def scores(self, buckets: Buckets, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The margin of each label for a weighed text."""
        return (values @ self.weights[buckets].astype(np.float32) * self.steps).astype(np.float64)

    def speaking(self, text: str, title: str, label: str, most: int = 8) -> tuple[tuple[str, float], ...]:
        """The n-grams that speak loudest for a label, with what each adds to its score."""
        column = self.labels.index(label)
        buckets, counts = counted_grams(title, text, self.bits, self.longest)
        values = weighed(counts, self.rarity[buckets], self.unseen)
        shares = values * self.weights[buckets, column] * self.steps[column]
        says = dict(zip(buckets.tolist(), shares.tolist(), strict=True))
        heard = {piece: says[bucket] for piece, bucket in named_grams(title, text, self.bits, self.longest).items()}
        ranked = sorted(heard.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple((piece, round(share, 3)) for piece, share in ranked[:most] if share > 0)

    def to_bytes(self) -> bytes:
        """The model as a file; the same model gives the same bytes."""
        file = io.BytesIO()
        np.savez_compressed(
            file, format=np.int64(FORMAT), target=np.array(self.target), labels=np.array(self.labels),
            bits=np.int64(self.bits), longest=np.int64(self.longest), weights=self.weights, steps=self.steps,
            rarity=self.rarity.astype(np.float16), unseen=np.float64(self.unseen), scale=np.float64(self.scale),
            threshold=np.float64(self.threshold), trained_on=np.array(self.trained_on),
            examples=np.int64(self.examples),
        )  # fmt: skip
        return file.getvalue()


def weighed(counts: Counts, rarity: NDArray[np.float32], unseen: float) -> NDArray[np.float32]:
    """How much each bucket of one text counts: often and rare is much, and every text has length one."""
    often = 1 + np.log(counts)
    length = float(np.sqrt(np.square(often * np.where(rarity > 0, rarity, unseen)).sum())) or 1.0
    values: NDArray[np.float32] = (often * rarity / length).astype(np.float32)
    return values


def read_classifier(file: bytes) -> Classifier:
    """The model in these bytes. Raises Malformed for whatever is no whole model of this format; unpickles nothing."""
    try:
        parts = _unpacked(file)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError, NotImplementedError) as error:
        raise Malformed("unreadable_model", f"is no model file: {error}") from error
    if _whole(parts, "format", range(1_000)) != FORMAT:
        raise Malformed("foreign_model", f"is a model of another format than {FORMAT}")
    if set(parts) != _PARTS:
        raise Malformed("incomplete_model", f"lacks or adds {', '.join(sorted(_PARTS ^ set(parts)))}")
    bits, labels = _whole(parts, "bits", BITS), _labels(parts)
    rows, columns = 1 << bits, len(labels)
    return Classifier(
        target=_text(parts, "target"),
        labels=labels,
        bits=bits,
        longest=_whole(parts, "longest", LENGTHS),
        weights=_array(parts, "weights", np.int8, (rows, columns)),
        steps=_array(parts, "steps", np.float32, (columns,)),
        rarity=_array(parts, "rarity", np.float16, (rows,)).astype(np.float32),
        unseen=_number(parts, "unseen", lambda value: 0 <= value < 100),
        scale=_number(parts, "scale", lambda value: 0 < value < 1000),
        threshold=_number(parts, "threshold", lambda value: 0 <= value <= 1),
        trained_on=_text(parts, "trained_on"),
        examples=_whole(parts, "examples", range(1 << 40)),
    )


_PARTS: Final = frozenset({
    "format", "target", "labels", "bits", "longest", "weights", "steps", "rarity", "unseen", "scale", "threshold",
    "trained_on", "examples",
})  # fmt: skip


def _unpacked(file: bytes) -> Mapping[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
            raise ValueError(f"unpacks to more than {MOST_BYTES} bytes")
    with np.load(io.BytesIO(file), allow_pickle=False) as parts:
        return {name: parts[name] for name in parts.files}


def _labels(parts: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    array = parts["labels"]
    labels = tuple(str(label) for label in array) if array.dtype.kind == "U" and array.ndim == 1 else ()
    if not 2 <= len(labels) <= MOST_LABELS or len(set(labels)) < len(labels) or "" in labels:
        raise Malformed("bad_labels", f"labels must be 2 to {MOST_LABELS} different texts")
    return labels


def _array(parts: Mapping[str, NDArray[Any]], name: str, kind: type, shape: tuple[int, ...]) -> NDArray[Any]:
    array = parts[name]
    if array.dtype != kind or array.shape != shape or not np.isfinite(array).all():
        raise Malformed("bad_model", f"{name} must be finite {kind.__name__} of shape {shape}")
    return array


def _whole(parts: Mapping[str, NDArray[Any]], name: str, among: range) -> int:
    array = parts.get(name)
    if array is None or array.shape != () or array.dtype.kind != "i" or int(array) not in among:
        raise Malformed("bad_model", f"{name} must be a whole number from {among.start} to {among.stop - 1}")
    return int(array)


def _number(parts: Mapping[str, NDArray[Any]], name: str, is_fit: Callable[[float], bool]) -> float:
    array = parts[name]
    if array.shape != () or array.dtype != np.float64 or not is_fit(float(array)):
        raise Malformed("bad_model", f"{name} is no number a model can have")
    return float(array)


def _text(parts: Mapping[str, NDArray[Any]], name: str) -> str:
    array = parts[name]
    if array.shape != () or array.dtype.kind != "U":
        raise Malformed("bad_model", f"{name} must be a text")
    return str(array)
