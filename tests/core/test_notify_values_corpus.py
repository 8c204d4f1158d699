"""Telephone numbers, mail addresses, texts and values that are odd, case by case from a file."""

import json
from typing import Any

import pytest

from services.notify.core.contacts import ContactsRefused, load_contacts
from services.notify.core.render import Form, TemplatesRefused, preview, put
from tests.services.notify.values import ROOT

LINES = (ROOT / "tests" / "corpus" / "notify_values.ndjson").read_text(encoding="utf-8").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES]
GATEWAYS: dict[str, Any] = {
    "phone": {"kind": "sms", "url": "https://sms.example.org/", "body": '{"to": "$to", "text": "$text"}'},
    "mail": {"kind": "smtp", "host": "smtp.example.org", "from": "desk@example.org"},
}
CHANNELS = {"phone": "sms", "mail": "email"}


def of(kind: str) -> Any:
    """The cases of a kind, named by their ids."""
    found = [case for case in CASES if case["kind"] == kind]
    return pytest.mark.parametrize("case", found, ids=[case["id"] for case in found])


def book(case: dict[str, Any]) -> dict[str, Any]:
    kind = case["kind"]
    return {
        "gateways": {"way": GATEWAYS[kind]},
        "endpoints": {"duty": {"channel": CHANNELS[kind], "gateway": "way", "to": [case["given"]]}},
    }


def check(case: dict[str, Any]) -> None:
    if case["taken"]:
        assert load_contacts(book(case)).endpoints["duty"].to == (case["given"],)
    else:
        with pytest.raises(ContactsRefused):
            load_contacts(book(case))


@of("phone")
def test_a_telephone_number(case: dict[str, Any]) -> None:
    check(case)


@of("mail")
def test_a_mail_address(case: dict[str, Any]) -> None:
    check(case)


@of("template")
def test_a_text(case: dict[str, Any]) -> None:
    if "reads" in case:
        assert preview(case["given"], {"no": "A"}) == case["reads"]
    else:
        with pytest.raises(TemplatesRefused):
            preview(case["given"], {"no": "A"})


@of("word")
def test_a_value_is_on_one_line_and_inert(case: dict[str, Any]) -> None:
    assert put(case["given"], Form.SMS) == case["reads"]
    assert preview("x $no", {"no": case["given"]}) == f"x {case['reads']}"


def test_every_case_is_of_a_kind_that_is_tested() -> None:
    assert {case["kind"] for case in CASES} == {"phone", "mail", "template", "word"}
    assert len({case["id"] for case in CASES}) == len(CASES)
