"""A report is taken whole or refused with every reason at once."""

import json
from datetime import UTC, datetime
from math import cos, hypot, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.report import Crs, InvalidReport, NewTicket, Place, Reporter, read_report
from shared.errors import Malformed, Rejected
from shared.terms import Channel, TicketType


def body(**fields: object) -> bytes:
    report: dict[str, object] = {"source": "hotline-12345", "channel": "PHONE", "text": "路灯不亮"}
    report |= fields
    return json.dumps({key: value for key, value in report.items() if value is not ...}, ensure_ascii=False).encode()


def refusals(**fields: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidReport) as refusal:
        read_report(body(**fields))
    return [(problem.field, problem.code) for problem in refusal.value.problems]


def test_three_fields_make_a_report() -> None:
    assert read_report(body()) == NewTicket(source="hotline-12345", channel=Channel.PHONE, text="路灯不亮")


def test_a_full_report_is_read_field_by_field() -> None:
    ticket = read_report(
        body(
            external_id="A/2026#17",
            title="路灯",
            ticket_type="COMPLAINT",
            category="150101",
            confidential=True,
            exercise=True,
            answered_by="K-2026/0031",
            reported_at="2026-03-10T09:15:00.25+08:00",
            location={"lon": 119.35, "lat": 33, "address": "东风社区3号楼", "village_code": "990101001001"},
            reporter={"name": "王先生", "phone": "+86 138-0000-0001", "note": "晚上打"},
            extensions={"lamp.no": 17, "lit": False, "lux": 0.5, "pole": "A-3"},
        )
    )
    assert ticket == NewTicket(
        source="hotline-12345",
        channel=Channel.PHONE,
        text="路灯不亮",
        external_id="A/2026#17",
        title="路灯",
        ticket_type=TicketType.COMPLAINT,
        category="150101",
        confidential=True,
        exercise=True,
        answered_by="K-2026/0031",
        reported_at=datetime(2026, 3, 10, 1, 15, 0, 250_000, UTC),
        location=Place(119.35, 33.0, "东风社区3号楼", Crs.WGS84, "990101001001"),
        reporter=Reporter("王先生", "+86 138-0000-0001", "晚上打"),
        extensions={"lamp.no": 17, "lit": False, "lux": 0.5, "pole": "A-3"},
    )


def test_every_problem_is_listed_at_once() -> None:
    problems = refusals(
        source="Hot Line",
        channel="FAX",
        text=" ",
        colour="red",
        location={"lon": 200, "street": "x"},
        reporter={"phone": "１３８"},
        extensions={"K K": 1, "a": [1]},
    )
    assert sorted(problems) == [
        ("channel", "not_allowed"),
        ("colour", "unknown_field"),
        ("extensions.K K", "bad_form"),
        ("extensions.a", "not_a_scalar"),
        ("location", "half_a_point"),
        ("location.lon", "out_of_range"),
        ("location.street", "unknown_field"),
        ("reporter.phone", "bad_form"),
        ("source", "bad_form"),
        ("text", "blank"),
    ]


def test_faults_of_the_edge_and_of_the_report_stand_together() -> None:
    with pytest.raises(InvalidReport) as refusal:
        read_report(b'{"source":"a","source":"b","channel":"PHONE","title":"\\u0000"}')
    assert {(p.field, p.code) for p in refusal.value.problems} == {
        ("source", "duplicate_key"),
        ("title", "forbidden_character"),
        ("text", "missing"),
    }


def test_a_body_that_is_no_json_is_malformed_rather_than_invalid() -> None:
    with pytest.raises(Malformed):
        read_report(b"source=hotline")


def test_a_problem_never_repeats_what_was_sent() -> None:
    with pytest.raises(InvalidReport) as refusal:
        read_report(body(text="秘密" * 3000, source="sécret!", reporter={"phone": "secret"}, reported_at="secret"))
    assert (
        "secret" not in str(refusal.value) and "秘密" not in str(refusal.value) and "sécret" not in str(refusal.value)
    )


@pytest.mark.parametrize("root", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_only_an_object_is_a_report(root: bytes) -> None:
    with pytest.raises(InvalidReport) as refusal:
        read_report(root)
    assert [(problem.field, problem.code) for problem in refusal.value.problems] == [("", "not_an_object")]


@pytest.mark.parametrize("field", ["source", "channel", "text"])
def test_what_is_needed_must_be_there(field: str) -> None:
    assert refusals(**{field: ...}) == [(field, "missing")]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("source", "-leading", "bad_form"),
        ("source", "a" * 65, "bad_form"),
        ("source", "a\n", "bad_form"),
        ("source", 7, "not_a_text"),
        ("external_id", "", "blank"),
        ("external_id", "a" * 129, "too_long"),
        ("external_id", "a\tb", "bad_form"),
        ("text", "", "blank"),
        ("text", "\u3000\n", "blank"),
        ("text", "字" * 4001, "too_long"),
        ("text", None, "not_a_text"),
        ("title", "字" * 201, "too_long"),
        ("ticket_type", "complaint", "not_allowed"),
        ("category", "15010", "bad_form"),
        ("category", "１５０１０１", "bad_form"),
        ("category", 150101, "not_a_text"),
        ("confidential", "true", "not_a_boolean"),
        ("confidential", 1, "not_a_boolean"),
        ("exercise", None, "not_a_boolean"),
        ("location", "here", "not_an_object"),
        ("location", [119, 33], "not_an_object"),
        ("reporter", [], "not_an_object"),
        ("extensions", [], "not_an_object"),
        ("extensions", {f"k{n}": n for n in range(21)}, "too_many"),
    ],
)
def test_a_field_out_of_form_is_refused_by_name(field: str, value: object, code: str) -> None:
    assert refusals(**{field: value}) == [(field, code)]


def test_texts_may_fill_their_limits() -> None:
    ticket = read_report(body(text="字" * 4000, title="字" * 200, external_id="x" * 128, source="a" * 64))
    assert len(ticket.text) == 4000


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-10T09:15:00+08:00", datetime(2026, 3, 10, 1, 15, tzinfo=UTC)),
        ("2026-03-10T01:15:00Z", datetime(2026, 3, 10, 1, 15, tzinfo=UTC)),
        ("2026-03-10t01:15:00.123456789z", datetime(2026, 3, 10, 1, 15, 0, 123_456, UTC)),
        ("2024-02-29T23:59:59-12:00", datetime(2024, 3, 1, 11, 59, 59, tzinfo=UTC)),
        ("2026-01-01T00:00:00+14:00", datetime(2025, 12, 31, 10, tzinfo=UTC)),
        ("2026-01-01T00:00:00+05:45", datetime(2025, 12, 31, 18, 15, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2100-12-31T23:59:59Z", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_exactly(written: str, instant: datetime) -> None:
    assert read_report(body(reported_at=written)).reported_at == instant


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2026-03-10T09:15:00", "no_zone"),
        ("2026-03-10 09:15", "no_zone"),
        ("2026-03-10", "not_an_instant"),
        ("2026-03-10 09:15:00+08:00", "not_an_instant"),
        ("2026-W11-2T09:15:00+08:00", "not_an_instant"),
        ("2026-069T09:15:00+08:00", "not_an_instant"),
        ("20260310T091500Z", "not_an_instant"),
        ("2026-03-10T24:00:00+08:00", "not_an_instant"),
        ("2026-02-29T09:15:00Z", "not_an_instant"),
        ("2026-13-01T09:15:00Z", "not_an_instant"),
        ("２026-03-10T09:15:00Z", "not_an_instant"),
        ("2026-03-10T09:15:00+0800", "not_an_instant"),
        ("2026-03-10T09:15:00+14:30", "out_of_range"),
        ("2026-03-10T09:15:00+23:00", "not_an_instant"),
        ("2026-12-31T23:59:60Z", "leap_second"),
        ("1999-12-31T23:59:59Z", "out_of_range"),
        ("2101-01-01T00:00:00Z", "out_of_range"),
        ("0000-01-01T00:00:00Z", "out_of_range"),
        ("9999-12-31T23:59:59-01:00", "out_of_range"),
        ("", "not_an_instant"),
        (1773105300, "not_an_instant"),
        (1773105300000, "not_an_instant"),
        (True, "not_an_instant"),
    ],
)
def test_a_time_that_must_be_guessed_at_is_refused(written: object, code: str) -> None:
    assert refusals(reported_at=written) == [("reported_at", code)]


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ({"lon": 119.3}, ("location", "half_a_point")),
        ({"lat": 33.2, "lon": None}, ("location", "half_a_point")),
        ({"lon": 180.0001, "lat": 0}, ("location.lon", "out_of_range")),
        ({"lon": 33.2, "lat": 119.3}, ("location.lat", "out_of_range")),
        ({"lon": "119.3", "lat": 33.2}, ("location.lon", "not_a_number")),
        ({"lon": True, "lat": 33.2}, ("location.lon", "not_a_number")),
        ({"lon": float("nan"), "lat": 33.2}, ("location.lon", "not_finite")),
        ({"crs": "EPSG:4326"}, ("location.crs", "not_allowed")),
        ({"village_code": "99010100100"}, ("location.village_code", "bad_form")),
        ({"township_code": "99010100A"}, ("location.township_code", "bad_form")),
        (
            {"village_code": "990101001001", "township_code": "990101100"},
            ("location.village_code", "contradiction"),
        ),
        ({"address": "字" * 301}, ("location.address", "too_long")),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused(location: object, problem: tuple[str, str]) -> None:
    assert refusals(location=location) == [problem]


@pytest.mark.parametrize(("lon", "lat"), [(-180, -90), (180, 90), (0, 0), (119.123456789012, 33.0)])
def test_the_ends_of_the_earth_are_places(lon: float, lat: float) -> None:
    assert read_report(body(location={"lon": lon, "lat": lat})).location == Place(float(lon), float(lat))


def metres_between(one: Place, lon: float, lat: float) -> float:
    assert one.lon is not None and one.lat is not None
    return hypot((one.lon - lon) * cos(radians(lat)), one.lat - lat) * 111_320


@pytest.mark.parametrize(
    ("crs", "lon", "lat", "wgs84"),
    [
        # The pair published with the common implementations of the formula.
        ("GCJ02", 116.41024449916938, 39.91640428150164, (116.404, 39.915)),
        ("WGS84", 116.404, 39.915, (116.404, 39.915)),
    ],
)
def test_a_point_of_a_shifted_map_comes_back_to_wgs84(
    crs: str, lon: float, lat: float, wgs84: tuple[float, float]
) -> None:
    place = read_report(body(location={"lon": lon, "lat": lat, "crs": crs})).location
    assert place is not None and place.crs is Crs(crs)
    assert metres_between(place, *wgs84) < 0.1


def test_a_bd09_point_is_the_gcj02_point_under_a_second_shift() -> None:
    twice = read_report(body(location={"lon": 116.404, "lat": 39.915, "crs": "BD09"})).location
    once = read_report(body(location={"lon": 116.39762729119315, "lat": 39.90865673957631, "crs": "GCJ02"})).location
    assert twice is not None and once is not None and once.lon is not None and once.lat is not None
    assert metres_between(twice, once.lon, once.lat) < 0.1


def test_a_point_outside_china_was_never_shifted() -> None:
    place = read_report(body(location={"lon": -118.25, "lat": 34.05, "crs": "GCJ02"})).location
    assert place == Place(-118.25, 34.05, crs=Crs.GCJ02)


@pytest.mark.parametrize("phone", ["", "1" * 33, "138;0000", "tel:138", "138\n", "１３８０００００００１"])
def test_a_phone_holds_digits_and_little_else(phone: str) -> None:
    assert refusals(reporter={"phone": phone}) == [("reporter.phone", "bad_form")]


@pytest.mark.parametrize(
    ("value", "code"),
    [("x" * 201, "too_long"), ({}, "not_a_scalar"), (None, "not_a_scalar"), (2**53 + 1, "integer_range")],
)
def test_an_extension_is_one_plain_value(value: object, code: str) -> None:
    assert refusals(extensions={"k": value}) == [("extensions.k", code)]


FIELDS = st.sampled_from(
    ["source", "channel", "text", "location", "reporter", "extensions", "reported_at", "lon", "category", "x"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("PHONE"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(FIELDS, VALUES, max_size=6))
def test_any_object_is_taken_or_refused_with_reasons(fields: dict[str, object]) -> None:
    try:
        read_report(json.dumps(fields).encode())
    except Rejected as refusal:
        assert refusal.problems
