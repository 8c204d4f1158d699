"""Open311 as values: forms, searches, answers to attributes and the pack's own questions, each read and refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.intake.core.categories import read_categories
from services.intake.core.open311 import Catalogue, catalogue_of, check_answers
from services.intake.core.open311_form import UnknownService, in_terms_of_the_form, read_form, report_of
from services.intake.core.open311_query import SPAN, ById, Search, Status, cursor_of, read_search
from services.intake.core.tables import InvalidRules
from shared.errors import Problem, Rejected
from tests.builders import categories

NOW = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
LAMP = "150101"
TREE = read_categories(categories())


def attribute(code: str, datatype: str, *, required: bool = False, **more: Any) -> dict[str, Any]:
    return {"code": code, "datatype": datatype, "required": required, "zh": "问", "en": "Ask"} | more


ASKED = {
    "version": "1",
    "service": [
        {
            "code": LAMP,
            "attribute": [
                attribute("poles", "number", required=True),
                attribute("side", "singlevaluelist", values={"L": "左 / left", "R": "右 / right"}),
                attribute("signs", "multivaluelist", values={"a": "甲", "b": "乙"}),
                attribute("more", "string"),
            ],
        }
    ],
}
WORDS = {"category": [{"code": LAMP, "strong": ["路灯", "灯,坏"], "weak": ["灯"]}]}
CATALOGUE: Catalogue = catalogue_of(TREE, WORDS, ASKED)


def codes(refused: pytest.ExceptionInfo[Rejected]) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in refused.value.problems}


# Services


def test_a_service_shows_its_words_and_its_questions() -> None:
    lamp = CATALOGUE[LAMP]
    assert lamp.document["metadata"] is True and lamp.document["service_code"] == LAMP
    assert "灯,坏" not in str(lamp.document["keywords"])
    questions: Any = lamp.definition["attributes"]
    assert [(one["code"], one["order"], one["required"]) for one in questions] == [
        ("poles", 1, True), ("side", 2, False), ("signs", 3, False), ("more", 4, False),
    ]  # fmt: skip
    assert catalogue_of(TREE, {"category": "none"})[LAMP].document["metadata"] is False


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"poles": ["1"], "strange": ["x"], "other": ["y"]}, ("attribute", "unknown")),
        ({}, ("attribute[poles]", "missing")),
        ({"poles": [" "]}, ("attribute[poles]", "missing")),
        ({"poles": ["1", "2"]}, ("attribute[poles]", "too_many")),
        ({"poles": ["many"]}, ("attribute[poles]", "not_a_number")),
        ({"poles": ["inf"]}, ("attribute[poles]", "not_a_number")),
        ({"poles": ["1"], "side": ["up"]}, ("attribute[side]", "not_allowed")),
        ({"poles": ["1"], "more": ["x" * 5000]}, ("attribute[more]", "too_long")),
    ],
)
def test_an_answer_that_is_none_is_named(answers: dict[str, list[str]], problem: tuple[str, str]) -> None:
    assert [(found.field, found.code) for found in check_answers(CATALOGUE[LAMP], answers)] == [problem]


def test_answers_that_fit_have_no_problems() -> None:
    assert check_answers(CATALOGUE[LAMP], {"poles": ["2"], "side": ["L"], "signs": ["a", "b"], "more": ["x"]}) == []


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ({"code": "999900", "attribute": []}, "bad_code"),
        ({"code": LAMP, "attribute": [attribute("a", "string"), attribute("A", "string")]}, "duplicate_code"),
        ({"code": LAMP, "attribute": [attribute("no blank", "string")]}, "bad_code"),
        ({"code": LAMP, "attribute": [attribute("a", "string", values=["x"])]}, "not_a_table"),
        ({"code": LAMP, "attribute": [attribute("a", "string", values={"x": "y"})]}, "contradiction"),
        ({"code": LAMP, "attribute": [attribute("a", "singlevaluelist")]}, "contradiction"),
        ({"code": LAMP, "attribute": [attribute("a", "essay")]}, "not_allowed"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(service: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRules) as refused:
        catalogue_of(TREE, WORDS, {"version": "1", "service": [service]})
    assert code in {problem.code for problem in refused.value.problems}


# Forms


def report(body: str) -> dict[str, Any]:
    return report_of(read_form(body.encode()), CATALOGUE, "app-1")


def test_a_form_becomes_a_report() -> None:
    made = report(
        f"service_code={LAMP}&lat=33.15&long=119.25&address_string=street&description=dark&first_name=小敏&last_name=邓"
        "&phone=1&email=a%40b.c&media_url=https://x/y.jpg&attribute[poles]=2&attribute[signs][]=a&attribute[signs][]=b"
    )
    assert made["location"] == {"lat": 33.15, "lon": 119.25, "address": "street"}
    assert made["reporter"] == {"name": "邓小敏", "phone": "1"}
    assert made["extensions"] == {
        "email": "a@b.c", "media_url": "https://x/y.jpg", "attribute.poles": "2", "attribute.signs": "a, b",
    }  # fmt: skip
    assert made["text"] == "dark"


@pytest.mark.parametrize(
    ("names", "name"),
    [("first_name=Ann&last_name=Deng", "Ann Deng"), ("first_name=Ann", "Ann"), ("last_name=Deng", "Deng")],
)
def test_a_name_is_put_together_as_it_is_written(names: str, name: str) -> None:
    assert report(f"service_code={LAMP}&lat=1&long=2&attribute[poles]=1&{names}")["reporter"] == {"name": name}


def test_without_words_the_service_speaks_and_nobody_is_a_reporter() -> None:
    made = report(f"service_code={LAMP}&address_id=990101001001001&attribute[poles]=1")
    assert (made["text"], made["reporter"]) == (CATALOGUE[LAMP].name, None)
    assert made["location"] == {"village_code": "990101001001"}
    town = report(f"service_code={LAMP}&address_id=990101001&attribute[poles]=1")
    assert town["location"] == {"township_code": "990101001"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("lat=1&long=2", ("service_code", "missing")),
        (f"service_code={LAMP}&attribute[poles]=1", ("lat and long", "missing")),
        (f"service_code={LAMP}&lat=1&attribute[poles]=1", ("lat and long", "half_a_point")),
        (f"service_code={LAMP}&lat=x&long=2&attribute[poles]=1", ("lat", "not_a_number")),
        (f"service_code={LAMP}&address_id=12&attribute[poles]=1", ("address_id", "bad_form")),
        (f"service_code={LAMP}&lat=1&long=2&attribute[poles]=1&media_url=ftp://x", ("media_url", "bad_form")),
        (f"service_code={LAMP}&service_code=1", ("service_code", "too_many")),
        ("%E8%B7%AF=1&%E8%B7%AF=2", ("a field", "too_many")),
        ("&".join(f"f{n}=1" for n in range(101)), ("", "too_many")),
    ],
)
def test_a_form_that_makes_no_report_is_refused_with_the_field(body: str, problem: tuple[str, str]) -> None:
    with pytest.raises(Rejected) as refused:
        report(body)
    assert problem in codes(refused)


def test_an_unknown_service_and_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnknownService):
        report("service_code=000000&lat=1&long=2")
    with pytest.raises(Rejected) as refused:
        read_form(b"a=\xff")
    assert codes(refused) == {("", "not_utf8")}


def test_the_same_words_have_the_same_digest_whoever_says_them() -> None:
    assert read_form(b"a=1&api_key=x").digest() == read_form(b"api_key=y&a=1&b=").digest() != read_form(b"a=2").digest()


def test_problems_of_the_report_have_the_names_of_the_form() -> None:
    told = [in_terms_of_the_form(Problem(field, "x", "y")).field for field in ("location.lon", "extensions.email", "z")]
    assert told == ["long", "email", "z"]


# Searches


def search(**parameters: str | list[str]) -> Search:
    given = {name: value if isinstance(value, list) else [value] for name, value in parameters.items()}
    made = read_search(given, NOW)
    assert isinstance(made, Search)
    return made


def test_a_search_without_words_is_the_latest_span() -> None:
    made = search()
    assert (made.start, made.end, made.limit, made.offset) == (NOW - SPAN, NOW, 1000, 0)
    assert made.statuses == frozenset(Status)


def test_a_search_takes_both_ends_or_one() -> None:
    both = search(start_date="2026-03-01T00:00:00Z", end_date="2026-03-02T00:00:00 08:00")
    assert both.end - both.start == timedelta(hours=16)
    assert search(start_date="2026-01-01T00:00:00Z").end == datetime(2026, 1, 1, tzinfo=UTC) + SPAN
    assert search(end_date="2026-01-01T00:00:00Z").start == datetime(2026, 1, 1, tzinfo=UTC) - SPAN


def test_pages_and_lists_are_read() -> None:
    made = search(page="3", page_size="20", limit="20", status=["open", "closed, open"], service_code=f"{LAMP},,150102")
    assert (made.offset, made.limit, made.codes) == (40, 20, (LAMP, "150102"))
    assert search(status="open").statuses == {Status.OPEN}


def test_numbers_of_tickets_go_before_everything_else() -> None:
    assert read_search({"service_request_id": ["123"], "page": ["x"]}, NOW) == ById(())


def test_a_cursor_leads_on_from_where_the_page_ended() -> None:
    at = NOW - timedelta(hours=1)
    assert search(after=cursor_of(at, UUID(int=7))).before == (at, UUID(int=7))
    assert search().before == (NOW, UUID(int=2**128 - 1))


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"status": "done"}, ("status", "not_allowed")),
        ({"page": "9999"}, ("page", "out_of_range")),
        ({"page": "0"}, ("page", "out_of_range")),
        ({"page": ["1", "2"]}, ("page", "too_many")),
        ({"limit": "5", "page_size": "6"}, ("limit", "contradiction")),
        ({"start_date": "2026-03-02T00:00:00Z", "end_date": "2026-03-01T00:00:00Z"}, ("end_date", "contradiction")),
        ({"start_date": "2025-03-02T00:00:00Z", "end_date": "2026-03-01T00:00:00Z"}, ("end_date", "out_of_range")),
        ({"start_date": "yesterday"}, ("start_date", "not_an_instant")),
        ({"start_date": "2026-02-30T00:00:00Z"}, ("start_date", "not_an_instant")),
        ({"start_date": "1999-01-01T00:00:00Z"}, ("start_date", "not_an_instant")),
        ({"after": "here"}, ("after", "bad_form")),
        ({"after": "9" * 17 + "." + "0" * 32}, ("after", "bad_form")),
        ({"service_code": ",".join(map(str, range(51)))}, ("service_code", "too_many")),
    ],
)
def test_a_search_that_means_nothing_is_refused(parameters: dict[str, Any], problem: tuple[str, str]) -> None:
    with pytest.raises(Rejected) as refused:
        search(**parameters)
    assert problem in codes(refused)
