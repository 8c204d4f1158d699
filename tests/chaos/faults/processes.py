"""Faults of the services' own processes: killed, killed at commit points, frozen, restarted, crowded, clocks stepped."""

import asyncio
import os
import resource
import signal
import sys
import time
from pathlib import Path

from griddispatch.embedded.process import ChildProcess, Program, free_port
from tests.chaos.checker.evidence import Fault
from tests.chaos.faults.scene import Act, Scene
from tests.chaos.stage.ground import SERVICES

POINTS = {
    "intake": ("api.before-commit@2", "api.after-commit@2", "triage.before-commit@1", "triage.after-commit@1",
               "relay.sent@2", "stream.before-commit@2", "stream.after-commit@2"),
    "dispatch": ("stream.before-commit@1", "stream.after-commit@1", "relay.sent@2", "api.before-commit@3",
                 "api.after-commit@3", "timers.before-commit@1", "timers.after-commit@1"),
    "notify": ("stream.before-commit@1", "stream.after-commit@1", "courier.before-commit@1", "courier.after-commit@1",
               "relay.sent@2", "api.before-commit@1", "followups.before-commit@1"),
}  # fmt: skip
HIT_WITHIN_S = 12.0
STARVED_MATTERS = 60


def killed(service: str) -> Act:
    """kill -9 at any instant."""

    async def act(scene: Scene) -> None:
        scene.stage.kill(service)
        scene.stage.revive()
        await scene.stage.ready(service)

    return act


async def all_killed(scene: Scene) -> None:
    """kill -9 of all three at once."""
    for service in SERVICES:
        scene.stage.kill(service)
    scene.stage.revive()
    await scene.all_ready()


def killed_at_a_point(service: str) -> Act:
    """kill -9 at a commit point, drawn."""

    async def act(scene: Scene) -> None:
        point = scene.random.choice(POINTS[service])
        await restarted(scene, service, point)
        deaths, began = scene.stage.deaths[service], time.time()
        while scene.stage.deaths[service] == deaths and time.time() - began < HIT_WITHIN_S:
            scene.stage.revive()
            await asyncio.sleep(0.1)
        if scene.stage.deaths[service] > deaths:
            kind = f"kill at {point.partition('@')[0]}"
            scene.stage.faults.append(
                Fault(
                    kind=kind, target=service, began=time.time() - 0.2, ended=time.time(), ambiguous=service == "notify"
                )
            )
        await scene.stage.ready(service)

    return act


async def restarted(scene: Scene, service: str, failpoint: str = "") -> None:
    """Ask a service to end, and start it again."""
    with scene.fault("rolling restart", service):
        await scene.stage.drain(service, kafka_is_there=True)
        scene.stage.launch(service, failpoint)
        await scene.stage.ready(service)


async def rolled(scene: Scene) -> None:
    """All three restarted in order, one after the other."""
    for service in SERVICES:
        await restarted(scene, service)


def frozen(service: str) -> Act:
    """SIGSTOP for longer than a group waits for its member, then SIGCONT."""

    async def act(scene: Scene) -> None:
        pid = scene.stage.children[service].pid
        with scene.fault("pause of a process", service, ambiguous=service == "notify"):
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(scene.random.choice((3.0, 12.0)))
            finally:
                os.kill(pid, signal.SIGCONT)
        await scene.stage.ready(service)

    return act


def clock_stepped(hours: float) -> Act:
    """Dispatch's clock is stepped by business hours for a while, and back."""

    async def act(scene: Scene) -> None:
        with scene.fault("clock stepped", "dispatch"):
            scene.stage.set_clock_offset(
                "dispatch", max(5.0, abs(hours) * 3600 / scene.stage.speed) * (1 if hours > 0 else -1)
            )
            await asyncio.sleep(3.0)
            scene.stage.set_clock_offset("dispatch", 0.0)
        await asyncio.sleep(2.0)

    return act


async def starved(scene: Scene) -> None:
    """A service, drawn, gets no more memory while matters come in; what then ends is started again."""
    service = scene.service()
    pid = scene.stage.children[service].pid
    now_b = _address_space_b(pid)
    with scene.fault("memory cap", service, ambiguous=True):
        _, hard = resource.prlimit(pid, resource.RLIMIT_AS, (now_b, resource.RLIM_INFINITY))
        series = f"starved-{len(scene.stage.faults)}"
        await asyncio.gather(*(scene.people.post(f"{series}-{n}") for n in range(STARVED_MATTERS)))
        await asyncio.sleep(2.0)
        if scene.stage.children[service].pid == pid:
            resource.prlimit(pid, resource.RLIMIT_AS, (hard, hard))
            scene.stage.kill(service)  # what it could not allocate may have left it half alive
        scene.stage.revive()
    await scene.all_ready()


def _address_space_b(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


async def crowded(scene: Scene) -> None:
    """A second copy of dispatch comes and goes, so that the group shares its partitions anew each time."""
    with scene.fault("rebalance storm", "dispatch"):
        for n in range(2):
            program = scene.stage.program("dispatch", "")
            env = dict(program.env or {}) | {
                "GRIDDISPATCH_PORT": str(free_port()),
                "GRIDDISPATCH_INSTANCE": f"second-{n}",
            }
            argv = [
                sys.executable,
                "-m",
                "tests.chaos.mutated",
                "dispatch",
                "none",
                "--only",
                "stream",
                "--only",
                "timers",
            ]
            log = scene.stage.folder / f"dispatch-second-{len(scene.stage.faults)}-{n}.log"
            child = ChildProcess("dispatch, second copy", Program(argv, env), log)
            try:
                await asyncio.sleep(6.0)
            finally:
                await asyncio.to_thread(child.kill)
            await asyncio.sleep(1.0)


PROCESS_FAULTS: dict[str, Act] = {
    **{f"kill {service}": killed(service) for service in SERVICES},
    **{f"kill {service} at a commit point": killed_at_a_point(service) for service in SERVICES},
    **{f"freeze {service}": frozen(service) for service in SERVICES},
    "kill all services": all_killed, "restart all in turn": rolled, "clock ahead": clock_stepped(6),
    "clock back": clock_stepped(-6), "rebalance storm": crowded,
    "memory cap": starved,
}  # fmt: skip
