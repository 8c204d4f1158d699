"""Ctrl-C and SIGTERM: the first asks for an orderly end, whatever that means just then; the second ends at once."""

import asyncio
import os
import signal
from collections.abc import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE = 130


class Interruption:
    """What a signal does. Use as a context manager inside a running loop."""

    def __init__(self, act: Callable[[], object]) -> None:
        """`act` is called at the first signal; it may be exchanged as the run goes on."""
        self.act = act
        self.has_come = False

    def __enter__(self) -> "Interruption":
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def ignore(self) -> None:
        """From now on the first signal changes nothing: the end is under way."""
        self.act = _nothing

    def _on_signal(self) -> None:
        if self.has_come:
            os._exit(EXIT_CODE)  # the watchdogs of the children end them
        self.has_come = True
        self.act()


def _nothing() -> None:
    return
