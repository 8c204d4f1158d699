"""The border model of a report: what a hotline may send, and every reason to refuse it at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, Strict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from services.intake.core.datum import bd09_to_wgs84, gcj02_to_wgs84
from shared.errors import Problem, Rejected
from shared.strict_json import DEFAULT_LIMITS, JsonValue, Limits, label, read_json
from shared.terms import Channel, TicketType

Scalar: TypeAlias = str | int | float | bool


class Crs(StrEnum):
    """The datum a point was measured in; inside the product every point is WGS84."""

    WGS84 = "WGS84"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


class InvalidReport(Rejected):
    """The body is JSON but no report: `problems` names every reason, each with its field and code."""


def _not_blank(text: str) -> str:
    if not text or text.isspace():
        raise PydanticCustomError("blank", "must hold more than blanks")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("bad_form", "must hold printable characters only")
    return text


_RFC3339 = re.compile(
    r"(\d{4})-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII
)
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_WIDEST_OFFSET = timedelta(hours=14)


def _instant(value: object) -> datetime | None:
    """An RFC 3339 instant as UTC; refuses what other readers would have to guess at."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise PydanticCustomError("not_an_instant", "must be an RFC 3339 text such as 2026-12-31T08:30:00+08:00")
    if (form := _RFC3339.fullmatch(value)) is None:
        if _ZONELESS.fullmatch(value):
            raise PydanticCustomError("no_zone", "must state its zone, such as +08:00 or Z")
        raise PydanticCustomError("not_an_instant", "must be an RFC 3339 text such as 2026-12-31T08:30:00+08:00")
    if form[2] == "60":
        raise PydanticCustomError("leap_second", "must not be a leap second")
    if not 2000 <= int(form[1]) <= 2100:
        raise PydanticCustomError("out_of_range", "must be in a year between 2000 and 2100")
    try:
        instant = datetime.fromisoformat(value.upper())
    except ValueError as error:
        raise PydanticCustomError("not_an_instant", "must be a day and time that exist") from error
    if abs(instant.utcoffset() or timedelta()) > _WIDEST_OFFSET:
        raise PydanticCustomError("out_of_range", "must state a zone within 14 hours of UTC")
    return instant.astimezone(UTC)


def _scalar(value: object) -> Scalar:
    """An extension value; the edge has already seen that numbers are finite and in range."""
    if isinstance(value, str) and len(value) > 200:
        raise PydanticCustomError("string_too_long", "is too long", {"max_length": 200})
    if isinstance(value, str | int | float | bool):
        return value
    raise PydanticCustomError("not_a_scalar", "must be a text, a number or a boolean")


_Text: TypeAlias = Annotated[str, Strict()]
_Flag: TypeAlias = Annotated[bool, Strict()]
_Lon: TypeAlias = Annotated[float, Strict(), Field(ge=-180, le=180)]
_Lat: TypeAlias = Annotated[float, Strict(), Field(ge=-90, le=90)]
_Village: TypeAlias = Annotated[str, Strict(), Field(pattern=r"^[0-9]{12}$")]
_Township: TypeAlias = Annotated[str, Strict(), Field(pattern=r"^[0-9]{9}$")]
_Name: TypeAlias = Annotated[_Text, Field(max_length=50)]
_Phone: TypeAlias = Annotated[_Text, Field(pattern=r"^[0-9+\-* ]{1,32}$")]
_Note: TypeAlias = Annotated[_Text, Field(max_length=500)]
_Address: TypeAlias = Annotated[_Text, Field(max_length=300)]
_Source: TypeAlias = Annotated[_Text, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_ExternalId: TypeAlias = Annotated[_Text, Field(min_length=1, max_length=128), AfterValidator(_printable)]
_Words: TypeAlias = Annotated[_Text, Field(min_length=1, max_length=4000), AfterValidator(_not_blank)]
_Title: TypeAlias = Annotated[_Text, Field(max_length=200)]
_Category: TypeAlias = Annotated[_Text, Field(pattern=r"^[0-9]{6}$")]
_Key: TypeAlias = Annotated[_Text, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
_Knowledge: TypeAlias = Annotated[_Text, Field(pattern=r"^[A-Za-z][A-Za-z0-9._:/-]{0,39}$")]
_Extensions: TypeAlias = Annotated[dict[_Key, Annotated[Scalar, PlainValidator(_scalar)]], Field(max_length=20)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reporter says it is. The point is WGS84 degrees whatever `crs` it came in; both or neither is set."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    lon: _Lon | None = None
    lat: _Lat | None = None
    address: _Address | None = None
    crs: Crs = Crs.WGS84
    village_code: _Village | None = None
    township_code: _Township | None = None


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports, as far as they say. Personal: never leaves intake in an event."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    name: _Name | None = None
    phone: _Phone | None = None
    note: _Note | None = None


def _as_wgs84(place: Place) -> Place:
    if place.crs is Crs.WGS84 or place.lon is None or place.lat is None:
        return place
    convert = gcj02_to_wgs84 if place.crs is Crs.GCJ02 else bd09_to_wgs84
    lon, lat = convert(place.lon, place.lat)
    return replace(place, lon=round(lon, 7), lat=round(lat, 7))


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A report that may be accepted. `text` holds the citizen's own words; `reported_at` is UTC.

    `answered_by` names the entry of what is known by which a question was answered in the call.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    source: _Source
    channel: Channel
    text: _Words
    external_id: _ExternalId | None = None
    title: _Title | None = None
    ticket_type: TicketType | None = None
    category: _Category | None = None
    confidential: _Flag = False
    exercise: _Flag = False
    vulnerable: _Flag = False
    answered_by: _Knowledge | None = None
    reported_at: Annotated[datetime | None, PlainValidator(_instant)] = None
    location: Annotated[Place, AfterValidator(_as_wgs84)] | None = None
    reporter: Reporter | None = None
    extensions: _Extensions = field(default_factory=dict)


_ADAPTER = TypeAdapter(NewTicket)

_CODES: Mapping[str, tuple[str, str]] = {
    "missing": ("missing", "is required"),
    "unexpected_keyword_argument": ("unknown_field", "is not a field of a report"),
    "string_type": ("not_a_text", "must be a text"),
    "bool_type": ("not_a_boolean", "must be true or false"),
    "float_type": ("not_a_number", "must be a number"),
    "dict_type": ("not_an_object", "must be an object"),
    "dataclass_type": ("not_an_object", "must be an object"),
    "string_too_short": ("blank", "must not be empty"),
    "string_too_long": ("too_long", "must have at most {max_length} characters"),
    "too_long": ("too_many", "must have at most {max_length} entries"),
    "string_pattern_mismatch": ("bad_form", "must match {pattern}"),
    "enum": ("not_allowed", "must be one of {expected}"),
    "greater_than_equal": ("out_of_range", "must be at least {ge}"),
    "less_than_equal": ("out_of_range", "must be at most {le}"),
}
"""Our code and sentence for each kind of refusal; a kind not listed here keeps the validator's own words."""


def read_report(body: bytes, limits: Limits = DEFAULT_LIMITS) -> NewTicket:
    """Read one report. Raises `Malformed` when the body is not JSON at all, else `InvalidReport` with every problem."""
    document = read_json(body, limits)
    try:
        ticket = _ADAPTER.validate_python(document.value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        found = {problem.field: problem for problem in map(_problem, details)}
    else:
        found = {}
    # The edge's word comes first: a field it has refused is not complained about twice.
    found |= {p.field: p for p in (*_contradictions(document.value), *document.problems)}
    if found:
        raise InvalidReport(*found.values())
    return ticket


def _problem(detail: ErrorDetails) -> Problem:
    kind = detail["type"]
    code, sentence = _CODES.get(kind, (kind, ""))
    message = sentence.format(**detail.get("ctx", {})) if sentence else detail["msg"]
    path = [label(str(part)) for part in detail["loc"] if part != "[key]"]
    return Problem(".".join(path), code, message)


def _contradictions(report: JsonValue) -> list[Problem]:
    """What only two fields together can get wrong."""
    place = report.get("location") if isinstance(report, dict) else None
    if not isinstance(place, dict):
        return []
    problems = []
    if (place.get("lon") is None) != (place.get("lat") is None):
        problems.append(Problem("location", "half_a_point", "must have both lon and lat, or neither"))
    village, township = place.get("village_code"), place.get("township_code")
    if isinstance(village, str) and isinstance(township, str) and village[:9] != township:
        problems.append(Problem("location.village_code", "contradiction", "must start with the township_code"))
    return problems
