"""Running a service: HTTP and loops side by side, watched, and brought to an orderly end."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

import uvicorn
from starlette.types import ASGIApp

from shared.connections import Gate, watched_by
from shared.health import Readiness
from shared.telemetry import log

LOOP_DRAIN_S = 15.0
LAST_DRAIN_S = 8.0
HTTP_DRAIN_S = 10

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""A background loop: runs until the event is set, then finishes what it holds and returns."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: ending is the runtime's affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_config(app: ASGIApp, gate: Gate, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """How every service listens: `gate` bounds what comes in."""
    return uvicorn.Config(
        app, host=host, port=port, http=watched_by(gate), ws="none", log_level="error", access_log=False,
        timeout_graceful_shutdown=HTTP_DRAIN_S, timeout_keep_alive=30, server_header=False, lifespan="off",
    )  # fmt: skip


async def serve(
    app: ASGIApp, loops: Mapping[str, Loop], readiness: Readiness, *, gate: Gate, host: str, port: int,
    on_drain: Callable[[], None], on_stop: Callable[[], None] = lambda: None, last: Collection[str] = (),
) -> int:  # fmt: skip
    """Serve until SIGTERM or SIGINT, or until a loop dies; the exit code: 0, or 1 when something broke.

    Order of the end: not ready, stop taking requests, finish them, stop the loops, then those named in `last` (who
    carry away what the others leave), each under a deadline. `on_stop` is called before requests are waited for:
    answers without an end must end now; `on_drain` after it. A second signal ends at once.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, stop)
    server = _Server(server_config(app, gate, host, port))
    draining = {name: asyncio.Event() for name in loops}
    http = asyncio.create_task(server.serve(), name="http")
    workers = {name: asyncio.create_task(_run(run, draining[name]), name=name) for name, run in loops.items()}
    stopped = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({http, stopped, *workers.values()}, return_when=asyncio.FIRST_COMPLETED)
    broken = [task for task in (http, *workers.values()) if task.done()]
    for task in broken:
        log.error("task_ended", task=task.get_name(), error=repr(None if task.cancelled() else task.exception()))
    readiness.draining = True
    on_stop()
    server.should_exit = True
    await _finish({http}, HTTP_DRAIN_S + 2)
    for names, within_s in ((loops.keys() - set(last), LOOP_DRAIN_S), (loops.keys() & set(last), LAST_DRAIN_S)):
        for name in names:
            draining[name].set()
        on_drain()
        await _finish({workers[name] for name in names}, within_s)
    stopped.cancel()
    return 1 if broken else 0


async def _run(run: Loop, draining: asyncio.Event) -> None:
    await run(draining)
    if not draining.is_set():
        raise RuntimeError("a loop ended by itself")


async def _finish(tasks: set[asyncio.Task[None]], within_s: float) -> None:
    """Wait for the tasks; cut off and name whatever is not done in time."""
    if not tasks:
        return
    done, late = await asyncio.wait(tasks, timeout=within_s)
    for task in late:
        log.error("task_cut_off", task=task.get_name())
        task.cancel()
    for task in done:
        if not task.cancelled() and task.exception() is not None:
            log.error("task_failed", task=task.get_name(), error=repr(task.exception()))
    if late:
        await asyncio.wait(late, timeout=1)


def _on_signal(stop: asyncio.Event) -> None:
    if stop.is_set():
        raise SystemExit(130)
    stop.set()
