"""What people read of codes: units, categories, clocks and deadlines by name, and what has no name as it is."""

from zoneinfo import ZoneInfo

import pytest

from services.dispatch.core.naming import Naming, category_names
from tests.builders import categories, org

NAMING = Naming(
    org(), category_names(categories()), {"NO_AUTHORITY": ("没法管", "no authority")}, ZoneInfo("Asia/Shanghai")
)
HOUSING = org().units["housing"]


def said(key: str, value: str) -> tuple[str, str]:
    return NAMING._shown(key, value, "zh"), NAMING._shown(key, value, "en")


@pytest.mark.parametrize("key", ["unit", "answered_by", "owner"])
def test_a_unit_has_its_name(key: str) -> None:
    assert said(key, "housing") == (HOUSING.zh, HOUSING.en)
    assert said(key, "nobody") == ("nobody", "nobody")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("category", "999999", ("未分类", "Unclassified")),
        ("human", "000000", ("000000", "000000")),
        ("limit", "5 WD", ("5个工作日", "5 working days")),
        ("clock", "STRANGE", ("STRANGE", "STRANGE")),
        ("to", "role:command-centre", ("指挥中心", "the command centre")),
        ("to", "unit:housing", (HOUSING.zh, HOUSING.en)),
        ("due_at", "2026-03-10T16:00:00+00:00", ("2026-03-10 24:00", "2026-03-10 24:00")),
        ("until", "2026-03-10T02:30:00+00:00", ("2026-03-10 10:30", "2026-03-10 10:30")),
        ("sign_by", "soon", ("soon", "soon")),
        ("reason", "NO_AUTHORITY", ("没法管", "no authority")),
        ("reason", "ODD", ("ODD", "ODD")),
    ],
)
def test_every_value_is_shown_as_people_say_it(key: str, value: str, shown: tuple[str, str]) -> None:
    assert said(key, value) == shown


def test_a_clock_and_a_refusal_have_sentences() -> None:
    assert said("clock", "RESOLVE")[1] != "RESOLVE"
    assert NAMING.say("CANDIDATE_REFUSED unit=housing code=CONFLICT_OF_INTEREST rule=COMPLAINED_ABOUT_OR_BELOW")["en"]
