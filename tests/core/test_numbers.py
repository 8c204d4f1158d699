"""Numbers that citizens read aloud: every slip of one digit is noticed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.numbers import (
    CHANNEL_DIGITS,
    QUERY_ALPHABET,
    check_ticket_number,
    query_code,
    ticket_number,
)
from shared.terms import Channel

NUMBERS = st.builds(
    ticket_number,
    st.from_regex(r"[0-9]{6}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(Channel),
    st.integers(0, 999_999),
)


def test_a_ticket_number_is_county_day_channel_sequence_and_check_digit() -> None:
    assert ticket_number("990101", date(2026, 3, 10), Channel.PHONE, 42) == "99010126031010000420"


def test_every_channel_has_a_digit() -> None:
    assert set(CHANNEL_DIGITS) == set(Channel)
    assert {len(digit) for digit in CHANNEL_DIGITS.values()} == {1}


def test_the_check_digit_follows_damms_own_example() -> None:
    # Damm's thesis gives 572 the digit 4; leading zeros do not change it.
    assert check_ticket_number("5724".zfill(20))
    assert not check_ticket_number("5725".zfill(20))


@given(NUMBERS)
def test_a_made_number_checks(number: str) -> None:
    assert len(number) == 20 and check_ticket_number(number)


@given(NUMBERS, st.integers(0, 19), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number: str, place: int, change: int) -> None:
    wrong = str((int(number[place]) + change) % 10)
    assert not check_ticket_number(number[:place] + wrong + number[place + 1 :])


@given(NUMBERS, st.integers(0, 18))
def test_two_swapped_neighbours_are_always_noticed(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or not check_ticket_number(swapped)


@pytest.mark.parametrize(
    "number",
    ["", "9", "99010126031010000420 ", "9901012603101000042", "９９０１０１２６０３１０１００００４２０", "x" * 20],
)
def test_what_is_not_twenty_digits_is_no_ticket_number(number: str) -> None:
    assert not check_ticket_number(number)


@pytest.mark.parametrize("county", ["", "99010", "9901011", "99010x", "９９０１０１"])
def test_a_county_that_is_no_code_is_refused(county: str) -> None:
    with pytest.raises(ValueError, match="county"):
        ticket_number(county, date(2026, 3, 10), Channel.PHONE, 1)


@pytest.mark.parametrize("sequence", [-1, 1_000_000])
def test_a_sequence_that_does_not_fit_is_refused(sequence: int) -> None:
    with pytest.raises(ValueError, match="sequence"):
        ticket_number("990101", date(2026, 3, 10), Channel.PHONE, sequence)


def test_a_query_code_is_six_characters_that_cannot_be_mistaken() -> None:
    assert query_code(bytes(16)) == "222222"
    assert len(query_code(b"\xff" * 16)) == 6
    assert not set(QUERY_ALPHABET) & set("01BILOSUZ")
    assert len(set(QUERY_ALPHABET)) == len(QUERY_ALPHABET) == 27


@given(st.binary(min_size=8, max_size=32))
def test_any_random_bytes_give_a_code_of_the_alphabet(random_bytes: bytes) -> None:
    code = query_code(random_bytes)
    assert len(code) == 6 and set(code) <= set(QUERY_ALPHABET)


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="random"):
        query_code(b"1234567")
