"""A point at which a test may end this process, as kill -9 would. Nothing happens unless a setting names one."""

import os
import signal
from collections.abc import Callable

Reach = Callable[[str], None]
"""Called when a commit point is reached, with its name."""


def nowhere(name: str) -> None:
    """No failpoint is set."""


class Failpoint:
    """Kills the process when the named point is reached for the n-th time: `NAME@N`, `relay.sent@1`."""

    def __init__(self, text: str) -> None:
        """Raises ValueError when `text` is not of that form."""
        self._name, _, count = text.rpartition("@")
        self._left = int(count)
        if not self._name or self._left < 1:
            raise ValueError("a failpoint is NAME@N, with N from 1")

    def __call__(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def failpoint(text: str) -> Reach:
    """The failpoint a setting asks for; an empty text asks for none."""
    return Failpoint(text) if text else nowhere
