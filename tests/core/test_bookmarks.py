"""Bookmarks: the newest of every partition is committed, one commit at a time, and nothing noted is left behind."""

import asyncio

import pytest

from shared.bookmarks import Bookmarks, Offsets


class Brokers:
    """Take commits down; the next one waits until it is let go."""

    def __init__(self) -> None:
        self.commits: list[dict[tuple[str, int], int]] = []
        self.at_once = self.most_at_once = 0
        self.may_answer = asyncio.Event()

    async def commit(self, offsets: Offsets) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.commits.append(dict(offsets))
        await self.may_answer.wait()
        self.at_once -= 1


async def test_what_is_noted_during_a_commit_goes_with_the_next_and_only_its_newest() -> None:
    brokers = Brokers()
    bookmarks = Bookmarks(brokers.commit)
    bookmarks.note({("a", 0): 1})
    await asyncio.sleep(0)
    for offset in (2, 3):
        bookmarks.note({("a", 0): offset, ("b", 1): offset + 10})
    brokers.may_answer.set()
    await bookmarks.settle()
    assert brokers.commits == [{("a", 0): 1}, {("a", 0): 3, ("b", 1): 13}]
    assert brokers.most_at_once == 1


async def test_what_is_noted_after_a_rest_is_committed_too() -> None:
    brokers = Brokers()
    brokers.may_answer.set()
    bookmarks = Bookmarks(brokers.commit)
    await bookmarks.settle()
    for offset in (1, 2):
        bookmarks.note({("a", 0): offset})
        await bookmarks.settle()
    assert brokers.commits == [{("a", 0): 1}, {("a", 0): 2}]


async def test_a_fault_of_a_commit_is_not_hidden() -> None:
    async def refuse(offsets: Offsets) -> None:
        raise RuntimeError("this should not have happened")

    bookmarks = Bookmarks(refuse)
    bookmarks.note({("a", 0): 1})
    with pytest.raises(RuntimeError, match="should not"):
        await bookmarks.settle()
    with pytest.raises(RuntimeError, match="should not"):
        bookmarks.note({("a", 0): 2})
