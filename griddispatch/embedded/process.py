"""A foreground child process that ends with its parent, and what starting one needs."""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from random import SystemRandom

LOOPBACK = "127.0.0.1"

# Below the range that Linux, macOS and IANA use for outgoing connections. Inside it a client that keeps calling a
# dead server can be given the server's port as its own, connect to itself and keep the server from coming back.
_PORTS = range(20_000, 32_000)
# Not the seeded generator: test runners seed that alike in every worker, and all workers would pick one port. Each in
# its turn, so that two servers that are started one after the other are not told the same.
_IN_TURN = cycle(SystemRandom().sample(_PORTS, len(_PORTS)))
_POLL_S = 0.02
_GONE_S = 10.0

# Reads until its standard input ends, which happens when the parent dies in whatever way; then stops the child.
_WATCHDOG = """
trap '' HUP INT TERM
read -r _
kill -s "$1" "$2" 2>/dev/null
n=0
while [ $n -lt 10 ] && kill -0 "$2" 2>/dev/null; do sleep 1; n=$((n + 1)); done
kill -s KILL -- "-$2" 2>/dev/null
"""


class LaunchError(RuntimeError):
    """A part could not be started or stopped in order; the text names the part, the reason and what to change."""


@dataclass(frozen=True)
class RunAs:
    """The user and group that a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """What to execute, and the signal that asks it to stop in order; `env` None means our environment."""

    argv: Sequence[str | Path]
    env: Mapping[str, str] | None = None
    run_as: RunAs | None = None
    stop_signal: signal.Signals = signal.SIGTERM


def free_port() -> int:
    """Return a loopback TCP port that was free a moment ago, and that nobody here was given lately.

    Raises LaunchError when none is found.
    """
    for port in islice(_IN_TURN, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise LaunchError(f"no free port among 100 tried between {_PORTS.start} and {_PORTS.stop} on {LOOPBACK}")


class ChildProcess:
    """One child in its own session, with its output in a log file.

    It gets its stop signal when this process ends, however it ends, and SIGKILL ten seconds later; a copy of this
    process made by fork without exec delays that until the copy ends too. It may be started from any thread.
    Blocks while starting and ending; raises LaunchError when the program cannot be executed.
    """

    def __init__(self, name: str, program: Program, log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._stop_signal = program.stop_signal
        user = program.run_as
        # Every descendant inherits the writing end, so the reading end sees its end only when all of them are gone.
        self._alive, inherited = os.pipe()
        try:
            with log_path.open("ab") as log:
                self._child = subprocess.Popen(
                    program.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=log_path.parent,  # core dumps and crash reports land beside the log
                    env=program.env,
                    user=user.uid if user else None,
                    group=user.gid if user else None,
                    extra_groups=[] if user else None,
                    start_new_session=True,
                    pass_fds=[inherited],
                )
        except OSError as error:
            os.close(self._alive)
            raise LaunchError(f"{name} could not be executed: {error}") from error
        finally:
            os.close(inherited)
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "watchdog", self._stop_signal.name.removeprefix("SIG"), str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its session and group."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.poll()

    def terminate(self, deadline_s: float) -> None:
        """Ask it to stop and wait; raises LaunchError if it had to be killed because the deadline passed."""
        if self.exit_code is None:
            self._child.send_signal(self._stop_signal)
        try:
            self._child.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise LaunchError(f"{self.name} did not stop within {deadline_s:g} s and was killed") from error
        self._release()

    def kill(self) -> None:
        """End it and its group at once with SIGKILL; returns when every descendant is gone."""
        # Unreaped until the wait below, so the group id cannot belong to somebody else yet.
        if self.exit_code is None:
            # macOS says "no permission" for a group whose only member has just ended.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._child.wait(_GONE_S)
        self._release()

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log, for error texts; empty when there is none."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def _release(self) -> None:
        """Reap the watchdog and wait for descendants that outlive the child; may be called again."""
        if self._watchdog.stdin is None or self._watchdog.stdin.closed:
            return
        self._watchdog.kill()
        self._watchdog.wait(_GONE_S)
        self._watchdog.stdin.close()
        with selectors.DefaultSelector() as selector:
            selector.register(self._alive, selectors.EVENT_READ)
            all_gone = bool(selector.select(_GONE_S))
        os.close(self._alive)
        if not all_gone:
            raise LaunchError(f"{self.name} ended but left processes behind that outlived {_GONE_S:g} s")


def wait_until(predicate: Callable[[], bool], timeout_s: float, what: str, child: ChildProcess | None = None) -> None:
    """Poll until the predicate holds; raises LaunchError when time is up or the child ends first."""
    deadline = time.monotonic() + timeout_s
    while not predicate():
        if child is not None and child.exit_code is not None:
            raise LaunchError(f"{child.name} ended with code {child.exit_code} before {what}{_quoted_log(child)}")
        if time.monotonic() >= deadline:
            raise LaunchError(f"not true after {timeout_s:g} s: {what}{_quoted_log(child)}")
        time.sleep(_POLL_S)


def _quoted_log(child: ChildProcess | None) -> str:
    if child is None:
        return ""
    return f"\nend of {child.log_path}:\n{child.log_tail() or '(empty)'}"
