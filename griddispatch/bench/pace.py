"""Load that comes when it comes and waits for nobody: a steady hundred a second, and the storm."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle

import orjson

from griddispatch.bench.doors import patience_s
from griddispatch.bench.figures import Figure, most, percentile, unmeasured
from griddispatch.bench.http import LoadClient, NoAnswer
from griddispatch.bench.site import Scale, Site, Stalled

STEADY = 100.0
STORM = 10
CONNECTIONS = 64
STORM_CONNECTIONS = 600
"""More than the service will work on at once: what is too much must be refused in order."""
RECOVERY_S = 60.0
WINDOW_S = 5.0
SHED = (429, 503)
CALM = "until p99 is within twice that of before"
AWAY = 0
"""In the place of a status: the connection broke, or no answer came."""


@dataclass(frozen=True, slots=True)
class Post:
    """One matter handed in: when it was to be, when the answer was there, which, and the ticket if it became one."""

    due: float
    answered: float
    status: int
    ticket: bytes = b""

    @property
    def is_taken(self) -> bool:
        """Whether it was accepted."""
        return bool(self.ticket)


async def paced(
    site: Site, rate: float, seconds: float, doors: Sequence[str] = ("intake",), connections: int = CONNECTIONS
) -> list[Post]:
    """Post at a rate that waits for nobody, to these doors in turn; what became of each, in the order they were due."""
    lines = site.lines(max(1, int(rate * seconds)))
    async with AsyncExitStack() as held:
        clients = [
            await held.enter_async_context(LoadClient(site.stack.url(door), connections // len(doors)))
            for door in doors
        ]
        began = time.time() + 0.05
        posts: list[asyncio.Task[Post]] = []
        for n, ((_, line), client) in enumerate(zip(lines, cycle(clients), strict=False)):
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - time.time()))
            posts.append(asyncio.create_task(_post(client, line, due), name=f"post-{n}"))
        return await asyncio.gather(*posts)


async def _post(client: LoadClient, line: bytes, due: float) -> Post:
    try:
        status, answer = await client.post("/v1/tickets", line)
    except NoAnswer:
        return Post(due, time.time(), AWAY)
    taken = orjson.loads(answer)["ticket_id"].encode() if status in (200, 201) else b""
    return Post(due, time.time(), status, taken)


async def waits(site: Site, posts: Sequence[Post]) -> list[float]:
    """Seconds from the acceptance of each until its lead was on the topic. Raises Stalled."""
    taken = [post for post in posts if post.is_taken]
    if not taken:
        raise Stalled(f"none of {len(posts)} posts was taken")
    await site.until_assigned([post.ticket for post in taken], patience_s(len(taken)))
    return [site.seen.assigned_at[post.ticket] - post.answered for post in taken]


def answers(posts: Sequence[Post]) -> list[float]:
    """Seconds from when each was due until its answer."""
    return [post.answered - post.due for post in posts]


def refused(posts: Sequence[Post]) -> list[Post]:
    """What was answered neither with a ticket nor with a request to come back later."""
    return [post for post in posts if not post.is_taken and post.status not in SHED]


async def steady(site: Site, scale: Scale) -> list[Figure]:
    """A hundred single posts a second: how long until the answer, and from there until the lead."""
    posts = await paced(site, STEADY, scale.steady_s)
    if wrong := [post for post in posts if not post.is_taken]:
        raise Stalled(f"{len(wrong)} of {len(posts)} posts were not taken, the first was answered {wrong[0].status}")
    waited, name = await waits(site, posts), "steady 100/s"
    whole = [site.seen.assigned_at[post.ticket] - post.due for post in posts]
    return [
        Figure(name, "answered p50", percentile(answers(posts), 0.5) * 1000, "ms"),
        Figure(name, "answered p99", percentile(answers(posts), 0.99) * 1000, "ms"),
        Figure(name, "accepted → assigned p50", percentile(waited, 0.5) * 1000, "ms", most(40)),
        Figure(name, "accepted → assigned p99", percentile(waited, 0.99) * 1000, "ms", most(150)),
        Figure(name, "posted → assigned p99", percentile(whole, 0.99) * 1000, "ms"),
    ]


async def spike(site: Site, scale: Scale) -> list[Figure]:
    """A hundred a second, ten times that for a while, and a hundred again until it is as before."""
    before = percentile(await waits(site, await paced(site, STEADY, scale.calm_s / 3)), 0.99)
    storm = await paced(site, STEADY * STORM, scale.spike_s, connections=STORM_CONNECTIONS)
    over = time.time()
    window_s = min(WINDOW_S, scale.calm_s / 2)
    calm = await paced(site, STEADY, scale.calm_s + window_s)
    stormy, calmer, wrong = await waits(site, storm), await waits(site, calm), refused([*storm, *calm])
    after = list(zip((post.due - over for post in calm if post.is_taken), calmer, strict=True))
    shed = sum(post.status in SHED for post in storm) / len(storm) * 100
    again = recovered(after, 2 * before, window_s)
    return [
        Figure("spike", "accepted → assigned p99 before", before * 1000, "ms"),
        Figure("spike", f"offered for {scale.spike_s:g} s", STEADY * STORM, "posts/s"),
        Figure("spike", "told to come back later (429, 503)", shed, "%"),
        Figure("spike", "answers other than 2xx, 429, 503", float(len(wrong)), "answers", most(0)),
        Figure("spike", "answered p99 in the storm", percentile(answers(storm), 0.99) * 1000, "ms"),
        Figure("spike", "accepted → assigned p99 in the storm", percentile(stormy, 0.99) * 1000, "ms"),
        unmeasured("spike", f"not within {scale.calm_s:g} s, and no longer looked at", CALM)
        if again is None
        else Figure("spike", CALM, again, "s", most(RECOVERY_S)),
    ]


def recovered(after: Sequence[tuple[float, float]], bound_s: float, window_s: float = WINDOW_S) -> float | None:
    """How long after the storm the p99 of a few seconds of posts was within a bound; None: not while it was looked at.

    `after` has for each post when it was due, in seconds since the storm, and how long its lead took.
    """
    dues = [due for due, _ in after]
    for n, begin in enumerate(dues):
        end = bisect_left(dues, begin + window_s)
        if end == len(dues):
            break  # no whole window is left
        if percentile([wait for _, wait in after[n:end]], 0.99) <= bound_s:
            return max(0.0, begin)
    return None
