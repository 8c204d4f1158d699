"""The end of a service: whoever carries away what the others leave ends after them."""

import asyncio

from fastapi import FastAPI

from shared.connections import Gate, Thresholds
from shared.health import Readiness
from shared.runtime import serve


async def test_the_loops_named_last_are_asked_to_end_when_all_others_have_ended() -> None:
    ended: list[str] = []

    async def breaks(stopping: asyncio.Event) -> None:
        raise RuntimeError("on purpose")

    async def writes(stopping: asyncio.Event) -> None:
        await stopping.wait()
        for _ in range(100):  # finishes what it holds
            await asyncio.sleep(0)
        ended.append("writes")

    async def publishes(stopping: asyncio.Event) -> None:
        await stopping.wait()
        ended.append("publishes")

    rung: list[int] = []
    code = await serve(
        FastAPI(), {"publishes": publishes, "writes": writes, "breaks": breaks}, Readiness({}), gate=Gate(Thresholds()),
        host="127.0.0.1", port=0, on_drain=lambda: rung.append(len(ended)), last=("publishes",),
    )  # fmt: skip
    assert ended == ["writes", "publishes"]
    assert rung == [0, 1]
    assert code == 1
