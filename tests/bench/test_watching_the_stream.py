"""One who watches the stream counts every change once, however the bytes are cut, and knows when each came."""

import pytest

from griddispatch.bench.watching import Watcher

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
TOLD = b'event: ticket\ndata: {"ticket_id": "t"}\n\n'


@pytest.mark.parametrize("size", [1, 7, 13, 14, 15, 1000])
def test_every_change_is_counted_once_however_the_bytes_are_cut(size: int) -> None:
    watcher, stream = Watcher(), HEAD + TOLD * 5 + b"event: clock\ndata: {}\n\n" + TOLD
    watcher.is_watching = True
    for n in range(0, len(stream), size):
        watcher.data_received(stream[n : n + size])
    assert watcher.told == 6


def test_changes_that_came_together_came_at_the_same_time() -> None:
    watcher = Watcher()
    watcher.data_received(HEAD + TOLD)
    watcher.data_received(TOLD * 2)
    first, second = watcher.times
    assert watcher.arrivals(3) == [first, second, second]
    assert watcher.arrivals(2) == [second, second]


def test_it_notices_when_it_is_not_let_in_or_missed_something() -> None:
    watcher = Watcher()
    watcher.data_received(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
    assert not watcher.is_watching
    watcher.data_received(b"event: missed\ndata: {}\n\n")
    assert watcher.has_missed


def test_only_who_keeps_what_was_told_has_it() -> None:
    keeping, counting = Watcher(keeps=True), Watcher()
    for one in (keeping, counting):
        one.data_received(TOLD)
    assert (bytes(keeping.kept), bytes(counting.kept)) == (TOLD, b"")
