"""The five packs that ship: their limits by worked example, their calendar, and the categories every one must have."""

from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import chinese_calendar
import pytest

from services.dispatch.core.calendar import Calendar
from services.dispatch.core.deadlines import earliest
from services.dispatch.core.rulebook import Rulebook, load_pack_rules
from services.intake.core.categories import Capability, read_categories
from shared.packs import open_pack
from shared.terms import MatterSize, TicketType, Urgency

PACKS = Path(__file__).parents[2] / "deploy" / "packs"
NAMES = ("beijing-like", "county-default", "guangdong-like", "shandong-like", "shanghai-like")
CHINA = timezone(timedelta(hours=8))
FILES = ("dispatch.toml", "categories.toml", "calendar.toml")


@cache
def book(name: str) -> Rulebook:
    return open_pack(PACKS / name, *FILES).read(load_pack_rules, *FILES)


def table(name: str) -> dict[str, Any]:
    return dict(open_pack(PACKS / "county-default", name).tables[name])


def local(text: str) -> datetime:
    if text.endswith(" 24:00"):
        return datetime.fromisoformat(text.removesuffix(" 24:00")).replace(tzinfo=CHINA) + timedelta(days=1)
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def due(pack: str, accepted: str, kind: str, urgency: Urgency = Urgency.U3) -> datetime:
    rules = book(pack)
    sized = {"SMALL": MatterSize.SMALL, "BIG": MatterSize.BIG, "COMPLEX": MatterSize.BIG}
    size = sized.get(kind, MatterSize.UNSIZED)
    ticket_type = TicketType.COMPLAINT if kind in sized else TicketType(kind)
    limits = rules.resolve_limits(ticket_type, size, urgency, is_complex=kind == "COMPLEX")
    return earliest(limits, local(accepted), rules.calendar, rules.roster).at


EXAMPLES = [
    # natural days: X56, X57 and X59, the last day moved off a rest day
    ("beijing-like", "BIG", "2026-03-09 10:00", "2026-03-16 24:00"),
    ("beijing-like", "BIG", "2026-03-07 10:00", "2026-03-16 24:00"),
    ("beijing-like", "BIG", "2026-09-24 10:00", "2026-10-08 24:00"),
    ("beijing-like", "COMPLEX", "2026-03-09 10:00", "2026-03-24 24:00"),
    ("beijing-like", "SMALL", "2026-03-10 09:15", "2026-03-10 24:00"),
    ("county-default", "BIG", "2026-03-09 10:00", "2026-03-16 24:00"),
    ("county-default", "COMPLEX", "2026-02-06 10:00", "2026-03-05 24:00"),
    ("guangdong-like", "CONSULT", "2026-03-09 11:00", "2026-03-11 24:00"),
    ("guangdong-like", "SUGGESTION", "2026-03-13 09:00", "2026-03-27 24:00"),
    ("guangdong-like", "BIG", "2026-03-09 10:00", "2026-03-23 24:00"),
    ("guangdong-like", "REPORT", "2026-03-09 10:00", "2026-03-30 24:00"),
    ("shandong-like", "BIG", "2026-03-09 10:00", "2026-03-16 24:00"),
    ("shandong-like", "COMPLEX", "2026-03-09 10:00", "2026-03-16 24:00"),
    ("shanghai-like", "CONSULT", "2026-03-13 23:30", "2026-03-16 24:00"),
    ("shanghai-like", "PRAISE", "2026-03-09 10:00", "2026-03-10 24:00"),
    ("shanghai-like", "COMPLEX", "2026-03-09 10:00", "2026-03-30 24:00"),
]


@pytest.mark.parametrize(("pack", "kind", "accepted", "expected"), EXAMPLES)
def test_a_matter_is_due_as_its_pack_says(pack: str, kind: str, accepted: str, expected: str) -> None:
    assert due(pack, accepted, kind) == local(expected)


@pytest.mark.parametrize("pack", NAMES)
def test_urgency_counts_alike_in_every_pack(pack: str) -> None:
    assert due(pack, "2026-10-02 03:10", "BIG", Urgency.U2) == local("2026-10-03 03:10")
    assert due(pack, "2026-03-14 23:20", "BIG", Urgency.U1) == local("2026-03-15 01:20")


@pytest.mark.parametrize("pack", NAMES)
def test_a_decision_names_the_pack_it_was_made_under(pack: str) -> None:
    assert book(pack).pack == f"{pack}/1"


def test_shandong_extends_a_matter_by_ten_working_days_at_most() -> None:
    assert str(book("shandong-like").extension.at_most) == "10 WD"


def test_an_heir_writes_only_what_differs() -> None:
    for name in NAMES:
        if name != "county-default":
            assert sorted(path.name for path in (PACKS / name).iterdir()) == [
                "dispatch.toml", "examples.toml", "pack.toml",
            ]  # fmt: skip
            assert len((PACKS / name / "dispatch.toml").read_text(encoding="utf-8").splitlines()) < 30


# The calendar


def sheet() -> Calendar:
    return book("county-default").calendar


def test_every_day_of_2020_to_2026_agrees_with_an_independent_calendar() -> None:
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(2557)]
    assert (days[-1], len(days)) == (date(2026, 12, 31), 2557)
    assert [day for day in days if sheet().is_working_day(day) != chinese_calendar.is_workday(day)] == []


@pytest.mark.parametrize(
    ("year", "working_days"),
    [(2020, 249), (2021, 250), (2022, 249), (2023, 249), (2024, 251), (2025, 248), (2026, 248)],
)
def test_each_year_has_its_working_days(year: int, working_days: int) -> None:
    assert sheet().working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) == working_days


def test_a_year_without_a_notice_is_provisional() -> None:
    assert sheet().is_provisional(date(2027, 1, 4))
    assert sheet().is_provisional(date(2019, 12, 31))
    assert sheet().lacks_next_year(date(2026, 11, 1))
    assert not sheet().lacks_next_year(date(2026, 10, 31))


# Categories


def test_the_basic_services_and_emergencies_are_roots() -> None:
    keys = {root.key for root in read_categories(table("categories.toml")).roots.values()}
    basic = {"EMPLOYMENT", "MEDICAL", "EDUCATION", "SOCIAL_SECURITY"}
    daily = {"WATER", "POWER", "GAS", "TELECOM", "HEATING", "ELDER_DAYCARE"}
    emergencies = {"NATURAL_DISASTER", "PUBLIC_HEALTH", "WORK_SAFETY"}
    assert basic | daily | emergencies <= keys


def test_an_outage_of_daily_life_is_urgent() -> None:
    leaves = read_categories(table("categories.toml")).leaves
    outages = ("050101", "060101", "070102", "080101", "090101")
    assert {code: leaves[code].floor for code in outages} == dict.fromkeys(outages, Urgency.U2)


def test_every_category_asks_for_one_capability_and_every_capability_is_asked_for() -> None:
    leaves = read_categories(table("categories.toml")).leaves.values()
    assert {leaf.capability for leaf in leaves} == set(Capability)


@pytest.mark.parametrize(
    "code",
    ["140101", "150101", "150201", "160101", "170103", "150102", "260105", "100103", "050105", "140105", "060104"],
)
def test_what_a_grid_can_do_in_a_day_may_be_small(code: str) -> None:
    assert read_categories(table("categories.toml")).leaves[code].small_eligible


def test_townships_and_subdistricts_have_their_own_categories() -> None:
    leaves = read_categories(table("categories.toml")).leaves
    towns, streets = ("230204", "230203", "240103", "240105"), ("170101", "240203", "250202")
    assert {leaves[code].focus for code in towns} == {"TOWN"}
    assert {leaves[code].focus for code in streets} == {"SUBDISTRICT"}
