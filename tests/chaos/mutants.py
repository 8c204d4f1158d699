"""Does the checker bite? Each bug under its scenario, and the invariant that must see it; and the same without the bug."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.bugs.catalogue import BUGS, NOT_PROVOKED
from tests.chaos.checker.evidence import save
from tests.chaos.checker.judge import broken, judge, table
from tests.chaos.checker.verdict import Finding
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.stage.brokers import OneBroker
from tests.chaos.stage.collect import evidence_of
from tests.chaos.stage.ground import Ground
from tests.chaos.stage.people import People
from tests.chaos.stage.rest import come_to_rest
from tests.chaos.stage.stage import Stage, staged


@dataclass(frozen=True)
class Outcome:
    """How one scenario ended: which invariants broke, how long it took, and whether the scenario itself fell over."""

    bug: str
    broken: tuple[str, ...]
    seconds: float
    trouble: str = ""
    findings: Sequence[Finding] = ()

    @property
    def caught(self) -> bool:
        """Whether an invariant named for the bug broke."""
        return bool(set(self.broken) & set(BUGS[self.bug].seen_by))

    @property
    def line(self) -> str:
        """One row of the table."""
        word = "caught" if self.caught else "MISSED"
        seen = ", ".join(self.broken) or self.trouble or "nothing"
        return f"| {self.bug} | {BUGS[self.bug].what} | {', '.join(BUGS[self.bug].seen_by)} | {word} | {seen} |"


def run_mutant(ground: Ground, bug: str, seed: int, *, with_bug: bool = True, keep: Path | None = None) -> Outcome:
    """Run one bug's scenario on a broker of its own and judge it; with `keep` its evidence stays there."""
    broker = OneBroker()
    broker.start()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gd-chaos-run-") as folder:
        try:
            findings, trouble = asyncio.run(
                _play(ground, broker, bug, seed, Path(folder), with_bug=with_bug, keep=keep)
            )
        finally:
            broker.stop()
    return Outcome(bug, tuple(broken(findings)), time.monotonic() - began, trouble, findings)


async def _play(
    ground: Ground, broker: OneBroker, bug: str, seed: int, folder: Path, *, with_bug: bool, keep: Path | None
) -> tuple[list[Finding], str]:
    scenario = SCENARIOS[bug]
    bugs = {BUGS[bug].service: bug} if with_bug else {}
    trouble = ""
    async with staged(lambda: Stage(ground, broker, folder, seed, scenario.speed, bugs)) as stage:
        people = People(stage, scenario.neglected)
        try:
            await scenario.act(stage, people)
            quiet = await come_to_rest(stage, scenario.rest_s)
            trouble = "" if quiet else "did not come to rest"
        except (
            TimeoutError,
            AssertionError,
        ) as error:  # a bug may keep a scenario from its end; what was seen is judged
            trouble = str(error)
        evidence = await evidence_of(stage)
    if keep is not None:
        save(evidence, keep / bug)
    return judge(evidence), trouble


def score(outcomes: Sequence[Outcome]) -> str:
    """The table of all bugs, and how many were caught."""
    lines = ["| bug | what | must be seen by | | broken |", "| --- | --- | --- | --- | --- |"]
    lines += [outcome.line for outcome in outcomes]
    lines += [f"| {bug} | {why} | | NOT PROVOKED | |" for bug, why in NOT_PROVOKED.items()]
    caught = sum(outcome.caught for outcome in outcomes)
    return "\n".join([*lines, "", f"{caught}/{len(BUGS) + len(NOT_PROVOKED)} caught, {len(NOT_PROVOKED)} not provoked"])


def explain(outcome: Outcome) -> str:
    """Every finding of one run, and what kept its scenario from its end."""
    return f"{table(outcome.findings)}\n{outcome.trouble}"
