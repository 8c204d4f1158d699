"""One deliberate bug, whole: real processes, a run, its evidence, and the checker that catches it and nothing else."""

import pytest

from griddispatch.embedded import EmbeddedPostgres
from tests.chaos.mutants import run_mutant
from tests.chaos.stage.ground import Ground

pytestmark = pytest.mark.timeout(300)


def test_a_new_id_for_each_sending_is_caught_and_nothing_else_is_blamed(postgres: EmbeddedPostgres) -> None:
    ground = Ground(running=postgres)
    ground.start()
    try:
        outcome = run_mutant(ground, "M12", seed=1)
    finally:
        ground.stop()
    assert outcome.caught, outcome.line
    whole = {f.invariant for f in outcome.findings if f.word == "HOLDS"}
    assert whole >= {"I-01", "I-02", "I-05", "I-06", "I-07", "I-08", "I-09", "I-15", "I-21", "I-23", "I-24"}, (
        outcome.line
    )
