"""A clock that jumps is not believed until it agrees with the database's, or has gone steadily for long."""

from shared.steadiness import Steadiness

DAY = 86_400.0


def settled() -> Steadiness:
    steady = Steadiness()
    steady.look(1000.0, 0.0)
    assert steady.compare(1000.0, 0.0, 1000.1)
    return steady


def test_a_clock_that_agrees_at_first_is_believed_at_once() -> None:
    assert settled().look(1001.0, 1.0)


def test_a_clock_that_runs_evenly_is_believed_without_asking_again() -> None:
    steady = settled()
    assert all(steady.look(1000.0 + s, float(s)) for s in range(1, 100))
    assert steady.steps == 0


def test_a_jump_is_not_believed() -> None:
    steady = settled()
    assert not steady.look(1001.0 + DAY, 1.0)
    assert not steady.compare(1001.0 + DAY, 1.0, 1001.0)
    assert steady.steps == 1


def test_a_jump_back_is_not_believed_either() -> None:
    assert not settled().look(1001.0 - DAY, 1.0)


def test_after_a_jump_three_looks_must_agree_with_the_database() -> None:
    steady = settled()
    steady.look(1001.0 + DAY, 1.0)
    assert not steady.look(1002.0, 2.0)  # it jumped back
    assert [steady.compare(1002.0 + s, 2.0 + s, 1002.0 + s) for s in range(3)] == [False, False, True]
    assert steady.look(1006.0, 6.0)


def test_a_disagreement_begins_the_count_anew() -> None:
    steady = settled()
    steady.look(1001.0 + DAY, 1.0)
    steady.look(1002.0, 2.0)
    answers = [steady.compare(1002.0, 2.0, database) for database in (1002.0, 1002.0, 900.0, 1002.0, 1002.0, 1002.0)]
    assert answers == [False, False, False, False, False, True]


def test_a_clock_that_was_set_right_is_believed_after_a_while_whatever_the_database_says() -> None:
    steady = settled()
    steady.look(1001.0 + DAY, 1.0)
    assert not steady.compare(1020.0 + DAY, 20.0, 1020.0)
    assert steady.compare(1032.0 + DAY, 32.0, 1032.0)


def test_a_machine_whose_clock_is_wrong_from_the_start_waits() -> None:
    steady = Steadiness()
    assert not steady.look(1000.0 + DAY, 0.0)
    assert not steady.compare(1000.0 + DAY, 0.0, 1000.0)
