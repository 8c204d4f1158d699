"""What the checker says of one invariant: what broke it, the figures behind it, or why nothing can be said."""

from dataclasses import dataclass, field


class NotDecided(Exception):
    """This run has no evidence on an invariant; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be: the invariant, what it is about, and what was seen."""

    invariant: str
    subject: str
    seen: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: {self.seen}"


@dataclass
class Finding:
    """How one invariant fared. `figures` are counts or seconds by name."""

    invariant: str
    violations: list[Violation] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    not_decided: str = ""
    partly: str = ""
    """What of the invariant this run cannot show, when the rest is decided."""

    def broken(self, subject: object, seen: str) -> None:
        """Note a violation."""
        self.violations.append(Violation(self.invariant, str(subject), seen))

    def count(self, name: str, number: float = 1) -> None:
        """Add to a figure."""
        self.figures[name] = self.figures.get(name, 0) + number

    @property
    def word(self) -> str:
        """BROKEN, NOT DECIDED or HOLDS."""
        if self.violations:
            return "BROKEN"
        return "NOT DECIDED" if self.not_decided else "HOLDS"
