"""Telling people and judging by what they say, as notify reads it from its file of the pack."""

import tomllib
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest

from services.notify.core.courtesy import Hours
from services.notify.core.judgement_rules import Metric
from services.notify.core.message import Audience
from services.notify.core.rules import RulesRefused, load_notify_rules
from shared.terms import TicketType
from tests.builders import PACK


def source() -> dict[str, Any]:
    return tomllib.loads((PACK / "notify.toml").read_text(encoding="utf-8"))


def test_the_default_pack_keeps_the_usual_hours_and_budget() -> None:
    courtesy = load_notify_rules(source()).courtesy
    assert courtesy.hours == {
        Audience.OFFICIAL: Hours(time(8), time(21)),
        Audience.CITIZEN: Hours(time(8, 30), time(20, 30)),
    }
    assert (courtesy.notice_every, courtesy.bundle_every) == (timedelta(hours=24), timedelta(hours=1))
    assert courtesy.zone.key == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda t: t.pop("courtesy"), "courtesy: must be a dict, not None"),
        (lambda t: t["courtesy"].update(silent=True), "courtesy.silent: unknown key"),
        (lambda t: t["courtesy"].pop("notice_every_hours"), "courtesy.notice_every_hours: must be a int, not None"),
        (lambda t: t["courtesy"].update(notice_every_hours=0), "courtesy.notice_every_hours: must be from 1 to 720"),
        (
            lambda t: t["courtesy"].update(bundle_every_minutes=1441),
            "courtesy.bundle_every_minutes: must be from 1 to 1440",
        ),
        (
            lambda t: t["courtesy"].update(notice_every_hours=1, bundle_every_minutes=61),
            "courtesy.bundle_every_minutes: longer than notice_every_hours",
        ),
        (lambda t: t["courtesy"]["hours"].pop("CITIZEN"), "courtesy.hours.CITIZEN: must be a dict, not None"),
        (lambda t: t["courtesy"]["hours"].update(DOG={}), "courtesy.hours.DOG: unknown key"),
        (lambda t: t["courtesy"]["hours"]["CITIZEN"].update(pause=1), "courtesy.hours.CITIZEN.pause: unknown key"),
        (
            lambda t: t["courtesy"]["hours"]["CITIZEN"].update(opens="08:00"),
            "courtesy.hours.CITIZEN.opens: must be a time, not '08:00'",
        ),
        (
            lambda t: t["courtesy"]["hours"]["CITIZEN"].update(opens=time(21)),
            "courtesy.hours.CITIZEN: closes before it opens: nobody could ever be told",
        ),
    ],
)
def test_wrong_manners_are_refused(spoil: Callable[[Any], object], problem: str) -> None:
    table = source()
    spoil(table)
    with pytest.raises(RulesRefused) as refused:
        load_notify_rules(table)
    assert problem in refused.value.problems


def test_faults_of_asking_and_telling_are_told_together() -> None:
    table = source()
    table["follow_up"]["attempts"] = 0
    table["courtesy"]["notice_every_hours"] = 0
    with pytest.raises(RulesRefused) as refused:
        load_notify_rules(table)
    assert {problem.partition(":")[0] for problem in refused.value.problems} >= {
        "follow_up.attempts", "courtesy.notice_every_hours",
    }  # fmt: skip


def test_sampling_exclusion_and_warning_have_their_figures() -> None:
    found = load_notify_rules(source()).judgement
    assert found.sampling.small_call_share == 0.2
    assert (found.sampling.consult_check_share, found.sampling.patrol_check_share) == (0.05, 0.1)
    assert found.sampling.small_calls_least == 30
    assert found.sampling.dedicated_staff_types == {TicketType.REPORT}
    assert (found.exclusion.ask_within_working_days, found.exclusion.decide_within_working_days) == (2, 3)
    assert (found.exclusion.panel, found.exclusion.checked_share) == (2, 0.1)
    assert (found.warning.spike_least, found.warning.spike_sigmas, found.warning.growth_factor) == (5, 3.0, 1.5)


def test_the_composite_of_a_worked_unit_month_is_85() -> None:
    found = load_notify_rules(source()).judgement.rates
    rates = {Metric.RESPONSE: 98.0, Metric.SOLUTION: 80.0, Metric.SATISFACTION: 70 + 20 * found.basically_counts}
    assert rates[Metric.SATISFACTION] == 88.0
    assert sum(rule.weight * rates[rule.name] for rule in found.metric) == pytest.approx(85.0)
    assert found.least_valid == 20


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda t: t.pop("rates"), "rates: missing"),
        (lambda t: t.update(reward={}), "reward: unknown key"),
        (
            lambda t: t["rates"]["metric"][0].update(veto=True),
            "rates.metric[0].veto: no single metric may decide alone",
        ),
        (
            lambda t: t["rates"]["metric"][1].update(weight=1.0),
            "rates.metric[1].weight: 1.0 would let a single metric decide alone",
        ),
        (lambda t: t["rates"]["metric"][1].update(weight=0.4), "rates.metric: the weights must sum to 1"),
        (
            lambda t: t["rates"]["metric"][1].update(weight=-0.4),
            "rates.metric[1].weight: must be greater than or equal to 0",
        ),
        (lambda t: t["rates"]["metric"].pop(), "rates.metric: satisfaction is missing"),
        (lambda t: t["rates"]["metric"].append(t["rates"]["metric"][0]), "rates.metric: response stands there twice"),
        (
            lambda t: t["rates"]["metric"][0].update(name="arrests"),
            "rates.metric[0].name: must be 'response', 'solution' or 'satisfaction'",
        ),
        (
            lambda t: t["rates"].update(
                metric=[
                    {"name": "response", "weight": 0.6},
                    {"name": "solution", "weight": 0.2},
                    {"name": "satisfaction", "weight": 0.2},
                ]
            ),
            "rates.metric: solution and satisfaction together must weigh at least half",
        ),
        (
            lambda t: t["rates"].update(month_from_day=31),
            "rates.month_from_day: must be from 1 to 28, a day of every month",
        ),
        (
            lambda t: t["rates"].update(publish_at_most_every_days=7),
            "rates.publish_at_most_every_days: ranking is at most monthly, so from 28",
        ),
        (
            lambda t: t["sampling"].update(small_call_share=1.2),
            "sampling.small_call_share: must be less than or equal to 1",
        ),
        (lambda t: t["sampling"].pop("always"), "sampling.always: missing"),
        (lambda t: t["exclusion"].update(panel=1), "exclusion.panel: needs at least two persons"),
        (lambda t: t["exclusion"].update(ask_within="2 WD"), "exclusion.ask_within: unknown key"),
        (
            lambda t: t["appeal"].update(decide_within_working_days=0),
            "appeal.decide_within_working_days: must be greater than or equal to 1",
        ),
        (lambda t: t["warning"].update(growth_factor=1.0), "warning.growth_factor: must be above 1"),
        (lambda t: t["warning"].update(growth_mean_weeks=4), "warning.growth_mean_weeks: must be above growth_weeks"),
    ],
)
def test_wrong_rules_of_judgement_are_refused(spoil: Callable[[Any], object], problem: str) -> None:
    table = source()
    spoil(table)
    with pytest.raises(RulesRefused) as refused:
        load_notify_rules(table)
    assert problem in refused.value.problems
