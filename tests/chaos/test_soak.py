"""The soak's verdict: what grows is seen, what swings is not."""

from tests.chaos.stage.soak import Growth, Look, growth

HOUR = 3600.0


def looks(megabytes: list[float], tasks: float = 40.0) -> list[Look]:
    return [{"intake": {"MB": mb, "connections": 12.0, "tasks": tasks}} for mb in megabytes]


def of_memory(found: list[Growth]) -> Growth:
    return next(g for g in found if g.measure == "MB")


def test_a_leak_is_seen() -> None:
    leak = of_memory(growth(looks([100.0 + n for n in range(40)]), HOUR))
    assert (leak.early, leak.late) == (114.5, 134.5)
    assert not leak.is_flat


def test_what_swings_is_flat() -> None:
    assert all(g.is_flat for g in growth(looks([100.0 + n % 7 for n in range(40)]), HOUR))


def test_warming_up_is_no_leak() -> None:
    assert of_memory(growth(looks([50.0 + min(n, 9) * 5 for n in range(40)]), HOUR)).is_flat


def test_a_short_run_says_nothing_of_memory_but_of_tasks() -> None:
    assert of_memory(growth(looks([100.0 + n for n in range(40)]), 60.0)).is_flat
    more = [*looks([100.0] * 20), *looks([100.0] * 20, tasks=44.0)]
    assert [g.measure for g in growth(more, 60.0) if not g.is_flat] == ["tasks"]


def test_too_few_looks_say_nothing() -> None:
    assert growth(looks([100.0] * 11), HOUR) == []
