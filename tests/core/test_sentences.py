"""Every code an explanation can carry has a sentence in Chinese and in English; unknown ones are shown as they are."""

import ast
import re
from collections.abc import Iterator
from string import Formatter

import pytest

from services.dispatch.core import sentences as dispatch
from services.dispatch.core.ladder import Step
from services.dispatch.core.refusal_sentences import Wording
from services.dispatch.core.story import DEEMED, OVERDUE, Clock
from services.intake.core import sentences as intake
from services.intake.core.incidents import Link
from services.intake.core.location import PlaceReason
from services.intake.core.repeats import Sequel
from services.intake.triage import TRIAGE_FAILED
from shared.terms import LeadKind
from tests.builders import ROOT

CODE = re.compile(
    r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?: |$)|([A-Z][A-Z0-9]*)(?: [a-z_]+=)|([A-Z][A-Z0-9]*_(?:[A-Z0-9]+_)*)$"
)
"""A code at the beginning of a text: of several words, or one before a value, or one that goes on, such as `LIGHT_`."""
DISPATCH_CORE = ROOT / "services" / "dispatch" / "core"


READERS = {"lifecycle.py", "org_files.py", "roster.py", "rule_sections.py", "rulebook.py"}
"""Their upper-case texts are keys of files and of the lifecycle table, which has labels of its own."""
NOT_SAID = {
    "CALL_BACK", "CITIZEN_CALLED_IN", "COMMAND_CENTRE", "EXTENSION_ASKED", "EXTENSION_REFUSED", "FIRST_DISPOSAL",
    "HANG_PLAN", "LEAD_HAS_DONE", "RETURN_BASIS", "SELF_FIXED", "STAGE_REPORT", "WHISTLE_DISPUTED",
}  # fmt: skip
"""Actions, kinds of notes and values: no code of an explanation or a refusal."""


def texts(node: ast.AST) -> Iterator[str]:
    """Texts in functions; of a text with values in it what stands before the first."""
    for found in ast.walk(node):
        if isinstance(found, ast.JoinedStr):
            if found.values and isinstance(found.values[0], ast.Constant):
                yield str(found.values[0].value)
        elif isinstance(found, ast.Constant) and isinstance(found.value, str):
            yield found.value


def emitted() -> dict[str, set[str]]:
    """Codes, and beginnings of codes, by the file of the core in which they stand."""
    found: dict[str, set[str]] = {}
    for path in sorted(DISPATCH_CORE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        constants = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        said = (text for node in (*functions, *constants) for text in texts(node))
        codes = {match[match.lastindex or 0] for text in said if (match := CODE.match(text))}
        if codes - NOT_SAID and "sentences" not in path.name and path.name not in READERS:
            found[path.name] = codes - NOT_SAID
    return found


def said_by(table: dict[str, str], code: str) -> bool:
    """Whether the table has the code; of one that goes on, any that begins so."""
    return code in table or (code.endswith("_") and any(known.startswith(code) for known in table))


EVERY = sorted({(code, file) for file, codes in emitted().items() for code in codes})


def test_the_search_finds_codes_of_every_form() -> None:
    found = emitted()
    assert {"SIZE_BIG_CRITICAL", "SIZE_BIG_"} <= found["sizing.py"]
    assert "LIGHT_" in found["escalation.py"]
    assert "CLOSED" in found["judgement.py"]
    assert "WAIVED_NO_CANDIDATE" in found["joint.py"]
    assert "RETURN_TOO_LATE" in found["returns.py"]


@pytest.mark.parametrize(("code", "file"), EVERY)
def test_every_code_of_the_core_has_a_sentence(code: str, file: str) -> None:
    known = {name: wording.zh for name, wording in dispatch.SENTENCES.items()}
    assert said_by(known, code), f"{file} emits {code}: say in Chinese and in English what it means"


@pytest.mark.parametrize(
    "wording",
    [*dispatch.SENTENCES.items(), *intake.SENTENCES.items(), *dispatch.CLOCK_NAMES.items()],
    ids=lambda pair: pair[0],
)
def test_both_languages_show_the_same_values(wording: tuple[str, Wording]) -> None:
    shown = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in wording[1]]
    assert shown[0] == shown[1]
    assert not any(text.endswith((".", "。")) or not text for text in wording[1])


def test_every_clock_and_every_step_has_a_name() -> None:
    assert {clock.value for clock in Clock} <= dispatch.CLOCK_NAMES.keys()
    assert {step.value for step in Step} | {DEEMED, OVERDUE} <= dispatch.STEP_NAMES.keys()


def test_every_reason_for_a_place_and_every_kind_of_lead_has_a_sentence() -> None:
    assert {f"place.{reason}" for reason in PlaceReason} <= intake.SENTENCES.keys()
    assert {kind.value for kind in LeadKind} == intake.LEAD_KINDS.keys()
    assert TRIAGE_FAILED in intake.SENTENCES


def test_every_way_of_folding_a_ticket_into_another_has_a_sentence() -> None:
    assert {f"repeat.{sequel.lower()}" for sequel in Sequel} <= intake.SENTENCES.keys()
    assert {f"merge.{link.lower()}" for link in Link} <= intake.SENTENCES.keys()


def test_every_rule_of_triage_itself_has_a_sentence() -> None:
    tree = ast.parse((ROOT / "services" / "intake" / "core" / "triage.py").read_text(encoding="utf-8"))
    calls = (n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Fired")
    rules = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert {"floor.category", "given.category", "model.category"} <= rules
    assert rules <= intake.SENTENCES.keys()


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("SIZE_BIG_CRITICAL", "特急事项一律为大事", "a critical matter is always big"),
        ("SIZE_BIG_DEFAULT category=050101", "“050101”未列入小事清单", "“050101” is not on the list of small matters"),
        (
            "DUE_EARLIEST limit=5 WD due_at=today",
            "时限为5 WD，须在today前办结",
            "the limit is 5 WD: to be resolved by today",
        ),
        ("RETURN_REFUSED finding=None", "退单未获同意（认定：None）", "the return was refused (finding: None)"),
        ("CANDIDATE_REFUSED unit=a code=X rule=Y", "a不能承接：X（Y）", "a is passed over: X (Y)"),
        ("CANDIDATE_REFUSED unit=a code=X", "a不能承接：X", "a is passed over: X"),
    ],
)
def test_a_code_reads_as_a_sentence(text: str, zh: str, en: str) -> None:
    assert (dispatch.sentence(text, "zh"), dispatch.sentence(text, "en")) == (zh, en)


@pytest.mark.parametrize("text", ["", "SOMETHING_NEW key=value", "no code at all", "{unit}", "SIZE", "{0.__class__}"])
def test_an_unknown_code_is_shown_as_it_is(text: str) -> None:
    assert dispatch.sentence(text, "zh") == text
    assert dispatch.sentence(text, "en") == text


def test_braces_in_a_value_are_only_text() -> None:
    told = dispatch.sentence("LEAD_BY_PLACE unit=x", "en", lambda key, value: "{unit.__class__}")
    assert told == "no unit is named for the category, so the place answers for it"
    assert dispatch.sentence("PART_WAIVED unit={0} reason=r", "zh") == "{0}的协办任务免除"


def test_a_missing_value_is_a_dash() -> None:
    assert dispatch.sentence("SIZE_NOT_SIZED", "zh") == "–不分大小事"


def test_a_limit_with_a_space_is_one_value_and_a_provisional_deadline_says_so() -> None:
    reason = dispatch.read_reason("DUE_EARLIEST limit=5 WD due_at=2027-01-07T16:00:00+00:00 provisional")
    assert reason.code == "DUE_EARLIEST"
    assert reason.values == {"limit": "5 WD", "due_at": "2027-01-07T16:00:00+00:00"}
    assert reason.is_provisional


@pytest.mark.parametrize(
    ("limit", "zh", "en"),
    [
        ("same_day", "当日", "the same day"),
        ("1 WD", "1个工作日", "1 working day"),
        ("5 WD", "5个工作日", "5 working days"),
        ("7 ND", "7个自然日", "7 days"),
        ("24 NH", "24小时", "24 hours"),
        ("7.5 WH", "7.5个工作小时", "7.5 working hours"),
        ("30 min", "30分钟", "30 minutes"),
        ("soon", "soon", "soon"),
    ],
)
def test_a_limit_reads_as_people_say_it(limit: str, zh: str, en: str) -> None:
    assert (dispatch.spoken_limit(limit, "zh"), dispatch.spoken_limit(limit, "en")) == (zh, en)


def test_a_rule_of_the_pack_is_told_by_its_words_and_an_unknown_one_as_it_is() -> None:
    assert intake.sentence("cat.lamps", ("路灯", "灯"), "zh") == "文中有“路灯”“灯”"
    assert intake.sentence("cat.lamps", ("路灯", "灯"), "en") == "it says “路灯”, “灯”"
    assert intake.sentence("repeat.linked", (), "en") == "repeat.linked"
