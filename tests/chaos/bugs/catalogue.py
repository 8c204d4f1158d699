"""Every deliberate bug by its number: what it is, which service it sits in, which invariants must see it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.bugs import publishing, reading, telling, working


@dataclass(frozen=True)
class Bug:
    """One bug. `install` puts it into this process; `seen_by` are the invariants of which at least one must break."""

    service: str
    install: Callable[[], None]
    seen_by: tuple[str, ...]

    @property
    def what(self) -> str:
        """In a sentence."""
        return (self.install.__doc__ or "").partition(": ")[2]


BUGS: dict[str, Bug] = {
    "M1": Bug("intake", publishing.read_by_cursor, ("I-05",)),
    "M2": Bug("intake", publishing.four_relays, ("I-06",)),
    "M3": Bug("notify", reading.no_version_rule, ("I-06",)),
    "M4": Bug("dispatch", reading.position_by_itself, ("I-24", "I-06")),
    "M5": Bug("dispatch", reading.offsets_first, ("I-24",)),
    "M6": Bug("dispatch", reading.bare_commit, ("I-24",)),
    "M7": Bug("notify", reading.begin_at_the_end, ("I-24",)),
    "M8": Bug("dispatch", reading.commit_by_itself, ("I-24",)),
    "M9": Bug("intake", publishing.publish_before_commit, ("I-02", "I-05", "I-21")),
    "M10": Bug("intake", publishing.forget_before_acknowledged, ("I-05",)),
    "M11": Bug("intake", publishing.fire_and_forget, ("I-05",)),
    "M12": Bug("intake", publishing.new_id_each_time, ("I-04",)),
    "M13": Bug("dispatch", working.version_not_compared, ("I-10",)),
    "M14": Bug("dispatch", reading.apply_over_gaps, ("I-06",)),
    "M15": Bug("dispatch", reading.bury_and_go_on, ("I-24",)),
    "M17": Bug("intake", working.unique_in_python_only, ("I-01", "I-03")),
    "M18": Bug("dispatch", working.fired_in_a_second_transaction, ("I-13",)),
    "M19": Bug("dispatch", working.clock_runs_on, ("I-14",)),
    "M20": Bug("dispatch", working.clock_believed, ("I-13",)),
    "M21": Bug("notify", telling.sent_before_sending, ("I-17",)),
    "M22": Bug("notify", telling.new_id_each_try, ("I-18",)),
    "M23": Bug("intake", working.told_before_commit, ("I-01", "I-27")),
    "M24": Bug("intake", publishing.stop_without_last_pass, ("I-28",)),
    "M25": Bug("notify", telling.timeout_is_failure, ("I-17",)),
    "M26": Bug("intake", publishing.random_keys, ("I-07",)),
    "M27": Bug("dispatch", working.filter_missing, ("I-22",)),
}

NOT_PROVOKED = {"M16": "load by a counted subquery: the product does not choose units by load, so nothing counts it"}
"""Bugs that this product has no place for; they are not counted as caught."""
