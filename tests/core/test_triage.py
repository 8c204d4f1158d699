"""Triage says what a matter is and why; a rule pack with a fault is refused before it judges anything."""

import json
import tomllib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.categories import UNCLASSIFIED, Capability, read_categories
from services.intake.core.location import Location
from services.intake.core.report import read_report
from services.intake.core.tables import InvalidRules
from services.intake.core.triage import Fired, Matter, Triage, confidence_of, matter_of, triage
from services.intake.core.triage_rules import read_rules
from shared.terms import LeadKind, PlaceLevel, TicketType, Urgency

DEPLOY = Path(__file__).parents[2] / "deploy"
PACK = DEPLOY / "packs/county-default"


def parsed(name: str) -> dict[str, Any]:
    return tomllib.loads((PACK / name).read_text(encoding="utf-8"))


RULES = read_rules(parsed("triage.toml"), parsed("categories.toml"))
"""Reading the default pack also runs every example in it."""


def judge(text: str, **given: Any) -> Triage:
    return triage(Matter(text, **given), RULES)


# ---- a small pack, so that sums can be redone by eye ------------------------------------------------------------------

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
  { code = "150101", zh = "路灯", en = "Lamps", small = true },
  { code = "150102", zh = "街道", en = "Streets", focus = "SUBDISTRICT" },
  { code = "150103", zh = "井盖", en = "Manholes", floor = "U2", capability = "SAFETY" },
]
[[root]]
code = "23"
key = "FARMS"
zh = "农村"
en = "Farms"
capability = "SERVICE"
[[root.group]]
code = "2301"
zh = "村道"
en = "Village roads"
leaves = [{ code = "230101", zh = "村道", en = "Village roads", focus = "TOWN" }]
"""

WORDS = """
version = "t1"
[neutral]
urgency = ["着火点"]
[[urgency]]
id = "u1.fire"
urgency = "U1"
words = ["着火"]
examples = ["着火了"]
[[urgency]]
id = "u1.jump"
urgency = "U1"
lead = "THREAT"
words = ["跳楼"]
examples = ["要跳楼"]
[[urgency]]
id = "u2.dark"
urgency = "U2"
words = ["漆黑"]
needs = ["学校", "医院"]
examples = ["学校门口漆黑"]
[[urgency]]
id = "u3.money"
urgency = "U3"
lead = "DISCIPLINE"
words = ["截留"]
examples = ["截留补助"]
[[type]]
id = "complaint"
ticket_type = "COMPLAINT"
strong = ["投诉"]
weak = ["坏了"]
examples = ["投诉"]
[[type]]
id = "consult"
ticket_type = "CONSULT"
strong = ["请问"]
examples = ["请问"]
[[category]]
id = "lamps"
code = "150101"
strong = ["路灯"]
words = ["灯"]
examples = ["路灯不亮"]
[[category]]
id = "streets"
code = "150102"
strong = ["路面"]
examples = ["路面不平"]
[[category]]
id = "manholes"
code = "150103"
strong = ["井盖"]
weak = ["dust"]
examples = ["井盖没了"]
[[category]]
id = "village"
code = "230101"
strong = ["路面", "村道"]
words = ["田"]
examples = ["村道太窄"]
"""

SMALL_TREE, SMALL_WORDS = tomllib.loads(TREE), tomllib.loads(WORDS)
SMALL = read_rules(SMALL_WORDS, SMALL_TREE)


def weigh(text: str, title: str = "", location: Location | None = None, **given: Any) -> Triage:
    return triage(Matter(text, title, **given), SMALL, location)


def test_a_verdict_explains_itself_rule_by_rule() -> None:
    assert weigh("投诉：路灯坏了，学校门口漆黑，井盖也松了") == Triage(
        TicketType.COMPLAINT,
        "150101",
        Urgency.U2,
        0.8,
        (
            Fired("complaint", ("投诉", "坏了")),
            Fired("lamps", ("路灯",)),
            Fired("manholes", ("井盖",)),
            Fired("u2.dark", ("漆黑",)),
        ),
    )


@pytest.mark.parametrize(
    ("best", "second", "confidence"), [(0, 0, 0.0), (2, 0, 0.5), (4, 0, 0.667), (4, 2, 0.444), (12, 0, 0.857)]
)
def test_confidence_is_evidence_times_margin(best: int, second: int, confidence: float) -> None:
    assert confidence_of(best, second) == confidence


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_confidence_stays_between_none_and_certain(one: int, other: int) -> None:
    assert 0.0 <= confidence_of(max(one, other), min(one, other)) <= 1.0


def test_a_word_counts_once_however_often_it_is_said() -> None:
    assert weigh("路灯路灯路灯").confidence == weigh("路灯").confidence == 0.667


def test_a_word_in_the_title_counts_double() -> None:
    assert weigh("请看看", title="路灯").confidence == 0.8
    assert weigh("路灯", title="村道").category == "230101"


def test_of_overlapping_words_the_longer_counts() -> None:
    assert weigh("路灯").rules == (Fired("default.ticket_type", ()), Fired("lamps", ("路灯",)))


def test_a_neutral_phrase_hides_the_word_inside_it() -> None:
    assert weigh("请检查着火点").urgency is Urgency.U3
    assert weigh("屋里着火").urgency is Urgency.U1


def test_a_word_with_a_need_is_silent_without_it() -> None:
    assert weigh("楼道漆黑").urgency is Urgency.U3
    assert weigh("医院门口漆黑").urgency is Urgency.U2


def test_a_latin_word_does_not_begin_inside_another() -> None:
    assert weigh("industry").category == UNCLASSIFIED
    assert weigh("the DUSTY road").category == "150103"


def test_with_equal_words_the_place_decides_between_town_and_street() -> None:
    street = Location(PlaceLevel.TOWNSHIP, "990101", "990101001")
    town = Location(PlaceLevel.TOWNSHIP, "990101", "990101100")
    assert weigh("路面", location=street).category == "150102"
    assert weigh("路面", location=town).category == "230101"
    assert weigh("路面").category == "150102"


def test_a_matter_without_known_words_is_unclassified_and_uncertain() -> None:
    found = weigh("请回电")
    assert (found.ticket_type, found.category, found.confidence) == (TicketType.HELP, UNCLASSIFIED, 0.0)
    assert found.rules == (Fired("default.ticket_type", ()), Fired("default.category", ()))


def test_what_the_hotline_says_stands() -> None:
    found = weigh("投诉路灯", ticket_type=TicketType.PRAISE, category="230101")
    assert (found.ticket_type, found.category, found.confidence) == (TicketType.PRAISE, "230101", 1.0)
    assert found.rules == (Fired("given.ticket_type", ("PRAISE",)), Fired("given.category", ("230101",)))


def test_a_category_nobody_knows_is_named_and_passed_over() -> None:
    found = weigh("路灯", category="880101")
    assert found.category == "150101"
    assert Fired("given.category_unknown", ("880101",)) in found.rules


def test_what_the_hotline_says_cannot_lower_the_urgency_of_words() -> None:
    assert weigh("着火", ticket_type=TicketType.PRAISE, category="150101").urgency is Urgency.U1


def test_a_category_has_a_floor_even_when_the_hotline_gave_it() -> None:
    found = weigh("有点松", category="150103")
    assert found.urgency is Urgency.U2
    assert found.rules[-1] == Fired("floor.category", ("150103", "U2"))


def test_the_most_urgent_lead_is_the_one_that_counts() -> None:
    assert weigh("截留补助").lead is LeadKind.DISCIPLINE
    assert weigh("截留补助，我要跳楼").lead is LeadKind.THREAT
    assert weigh("着火").lead is None


def test_every_root_has_a_rest_and_the_tree_its_unclassified() -> None:
    tree = read_categories(SMALL_TREE)
    assert tree.leaves["159999"].zh == "其他道路"
    assert tree.leaves[UNCLASSIFIED].root.key == "UNCLASSIFIED"
    assert tree.leaves["150103"].capability is Capability.SAFETY


# ---- faults of a pack --------------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any], dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        (lambda w, t: w.update(colour=1), "triage.colour", "unknown_key"),
        (lambda w, t: w.pop("version"), "triage.version", "not_a_text"),
        (lambda w, t: w.pop("type"), "type", "not_tables"),
        (lambda w, t: w.update(category=["x"]), "category[0]", "not_a_table"),
        (lambda w, t: w.update(neutral=[]), "neutral", "not_a_table"),
        (lambda w, t: w["neutral"].update(urgent=["x"]), "neutral.urgent", "unknown_key"),
        (lambda w, t: w["urgency"][0].update(wrods=["x"]), "urgency[0].wrods", "unknown_key"),
        (lambda w, t: w["urgency"][0].update(urgency="U0"), "urgency[0].urgency", "not_allowed"),
        (lambda w, t: w["urgency"][0].update(lead="GOSSIP"), "urgency[0].lead", "not_allowed"),
        (lambda w, t: w["urgency"][0].update(words=[]), "urgency[0]", "no_words"),
        (lambda w, t: w["urgency"][0].update(words=["着火", "着火"]), "urgency[0].words", "repeated_word"),
        (lambda w, t: w["urgency"][0].update(words=[" 火"]), "urgency[0].words", "not_words"),
        (lambda w, t: w["urgency"][0].update(words="火"), "urgency[0].words", "not_words"),
        (lambda w, t: w["urgency"][0].update(words=["Fire"]), "urgency[0].words", "upper_case"),
        (lambda w, t: w["urgency"][0].update(words=["着火点"]), "urgency[0].words", "repeated_word"),
        (lambda w, t: w["urgency"][0].update(examples=[]), "urgency[0].examples", "no_examples"),
        (lambda w, t: w["urgency"][1].update(id="u1.fire"), "urgency[1].id", "duplicate_id"),
        (lambda w, t: w["urgency"][0].update(examples=["救火"]), "u1.fire", "broken_example"),
        (lambda w, t: w["type"][0].update(ticket_type="GRUMBLE"), "type[0].ticket_type", "not_allowed"),
        (lambda w, t: w["type"][0].update(weak=["投诉"]), "type[0].weak", "repeated_word"),
        (lambda w, t: w["type"][1].update(examples=["请问，我要投诉"]), "consult", "broken_example"),
        (lambda w, t: w["category"][0].update(code="1501"), "category[0].code", "unknown_category"),
        (lambda w, t: w["category"][0].update(examples=["路灯下的井盖"] * 2), "category[0].examples", "repeated_word"),
        (lambda w, t: w["category"][3].update(examples=["路灯"]), "village", "broken_example"),
        (lambda w, t: t.update(roots=[]), "categories.roots", "unknown_key"),
        (lambda w, t: t["root"][0].update(code="1x"), "root[0].code", "bad_code"),
        (lambda w, t: t["root"][1].update(code="99"), "root[1].code", "reserved_code"),
        (lambda w, t: t["root"][1].update(key="ROADS"), "root[1]", "duplicate_code"),
        (lambda w, t: t["root"][0].pop("capability"), "root[0].capability", "not_a_text"),
        (lambda w, t: t["root"][0].update(capability="FLYING"), "root[0].capability", "not_allowed"),
        (lambda w, t: t["root"][0]["group"][0].update(code="2301"), "root[0].group[0].code", "bad_code"),
        (lambda w, t: t["root"][0]["group"][0]["leaves"][1].update(code="150101"), "root[0].group[0].leaves[1].code",
         "duplicate_code"),
        (lambda w, t: t["root"][0]["group"][0]["leaves"][0].update(small="yes"), "root[0].group[0].leaves[0].small",
         "not_a_boolean"),
        (lambda w, t: t["root"][0]["group"][0]["leaves"][0].update(focus="CITY"), "root[0].group[0].leaves[0].focus",
         "not_allowed"),
        (lambda w, t: (t["root"][0].update(floor="U2"), t["root"][0]["group"][0]["leaves"][0].update(floor="U3")),
         "root[0].group[0].leaves[0].floor", "below_the_root"),
    ],
)  # fmt: skip
def test_a_fault_in_the_rules_is_refused_where_it_stands(change: Change, field: str, code: str) -> None:
    words, tree = deepcopy(SMALL_WORDS), deepcopy(SMALL_TREE)
    change(words, tree)
    with pytest.raises(InvalidRules) as refusal:
        read_rules(words, tree)
    assert (field, code) in {(problem.field, problem.code) for problem in refusal.value.problems}


def test_faults_of_both_files_are_listed_together() -> None:
    words, tree = deepcopy(SMALL_WORDS), deepcopy(SMALL_TREE)
    words["urgency"][0]["urgency"], words["type"][0]["id"], tree["root"][0]["zh"] = "U9", "", ""
    with pytest.raises(InvalidRules) as refusal:
        read_rules(words, tree)
    assert {problem.field for problem in refusal.value.problems} >= {"urgency[0].urgency", "type[0].id", "root[0].zh"}


# ---- the default pack --------------------------------------------------------------------------------------------------


def test_the_default_pack_has_every_root_that_citizens_are_promised() -> None:
    keys = {root.key for root in RULES.tree.roots.values()}
    assert keys >= {"EMPLOYMENT", "MEDICAL", "EDUCATION", "SOCIAL_SECURITY"}
    assert keys >= {"WATER", "POWER", "GAS", "TELECOM", "HEATING", "ELDER_DAYCARE"}
    assert keys >= {"NATURAL_DISASTER", "PUBLIC_HEALTH", "WORK_SAFETY"}


def test_emergency_roots_have_a_floor() -> None:
    floors = {root.key: root.floor for root in RULES.tree.roots.values()}
    assert {floors[key] for key in ("NATURAL_DISASTER", "PUBLIC_HEALTH", "WORK_SAFETY")} == {Urgency.U2}


def test_every_leaf_of_the_default_pack_has_words() -> None:
    spoken_for = {rule.category.code for rule in RULES.categories}
    rests = {code for code in RULES.tree.leaves if code.endswith("9999")}
    assert set(RULES.tree.leaves) == spoken_for | rests


@pytest.mark.parametrize(
    ("text", "ticket_type", "category", "urgency"),
    [
        ("小区南门的路灯不亮了", TicketType.COMPLAINT, "150101", Urgency.U3),
        ("no gas in block 3", TicketType.HELP, "070102", Urgency.U2),
        ("楼道里有煤气味", TicketType.HELP, "070101", Urgency.U1),
        ("请问公租房怎么申请", TicketType.CONSULT, "170204", Urgency.U3),
        ("我要举报路边的黑诊所", TicketType.REPORT, "030103", Urgency.U3),
        ("田里青蛙叫得睡不着", TicketType.HELP, "160105", Urgency.U3),
        ("路口井盖不见了", TicketType.HELP, "150103", Urgency.U2),
        ("小区想多备几个灭火器", TicketType.HELP, "130104", Urgency.U2),
        ("建议县里办一场招聘会", TicketType.SUGGESTION, "010101", Urgency.U3),
    ],
)
def test_the_default_pack_knows_everyday_matters(
    text: str, ticket_type: TicketType, category: str, urgency: Urgency
) -> None:
    found = judge(text)
    assert (found.ticket_type, found.category, found.urgency) == (ticket_type, category, urgency)


def test_a_caller_who_will_jump_is_critical_and_a_threat() -> None:
    found = judge("再不解决工钱的事我就跳楼")
    assert (found.urgency, found.lead) == (Urgency.U1, LeadKind.THREAT)


@given(st.text(max_size=60), st.sampled_from(sorted(RULES.tree.leaves)))
def test_no_given_category_makes_a_gas_leak_less_than_critical(noise: str, category: str) -> None:
    assert judge(f"{noise}\n燃气泄漏", category=category, ticket_type=TicketType.CONSULT).urgency is Urgency.U1


@given(st.text(max_size=200))
def test_any_text_gets_the_same_verdict_twice(text: str) -> None:
    assert judge(text) == judge(text)
    assert judge(text).category in RULES.tree.leaves


def test_the_sample_matters_show_the_whole_tree() -> None:
    lines = (DEPLOY / "samples/matters.ndjson").read_bytes().splitlines()
    verdicts = [triage(matter_of(read_report(line)), RULES) for line in lines]
    assert {verdict.category[:2] for verdict in verdicts} == set(RULES.tree.roots)
    assert {verdict.urgency for verdict in verdicts} == set(Urgency)
    assert {verdict.lead for verdict in verdicts} >= set(LeadKind)


def test_the_sample_matters_name_nobody() -> None:
    for line in (DEPLOY / "samples/matters.ndjson").read_text(encoding="utf-8").splitlines():
        reporter = json.loads(line).get("reporter", {})
        assert reporter.get("phone", "13800000").startswith("13800000")
        assert reporter.get("name", "王先生")[-2:] in {"先生", "女士"} or reporter["name"].split()[0] in {"Mr", "Ms"}
