"""python -m tests.chaos: break things, and check from outside that nothing accepted was lost, doubled or forgotten."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from tests.chaos.bugs.catalogue import BUGS
from tests.chaos.checker.evidence import load
from tests.chaos.checker.judge import broken, judge, table
from tests.chaos.gate import FAULTS, Plan, run
from tests.chaos.mutants import explain, run_mutant, score
from tests.chaos.report import earlier_runs, report
from tests.chaos.stage.ground import Ground

GATE_FAULTS, GATE_S, GATE_SOAK_S = 62, 560.0, 30.0
DEEP_SOAK_MINUTES = 45.0
LEAST_FAULTS, LEAST_KINDS = 60, 25
REPORT = Path(__file__).parent.parent.parent / "docs" / "reliability-report.md"


def main() -> int:
    """The exit code: 0 when every promise held and every bug was caught, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--mutants", action="store_true", help="every deliberate bug, each under its scenario")
    what.add_argument("--mutant", choices=sorted(BUGS), help="one deliberate bug")
    what.add_argument("--controls", nargs="*", metavar="BUG", help="the scenarios without their bugs; all, or these")
    what.add_argument("--gate", action="store_true", help="sixty faults and more, in a quarter of an hour")
    what.add_argument("--deep", action="store_true", help="faults for --minutes, every bug, and a report of it")
    what.add_argument("--fault", nargs="+", choices=sorted(FAULTS), help="only these, once each")
    what.add_argument("--check", type=Path, metavar="FOLDER", help="judge a run's evidence again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="undisturbed before the faults; deep: 45")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there; --deep has a place for it")
    parser.add_argument("--no-mutants", action="store_true", help="with --deep: without the deliberate bugs")
    parser.add_argument("--rate", type=float, default=4.0, help="matters a second")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the evidence there")
    asked = parser.parse_args()
    if asked.check is not None:
        findings = judge(load(asked.check))
        print(table(findings))
        return 1 if broken(findings) else 0
    ground = Ground(durable=asked.gate or asked.deep, own_disk=bool(asked.gate or asked.deep or asked.fault))
    ground.start()
    try:
        if asked.gate or asked.fault or asked.deep:
            return _faults(ground, asked)
        if asked.controls is not None:
            return _controls(ground, asked.controls or list(BUGS), asked)
        return _mutants(ground, [asked.mutant] if asked.mutant else list(BUGS), asked)
    finally:
        ground.stop()


def _faults(ground: Ground, asked: argparse.Namespace) -> int:
    plan = (
        Plan(len(asked.fault), 600, asked.rate, only=asked.fault)
        if asked.fault
        else Plan(GATE_FAULTS, GATE_S, asked.rate, least=LEAST_FAULTS, soak_s=GATE_SOAK_S)
    )
    if asked.deep:
        plan = Plan(10_000, asked.minutes * 60, asked.rate, soak_s=DEEP_SOAK_MINUTES * 60)
    if asked.soak is not None:
        plan = replace(plan, soak_s=asked.soak * 60)
    print(f"seed {asked.seed}", flush=True)
    result = run(ground, asked.seed, plan, asked.keep)
    bugs = BUGS if asked.deep and not asked.no_mutants else ()
    outcomes = [run_mutant(ground, bug, asked.seed) for bug in bugs]
    place = asked.report or (REPORT if asked.deep else None)
    earlier = earlier_runs(place.read_text(encoding="utf-8")) if place is not None and place.exists() else ()
    text = report(result, outcomes, earlier)
    print(text)
    for name, why in result.left_out.items():
        print(f"NOT COVERED {name}: {why}")
    if place is not None:
        place.write_text(text, encoding="utf-8")
    enough = bool(asked.fault) or (result.done.total() >= LEAST_FAULTS and len(result.done) >= LEAST_KINDS)
    if not enough:
        print(
            f"too few faults: {result.done.total()} of {len(result.done)} kinds, {LEAST_FAULTS} of {LEAST_KINDS} wanted"
        )
    return 0 if result.whole and enough and all(outcome.caught for outcome in outcomes) else 1


def _mutants(ground: Ground, bugs: list[str], asked: argparse.Namespace) -> int:
    outcomes = []
    for bug in bugs:
        outcome = run_mutant(ground, bug, asked.seed, keep=asked.keep)
        outcomes.append(outcome)
        print(f"{outcome.line} {outcome.seconds:.0f} s", flush=True)
        if len(bugs) == 1 or not outcome.caught:
            print(explain(outcome), flush=True)
    text = score(outcomes)
    if asked.keep is not None:
        (asked.keep / "mutants.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if all(outcome.caught for outcome in outcomes) else 1


def _controls(ground: Ground, bugs: list[str], asked: argparse.Namespace) -> int:
    whole = True
    for bug in bugs:
        outcome = run_mutant(ground, bug, asked.seed, with_bug=False, keep=asked.keep)
        good = not outcome.broken and not outcome.trouble
        whole &= good
        print(f"{bug} without its bug: {'whole' if good else explain(outcome)} {outcome.seconds:.0f} s", flush=True)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
