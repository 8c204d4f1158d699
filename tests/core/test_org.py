"""Who stands above whom, who leads what, who is there on which day: asked of a small county written by hand."""

import json
from datetime import date
from typing import Any

import pytest

from services.dispatch.core.calendar import DutyRoster
from services.dispatch.core.duties import DutyKind, LeadBasis
from services.dispatch.core.org import Org, OrgKind, OrgRefused, load_org
from services.dispatch.core.org_files import load_org_files
from services.dispatch.core.roster import WorkerRole
from shared.terms import PlaceLevel
from tests.area.county import CATEGORIES, EAST, GRID, OTHER_GRID, SPRING, SUMMER, VILLAGE, WEST, county, with_rows

ORG = load_org_files(county(), CATEGORIES)


def org(file: str, *rows: str) -> Org:
    """The county with some more rows in one sheet."""
    return load_org_files(with_rows(file, *rows), CATEGORIES)


def test_every_unit_stands_below_the_command_centre() -> None:
    assert ORG.command_centre == "command-centre"
    assert ORG.ancestors(f"grid:{GRID}") == (f"village:{VILLAGE}", f"township:{EAST}", "command-centre")
    assert ORG.ancestors("east-team") == (f"township:{EAST}", "command-centre")
    assert ORG.ancestors("command-centre") == ()
    for unit in ORG.units:
        assert unit == "command-centre" or ORG.ancestors(unit)[-1] == "command-centre"


def test_a_unit_is_known_by_its_id() -> None:
    unit = ORG.unit("east-team")
    assert unit is not None
    assert (unit.zh, unit.kind, unit.parent, unit.can_enforce) == (
        "东街执法队",
        OrgKind.ENFORCEMENT_TEAM,
        f"township:{EAST}",
        True,
    )
    assert (ORG.unit("nobody"), ORG.kind("nobody"), ORG.parent("nobody"), ORG.ancestors("nobody")) == (
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize(
    ("unit", "kind", "level"),
    [
        ("command-centre", OrgKind.COMMAND_CENTRE, PlaceLevel.COUNTY), ("roads", OrgKind.DEPARTMENT, PlaceLevel.COUNTY),
        (f"township:{EAST}", OrgKind.SUBDISTRICT, PlaceLevel.TOWNSHIP),
        (f"township:{WEST}", OrgKind.TOWNSHIP, PlaceLevel.TOWNSHIP),
        ("east-team", OrgKind.ENFORCEMENT_TEAM, PlaceLevel.TOWNSHIP),
        (f"village:{VILLAGE}", OrgKind.COMMUNITY, PlaceLevel.VILLAGE),
        ("estate", OrgKind.PROPERTY, PlaceLevel.TOWNSHIP), (f"grid:{GRID}", OrgKind.GRID, PlaceLevel.GRID),
    ],
)  # fmt: skip
def test_a_unit_has_a_kind_and_works_where_it_stands(unit: str, kind: OrgKind, level: PlaceLevel) -> None:
    found = ORG.unit(unit)
    assert found is not None
    assert (ORG.kind(unit), found.level) == (kind, level)


def test_the_closest_code_of_a_duty_list_wins() -> None:
    found = {code: ORG.duty(code, EAST, SPRING) for code in ("150101", "150102", "150201", "160101", "990101")}
    assert {code: entry and (entry.category, entry.kind) for code, entry in found.items()} == {
        "150101": ("150101", DutyKind.BASIC),
        "150102": ("1501", DutyKind.TAKEN_BACK),
        "150201": ("15", DutyKind.COOPERATE),
        "160101": ("16", DutyKind.COOPERATE),
        "990101": None,
    }


def test_a_township_s_own_line_goes_before_the_county_s() -> None:
    changed = org("duty_lists.csv", f"{WEST},16,BASIC,,yes,no,v2,2026-01-01,")
    kinds = {code: entry.kind for code in (EAST, WEST) if (entry := changed.duty("160101", code, SPRING))}
    assert kinds == {EAST: DutyKind.COOPERATE, WEST: DutyKind.BASIC}


def test_a_closer_line_for_all_goes_before_a_township_s_broader_one() -> None:
    changed = org("duty_lists.csv", f"{EAST},15,BASIC,,yes,no,v2,2026-01-01,")
    entry = changed.duty("150102", EAST, SPRING)
    assert entry is not None
    assert (entry.township, entry.category) == ("*", "1501")


def test_the_list_of_the_day_counts() -> None:
    changed = org("duty_lists.csv", "*,1601,BASIC,,yes,no,v1,2026-03-01,2026-03-31")
    asked = {
        day: changed.duty("160101", EAST, date.fromisoformat(day))
        for day in ("2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01")
    }
    assert {day: entry and entry.kind for day, entry in asked.items()} == {
        "2026-02-28": DutyKind.COOPERATE, "2026-03-01": DutyKind.BASIC,
        "2026-03-31": DutyKind.BASIC, "2026-04-01": DutyKind.COOPERATE,
    }  # fmt: skip
    assert changed.duty("160101", EAST, date(2025, 12, 31)) is None


def test_villages_and_grids_have_the_township_s_duties_but_never_enforcement() -> None:
    changed = org("duty_lists.csv", "*,160102,BASIC,,yes,yes,v1,2026-01-01,")
    assert changed.duty("160102", EAST, SPRING) is not None
    assert [changed.duty("160102", place, SPRING) for place in (VILLAGE, GRID)] == [None, None]
    assert changed.duty("150101", GRID, SPRING) == changed.duty("150101", EAST, SPRING)


def test_a_deployment_covers_its_categories_townships_and_days_and_nothing_else() -> None:
    found = ORG.deployment("150102", EAST, SUMMER)
    assert found is not None
    assert (found.id, found.document_no, found.funding_yuan, found.staff) == ("D-1", "2026-7", 1000, 0)
    assert ORG.deployment("150102", GRID, SUMMER) == found
    assert ORG.deployment("150102", WEST, SUMMER) is None
    assert ORG.deployment("150102", EAST, SPRING) is None
    assert ORG.deployment("160101", EAST, SUMMER) is None


def test_who_leads_is_said_with_its_basis() -> None:
    asked = {code: ORG.lead_for(code, EAST, SPRING) for code in ("150101", "150201", "160101", "160102", "990101")}
    assert {code: lead and (lead.unit, lead.basis) for code, lead in asked.items()} == {
        "150101": ("roads", LeadBasis.STATUTORY),  # by units.toml
        "150201": ("water", LeadBasis.PRINCIPAL),  # the catalogue is closer
        "160101": ("police", LeadBasis.STATUTORY),
        "160102": ("police", LeadBasis.STATUTORY),  # by law before by habit
        "990101": None,
    }


def test_a_township_s_own_line_of_the_catalogue_goes_before_the_county_s() -> None:
    changed = org("catalogue.csv", f"1601,{EAST},east-team,STATUTORY,2026-01-01,")
    leads = [changed.lead_for("160101", place, SPRING) for place in (EAST, GRID, WEST, None)]
    assert [lead and lead.unit for lead in leads] == ["east-team", "east-team", "police", "police"]


def test_on_a_rest_day_those_on_the_roster_are_on_duty() -> None:
    saturday, sunday, holiday = date(2026, 3, 14), date(2026, 3, 15), date(2026, 10, 1)
    assert ORG.on_duty(EAST, saturday) == (f"township:{EAST}", "east-team")
    assert ORG.on_duty(EAST, sunday) == (f"township:{EAST}",)
    assert ORG.on_duty(GRID, sunday) == (f"township:{EAST}",)
    assert [ORG.on_duty(WEST, day) for day in (saturday, holiday)] == [(), (f"township:{WEST}",)]
    assert ORG.on_duty(EAST, date(2025, 12, 27)) == ()


def test_a_roster_becomes_the_calendar_s_own() -> None:
    first, last = date(2026, 9, 1), date(2026, 10, 31)
    assert ORG.duty_roster(EAST, first, last) == DutyRoster(every_rest_day=True)
    assert ORG.duty_roster(WEST, first, last) == DutyRoster(dates=frozenset((date(2026, 10, 1), date(2026, 10, 2))))
    assert ORG.duty_roster(EAST, date(2025, 12, 31), date(2026, 1, 1)) == DutyRoster(
        dates=frozenset((date(2026, 1, 1),))
    )


def test_all_three_of_a_grid_are_told_and_one_is_accountable() -> None:
    assert [(worker.id, worker.role) for worker in ORG.workers_of(GRID, SPRING)] == [
        ("W1-01", WorkerRole.WORKER), ("L1-01", WorkerRole.LEADER), ("C1-01", WorkerRole.PAIRED_CADRE),
    ]  # fmt: skip
    worker = ORG.worker_of(GRID, SPRING)
    assert worker is not None
    assert worker.id == "W1-01"


def test_a_worker_is_accountable_only_while_there() -> None:
    assert [one and one.id for one in (ORG.worker_of(OTHER_GRID, day) for day in (SPRING, date(2026, 6, 30), SUMMER))] == [
        "W2-01", "W2-01", "W2-02",
    ]  # fmt: skip
    assert ORG.worker_of(OTHER_GRID, date(2025, 1, 1)) is None
    leaderless = org("workers.csv")
    assert leaderless.worker_of("990101001001999", SPRING) is None


def test_a_unit_without_anybody_to_sign_is_answered_for_by_the_one_above() -> None:
    assert ORG.answering("roads", SPRING) == "roads"
    assert ORG.answering("silent", SPRING) == "command-centre"
    assert ORG.answering("estate", SPRING) == f"township:{EAST}"  # it begins in summer
    assert ORG.answering("estate", SUMMER) == "estate"
    assert ORG.answering(f"grid:{GRID}", date(2025, 12, 31)) == "command-centre"  # a day before everything began
    assert ORG.answering("nobody", SPRING) == "command-centre"


def test_support_is_looked_for_among_friends_then_by_duty_then_in_the_township() -> None:
    assert ORG.support_candidates("150201", GRID, SPRING) == ("school", "roads", f"township:{EAST}")
    assert ORG.support_candidates("150201", WEST, SPRING) == ("roads", f"township:{WEST}")
    assert ORG.support_candidates("160101", EAST, SPRING) == ("roads", f"township:{EAST}")
    enforced = org("duty_lists.csv", "*,160102,COOPERATE,police,yes,yes,v1,2026-01-01,")
    assert enforced.support_candidates("160102", EAST, SPRING) == ("east-team", "roads", f"township:{EAST}")


def test_the_two_files_of_old_still_make_an_organisation() -> None:
    units: dict[str, Any] = {"command_centre": "hub", "unit": [
        {"id": "hub", "zh": "中心", "en": "Hub"}, {"id": "water", "zh": "水", "en": "Water", "leads": ["05"]},
    ]}  # fmt: skip
    small = load_org(units, json.loads(county()["grids.geojson"]))
    led = small.lead_for("050101", None, SPRING)
    assert led is not None
    assert (led.unit, led.basis) == ("water", LeadBasis.STATUTORY)
    assert small.place_unit(GRID, None, None) == f"grid:{GRID}"
    assert small.county == "990101"
    assert small.duty("050101", EAST, SPRING) is None
    assert small.is_present(f"grid:{GRID}", SPRING)
    assert small.kind(f"township:{WEST}") is OrgKind.TOWNSHIP


def test_an_organisation_with_a_fault_is_refused_with_every_one_of_them() -> None:
    with pytest.raises(OrgRefused) as refusal:
        load_org({"unit": [{"id": "a", "zh": "甲", "en": "A", "leads": ["5"]}, {"id": "a"}]}, {"features": []})
    assert [problem.split(": ")[1] for problem in refusal.value.problems] == [
        "bad_category", "missing_key", "missing_key", "no_command_centre", "no_grids",
    ]  # fmt: skip
