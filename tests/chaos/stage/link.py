"""A TCP link that can be made slow, lossy, one-way, silent or cut, and that can swallow the answer to a COMMIT."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
CHUNK = 64 * 1024
COMMIT = b"COMMIT;\0"
"""What the driver sends as a simple query at the end of a transaction."""


@dataclass
class Weather:
    """How a link behaves now. Times in seconds, `drip` in bytes a second, `loss` a share of connections broken."""

    latency: float = 0.0
    drip: int = 0
    loss: float = 0.0
    silent_out: bool = False
    silent_back: bool = False
    refuse: bool = False
    swallow_commits: int = 0
    """So many COMMITs reach the server; the link is cut before their answer is back."""


@dataclass
class Link:
    """One listening port whose connections go on to a target. `weather` may be changed at any time."""

    target_port: int
    seed: int = 0
    port: int = 0
    weather: Weather = field(default_factory=Weather)
    swallowed: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a port of its own, or on `port` if it is set."""
        self._server = await asyncio.start_server(self._connected, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Tear every open connection down."""
        for writer in list(self._open):
            writer.transport.abort()

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="link")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.weather.refuse:
            writer.transport.abort()
            return
        try:
            async with asyncio.timeout(10):
                onward, back = await asyncio.open_connection(LOOPBACK, self.target_port)
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            async with asyncio.TaskGroup() as both:
                hushed = asyncio.Event()
                both.create_task(self._pump(reader, back, hushed, outward=True))
                both.create_task(self._pump(onward, writer, hushed, outward=False))
        except* (OSError, _Over):
            pass
        finally:
            for end in (writer, back):
                self._open.discard(end)
                with contextlib.suppress(RuntimeError):
                    end.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, hushed: asyncio.Event, *, outward: bool
    ) -> None:
        """Pass on what comes, as the weather allows; once `hushed`, nothing goes back any more."""
        while data := await source.read(CHUNK):
            while self.weather.silent_out if outward else self.weather.silent_back:  # noqa: ASYNC110 weather is a plain value
                await asyncio.sleep(0.05)
            weather = self.weather
            if weather.latency:
                await asyncio.sleep(weather.latency)
            if (weather.loss and self._random.random() < weather.loss) or (hushed.is_set() and not outward):
                raise _Over
            swallow = outward and weather.swallow_commits > 0 and COMMIT in data
            if swallow:
                weather.swallow_commits -= 1
                self.swallowed += 1
                hushed.set()
            sink.write(data)
            await sink.drain()
            if weather.drip:
                await asyncio.sleep(len(data) / weather.drip)
            if swallow:
                await asyncio.sleep(0.05)  # let it arrive before the link is cut
                raise _Over
        raise _Over


class _Over(Exception):
    """One side is done with the connection."""
