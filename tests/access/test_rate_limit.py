"""A quota is kept, told, and given back as time goes by."""

import pytest

from shared.actors import TooMany
from shared.rate_limit import Policy, RateLimits
from tests.access.provider import Ticks

SIX_A_MINUTE = Policy("key", 6, 60)


def test_a_full_quota_may_be_spent_at_once_and_no_more() -> None:
    limits = RateLimits(Ticks())
    assert [limits.spend(SIX_A_MINUTE, "a").remaining for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    with pytest.raises(TooMany) as refused:
        limits.spend(SIX_A_MINUTE, "a")
    assert (refused.value.policy, refused.value.retry_after_s) == ("key", 10)


def test_it_comes_back_evenly() -> None:
    ticks = Ticks()
    limits = RateLimits(ticks)
    limits.spend(SIX_A_MINUTE, "a", 6)
    ticks.at += 9.9
    with pytest.raises(TooMany):
        limits.spend(SIX_A_MINUTE, "a")
    ticks.at += 0.2
    limits.spend(SIX_A_MINUTE, "a")
    ticks.at += 3600
    assert limits.left(SIX_A_MINUTE, "a").remaining == 6


def test_asking_too_early_costs_nothing() -> None:
    ticks = Ticks()
    limits = RateLimits(ticks)
    limits.spend(SIX_A_MINUTE, "a", 6)
    for _ in range(100):
        with pytest.raises(TooMany):
            limits.spend(SIX_A_MINUTE, "a")
    ticks.at += 10.1
    limits.spend(SIX_A_MINUTE, "a")


def test_one_callers_quota_is_not_anothers() -> None:
    limits = RateLimits(Ticks())
    limits.spend(SIX_A_MINUTE, "a", 6)
    assert limits.spend(SIX_A_MINUTE, "b").remaining == 5
    assert limits.spend(Policy("other", 6), "a").remaining == 5


def test_a_body_of_many_takes_as_many_and_never_more_than_the_whole() -> None:
    limits = RateLimits(Ticks())
    assert limits.spend(SIX_A_MINUTE, "a", 4).remaining == 2
    with pytest.raises(TooMany) as refused:
        limits.spend(SIX_A_MINUTE, "a", 4)
    assert refused.value.retry_after_s == 20
    assert limits.spend(SIX_A_MINUTE, "b", 1000).remaining == 0


def test_the_headers_are_those_of_the_draft() -> None:
    limits = RateLimits(Ticks())
    assert limits.left(SIX_A_MINUTE, "a").headers() == {
        "RateLimit-Policy": '"key";q=6;w=60', "RateLimit": '"key";r=6',
    }  # fmt: skip
    assert limits.spend(SIX_A_MINUTE, "a").headers()["RateLimit"] == '"key";r=5;t=10'


def test_a_flood_of_callers_does_not_fill_the_memory() -> None:
    limits = RateLimits(Ticks(), max_callers=100)
    for n in range(1000):
        limits.spend(SIX_A_MINUTE, f"caller-{n}")
    assert limits.left(SIX_A_MINUTE, "caller-999").remaining == 5
    assert limits.left(SIX_A_MINUTE, "caller-1").remaining == 6
