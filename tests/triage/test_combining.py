"""Words first, then the model; whoever decides, the explanation holds both, and danger is never talked down."""

import tomllib
from dataclasses import replace

import pytest

from griddispatch.training import Recipe, train
from services.intake.core.classifier import Classifier
from services.intake.core.lessons import lesson_of
from services.intake.core.triage import Fired, Matter, Models, Triage, check_models, triage
from services.intake.core.triage_rules import read_rules
from shared.errors import Rejected
from shared.terms import TicketType, Urgency

TREE = """
version = "t1"
[[root]]
code = "15"
key = "ROADS"
zh = "道路"
en = "Roads"
capability = "ADMINISTRATION"
[[root.group]]
code = "1501"
zh = "设施"
en = "Fixtures"
leaves = [
  { code = "150101", zh = "路灯", en = "Lamps" },
  { code = "150103", zh = "井盖", en = "Manholes", floor = "U2" },
]
[[root]]
code = "14"
key = "CLEANING"
zh = "环卫"
en = "Cleaning"
capability = "SERVICE"
[[root.group]]
code = "1401"
zh = "垃圾"
en = "Rubbish"
leaves = [{ code = "140101", zh = "垃圾", en = "Rubbish" }]
"""
WORDS = """
version = "t1"
[[urgency]]
id = "u1.fire"
urgency = "U1"
words = ["着火"]
examples = ["着火了"]
[[type]]
id = "complaint"
ticket_type = "COMPLAINT"
strong = ["投诉"]
weak = ["不满"]
examples = ["投诉"]
[[category]]
id = "lamps"
code = "150101"
strong = ["路灯"]
words = ["灯"]
examples = ["路灯"]
[[category]]
id = "manholes"
code = "150103"
words = ["井"]
examples = ["井"]
[[category]]
id = "rubbish"
code = "140101"
strong = ["垃圾"]
weak = ["脏"]
examples = ["垃圾"]
"""
RULES = read_rules(tomllib.loads(WORDS), tomllib.loads(TREE))


def model_of(target: str = "category", threshold: float = 0.5, **texts: str) -> Classifier:
    lessons = [lesson_of(piece, label, bits=12) for label, line in texts.items() for piece in line.split()]
    model = train(lessons, Recipe(target=target, bits=12, threshold=threshold, least_texts=1))
    return replace(model, labels=tuple(label.removeprefix("c") for label in model.labels), scale=20.0)


CATEGORY = model_of(c150101="灯杆漆黑 夜里漆黑一片 走路漆黑看不见", c140101="果皮纸屑满地 果皮没人扫 纸屑乱飞")


def judge(text: str, model: Classifier | None = CATEGORY, **more: Classifier) -> Triage:
    return triage(Matter(text), RULES, models=Models(model, **more))


def said(verdict: Triage, rule: str) -> tuple[str, ...]:
    return next(fired.words for fired in verdict.rules if fired.rule == rule)


def test_sure_words_decide_and_no_model_is_asked() -> None:
    assert judge("垃圾").confidence == 0.667
    assert judge("垃圾，夜里漆黑一片") == triage(Matter("垃圾，夜里漆黑一片"), RULES)


def test_where_no_word_is_known_the_model_decides() -> None:
    verdict = judge("夜里漆黑一片")
    assert verdict.category == "150101"
    assert said(verdict, "words.category") == ("999999", "0.000")
    assert said(verdict, "model.category") == ("150101", f"{verdict.confidence:.3f}")
    assert 0.5 <= verdict.confidence <= 1


def test_a_surer_model_overrules_doubtful_words_and_both_are_explained() -> None:
    verdict = judge("果皮没人扫，纸屑乱飞，灯")
    assert verdict.category == "140101"
    assert said(verdict, "words.category") == ("150101", "0.500")
    assert Fired("lamps", ("灯",)) in verdict.rules


def test_agreement_makes_doubtful_words_sure() -> None:
    verdict = judge("灯杆漆黑，夜里漆黑一片")
    assert verdict.category == "150101"
    assert verdict.confidence > 0.5


def test_a_model_below_its_threshold_is_not_heeded() -> None:
    strict = replace(CATEGORY, threshold=1.0, scale=1.0)
    verdict = judge("夜里漆黑一片", strict)
    assert (verdict.category, verdict.confidence) == ("999999", 0.0)
    assert said(verdict, "model.category")[0] == "150101"


def test_a_model_that_is_less_sure_than_the_words_is_not_heeded() -> None:
    shy = replace(CATEGORY, threshold=0.0, scale=0.1)
    verdict = judge("路灯，脏，果皮没人扫", shy)
    assert said(verdict, "model.category")[0] == "140101"
    assert (verdict.category, verdict.confidence) == ("150101", 0.533)


def test_what_the_hotline_says_stands_against_any_model() -> None:
    verdict = triage(Matter("夜里漆黑一片", category="140101"), RULES, models=Models(CATEGORY))
    assert (verdict.category, verdict.confidence) == ("140101", 1.0)
    assert all(fired.rule != "model.category" for fired in verdict.rules)


def test_a_model_never_lowers_the_urgency_that_words_have_found() -> None:
    verdict = judge("井，果皮没人扫，纸屑乱飞，果皮纸屑满地")
    assert (verdict.category, verdict.urgency) == ("140101", Urgency.U2)
    assert Fired("floor.category", ("150103", Urgency.U2)) in verdict.rules
    assert judge("着火，果皮没人扫").urgency is Urgency.U1


def test_a_model_of_types_speaks_where_words_are_silent_or_weak() -> None:
    types = model_of("ticket_type", COMPLAINT="没人管 反映多次没人管", SUGGESTION="希望增加 希望今后增加")
    assert judge("希望增加座椅", None, ticket_type=types).ticket_type is TicketType.SUGGESTION
    assert judge("不满，希望增加", None, ticket_type=types).ticket_type is TicketType.SUGGESTION
    assert judge("投诉，希望增加", None, ticket_type=types).ticket_type is TicketType.COMPLAINT
    unheeded = replace(types, threshold=1.0, scale=1.0)
    assert judge("希望增加座椅", None, ticket_type=unheeded).ticket_type is TicketType.HELP


def test_without_models_nothing_changes() -> None:
    assert judge("灯", None) == triage(Matter("灯"), RULES)


def test_a_model_of_labels_that_nobody_knows_is_refused() -> None:
    check_models(Models(CATEGORY), RULES.tree)
    with pytest.raises(Rejected, match="speaks of 990101"):
        check_models(Models(replace(CATEGORY, labels=("140101", "990101"))), RULES.tree)
    with pytest.raises(Rejected, match="is a model of category"):
        check_models(Models(None, CATEGORY), RULES.tree)
