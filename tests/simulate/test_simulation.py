"""Two packs over the same matters: nothing differs that should not, and everything that should."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from griddispatch.desk import Desk, Recorded, read_desk
from griddispatch.simulation import (
    HANDLING,
    Handling,
    Load,
    Moved,
    Pair,
    Summary,
    compare,
    load_of,
    summarise,
)
from services.dispatch.core.deadlines import WorkingDays
from services.intake.core.location import Location, PlaceReason
from services.intake.core.triage import NO_MODELS, Matter, WordTable
from shared.terms import Light, MatterSize, PlaceLevel, TicketType, Urgency
from tests.builders import AREA, GRID, PACK, TUESDAY_MORNING

HERE = Location(PlaceLevel.GRID, "990101", "990101001", "990101001001", GRID, reason=PlaceReason.IN_GRID)


@pytest.fixture(scope="module")
def desk() -> Desk:
    """The default pack over the sample county, without trained models."""
    return replace(read_desk(PACK, AREA), models=NO_MODELS)


def matter(category: str = "150101", accepted_at: datetime = TUESDAY_MORNING, **changes: object) -> Recorded:
    """A complaint about a street lamp."""
    kind = TicketType.CONSULT if changes.pop("asks", False) else TicketType.COMPLAINT
    urgency = changes.pop("urgency", None)
    assert not changes
    return Recorded(
        Matter("", "", kind, category), accepted_at, urgency=urgency if isinstance(urgency, Urgency) else None
    )


def with_limit(desk: Desk, row: str, days: int) -> Desk:
    """The same desk with one limit in working days."""
    limits = MappingProxyType({**desk.book.limits, (row, None): WorkingDays(days)})
    return replace(desk, book=replace(desk.book, limits=limits, name="other"))


def compared(a: Desk, b: Desk, matters: Sequence[Recorded], seed: int = 1) -> list[Pair]:
    return list(compare([(one, HERE) for one in matters], a, b, seed))


def counted(a: Desk, b: Desk, matters: Sequence[Recorded], seed: int = 1) -> Summary:
    return summarise(compared(a, b, matters, seed), a, b, seed)


MIXED = [
    matter("150101"), matter("050101"), matter("220101"), matter("150101", asks=True),
    matter("070101", TUESDAY_MORNING + timedelta(hours=3)), matter("220101", TUESDAY_MORNING + timedelta(days=3)),
]  # fmt: skip


def test_a_pack_against_itself_differs_nowhere(desk: Desk) -> None:
    for pair in compared(desk, desk, MIXED):
        assert pair.a == pair.b
        assert pair.moved is Moved.SAME
    summary = counted(desk, desk, MIXED)
    assert summary.moved == {Moved.EARLIER: 0, Moved.SAME: 6, Moved.LATER: 0}
    assert summary.shifts == {}
    assert (summary.size_changed, summary.lead_changed, summary.supports_changed, summary.judged_otherwise) == (0,) * 4
    assert all(load.a == load.b for load in summary.loads)


def test_tightening_one_limit_moves_exactly_those_deadlines(desk: Desk) -> None:
    pairs = compared(desk, with_limit(desk, "BIG", 3), MIXED)
    big_and_normal = [pair.a.size is MatterSize.BIG and pair.a.urgency is Urgency.U3 for pair in pairs]
    assert [pair.moved is Moved.EARLIER for pair in pairs] == big_and_normal
    assert sum(big_and_normal) == 2
    assert {pair.shift for pair in pairs if pair.moved is Moved.EARLIER} == {timedelta(hours=-15)}
    assert all(pair.a == pair.b for pair, moved in zip(pairs, big_and_normal, strict=True) if not moved)


def test_a_longer_limit_is_later_by_its_working_hours(desk: Desk) -> None:
    summary = counted(desk, with_limit(desk, "BIG", 6), MIXED)
    assert summary.moved == {Moved.EARLIER: 0, Moved.SAME: 4, Moved.LATER: 2}
    assert summary.median_shift_hours == 7.5
    assert summary.shifts == {8: 2}


def test_the_same_seed_gives_the_same_and_another_one_another_luck(desk: Desk) -> None:
    assert compared(desk, desk, MIXED, 7) == compared(desk, desk, MIXED, 7)
    first = [pair.a.handled_at for pair in compared(desk, desk, MIXED, 7)]
    assert first != [pair.a.handled_at for pair in compared(desk, desk, MIXED, 8)]


def test_a_matter_of_one_size_takes_equally_long_under_both_packs(desk: Desk) -> None:
    for pair in compared(desk, with_limit(desk, "BIG", 3), MIXED):
        assert pair.a.handled_at == pair.b.handled_at


def test_another_list_of_small_matters_changes_size_unit_and_load(desk: Desk) -> None:
    none_small = replace(desk, book=replace(desk.book, small_categories=frozenset()))
    (pair,) = compared(desk, none_small, [matter("150101")])
    assert (pair.a.size, pair.b.size) == (MatterSize.SMALL, MatterSize.BIG)
    assert (pair.a.lead, pair.b.lead) == (f"grid:{GRID}", "city-management")
    summary = counted(desk, none_small, [matter("150101")])
    assert (summary.size_changed, summary.lead_changed) == (1, 1)
    assert summary.sizes == {(MatterSize.SMALL, MatterSize.BIG): 1}
    loads = {load.unit: load for load in summary.loads}
    assert (loads[f"grid:{GRID}"].a.total, loads[f"grid:{GRID}"].b.total) == (1, 0)
    assert (loads["city-management"].a.total, loads["city-management"].b.total) == (0, 1)


@pytest.mark.parametrize(
    ("hours", "light", "is_breach"),
    [(1.0, Light.GREEN, False), (8.74, Light.GREEN, False), (8.75, Light.YELLOW, False),
     (14.75, Light.YELLOW, False), (14.7501, Light.RED, True)],
)  # fmt: skip
def test_lights_follow_the_ladder_from_09_15_to_24_00(desk: Desk, hours: float, light: Light, is_breach: bool) -> None:
    handling = {**HANDLING, "SMALL": Handling(hours, 0.0, False)}
    (pair,) = compare([(matter("150101"), HERE)], desk, desk, 1, handling)
    assert (pair.a.light, pair.a.is_breach) == (light, is_breach)


def test_working_time_is_counted_as_working_time(desk: Desk) -> None:
    handling = {**HANDLING, "BIG": Handling(7.5, 0.0, True)}
    (pair,) = compare([(matter("220101"), HERE)], desk, desk, 1, handling)
    assert pair.a.handled_at == datetime(2026, 3, 11, 1, 15, tzinfo=UTC)


def test_kinds_are_counted_apart(desk: Desk) -> None:
    summary = counted(desk, with_limit(desk, "BIG", 3), MIXED)
    kinds = {kind.kind: kind for kind in summary.kinds}
    assert set(kinds) == {"SMALL", "BIG", "BIG U1", "BIG U2", "CONSULT"}
    assert (kinds["BIG"].matters, kinds["BIG"].earlier, kinds["BIG"].median_shift_hours) == (2, 2, -15.0)
    assert sum(kind.matters for kind in summary.kinds) == 6


def test_nothing_to_compare_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="no matters"):
        summarise([], desk, desk, 1)


@pytest.mark.parametrize(
    ("busy", "days", "load"),
    [
        ((), 10, Load(0, 0, 0)),
        ((3,), 1, Load(3, 3, 3)),
        ((9,), 20, Load(9, 9, 0)),
        ((9, 4), 20, Load(13, 9, 4)),
        (tuple(range(1, 101)), 100, Load(5050, 100, 95)),
    ],
)
def test_a_load_counts_quiet_days_too(busy: tuple[int, ...], days: int, load: Load) -> None:
    assert load_of(busy, days) == load


def reworded(tmp_path: Path) -> Path:
    """A copy of the default pack that does not know that a fire extinguisher is no fire."""
    copy = shutil.copytree(PACK, tmp_path / PACK.name)
    words = (copy / "triage.toml").read_text(encoding="utf-8")
    assert '"灭火器", ' in words
    (copy / "triage.toml").write_text(words.replace('"灭火器", ', ""), encoding="utf-8")
    return copy


def test_packs_with_the_same_words_judge_alike_and_one_other_word_judges_otherwise(tmp_path: Path) -> None:
    assert read_desk(PACK.parent / "guangdong-like", AREA).judges_by == read_desk(PACK, AREA).judges_by
    assert read_desk(reworded(tmp_path), AREA).judges_by != read_desk(PACK, AREA).judges_by


def test_each_pack_judges_by_its_own_words(desk: Desk) -> None:
    words = WordTable([{"油烟": 1}], ())
    alarmed = replace(
        desk, judges_by="other", rules=replace(desk.rules, urgency=desk.rules.urgency[:1], urgency_words=words)
    )
    spoken = Recorded(Matter("油烟扰民"), TUESDAY_MORNING)
    (pair,) = compared(desk, alarmed, [spoken])
    assert (pair.a.urgency, pair.b.urgency) == (Urgency.U3, Urgency.U1)
    assert counted(desk, alarmed, [spoken, matter("150101")]).judged_otherwise == 1
