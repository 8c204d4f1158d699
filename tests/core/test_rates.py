"""The three rates: exact figures, records that count each fact once, and no order in which the stories change a count."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.core.rates import NOTHING, Bucket, Counts, add, change, figures, percent, total
from services.notify.core.record import Record, counts_of, hear, without_own
from services.notify.core.sheets import TOO_FEW, make_sheet, safe_cell, sheet_as_csv
from shared.events import Envelope
from shared.joint_events import GuardRefused, TicketHung, TicketUnhung, TicketWithdrawn
from shared.notify_events import ExclusionChecked, ExclusionDecided
from shared.terms import Satisfaction, Source
from tests.services.notify.measured import (
    MARCH,
    PLACE,
    evaluated,
    measures,
    reopened,
    resolved,
    told,
    unreachable,
)
from tests.services.notify.values import MORNING, assigned, audited, escalated, local, redispatched

RULES = measures()
APRIL = local("19 00:00")
"""The first instant of the next assessment month."""


def record_of(*envelopes: Envelope) -> Record:
    record = Record()
    for envelope in envelopes:
        record = hear(record, envelope)
    return record


def counts(*envelopes: Envelope) -> dict[Bucket, Counts]:
    return {b: c for b, c in counts_of(record_of(*envelopes), RULES.period_of).items() if c != NOTHING}


def own(event: object, version: int = 1, at: object = MORNING) -> Envelope:
    return told(event, 1, version, at, Source.NOTIFY)  # type: ignore[arg-type]


HANDLED = (told(assigned(**PLACE)), told(resolved(), version=2), told(audited(), version=3))


# Figures


def test_a_units_month_of_a_hundred_valid_follow_ups_comes_to_the_figures_of_the_rule() -> None:
    found = figures(Counts(valid=100, contacted=98, solved=80, satisfied=70, basic=20), RULES)
    assert found[:4] == (Decimal("98.00"), Decimal("80.00"), Decimal("88.00"), Decimal("85.00"))
    assert [str(value) for value in found[:4]] == ["98.00", "80.00", "88.00", "85.00"]


@pytest.mark.parametrize(
    ("part", "of", "expected"),
    [
        (1, 3, "33.33"), (2, 3, "66.67"), (1, 8, "12.50"), (0, 7, "0.00"), (7, 7, "100.00"),
        (1, 20_000, "0.01"), (1, 20_001, "0.00"), (9_999, 20_000, "50.00"), (49_999, 200_000, "25.00"),
    ],
)  # fmt: skip
def test_percentages_have_two_places_and_halves_go_up(part: int, of: int, expected: str) -> None:
    assert str(percent(part, of)) == expected


def test_the_composite_is_taken_from_the_exact_rates() -> None:
    found = figures(Counts(valid=300, contacted=100, solved=200, satisfied=0, basic=0), RULES)
    assert (found.response, found.solution) == (Decimal("33.33"), Decimal("66.67"))
    assert found.composite == Decimal("36.67")  # 3.333… + 33.333…, where rounded rates would give 36.668


def test_nineteen_valid_follow_ups_are_too_few_and_twenty_are_not() -> None:
    assert figures(Counts(valid=19, contacted=19, solved=19, satisfied=19), RULES)[:4] == (None,) * 4
    assert figures(Counts(valid=20, contacted=20, solved=20, satisfied=20), RULES).composite == Decimal("100.00")


def test_what_is_shown_beside_is_no_part_of_the_composite() -> None:
    judged = Counts(valid=20, contacted=20, solved=20, satisfied=20)
    late = judged.plus(Counts(dispatched=40, first_dispatch_right=10, late=30, on_time=10, excluded=20, unreachable=20))
    found = figures(late, RULES)
    assert found.composite == figures(judged, RULES).composite
    assert [str(value) for value in found[4:8]] == ["25.00", "25.00", "50.00", "50.00"]


def test_of_a_hundred_matters_so_many_were_passed_on_found_first_came_back_or_were_pushed_down() -> None:
    found = figures(Counts(dispatched=80, hops=10, proactive=20, recurrence_90d=3, guard_refused=100), RULES)
    assert [str(value) for value in found[8:]] == ["12.50", "25.00", "3.75", "125.00"]
    assert figures(Counts(guard_refused=2), RULES)[8:] == (None,) * 4, "of nothing there is no share"


# What counts


def test_a_matter_solved_at_once_counts_once_everywhere() -> None:
    assert counts(*HANDLED, own(evaluated())) == {
        MARCH: Counts(dispatched=1, first_dispatch_right=1, on_time=1, valid=1, contacted=1, solved=1, satisfied=1)
    }


def test_silence_is_out_of_every_denominator_and_never_satisfied() -> None:
    assert counts(*HANDLED, own(unreachable())) == {
        MARCH: Counts(dispatched=1, first_dispatch_right=1, on_time=1, unreachable=1)
    }


def test_an_exercise_is_absent_from_every_count() -> None:
    drill = (
        told(GuardRefused(code="X", unit="market", category="150101", rule="r")),
        told(assigned(exercise=True, **PLACE), version=2),
        told(resolved(), version=3),
        told(audited(exercise=True), version=4),
        own(evaluated()),
    )
    assert counts(*drill) == {}


def test_a_ticket_that_went_on_counts_for_the_unit_that_handled_it() -> None:
    found = counts(
        told(assigned(**PLACE)), told(redispatched(unit="roads", **PLACE), version=2),
        told(resolved(unit="roads", on_time=False), version=3),
    )  # fmt: skip
    assert found == {MARCH._replace(unit="roads"): Counts(dispatched=1, hops=1, late=1)}


def test_each_fact_counts_in_the_month_in_which_it_happened() -> None:
    found = counts(*HANDLED, own(evaluated(), at=APRIL))
    assert found[MARCH] == Counts(dispatched=1, first_dispatch_right=1, on_time=1)
    assert found[MARCH._replace(period="2026-04")] == Counts(valid=1, contacted=1, solved=1, satisfied=1)


def test_both_rounds_of_a_reopened_matter_are_judged() -> None:
    found = counts(
        *HANDLED, own(evaluated(solved=False, satisfaction=Satisfaction.DISSATISFIED)), told(reopened(), version=4),
        told(assigned(cycle=2, unit="roads", **PLACE), version=5), told(resolved(2, unit="roads"), version=6),
        own(evaluated(2, satisfaction=Satisfaction.BASICALLY), 2),
    )  # fmt: skip
    assert found == {
        MARCH: Counts(dispatched=1, first_dispatch_right=1, on_time=1, valid=1, contacted=1, reopened=1),
        MARCH._replace(unit="roads"): Counts(on_time=1, valid=1, contacted=1, solved=1, basic=1),
    }


def test_what_was_left_out_still_counts_in_the_volume() -> None:
    out = ExclusionDecided(cycle=1, unit="water", granted=True)
    found = counts(*HANDLED, own(evaluated(solved=False)), own(out, 2))
    assert found == {MARCH: Counts(dispatched=1, first_dispatch_right=1, on_time=1, excluded=1)}


@pytest.mark.parametrize(("upheld", "excluded"), [(True, 1), (False, 0)])
def test_a_supervisor_can_bring_a_judgement_back(upheld: bool, excluded: int) -> None:
    out = own(ExclusionDecided(cycle=1, unit="water", granted=True, sampled=True), 2)
    again = own(ExclusionChecked(cycle=1, unit="water", upheld=upheld), 3)
    found = counts(*HANDLED, own(evaluated()), out, again)[MARCH]
    assert (found.excluded, found.valid) == (excluded, 1 - excluded)


def test_a_waiting_matter_leaves_the_denominators_and_is_printed() -> None:
    hung = told(TicketHung(cycle=1, ground="FUNDS", owner="water", review_at=APRIL), version=4)
    found = counts(*HANDLED, own(evaluated()), hung)[MARCH]
    assert (found.hung, found.valid) == (1, 0)
    back = told(TicketUnhung(cycle=1, due_at=APRIL), version=5)
    found = counts(*HANDLED, own(evaluated()), hung, back)[MARCH]
    assert (found.hung, found.valid) == (1, 1)


def test_a_patrols_own_find_counts_as_found_before_anybody_called() -> None:
    found = counts(told(assigned(**PLACE)), told(resolved(), version=2), told(audited(follow_up=False), version=3))
    assert found[MARCH].proactive == 1


def test_a_refused_attempt_to_pass_work_on_is_the_burden_of_who_tried() -> None:
    refused = GuardRefused(code="DUTY_LIST_VIOLATION", unit="market", category="080101", rule="duty.taken_back")
    assert counts(told(assigned(**PLACE)), told(refused, version=2))[
        Bucket("2026-03", "market", "990101001", "08")
    ] == Counts(guard_refused=1)


def test_supervision_without_a_level_does_not_mark_a_ticket() -> None:
    assert not record_of(*HANDLED, told(escalated(level=0), version=4)).supervised
    assert record_of(*HANDLED, told(escalated(level=1), version=4)).supervised


# Order and repetition

STORY = (
    *HANDLED,
    told(escalated(), version=4),
    told(reopened(), version=5),
    told(assigned(cycle=2, unit="roads", **PLACE), version=6),
    told(redispatched(cycle=2, unit="parks", **PLACE), version=7),
    told(resolved(2, unit="parks", on_time=False), version=8, at=APRIL),
    told(TicketHung(cycle=2, ground="FUNDS", owner="parks", review_at=APRIL), version=9, at=APRIL),
    told(TicketUnhung(cycle=2, due_at=APRIL), version=10, at=APRIL),
)
JUDGED = (
    own(evaluated(solved=False)),
    own(ExclusionDecided(cycle=1, unit="water", granted=True, sampled=True), 2),
    own(ExclusionChecked(cycle=1, unit="water", upheld=False), 3),
    own(evaluated(2), 4, APRIL + timedelta(days=1)),
)
WHOLE = counts(*STORY, *JUDGED)


@st.composite
def interleaved(draw: st.DrawFn) -> list[Envelope]:
    """Both stories, each in its own order, woven together anyhow, with events that come again later."""
    left, right, found = list(STORY), list(JUDGED), list[Envelope]()
    while left or right:
        source = left if not right or (left and draw(st.booleans())) else right
        found.append(source.pop(0))
        if draw(st.booleans()):
            found.append(draw(st.sampled_from(found)))
    return found


@given(interleaved())
def test_counts_do_not_depend_on_how_the_stories_interleave_or_what_comes_twice(story: Sequence[Envelope]) -> None:
    assert counts(*story) == WHOLE


@given(interleaved())
def test_what_every_step_adds_comes_to_the_whole(story: Sequence[Envelope]) -> None:
    kept: dict[Bucket, Counts] = {}
    record = Record()
    for envelope in story:
        after = hear(record, envelope)
        add(kept, change(counts_of(record, RULES.period_of), counts_of(after, RULES.period_of)))
        record = after
    assert {b: c for b, c in kept.items() if c != NOTHING} == WHOLE
    assert all(min(c) >= 0 and c.satisfied + c.basic <= c.valid and c.solved <= c.valid for c in kept.values())


def test_what_notify_stated_can_be_taken_down_anew() -> None:
    record = without_own(record_of(*STORY, *JUDGED))
    for envelope in JUDGED:
        record = hear(record, envelope)
    assert record == record_of(*STORY, *JUDGED)


def test_an_event_of_no_interest_moves_the_place_in_the_story_only() -> None:
    strange = told(TicketWithdrawn(cycle=1), version=4)
    assert record_of(*HANDLED, strange).heard == 4


# Sheets


def test_a_sheet_sums_its_rows_and_prints_what_it_does_not_judge() -> None:
    few, many = Counts(valid=19, contacted=19, hung=2, excluded=3), Counts(valid=20, contacted=20, solved=10)
    sheet = make_sheet("2026-03", "unit", {"roads": few, "water": many}, RULES)
    assert [row.too_few for row in sheet.rows] == [True, False]
    assert sheet.total.counts == total([few, many])
    lines = sheet_as_csv(sheet).split("\r\n")
    assert lines[0].startswith("period,unit,dispatched,")
    assert lines[1].count(TOO_FEW) == 4
    assert "50.00" in lines[2]
    assert lines[3].startswith("2026-03,*,")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula_to_a_spreadsheet(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert make_csv_of_a_unit_named(text).splitlines()[1].split(",")[1].lstrip('"').startswith("'")


def make_csv_of_a_unit_named(name: str) -> str:
    return sheet_as_csv(make_sheet("2026-03", "unit", {name: Counts(valid=1)}, RULES))


@pytest.mark.parametrize("text", ["water", "990101001", "", "自来水公司", "a=b"])
def test_a_plain_cell_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text
