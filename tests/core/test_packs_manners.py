"""The manners of telling people, as notify reads them from its file of the pack."""

import tomllib
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest

from services.notify.core.courtesy import Hours
from services.notify.core.message import Audience
from services.notify.core.rules import RulesRefused, load_notify_rules
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
