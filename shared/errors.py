"""Errors, grouped by what the caller must do about them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where, a stable code, and a sentence for people."""

    field: str
    code: str
    message: str


class Rejected(Exception):
    """The input is wrong and will stay wrong: tell the sender, do not try again."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.field or 'body'}: {p.message}" for p in problems))
        self.problems = problems


class Malformed(Rejected):
    """The bytes are not what their place promises: undecodable, or against the contract."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(Problem("", code, message))
        self.code = code


class Conflict(Exception):
    """The thing has moved on since the caller looked: read it again and decide anew."""

    def __init__(self, message: str, current_version: int, reason: str = "") -> None:
        """`reason`: a stable code, where pages have words of their own for it."""
        super().__init__(message)
        self.current_version = current_version
        self.reason = reason


class NotFound(Exception):
    """Nothing by that name here."""


class CannotOpen(Exception):
    """What is kept sealed does not open: the ring lacks its key, or the bytes are not what was put away.

    Whoever asks cannot help it; an operator can who has the right key.
    """


class Unavailable(Exception):
    """Something we stand on is away for now: try again, with the same key. The outcome may be unknown."""
