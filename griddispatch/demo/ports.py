"""Ports for the demo's services: the usual ones while free, and never one that another demo is about to take."""

import contextlib
import socket

from griddispatch.embedded.process import LOOPBACK, free_port

_BESIDE = 10_000
_HIGHEST = 65_535


class Ports:
    """What one demo has claimed, until `close` or the end of the process.

    A service listens only seconds after its port was found free, and meanwhile another demo finds the same. So a demo
    holds a second port beside each for as long as it runs: whoever cannot have that one looks elsewhere.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> int:
        """The port itself if nobody listens there or is about to, else another one. Asked again, it stays ours.

        Raises LaunchError when no other port is free.
        """
        return port if self._claim(port) and _is_free(port) else free_port()

    def close(self) -> None:
        """Let go of everything."""
        while self._held:
            self._held.popitem()[1].close()

    def _claim(self, port: int) -> bool:
        if port in self._held:
            return True
        sign = socket.socket()
        try:
            sign.bind((LOOPBACK, port + _BESIDE if port + _BESIDE <= _HIGHEST else port - _BESIDE))
        except OSError:
            sign.close()
            return False
        self._held[port] = sign
        return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        return True
    return False
