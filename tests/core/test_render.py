"""Rendering: words in two languages, thin JSON, and texts that are refused before they reach anybody."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.notify.app import read_templates
from services.notify.core.contacts import LANGUAGES, AddressBook
from services.notify.core.message import Facts, Message, Policy, Template
from services.notify.core.plan import plan
from services.notify.core.render import Form, TemplatesRefused, cut, make_renderer, preview, put, utf8_size
from tests.services.notify.values import MORNING, NO, ROOT, assigned, envelope, ticket

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
        "size", "mark", "grid", "cycle", "due_at", "sign_by", "text",
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
        ("", "assigned.zh.txt:1: is empty"),
        (" \n", "assigned.zh.txt:1: is empty"),
        ("call $phone", r"assigned.zh.txt:1: \$phone is not known"),
        ("first\nsecond\ncall $phone", r"assigned.zh.txt:3: \$phone is not known"),
        ("${ticket_no.__class__}", "assigned.zh.txt:1: a \\$ that begins no placeholder"),
        ("fine\ncosts 5 $", "assigned.zh.txt:2: a \\$ that begins no placeholder"),
    ],
)
def test_wrong_texts_are_refused_with_file_and_line(text: str, complaint: str) -> None:
    with pytest.raises(TemplatesRefused, match=complaint):
        make_renderer(read_templates() | {"assigned.zh.txt": text}, ZONE)


@pytest.mark.parametrize(
    "name",
    ["greeting.zh.txt", "assigned.fr.txt", "assigned.zh.pdf.txt", "assigned.zh", "assigned.txt", "a.zh.sms.b.txt"],
)
def test_a_text_that_belongs_nowhere_is_refused(name: str) -> None:
    with pytest.raises(TemplatesRefused, match="names no template, language and form"):
        make_renderer(read_templates() | {name: "hello"}, ZONE)


def test_every_template_and_the_digest_need_every_language() -> None:
    with pytest.raises(TemplatesRefused) as refused:
        make_renderer({}, ZONE)
    assert str(refused.value).count("missing") == (len(Template) + 1) * len(LANGUAGES)


def test_the_texts_in_deploy_are_in_order_and_replace_the_built_in_ones() -> None:
    renderer = make_renderer(read_templates(ROOT / "deploy" / "templates"), ZONE)
    assert renderer.text(Template.ASSIGNED, message().facts, "zh", Form.SMS) == (
        "【网格派单】99010126031010000010(一般),2026-03-10 10:15 前签收,2026-03-10 17:15 前办结。"
    )
    assert renderer.text(Template.ASSIGNED, message().facts, "zh") == RENDERER.text(
        Template.ASSIGNED, message().facts, "zh"
    )


def test_a_folder_of_texts_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplatesRefused, match="cannot be read"):
        read_templates(tmp_path / "nowhere")
    (tmp_path / "assigned.zh.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplatesRefused, match="cannot be read"):
        read_templates(tmp_path)


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        (Form.PLAIN, "ticket <a href='x'>*[b](c)* {0} $x _y_ end ("),
        (Form.HTML, "ticket &lt;a href=&#x27;x&#x27;&gt;*[b](c)* {0} $x _y_ end ("),
        (Form.MARKDOWN, "ticket ＜a href='x'＞＊［b］（c）＊ {0} $x ＿y＿ end ("),
        (Form.SMS, "ticket <a href='x'>*[b](c)* {0} $x _y_ end ("),
    ],
)
def test_a_value_is_inert_wherever_it_is_shown(form: Form, shown: str) -> None:
    nasty = "<a href='x'>*[b](c)* {0} $x _y_\r\nend"
    text = RENDERER.text(Template.ASSIGNED, {**message().facts, "ticket_no": nasty}, "en", form)
    assert shown in text.replace("_y_  end", "_y_ end").replace("＿y＿  end", "＿y＿ end")
    assert "\r" not in text and "\n" not in text.replace("<br>\n", "")


def test_marks_that_steer_the_eye_or_the_terminal_are_blanked() -> None:
    text = RENDERER.text(Template.ASSIGNED, {**message().facts, "ticket_no": "a\u202eb\x1b[31mc\u2028d\x00e"}, "en")
    assert "ticket a b [31mc d e (" in text


def test_an_identifier_keeps_its_underscores_in_markdown() -> None:
    assert put("water_works_2", Form.MARKDOWN) == "water_works_2"


def test_the_marks_of_a_html_text_stay_and_its_values_are_escaped() -> None:
    sources = read_templates() | {"assigned.en.html.txt": "<b>$ticket_no</b>"}
    facts = {**message().facts, "ticket_no": "<i>1</i>"}
    assert make_renderer(sources, ZONE).text(Template.ASSIGNED, facts, "en", Form.HTML) == "<b>&lt;i&gt;1&lt;/i&gt;</b>"


def test_an_sms_is_one_line_whatever_its_text() -> None:
    sources = read_templates() | {"assigned.en.txt": "one\r\n  two\n\nthree $ticket_no"}
    assert (
        make_renderer(sources, ZONE).text(Template.ASSIGNED, message().facts, "en", Form.SMS) == f"one two three {NO}"
    )


def test_what_travels_together_reads_as_a_numbered_list() -> None:
    bundle = replace(message(), carried=(replace(message(), facts={**message().facts, "ticket_no": "2"}),))
    head, first, second = RENDERER.words(bundle, "en").split("\n")
    assert head == "2 in all:"
    assert first.startswith(f"1. Assigned: ticket {NO}") and second.startswith("2. Assigned: ticket 2 (")
    assert "\n" not in RENDERER.words(bundle, "en", Form.SMS)
    payload = json.loads(RENDERER.payload(bundle))
    assert (payload["ticket_no"], [other["ticket_no"] for other in payload["also"]]) == (NO, ["2"])


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [("short", 5, "short"), ("a" * 10_000, 10, "aaaaaa…(略)"), ("网" * 10_000, 10, "网网网网网网…(略)")],
)
def test_a_text_too_long_is_cut_with_a_mark(text: str, most: int, shown: str) -> None:
    assert cut(text, most) == shown


@pytest.mark.parametrize("text", ["网格" * 5_000, "a" * 10_000, "😀" * 3_000])
def test_a_limit_in_bytes_is_kept_without_breaking_a_letter(text: str) -> None:
    shown = cut(text, 4096, utf8_size)
    assert 4088 <= utf8_size(shown) <= 4096
    assert text.startswith(shown.removesuffix("…(略)"))


def test_a_text_can_be_previewed_with_a_sample() -> None:
    assert preview("ticket $no\nby $due", {"no": "7", "due": "noon"}) == "ticket 7\nby noon"
    assert preview("ticket $no", {"no": "<7>"}, Form.HTML) == "ticket &lt;7&gt;"
    with pytest.raises(TemplatesRefused, match=r"template:2: \$phone is not known"):
        preview("ticket $no\n$phone", {"no": "7"})
