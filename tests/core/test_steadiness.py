"""A clock that jumps is not believed until it agrees with the database's, or has gone steadily for long."""

from datetime import UTC, datetime

from shared.clock import read_clock
from shared.steadiness import Steadiness, SteadyClock

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


class Machine:
    """A wall clock and a monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1000.0, 0.0

    def __call__(self) -> tuple[float, float]:
        return self.wall, self.monotonic

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def clock(self) -> SteadyClock:
        """The clock of this machine, proved against the database's once."""
        clock = SteadyClock(self)
        assert clock().timestamp() == self.wall, "there is nothing else to believe"
        assert clock.compare(at(self.wall))
        return clock


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_clock_that_was_stepped_goes_on_as_if_it_had_not_been() -> None:
    machine = Machine()
    clock = machine.clock()
    for step in (DAY, -DAY, -DAY):
        machine.wall += step
        machine.run(1.0)
        assert clock() == at(1000.0 + machine.monotonic)
    assert clock.steps == 3
    machine.wall += DAY
    assert clock() == at(1003.0), "set right again it has nothing to make up for"


def test_after_half_a_minute_of_going_steadily_what_it_shows_counts() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += DAY
    assert clock() == at(1000.0)
    machine.run(29.9)
    assert clock() == at(1029.9)
    machine.run(0.1)
    assert clock() == at(1030.0 + DAY)
    machine.wall -= 1.5
    assert clock() == at(1028.5 + DAY), "small corrections are followed at once"


def test_what_the_database_agrees_with_counts_sooner() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += DAY
    assert clock() == at(1000.0)
    assert [clock.compare(at(machine.wall)) for _ in range(3)] == [False, False, True]
    assert clock() == at(1000.0 + DAY)


def test_a_faster_clock_goes_by_the_steady_one() -> None:
    machine = Machine()
    clock = read_clock("2026-03-09T00:00:00+00:00@1970-01-01T00:16:40+00:00x60", machine.clock())
    machine.wall -= DAY
    machine.run(2.0)
    assert clock() == datetime(2026, 3, 9, 0, 2, tzinfo=UTC)
