"""The deliberate bugs are bugs: what they change is there to be changed."""

import pytest

from services.dispatch import store
from tests.chaos.bugs.catalogue import BUGS
from tests.chaos.bugs.working import forgetful
from tests.chaos.scenarios import SCENARIOS


def test_every_bug_has_a_scenario_and_says_what_it_is() -> None:
    assert set(BUGS) == set(SCENARIOS)
    assert [name for name, bug in BUGS.items() if not bug.what or not bug.seen_by] == []


def test_the_list_that_forgets_whom_it_is_for_is_another_query() -> None:
    assert forgetful(store._SQL["list_open_of"]) != store._SQL["list_open_of"]


def test_a_filter_that_is_written_otherwise_is_not_passed_over() -> None:
    with pytest.raises(LookupError):
        forgetful("SELECT 1")
