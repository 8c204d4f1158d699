"""From the form of an Open311 POST to a report: the same report that every other door hands in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl

import orjson

from services.intake.core.open311 import Catalogue, Service, check_answers
from shared.errors import Problem, Rejected
from shared.terms import Channel

MAX_FIELDS = 100

_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,60})\](?:\[\])?")
_DEGREES = re.compile(r"[+-]?\d{1,3}(\.\d{1,20})?", re.ASCII)
_AREA_CODE = re.compile(r"\d{9}|\d{12}|\d{15}", re.ASCII)
_KEPT = ("email", "device_id", "account_id", "media_url")
"""What a report has no field for: it goes into the vault with the words, under these names."""

_FORM_NAMES = {
    "text": "description",
    "category": "service_code",
    "location.lon": "long",
    "location.lat": "lat",
    "location.address": "address_string",
    "location.village_code": "address_id",
    "location.township_code": "address_id",
    "reporter.phone": "phone",
    "reporter.name": "first_name and last_name",
}

Report = dict[str, object]


class UnknownService(Rejected):
    """The form names a service that is not in the catalogue."""

    def __init__(self) -> None:
        super().__init__(Problem("service_code", "not_found", "was not found"))


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it came: each field once, attributes by code with all their values."""

    fields: Mapping[str, str]
    answers: Mapping[str, Sequence[str]]

    def digest(self) -> str:
        """What was said, as 64 hex digits; who says it by which key does not count."""
        said = {name: value for name, value in self.fields.items() if name != "api_key"}
        return sha256(orjson.dumps([said, self.answers], option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_form(body: bytes) -> Form:
    """Read a form-encoded body; fields left empty are not there. Raises `Rejected` with every problem."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError as error:
        raise Rejected(Problem("", "not_utf8", "must be in UTF-8")) from error
    except ValueError as error:
        raise Rejected(Problem("", "too_many", f"must have at most {MAX_FIELDS} fields")) from error
    fields: dict[str, str] = {}
    answers: dict[str, list[str]] = {}
    twice: list[Problem] = []
    for name, value in pairs:
        if (attribute := _ATTRIBUTE.fullmatch(name)) is not None:
            answers.setdefault(attribute[1], []).append(value)
        elif value and fields.setdefault(name, value) != value:
            twice.append(Problem(_shown(name), "too_many", "must be given once"))
    if twice:
        raise Rejected(*twice)
    return Form(fields, answers)


def report_of(form: Form, catalogue: Catalogue, source: str) -> Report:
    """The report that a form makes, to be read like any other.

    Without a description the name of the service stands for the words. Raises `UnknownService`, or `Rejected` with
    every problem that the report's own reader would not find.
    """
    fields = form.fields
    if "service_code" not in fields:
        raise Rejected(Problem("service_code", "missing", "was not provided"))
    if (service := catalogue.get(fields["service_code"])) is None:
        raise UnknownService
    location, problems = _location(fields)
    problems += check_answers(service, form.answers)
    if "media_url" in fields and not fields["media_url"].lower().startswith(("http://", "https://")):
        problems.append(Problem("media_url", "bad_form", "must begin with http:// or https://"))
    if problems:
        raise Rejected(*problems)
    return {
        "source": source,
        "channel": Channel.APP,
        "text": fields.get("description", service.name),
        "category": service.code,
        "location": location,
        "reporter": _reporter(fields),
        "extensions": _extensions(form, service),
    }


def in_terms_of_the_form(problem: Problem) -> Problem:
    """A problem of the report, told by the names that the form has for its fields."""
    field = problem.field.removeprefix("extensions.")
    return Problem(_FORM_NAMES.get(field, field), problem.code, problem.message)


def _location(fields: Mapping[str, str]) -> tuple[Report, list[Problem]]:
    location: Report = {}
    problems = []
    given = [name for name in ("long", "lat") if name in fields]
    if len(given) == 1:
        problems.append(Problem("lat and long", "half_a_point", "must be given together"))
    for name, field in zip(("lon", "lat"), ("long", "lat"), strict=True):
        if field in fields and not _DEGREES.fullmatch(fields[field]):
            problems.append(Problem(field, "not_a_number", "must be WGS84 degrees with a decimal point"))
        elif field in fields:
            location[name] = float(fields[field])
    if "address_string" in fields:
        location["address"] = fields["address_string"]
    if "address_id" in fields:
        problems += _place(fields["address_id"], location)
    if not given and not location and not problems:
        problems.append(Problem("lat and long", "missing", "or address_string or address_id must be given"))
    return location, problems


def _place(address_id: str, location: Report) -> list[Problem]:
    """The ids of addresses are the codes of townships, villages and grids."""
    if not _AREA_CODE.fullmatch(address_id):
        return [Problem("address_id", "bad_form", "must be the code of a township, village or grid")]
    if len(address_id) == 9:
        location["township_code"] = address_id
    else:
        location["village_code"] = address_id[:12]
    return []


def _reporter(fields: Mapping[str, str]) -> Report | None:
    reporter: Report = {}
    if name := _full_name(fields.get("first_name", ""), fields.get("last_name", "")):
        reporter["name"] = name
    if "phone" in fields:
        reporter["phone"] = fields["phone"]
    return reporter or None


def _full_name(first: str, last: str) -> str:
    """Family name first and without a blank where it is written in Han characters."""
    if first and last:
        return f"{first} {last}" if (first + last).isascii() else f"{last}{first}"
    return first or last


def _extensions(form: Form, service: Service) -> Report:
    kept: Report = {name: form.fields[name] for name in _KEPT if name in form.fields}
    for attribute in service.attributes:
        if values := [value for value in form.answers.get(attribute.code, ()) if value.strip()]:
            kept[f"attribute.{attribute.code.lower()}"] = ", ".join(values)
    return kept


def _shown(name: str) -> str:
    return name if name.isascii() and name.isprintable() and len(name) <= 40 else "a field"
