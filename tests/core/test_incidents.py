"""Which tickets are about one thing, how many people an incident concerns, and that a merge can be undone."""

from datetime import timedelta
from functools import cache
from math import cos, radians, sin
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.intake.app import read_incidents
from services.intake.core.folding import Newcomer, plan
from services.intake.core.incident_rules import IncidentRules
from services.intake.core.incidents import (
    Hindrance,
    Incident,
    Link,
    Match,
    Member,
    Trace,
    best,
    cells_near,
    hindrance,
    match,
    metres_between,
    most_within,
    places_near,
)
from services.intake.core.similarity import signature
from shared.terms import TicketId, TicketType, Urgency
from tests.builders import PACK, TUESDAY_MORNING

LAMP = signature("路灯坏了，晚上看不见路")
METRE_NORTH = 1 / 111_195


@cache
def rules() -> IncidentRules:
    return read_incidents(PACK)


def trace(n: int, **changes: Any) -> Trace:
    """A lamp out at one spot."""
    facts: dict[str, Any] = {
        "ticket_id": TicketId(UUID(int=n)), "received_at": TUESDAY_MORNING, "category": "150101",
        "ticket_type": TicketType.COMPLAINT, "urgency": Urgency.U3, "signature": LAMP, "lon": 119.225, "lat": 33.378,
    }  # fmt: skip
    made = Trace(**(facts | changes))
    has_point = made.lon is not None and made.lat is not None
    return replace(made, cell=cells_near(made.group, made.lon, made.lat)[0]) if has_point else made  # type: ignore[arg-type]


def metres(north: float) -> float:
    """A latitude so many metres north of the spot."""
    return 33.378 + north * METRE_NORTH


@pytest.mark.parametrize(
    ("changes", "link", "automatic"),
    [
        ({}, Link.NEAR, True),
        ({"lat": metres(30)}, Link.NEAR, True),
        ({"lat": metres(30.1)}, Link.NEAR, False),
        ({"lat": metres(100)}, Link.NEAR, False),
        ({"lat": metres(100.1)}, None, False),
        ({"category": "150102"}, Link.NEAR, False),
        ({"category": "150201"}, None, False),
        ({"signature": signature("路灯坏了")}, None, False),
        ({"signature": b""}, None, False),
        ({"lon": None, "lat": None}, None, False),
        ({"lon": None, "lat": None, "addresses": (7, 8)}, Link.ADDRESS, False),
        ({"lat": metres(500), "addresses": (8,)}, Link.ADDRESS, False),
        ({"lat": metres(500), "addresses": (9,)}, None, False),
        ({"lat": metres(500), "component": 5}, Link.COMPONENT, True),
        ({"lat": metres(500), "component": 5, "signature": b""}, Link.COMPONENT, True),
        ({"component": 6}, None, False),
    ],
)
def test_distance_component_address_category_and_words_decide(
    changes: dict[str, Any], link: Link | None, automatic: bool
) -> None:
    found = match(trace(2, **changes), trace(1, component=5, addresses=(8,)), rules().merging)
    assert (found.link if found else None, found.automatic if found else False) == (link, automatic)


def test_what_nobody_could_classify_is_never_merged() -> None:
    assert match(trace(2, category="999999"), trace(1, category="999999"), rules().merging) is None


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ({}, {}, None),
        ({"confidential": True}, {}, Hindrance.CONFIDENTIAL),
        ({"is_lead": True}, {"confidential": True}, Hindrance.LEAD),
        ({"exercise": True}, {}, Hindrance.EXERCISE),
        ({"exercise": True}, {"exercise": True}, None),
        ({"ticket_type": TicketType.REPORT}, {}, Hindrance.OTHER_PARTY),
        ({"ticket_type": TicketType.REPORT}, {"ticket_type": TicketType.REPORT}, Hindrance.OTHER_PARTY),
        ({"ticket_type": TicketType.REPORT, "party": b"a"}, {"ticket_type": TicketType.REPORT, "party": b"b"}, Hindrance.OTHER_PARTY),
        ({"ticket_type": TicketType.REPORT, "party": b"a"}, {"ticket_type": TicketType.REPORT, "party": b"a"}, None),
        ({"urgency": Urgency.U1}, {}, None),
        ({"urgency": Urgency.U1}, {"signature": signature("漏电")}, Hindrance.OTHER_DANGER),
        ({"urgency": Urgency.U2}, {"signature": signature("漏电")}, None),
    ],
)  # fmt: skip
def test_some_must_not_be_merged_whichever_comes_first(
    one: dict[str, Any], other: dict[str, Any], why: Hindrance | None
) -> None:
    first, second = trace(1, **one), trace(2, **other)
    likeness = 1.0 if first.signature == second.signature else 0.1
    assert hindrance(first, second, likeness, rules().merging) is why
    assert hindrance(second, first, likeness, rules().merging) is why


@given(
    st.floats(-179, 179), st.floats(-60, 60), st.floats(0, 109), st.floats(0, 360), st.sampled_from(["0101", "9901"])
)
def test_whatever_lies_within_reach_is_in_one_of_the_four_cells(
    lon: float, lat: float, distance: float, bearing: float, group: str
) -> None:
    from_north = radians(bearing)
    north = distance * METRE_NORTH * cos(from_north)
    east = distance * METRE_NORTH * sin(from_north) / cos(radians(lat))
    assert cells_near(group, lon + east, lat + north)[0] in cells_near(group, lon, lat)


def test_cells_of_other_groups_are_other_cells() -> None:
    assert not set(cells_near("0101", 119.2, 33.4)) & set(cells_near("0102", 119.2, 33.4))


def test_a_hundred_metres_east_are_a_hundred_metres() -> None:
    east = trace(2, lon=119.225 + 100 * METRE_NORTH / 0.83504)
    assert metres_between(trace(1), east) == pytest.approx(100, abs=0.5)
    assert metres_between(trace(1), trace(2, lon=None, lat=None)) is None


def test_of_several_the_surest_is_taken() -> None:
    def found(n: int, link: Link, likeness: float, distance: float | None, automatic: bool) -> Match:
        return Match(TicketId(UUID(int=n)), link, likeness, distance, automatic)

    component = found(4, Link.COMPONENT, 0.1, None, True)
    near, nearer = found(3, Link.NEAR, 0.9, 20, True), found(2, Link.NEAR, 0.9, 10, True)
    maybe = found(1, Link.NEAR, 1.0, 50, False)
    assert best([maybe, near, nearer, component]) is component
    assert best([maybe, near, nearer]) is nearer
    assert best([maybe]) is maybe
    assert best([]) is None


# ---- counting --------------------------------------------------------------------------------------------------------


def member(n: int, minutes: float = 0, caller: int | None = None, urgency: Urgency = Urgency.U3) -> Member:
    """The n-th ticket of an incident, called in by so-and-so."""
    mark = None if caller is None else bytes([caller])
    return Member(TicketId(UUID(int=n)), TUESDAY_MORNING + timedelta(minutes=minutes), urgency, mark)


def incident(*members: Member) -> Incident:
    """The first is the main one."""
    return Incident(members[0], tuple(sorted(members[1:], key=lambda m: m.ticket_id)))


@pytest.mark.parametrize(
    ("minutes", "callers", "mass", "supervise"),
    [
        ([0, 30, 60, 90, 120], [1, 2, 3, 4, 5], True, 0),
        ([0, 30, 60, 90, 120.1], [1, 2, 3, 4, 5], False, 0),
        ([0, 1, 2, 3, 4], [1, 2, 3, 4, 4], False, 0),
        ([0, 1, 2, 3, 4], [None] * 5, False, 0),
        ([0, 1, 2, 3, 4], [1, 2, 3, 4, None], True, 0),
        ([144 * n for n in range(10)], list(range(10)), False, 2),
        ([161 * n for n in range(10)], list(range(10)), False, 0),
        ([600, 610, 620, 630, 640, 0], [1, 2, 3, 4, 5, 6], True, 0),
    ],
)
def test_five_people_within_two_hours_are_a_mass_and_ten_within_a_day_are_supervised(
    minutes: list[float], callers: list[int | None], mass: bool, supervise: int
) -> None:
    members = [member(n, m, c) for n, (m, c) in enumerate(zip(minutes, callers, strict=True), 1)]
    tally = incident(*members).tally(rules().merging)
    assert (tally.mass, tally.supervise) == (mass, supervise)
    assert tally.urgency is (Urgency.U2 if mass else Urgency.U3)


def test_an_incident_is_as_urgent_as_its_most_urgent_ticket() -> None:
    assert incident(member(1), member(2, urgency=Urgency.U1)).tally(rules().merging).urgency is Urgency.U1


MEMBERS = st.lists(
    st.builds(
        member, st.integers(2, 40), st.floats(0, 2000), st.one_of(st.none(), st.integers(0, 9)), st.sampled_from(Urgency)
    ),
    max_size=12, unique_by=lambda m: m.ticket_id,
)  # fmt: skip


@given(MEMBERS, st.data())
def test_a_merge_undone_leaves_everything_as_it_was(others: list[Member], data: st.DataObject) -> None:
    before = incident(member(1), *others)
    new = member(50, data.draw(st.floats(0, 2000)), data.draw(st.integers(0, 9)))
    merged = before.merged(new)
    assert merged != before
    assert merged.split(new.ticket_id) == before
    assert merged.split(new.ticket_id).tally(rules().merging) == before.tally(rules().merging)


@given(MEMBERS)
def test_the_order_of_merging_and_splitting_does_not_matter(others: list[Member]) -> None:
    one = two = incident(member(1))
    for each in others:
        one = one.merged(each)
    for each in reversed(others):
        two = two.merged(each)
    assert one == two
    for each in others:
        one = one.split(each.ticket_id)
    assert one == incident(member(1))


@given(MEMBERS, st.floats(1, 3000))
def test_nobody_is_counted_twice_and_a_longer_window_never_holds_fewer(others: list[Member], minutes: float) -> None:
    members = sorted([member(1), *others], key=lambda m: m.received_at)
    shorter = most_within(members, timedelta(minutes=minutes))
    assert 1 <= shorter <= most_within(members, timedelta(minutes=2 * minutes)) <= len({m.caller for m in members})


def test_what_is_not_there_is_not_split_and_what_is_there_not_merged_again() -> None:
    whole = incident(member(1), member(2))
    for stranger in (1, 3):
        with pytest.raises(ValueError, match="not one of those"):
            whole.split(TicketId(UUID(int=stranger)))
    for known in (1, 2):
        with pytest.raises(ValueError, match="already"):
            whole.merged(member(known))


# ---- a batch ---------------------------------------------------------------------------------------------------------


def newcomer(made: Trace) -> Newcomer:
    cells = cells_near(made.group, made.lon, made.lat) if made.lon is not None and made.lat is not None else ()
    return Newcomer(made, "990101001001001", places_near(made, cells))


@given(st.permutations(range(1, 7)))
def test_a_batch_about_one_lamp_is_one_incident_in_whatever_order(order: list[int]) -> None:
    plans = plan([newcomer(trace(n)) for n in order], [], [], TUESDAY_MORNING, rules())
    first = TicketId(UUID(int=order[0]))
    assert [p.fold.into if p.fold else None for p in plans] == [None] + [first] * 5


def test_a_row_of_tickets_does_not_pull_the_incident_along() -> None:
    row = [newcomer(trace(n, lat=metres(25 * n))) for n in range(1, 5)]
    plans = plan(row, [], [], TUESDAY_MORNING, rules())
    assert [p.fold.into.int if p.fold else None for p in plans] == [None, 1, None, 3]
