"""Long runs: steady life on a cluster, one fault after another by seed, and at the end the checker's word on all of it."""

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import httpx

from griddispatch.embedded import KafkaUnavailable
from griddispatch.embedded.process import LaunchError
from shared.errors import Unavailable
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.chaos.checker.evidence import Evidence, save
from tests.chaos.checker.judge import broken, judge
from tests.chaos.checker.verdict import Finding
from tests.chaos.faults.letters import LETTER_FAULTS
from tests.chaos.faults.parts import PART_FAULTS
from tests.chaos.faults.processes import PROCESS_FAULTS
from tests.chaos.faults.restoring import RESTORING_FAULTS
from tests.chaos.faults.scene import Act, LinkedCluster, Scene
from tests.chaos.stage.collect import evidence_of
from tests.chaos.stage.ground import Ground
from tests.chaos.stage.people import People
from tests.chaos.stage.rest import catch_up, come_to_rest, tell_again
from tests.chaos.stage.soak import Growth, soak
from tests.chaos.stage.stage import Stage, staged

FAULTS: Mapping[str, Act] = {**PROCESS_FAULTS, **PART_FAULTS, **LETTER_FAULTS, **RESTORING_FAULTS}
NOT_COVERED = {
    "log begins behind the offset": "the group halts by design; griddispatch recover group, tested in tests/replay",
    "partitions raised under load": "refused at start, tested in tests/contract",
    "pgbouncer": "not in the runner; tested in tests/e2e",
    "resolver failure, redirects, DNS rebinding, TLS": "tested at the channel, in tests/services/notify",
    "produce errors by code": "brokers here cannot be told to answer with one",
}
"""What is left out, loudly."""
SPEED = 1800.0
NEGLECTED = 15
REST_S = 240.0
CATCH_UP_S = 120.0
"""So long the run waits after each fault; a minute is what is promised."""
PULSE_S, STILL_S = 0.2, 1.0
STOOD_STILL = "machine stood still"
PATIENT = 40
"""So many callers wait at most while nobody answers: the run shares its process with the links."""
LATEST_S = 600.0
"""How long a run waits for work to be finished after the last fault."""


@dataclass(frozen=True)
class Plan:
    """How long a run is: at most so many faults, and no new one after so many seconds; matters a second."""

    faults: int
    seconds: float
    rate: float = 4.0
    least: int = 0
    """So many faults are played however long they take."""
    gap_s: tuple[float, float] = (0.1, 0.7)
    only: Sequence[str] = ()
    soak_s: float = 0.0
    """So long people live undisturbed before the first fault, while it is measured whether anything grows."""


@dataclass
class Result:
    """What a run gave."""

    seed: int
    findings: list[Finding]
    evidence: Evidence
    done: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Every promise held that could be judged, every fault healed, and nothing grew."""
        return not broken(self.findings) and not self.troubles and all(g.is_flat for g in self.growth)


def possible(ground: Ground, name: str) -> bool:
    """Whether this user can do this to this machine."""
    return name != "disk full" or ground.disk.is_there


def left_out(ground: Ground) -> dict[str, str]:
    """What a run here does not cover, and why."""
    here = {} if ground.disk.is_there else {"disk full": "this user may not mount a file system that can be filled"}
    return {**here, **NOT_COVERED}


def run(ground: Ground, seed: int, plan: Plan, keep: Path | None = None) -> Result:
    """One run from the first matter to the checker's word. Raises LaunchError where a part cannot be started."""
    with tempfile.TemporaryDirectory(prefix="gd-chaos-run-") as folder:
        return asyncio.run(_run(ground, seed, plan, Path(folder), keep))


async def _run(ground: Ground, seed: int, plan: Plan, folder: Path, keep: Path | None) -> Result:
    kafka = LinkedCluster(seed)
    try:
        await kafka.start()
        await apply_topics(kafka.cluster.direct, TOPICS, replicas=3)
        async with staged(
            lambda: Stage(ground, kafka, folder, seed, SPEED, direct_kafka=kafka.cluster.direct)
        ) as stage:
            people = People(stage, NEGLECTED)
            scene = Scene(stage, people, kafka, random.Random(seed))
            await stage.start()
            done, troubles, grown = await _live(scene, plan)
            _say("everything is read")
            evidence = await evidence_of(stage)
    finally:
        await kafka.stop()
    if keep is not None:
        save(evidence, keep / f"seed-{seed}")
    _say("it is judged")
    return Result(seed, judge(evidence), evidence, done, troubles, grown, left_out(ground))


async def _live(scene: Scene, plan: Plan) -> tuple[Counter[str], list[str], list[Growth]]:
    """People live while faults happen; then everything is finished and comes to rest."""
    ending = asyncio.Event()
    lives = [
        asyncio.create_task(live, name=name)
        for name, live in (
            ("citizens", _citizens(scene, plan.rate, ending)), ("units", _units(scene, ending)),
            ("lookers-on", _lookers_on(scene, ending)), ("keeper", _keeper(scene, ending)),
            ("pulse", _pulse(scene, ending)),
        )
    ]  # fmt: skip
    grown, troubles = await _undisturbed(scene, plan.soak_s)
    done = await _faults(scene, plan, troubles)
    ending.set()
    for task in lives:
        try:
            async with asyncio.timeout(60):
                await task
        except Exception as error:  # a life that broke is the run's trouble, and must not hide the others'
            troubles.append(f"{task.get_name()}: {error!r}")
    _say("open work is finished")
    try:
        await scene.people.work_until_closed(LATEST_S)
    except TimeoutError as error:
        troubles.append(str(error))
    _say("it comes to rest")
    try:
        if not await come_to_rest(scene.stage, REST_S):
            troubles.append("it did not come to rest")
        _say("everything is told once more")
        await tell_again(scene.stage)
    except (TimeoutError, LaunchError) as error:
        troubles.append(str(error))
    return done, troubles, grown


def _say(phase: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {phase}", flush=True)


async def _undisturbed(scene: Scene, seconds: float) -> tuple[list[Growth], list[str]]:
    try:
        return await soak(scene.stage, seconds), []
    except OSError as error:
        return [], [f"soak: {error}"]


async def _faults(scene: Scene, plan: Plan, troubles: list[str]) -> Counter[str]:
    """Every kind once, in an order drawn by the seed, then again until there are enough."""
    names = [name for name in plan.only or FAULTS if plan.only or possible(scene.stage.ground, name)]
    scene.random.shuffle(names)
    done: Counter[str] = Counter()
    deadline = time.monotonic() + plan.seconds
    await asyncio.sleep(3.0)  # let there be something to lose
    for n in range(plan.faults):
        if time.monotonic() > deadline and n >= plan.least:
            break
        name = names[n % len(names)]
        began = time.monotonic()
        try:
            await FAULTS[name](scene)
            await scene.all_ready()
            await catch_up(scene.stage, CATCH_UP_S)
            done[name] += 1
        except (TimeoutError, LaunchError, OSError, asyncpg.PostgresError, Unavailable) as error:
            troubles.append(f"{name}: {error!r}"[:500])
        print(f"{n + 1:>4} {name}: {time.monotonic() - began:.1f} s", flush=True)
        await asyncio.sleep(scene.random.uniform(*plan.gap_s))
    return done


async def _citizens(scene: Scene, rate: float, ending: asyncio.Event) -> None:
    """Matters at a steady rate; each is tried again with its key until it is accepted."""
    number = 0
    waiting: set[asyncio.Task[None]] = set()
    while not ending.is_set():
        if len(waiting) >= PATIENT:
            await asyncio.wait(waiting, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            continue
        task = asyncio.create_task(_insist(scene, f"life-{number}"))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        number += 1
        await asyncio.sleep(1 / rate)
    await asyncio.gather(*waiting)


async def _insist(scene: Scene, key: str) -> None:
    for tries in count(1):
        op = await scene.people.post(key)
        if op.result == "ok":
            return
        await asyncio.sleep(min(0.5 * tries, 5.0))


async def _units(scene: Scene, ending: asyncio.Event) -> None:
    while not ending.is_set():
        await scene.people.work(lanes=4, most=200)
        await asyncio.sleep(0.1)


async def _lookers_on(scene: Scene, ending: asyncio.Event) -> None:
    while not ending.is_set():
        with contextlib.suppress(httpx.HTTPError):
            await scene.people.look()
        await asyncio.sleep(1.0)


async def _pulse(scene: Scene, ending: asyncio.Event) -> None:
    """Writes down when this process itself stood still: the links run in it, so whoever talks through them did too."""
    while not ending.is_set():
        began = time.time()
        await asyncio.sleep(PULSE_S)
        if time.time() - began > PULSE_S + STILL_S:
            scene.stage.fault(STOOD_STILL, "all", began, ambiguous=True)


async def _keeper(scene: Scene, ending: asyncio.Event) -> None:
    """Starts again what ended, as an operating system would."""
    while not ending.is_set():
        scene.stage.revive()
        await asyncio.sleep(0.3)


__all__ = ["FAULTS", "NOT_COVERED", "KafkaUnavailable", "Plan", "Result", "run"]
