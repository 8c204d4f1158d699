"""What the terminal shows: one bar and a few counters, or now and then a plain line when nobody watches live."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from griddispatch.demo.hours import ZONE

COUNTERS = (
    "received", "assigned", "signed", "resolved", "asked", "evaluated", "closed", "reopened", "red", "escalated",
    "returned", "redelivered", "dead",
)  # fmt: skip
LINE_EVERY_S = 5.0
_REPORTED = (
    "accepted", "rejected", "assigned", "resolved", "evaluated", "closed", "dissatisfied", "reopened", "asked_again",
    "supervised", "escalated", "returned", "redelivered", "lost", "duplicated", "dead", "open_on_clock",
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """One look at the run."""

    simulated: datetime
    sent: int
    accepted: int
    tickets: int
    counts: Mapping[str, int]
    rate: float
    lag: int


class Show:
    """The terminal of one run. On a TTY a live display; elsewhere, and always for what lasts, plain lines."""

    def __init__(self, console: Console, tickets: int) -> None:
        self._console = console
        self._line_at = 0.0
        self._bar = Progress(
            TextColumn("closed"), BarColumn(bar_width=None), TaskProgressColumn(), TimeElapsedColumn(), expand=True
        )
        self._task = self._bar.add_task("closed", total=tickets)
        self._live = Live(console=console, refresh_per_second=2, transient=True) if console.is_terminal else None

    def __enter__(self) -> "Show":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def update(self, frame: Frame) -> None:
        """Show the run as it is now."""
        if self._live is not None:
            self._bar.update(self._task, completed=frame.counts.get("closed", 0))
            self._live.update(Group(_counters(frame), self._bar))
        elif time.monotonic() >= self._line_at:
            self._line_at = time.monotonic() + LINE_EVERY_S
            self.say(_line(frame))

    def finish(self, report: Mapping[str, Any]) -> None:
        """Print the table of the end."""
        table = Table(show_header=False, title="How it went", title_justify="left")
        table.add_column()
        table.add_column(justify="right")
        for name in _REPORTED:
            table.add_row(name.replace("_", " "), str(report[name]))
        rates = report["rates"]
        named = ", ".join(f"{name} {rates[name] or '–'} %" for name in ("response", "solution", "satisfaction"))
        table.add_row("rates, recounted", f"{named} of {rates['valid']}")
        table.add_row("the same at notify", "yes" if rates["equal_to_notify"] else "NO")
        delay = report["accept_to_assigned_ms"]
        table.add_row("assigned per second", str(report["throughput_per_s"]))
        table.add_row("accepted to assigned, ms", f"p50 {_ms(delay['p50'])}, p99 {_ms(delay['p99'])}")
        table.add_row("seconds", f"{report['seconds']} at ×{report['speed']:g}")
        self._console.print(table)


def _when(frame: Frame) -> str:
    return f"{frame.simulated.astimezone(ZONE):%a %Y-%m-%d %H:%M}"


def _counters(frame: Frame) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_row("[bold]" + _when(frame), f"{frame.rate:.0f} events/s", f"lag {frame.lag}")
    cells = [f"sent {frame.sent}", f"accepted {frame.accepted}"]
    cells += [f"{name} [bold]{frame.counts.get(name, 0)}[/]" for name in COUNTERS]
    for place in range(0, len(cells), 5):
        grid.add_row(*cells[place : place + 5])
    return grid


def _line(frame: Frame) -> str:
    shown = " ".join(f"{name}={frame.counts[name]}" for name in COUNTERS if frame.counts.get(name))
    return f"{_when(frame)} accepted={frame.accepted}/{frame.tickets} {shown} events/s={frame.rate:.0f} lag={frame.lag}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
