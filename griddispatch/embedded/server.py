"""The life of one embedded server: prepare, spawn, wait until it answers, stop, kill, start again on the same data."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from griddispatch.embedded.process import ChildProcess, LaunchError, Program, RunAs, wait_until
from griddispatch.embedded.scratch import Scratch


class EmbeddedServer(ABC):
    """A server in a child process. Synchronous; one owner; usable as a context manager.

    `data_dir` holds everything it keeps, log included, and is never removed. Without one the server lives in a
    temporary directory that survives `kill` and `restart` and goes with `stop`; `in_memory` where there is room.
    """

    start_timeout_s = 60.0
    stop_timeout_s = 20.0

    def __init__(
        self, name: str, data_dir: Path | None, run_as: RunAs | None = None, *, in_memory: bool = False
    ) -> None:
        self.name = name
        self._in_memory = in_memory
        self._data_dir = data_dir.absolute() if data_dir else None
        self._run_as = run_as
        self._scratch: Scratch | None = None
        self._child: ChildProcess | None = None

    @abstractmethod
    def _prepare(self) -> Program:
        """Fill the home directory where it is new and return the server to run on it."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether a real request is answered now; must not raise, must not block for more than about a second."""

    @property
    def pid(self) -> int:
        """Process id of the server; raises LaunchError when it does not run."""
        if self._child is None:
            raise LaunchError(f"{self.name} is not running")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether its process is there; one that died by itself is not."""
        return self._child is not None and self._child.exit_code is None

    @property
    def home(self) -> Path:
        """The directory with data and log; raises LaunchError before the first start and after the stop."""
        return self._data_dir or self.scratch

    @property
    def scratch(self) -> Path:
        """A short-named temporary directory of this server; raises like `home`."""
        if self._scratch is None:
            raise LaunchError(f"{self.name} has not been started")
        return self._scratch.path

    @property
    def log_path(self) -> Path:
        """The server's own output, appended over restarts."""
        return self.home / "server.log"

    def start(self) -> None:
        """Start and wait until it answers; raises LaunchError, with the end of the log, and leaves nothing running."""
        if self._child is not None:
            raise LaunchError(f"{self.name} is already running with process id {self._child.pid}")
        self._make_directories()
        try:
            self._child = ChildProcess(self.name, self._prepare(), self.log_path)
            wait_until(self._is_ready, self.start_timeout_s, f"{self.name} answers", self._child)
        except BaseException:
            self.kill()
            self._remove_scratch()
            raise

    def stop(self) -> None:
        """Stop in order and drop temporary data; does nothing twice; raises LaunchError if it had to be killed."""
        try:
            self._halt()
        finally:
            self._remove_scratch()

    def kill(self) -> None:
        """End it at once, as a crash would, and keep its data; does nothing when it does not run."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()

    def restart(self) -> None:
        """Start again on the same data and port, after a stop in order if it still runs."""
        self._halt()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _halt(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.terminate(self.stop_timeout_s)

    def _make_directories(self) -> None:
        if self._scratch is None:
            self._scratch = Scratch(in_memory=self._in_memory)
            if self._run_as is not None:
                os.chown(self._scratch.path, self._run_as.uid, self._run_as.gid)
        self.home.mkdir(parents=True, exist_ok=True)

    def _remove_scratch(self) -> None:
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.remove()
