"""The ring of the live stream: encoded once, resumed by position, and honest about what was missed."""

import asyncio

import pytest

from services.dispatch.live import frame, pause_s
from services.dispatch.watchers import Change, TooMany, Wanted, Watchers

A, B = ("tickets-state", 0), ("tickets-state", 1)
ALL = Wanted()


def change(offset: int, place: tuple[str, int] = A, units: tuple[str, ...] = (), light: str | None = None) -> Change:
    body = f'{{"n":"{place[1]}/{offset}"}}'.encode()
    return Change(place, offset, frame("ticket", body), "990101001001001", units, light, frame("gone", body))


def ring(capacity: int = 100, limit: int = 10) -> Watchers:
    watchers = Watchers((A, B), capacity, limit)
    watchers.begin({A: 5, B: 7})
    return watchers


def told(frames: bytes) -> list[str]:
    return [line[12:-2] for line in frames.decode().split("\n") if line.startswith("data: ")]


def test_who_comes_new_sees_what_comes_from_then_on() -> None:
    watchers = ring()
    watchers.tell([change(5)], {A: 6})
    cursor = watchers.join(None).cursor
    assert watchers.look(cursor, ALL).frames == b""
    watchers.tell([change(6), change(7, B)], {A: 7, B: 8})
    seen = watchers.look(cursor, ALL)
    assert told(seen.frames) == ["0/6", "1/7"]
    assert seen.frames.endswith(b"id: 7.8\n\n")
    assert watchers.look(seen.cursor, ALL).frames == b""


def test_who_comes_back_sees_everything_since_his_position() -> None:
    watchers = ring()
    watchers.tell([change(5), change(7, B), change(6), change(8, B)], {A: 7, B: 9})
    begun = watchers.join("6.7")
    assert not begun.has_missed
    assert told(watchers.look(begun.cursor, ALL).frames) == ["1/7", "0/6", "1/8"]
    assert told(watchers.look(watchers.join("7.9").cursor, ALL).frames) == []


@pytest.mark.parametrize("position", ["4.7", "5.99", "5", "5.x", "-1.7", "5.7.1", "9" * 30, "٥.7"])
def test_a_position_that_cannot_be_resumed_is_said_to_have_missed_something(position: str) -> None:
    assert ring().join(position).has_missed


def test_who_is_slower_than_the_ring_is_long_is_told_and_goes_on_from_now() -> None:
    watchers = ring(capacity=3)
    cursor = watchers.join(None).cursor
    watchers.tell([change(n) for n in range(5, 10)], {A: 10})
    late = watchers.look(cursor, ALL)
    assert (late.has_missed, late.frames) == (True, b"")
    watchers.tell([change(10)], {A: 11})
    assert told(watchers.look(late.cursor, ALL).frames) == ["0/10"]
    assert watchers.join("6.7").has_missed, "offset 6 has left the ring"
    assert told(watchers.look(watchers.join("9.7").cursor, ALL).frames) == ["0/9", "0/10"]


def test_records_that_are_gone_when_reading_begins_again_are_missed_by_everybody() -> None:
    watchers = ring()
    watchers.tell([change(5)], {A: 6})
    cursor = watchers.join(None).cursor
    watchers.begin({A: 6, B: 7})
    assert not watchers.look(cursor, ALL).has_missed, "nothing was lost: it goes on where it was"
    watchers.begin({A: 20, B: 7})
    assert watchers.look(cursor, ALL).has_missed


def test_the_same_look_is_put_together_once() -> None:
    watchers = ring()
    cursor = watchers.join(None).cursor
    watchers.tell([change(5)], {A: 6})
    assert watchers.look(cursor, ALL).frames is watchers.look(cursor, ALL).frames


@pytest.mark.parametrize(
    ("wanted", "event"),
    [
        (Wanted(), "ticket"),
        (Wanted(grids=frozenset({"990101001"})), "ticket"),
        (Wanted(grids=frozenset({"990101002"})), None),
        (Wanted(units=frozenset({"water"})), "ticket"),
        (Wanted(units=frozenset({"gas"})), "ticket"),
        (Wanted(units=frozenset({"power"})), "gone"),
        (Wanted(lights=frozenset({"RED"})), "gone"),
        (Wanted(grids=frozenset({"990101002"}), lights=frozenset({"RED"})), None),
    ],
    ids=str,
)
def test_a_watcher_gets_what_he_wants_and_learns_what_has_left(wanted: Wanted, event: str | None) -> None:
    frames = wanted.frame(change(5, units=("water", "gas"), light="GREEN"))
    assert frames.startswith(f"event: {event}\n".encode()) if event else frames == b""


def test_there_is_a_limit_to_watchers() -> None:
    watchers = ring(limit=2)
    watchers.enter()
    watchers.enter()
    with pytest.raises(TooMany):
        watchers.enter()
    watchers.leave()
    watchers.enter()


async def test_news_and_the_end_wake_who_waits() -> None:
    watchers = ring()
    waiting = [asyncio.create_task(watchers.wait(20)) for _ in range(3)]
    await asyncio.sleep(0)
    watchers.tell([change(5)], {A: 6})
    assert await asyncio.gather(*waiting) == [True, True, True]
    last = asyncio.create_task(watchers.wait(20))
    await asyncio.sleep(0)
    watchers.close()
    assert await last
    assert not await watchers.wait(0.001)
    with pytest.raises(TooMany):
        watchers.enter()


def test_the_more_watch_the_longer_news_gathers() -> None:
    assert [round(pause_s(n), 2) for n in (1, 100, 500, 5000)] == [0.02, 0.07, 0.27, 0.5]
