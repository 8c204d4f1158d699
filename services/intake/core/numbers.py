"""Ticket numbers and query codes: what a citizen is told on the phone, so both survive being read aloud."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from shared.terms import Channel

CHANNEL_DIGITS: Mapping[Channel, str] = MappingProxyType(
    {
        Channel.SENSOR: "0",
        Channel.PHONE: "1",
        Channel.WEB: "2",
        Channel.APP: "3",
        Channel.WECHAT: "4",
        Channel.LETTER: "5",
        Channel.VISIT: "6",
        Channel.SERVICE_CENTRE: "6",
        Channel.GRID_PATROL: "7",
        Channel.EVENING_TALK: "8",
        Channel.ONSITE_OFFICE: "8",
        Channel.UPPER_LEVEL: "9",
        Channel.TRANSFER_110: "9",
    }
)
"""Channels by their digit; close kin share one, so the sequence must be counted per county, day and digit."""

QUERY_ALPHABET = "23456789ACDEFGHJKMNPQRTVWXY"
"""Digits and capitals without 0/O, 1/I/L, and without B, S, U, Z, which look like 8, 5, V, 2."""

QUERY_LENGTH = 6
MAX_SEQUENCE = 999_999
_MIN_RANDOM_BYTES = 8

# Damm's quasigroup of order 10: its single check digit finds every wrong digit and every swap of two neighbours.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def ticket_number(county: str, local_day: date, channel: Channel, sequence: int) -> str:
    """The 20 digits of a ticket: county 6, yyMMdd 6, channel 1, sequence 6, check digit 1 (Damm).

    `local_day` is the day of acceptance in the county's own time. Raises `ValueError` for a county that is not 6
    digits or a sequence outside 0 to 999999: the caller's counter, not the citizen, is wrong.
    """
    if len(county) != 6 or not (county.isascii() and county.isdigit()):
        raise ValueError(f"county code must be 6 digits: {county!r}")
    if not 0 <= sequence <= MAX_SEQUENCE:
        raise ValueError(f"sequence must be between 0 and {MAX_SEQUENCE}: {sequence}")
    digits = f"{county}{local_day:%y%m%d}{CHANNEL_DIGITS[channel]}{sequence:06d}"
    return f"{digits}{_check_digit(digits)}"


def check_ticket_number(number: str) -> bool:
    """Whether `number` is 20 digits that belong together; it may still be nobody's."""
    return len(number) == 20 and number.isascii() and number.isdigit() and _check_digit(number) == 0


def query_code(random_bytes: bytes) -> str:
    """Six characters for asking about a ticket without an account: 27^6, about 387 million of them.

    Takes at least 8 bytes from a secure source, so that no code is likelier than another by more than one in
    10^10. Raises `ValueError` when given fewer.
    """
    if len(random_bytes) < _MIN_RANDOM_BYTES:
        raise ValueError(f"a query code needs at least {_MIN_RANDOM_BYTES} random bytes")
    number = int.from_bytes(random_bytes)
    characters = []
    for _ in range(QUERY_LENGTH):
        number, index = divmod(number, len(QUERY_ALPHABET))
        characters.append(QUERY_ALPHABET[index])
    return "".join(characters)


def _check_digit(digits: str) -> int:
    """The Damm digit of `digits`; 0 when they end in their own check digit."""
    interim = 0
    for digit in digits:
        interim = int(_DAMM[interim][int(digit)])
    return interim
