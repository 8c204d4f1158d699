"""What a result must come with, by the category of the matter."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.dispatch.core.rulebook import RulePackRefused, load_rulebook
from services.dispatch.core.triggers import Resolve
from shared.events import TicketResolved
from shared.terms import AssignmentKind
from tests.builders import calendar, categories, pack
from tests.core.course import BOOK, Course, supported

GARBAGE = "140101"


def test_a_cleaned_place_is_shown_and_one_picture_twice_is_one() -> None:
    book = replace(BOOK, audit=replace(BOOK.audit, evidence={"1401": 2}))
    course, picture = Course("2026-03-10T09:15", book=book, category=GARBAGE), uuid4()
    course.work()
    share = course.case.lead.id
    assert course.refuse(Resolve(share, "CLEANED", "已清理")) == "EVIDENCE_NEEDED"
    assert course.refuse(Resolve(share, "CLEANED", "已清理", evidence=(picture, picture))) == "EVIDENCE_NEEDED"
    course.give(Resolve(share, "CLEANED", "已清理", evidence=(picture, uuid4())))
    assert course.last(TicketResolved).on_time


def test_other_matters_and_supporting_parts_need_none() -> None:
    Course("2026-03-10T09:15").work()
    course = supported()
    course.book = replace(course.book, audit=replace(course.book.audit, evidence={"18": 1}))
    part = course.part(AssignmentKind.SUPPORT)
    course.work(part)
    course.resolve(part)
    course.work()
    assert course.refuse(Resolve(course.case.lead.id, "DONE", "好了")) == "EVIDENCE_NEEDED"


def test_the_longest_code_counts() -> None:
    rules = replace(BOOK.audit, evidence={"14": 3, "1401": 1, "140101": 2})
    assert [rules.evidence_for(code) for code in ("140101", "140102", "140201", "150101")] == [2, 1, 3, 0]


def test_evidence_for_what_is_no_category_is_refused_at_start() -> None:
    source = pack()
    source["audit"]["evidence"] = {"9999": 1}
    with pytest.raises(RulePackRefused, match=r"audit\.evidence\.9999"):
        load_rulebook(source, categories(), calendar())
