"""The rates of a run, recounted: by the citizens' words alone, once each, and wrong figures are noticed."""

import orjson

from griddispatch.demo.rates import Judgements, Tally, rates_view, tally_of

ONE, TWO = b"one", b"two"
AT = b"2026-03-18T04:00:00+00:00"


def judgement(cycle: int = 1, satisfaction: str = "SATISFIED", *, solved: bool = True) -> bytes:
    return orjson.dumps(
        {
            "cycle": cycle, "outcome": "ANSWERED", "contacted": True, "solved": solved, "satisfaction": satisfaction,
        }
    )  # fmt: skip


def test_silence_judges_nobody() -> None:
    assert tally_of({"cycle": 1, "outcome": "UNREACHABLE", "satisfaction": None}) == Tally(unreachable=1)


def test_every_cycle_counts_once_however_often_it_is_told() -> None:
    told = Judgements()
    for _ in range(2):
        told.see(ONE, judgement(satisfaction="DISSATISFIED", solved=False), AT)
        told.see(ONE, judgement(2, "BASICALLY"), AT)
        told.see(TWO, judgement(), AT)
    assert told.tally == Tally(valid=3, contacted=3, solved=2, satisfied=1, basic=1)
    assert told.dissatisfied == 1


def test_a_judgement_may_fall_into_this_month_or_the_next() -> None:
    told = Judgements()
    told.see(ONE, judgement(), AT)
    assert told.months == ["2026-03", "2026-04"]


def test_the_rates_are_those_of_the_definition() -> None:
    counted = Tally(valid=100, contacted=98, solved=80, satisfied=70, basic=20, unreachable=3)
    view = rates_view(counted, counted)
    assert (view["response"], view["solution"], view["satisfaction"]) == ("98.00", "80.00", "88.00")
    assert view["equal_to_notify"] is True
    assert rates_view(counted, counted + Tally(valid=1))["equal_to_notify"] is False


def test_rates_of_nobody_are_none() -> None:
    view = rates_view(Tally(), Tally())
    assert (view["response"], view["satisfaction"]) == (None, None)
