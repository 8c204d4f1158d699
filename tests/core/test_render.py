"""Rendering: words in two languages, thin JSON, and texts that are refused before they reach anybody."""

import json
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.notify.app import read_templates
from services.notify.core.contacts import AddressBook
from services.notify.core.message import Facts, Message, Policy, Template
from services.notify.core.plan import plan
from services.notify.core.render import LANGUAGES, TemplatesRefused, make_renderer
from tests.services.notify.values import MORNING, NO, assigned, envelope, ticket

ZONE = ZoneInfo("Asia/Shanghai")
RENDERER = make_renderer(read_templates(), ZONE)


def message(facts: Facts | None = None) -> Message:
    (planned,) = plan(envelope(assigned()), AddressBook(), MORNING)
    return Message(
        UUID(int=5), ticket(1), Template.ASSIGNED, "unit:water", "webhook", Policy.RESEND, facts or planned.facts, "",
        MORNING, 1,
    )  # fmt: skip


def test_an_assignment_reads_well_in_both_languages() -> None:
    facts = message().facts
    assert RENDERER.text(Template.ASSIGNED, facts, "zh") == (
        "【派单】工单 99010126031010000010(一般,小事,主办):请在 2026-03-10 10:15 前签收,2026-03-10 17:15 前办结。"
    )
    assert RENDERER.text(Template.ASSIGNED, facts, "en") == (
        "Assigned: ticket 99010126031010000010 (normal, small, lead). "
        "Please sign by 2026-03-10 10:15 and finish by 2026-03-10 17:15."
    )


def test_the_payload_is_thin_and_holds_codes_times_and_texts_only() -> None:
    payload = json.loads(RENDERER.payload(message()))
    assert set(payload) == {
        "type", "ticket_id", "ticket_no", "template", "recipient", "planned_at", "unit", "kind", "category", "urgency",
        "size", "grid", "cycle", "due_at", "sign_by", "text",
    }  # fmt: skip
    assert payload["type"] == "org.griddispatch.message.assigned.v1"
    assert (payload["ticket_no"], payload["template"]) == (NO, "assigned")
    assert set(payload["text"]) == {"zh", "en"}


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is() -> None:
    text = RENDERER.text(Template.ASSIGNED, {**message().facts, "ticket_no": "$unit{0}"}, "en")
    assert "ticket $unit{0} (" in text


def test_a_fact_that_an_older_release_did_not_plan_is_left_blank() -> None:
    assert "工单 " in RENDERER.text(Template.ASSIGNED, {"due_at": MORNING.isoformat()}, "zh")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "assigned.zh: missing or empty"),
        (" \n", "assigned.zh: missing or empty"),
        ("call $phone", r"assigned.zh: \$phone is not known"),
        ("${ticket_no.__class__}", "a \\$ that begins no placeholder"),
        ("costs 5 $", "a \\$ that begins no placeholder"),
    ],
)
def test_wrong_texts_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(TemplatesRefused, match=complaint):
        make_renderer(read_templates() | {("assigned", "zh"): text}, ZONE)


def test_every_template_needs_every_language() -> None:
    with pytest.raises(TemplatesRefused) as refused:
        make_renderer({}, ZONE)
    assert str(refused.value).count("missing") == len(Template) * len(LANGUAGES)
