"""`rules explain` says why, in words a desk officer would accept: whole texts, and what is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from griddispatch.desk import Desk, DeskRefused, Recorded, judge, read_desk, read_gazetteer, take_on
from griddispatch.explain import explain as command
from griddispatch.explain import told
from griddispatch.explanation import LANGUAGES, explain, sorted_reasons, told_reason
from griddispatch.wording import Words
from services.intake.core.location import Clues
from services.intake.core.triage import NO_MODELS, Fired, Matter
from shared.terms import TicketType, Urgency
from tests.builders import AREA, GRID, PACK, TUESDAY_MORNING

RUNNER = CliRunner()
APP = Typer()
APP.command()(command)


@pytest.fixture(scope="module")
def desk() -> Desk:
    """The default pack over the sample county, without trained models: words alone decide."""
    return replace(read_desk(PACK, AREA), models=NO_MODELS)


def asked(*arguments: str) -> Result:
    return RUNNER.invoke(APP, list(arguments))


def explained(desk: Desk, recorded: Recorded, clues: Clues) -> str:
    (place,) = read_gazetteer(AREA).locate([clues])
    explanation = explain(desk, take_on(desk, recorded, place, judge(desk, recorded, place)))
    return told(explanation, {language: Words(desk, language) for language in LANGUAGES})


IN_GRID = Clues(119.21, 33.38)

LAMP = """\
诉求类型为投诉：文中有“不亮”。归入“路灯”（150101）：文中有“路灯”。紧急程度为一般（U3）：没有词语表明紧急。\
地点：在东风社区第一网格。按小事办理：“路灯”属于网格当日能化解的小事。\
东风社区第一网格主办：小事由所在网格就地承办。时限为当日，须在2026年3月10日（周二）24:00前办结。
  东风社区第一网格签收（1个工作小时）：2026年3月10日（周二）10:15前；11:15 视为签收
  东风社区第一网格先行联系（2个工作小时）：2026年3月10日（周二）11:15前
  办结（当日）：2026年3月10日（周二）24:00前；18:00 黄灯，24:00 红灯，2026年3月11日（周三）08:30 一级督办，12:00 二级督办

Its type is complaint: it says “不亮”. It is about “Street lamps” (150101): it says “路灯”. \
It is normal (U3): no word makes it urgent. Place: it lies in Dongfeng Community Grid 1. \
It is small: “Street lamps” is on the list of matters that a grid solves the same day. \
Dongfeng Community Grid 1 leads: small matters stay in their place. \
The limit is the same day: to be resolved by Tue 10 March 2026, 24:00.
  Dongfeng Community Grid 1, signing (1 working hour): by Tue 10 March 2026, 10:15; 11:15 deemed signed
  Dongfeng Community Grid 1, first contact (2 working hours): by Tue 10 March 2026, 11:15
  resolving (the same day): by Tue 10 March 2026, 24:00; 18:00 yellow light, 24:00 red light, \
Wed 11 March 2026, 08:30 supervision level 1, 12:00 supervision level 2

place.IN_GRID “990101001001001”
type.complaint “不亮”
cat.lamps “路灯”
SIZE_SMALL_ELIGIBLE category=150101
LEAD_SMALL_IN_PLACE unit=grid:990101001001001
DUE_EARLIEST limit=same_day due_at=2026-03-10T16:00:00+00:00"""

PENSION = """\
诉求类型为咨询：文中有“请问”。归入“养老金待遇”（020101）：文中有“养老金”。紧急程度为一般（U3）：没有词语表明紧急。\
地点：文中提到东风街道。不分大小事：咨询不分大小事。\
人力资源和社会保障局主办：“养老金待遇”是其法定职责。时限为2个工作日，须在2026年2月24日（周二）24:00前办结。
  人力资源和社会保障局签收（4个工作小时）：2026年2月13日（周五）14:30前；2026年2月14日（周六）09:30 视为签收
  人力资源和社会保障局先行联系（1个工作日）：2026年2月14日（周六）24:00前
  办结（2个工作日）：2026年2月24日（周二）24:00前；08:30 黄灯，24:00 红灯，24:00 一级督办，\
2026年2月25日（周三）24:00 二级督办，2026年2月27日（周五）24:00 三级督办

Its type is question: it says “请问”. It is about “Pension payments” (020101): it says “养老金”. \
It is normal (U3): no word makes it urgent. Place: Dongfeng Subdistrict is named in it. \
It has no size: matters of the type question are not sized. \
Human resources and social security leads: “Pension payments” is its statutory duty. \
The limit is 2 working days: to be resolved by Tue 24 February 2026, 24:00.
  Human resources and social security, signing (4 working hours): by Fri 13 February 2026, 14:30; \
Sat 14 February 2026, 09:30 deemed signed
  Human resources and social security, first contact (1 working day): by Sat 14 February 2026, 24:00
  resolving (2 working days): by Tue 24 February 2026, 24:00; 08:30 yellow light, 24:00 red light, \
24:00 supervision level 1, Wed 25 February 2026, 24:00 supervision level 2, \
Fri 27 February 2026, 24:00 supervision level 3

place.TOWNSHIP_NAMED “990101001”
type.consult “请问”
cat.pension “养老金”
SIZE_NOT_SIZED type=CONSULT
LEAD_BY_CATEGORY_STATUTORY category=020101 unit=human-resources
DUE_EARLIEST limit=2 WD due_at=2026-02-24T16:00:00+00:00"""

FUMES = """\
诉求类型为投诉：来件已注明。归入“餐饮油烟”（220101）：来件已注明。紧急程度为一般（U3）：没有词语表明紧急。\
地点：文中没有地点线索。按大事办理：地点只能定位到县，落不到网格。\
生态环境局主办：“餐饮油烟”是其法定职责。没有可协办的单位，免予协办。\
时限为5个工作日，须在2027年1月7日（周四）24:00前办结（该年放假安排尚未公布，期限暂定）。
  生态环境局签收（4个工作小时）：2026年12月31日（周四）14:00前；2027年1月4日（周一）09:00 视为签收
  生态环境局先行联系（1个工作日）：2026年12月31日（周四）24:00前
  办结（5个工作日）：2027年1月7日（周四）24:00前；2027年1月6日（周三）08:30 提醒，2027年1月7日（周四）08:30 黄灯，\
24:00 红灯，24:00 一级督办，2027年1月8日（周五）24:00 二级督办，2027年1月12日（周二）24:00 三级督办

Its type is complaint: the hotline said so. It is about “Cooking fumes” (220101): the hotline said so. \
It is normal (U3): no word makes it urgent. Place: nothing in it says where. \
It is big: the place is known only down to the county, not to a grid. \
Ecology and environment leads: “Cooking fumes” is its statutory duty. Nobody can support it: done without. \
The limit is 5 working days: to be resolved by Thu 7 January 2027, 24:00 \
(that year's holidays are not published yet, so the deadline is provisional).
  Ecology and environment, signing (4 working hours): by Thu 31 December 2026, 14:00; \
Mon 4 January 2027, 09:00 deemed signed
  Ecology and environment, first contact (1 working day): by Thu 31 December 2026, 24:00
  resolving (5 working days): by Thu 7 January 2027, 24:00; Wed 6 January 2027, 08:30 reminder, \
Thu 7 January 2027, 08:30 yellow light, 24:00 red light, 24:00 supervision level 1, \
Fri 8 January 2027, 24:00 supervision level 2, Tue 12 January 2027, 24:00 supervision level 3

place.NO_CLUE “990101”
given.ticket_type “COMPLAINT”
given.category “220101”
SIZE_BIG_PLACE_UNRESOLVED level=COUNTY
LEAD_BY_CATEGORY_STATUTORY category=220101 unit=environment
DUE_EARLIEST limit=5 WD due_at=2027-01-07T16:00:00+00:00 provisional
WAIVED_NO_CANDIDATE"""


def test_a_small_matter_is_told_whole(desk: Desk) -> None:
    assert explained(desk, Recorded(Matter("路灯三天不亮了"), TUESDAY_MORNING), IN_GRID) == LAMP


def test_a_question_is_told_whole(desk: Desk) -> None:
    text = "请问养老金怎么认证，我住东风街道。"
    accepted_at = datetime(2026, 2, 13, 1, tzinfo=UTC)
    assert explained(desk, Recorded(Matter(text), accepted_at), Clues(words=text)) == PENSION


def test_a_big_matter_into_a_year_without_a_calendar_is_told_whole(desk: Desk) -> None:
    matter = Matter("楼下饭店直排。", "", TicketType.COMPLAINT, "220101")
    accepted_at = datetime(2026, 12, 30, 10, tzinfo=UTC)
    assert explained(desk, Recorded(matter, accepted_at), Clues()) == FUMES


def test_who_was_passed_over_is_said_with_the_reason(desk: Desk) -> None:
    reason = "CANDIDATE_REFUSED unit=township:990101001 kind=SUPPORT code=DUTY_LIST_VIOLATION rule=DUTY_TAKEN_BACK"
    assert told_reason(reason, Words(desk, "zh")) == "东风街道不能承接：履职清单不允许（已由上级收回的事项）"
    assert told_reason(reason, Words(desk, "en")) == (
        "Dongfeng Subdistrict is passed over: the duty list does not allow it (taken back by the level above)"
    )


def test_the_hotlines_urgency_goes_before_the_words_but_not_below_the_floor(desk: Desk) -> None:
    (place,) = read_gazetteer(AREA).locate([IN_GRID])
    calm = Recorded(Matter("楼道有煤气味"), TUESDAY_MORNING, urgency=Urgency.U3)
    assert judge(desk, calm, place).urgency is Urgency.U1
    assert judge(desk, calm, place).rules[-2:] == (
        Fired("given.urgency", ("U3",)),
        Fired("floor.category", ("070101", "U1")),
    )
    urgent = Recorded(Matter("路灯不亮"), TUESDAY_MORNING, urgency=Urgency.U2)
    assert judge(desk, urgent, place).urgency is Urgency.U2


def test_a_rule_that_nobody_knows_stands_among_the_others(desk: Desk) -> None:
    found = sorted_reasons((Fired("repeat.linked", ()), Fired("cat.lamps", ("路灯",))), desk)
    assert found.others == (Fired("repeat.linked", ()),)
    assert found.category == (Fired("cat.lamps", ("路灯",)),)


def test_midnight_is_24_00_of_the_day_that_ends_and_seconds_are_shown_when_there_are_any(desk: Desk) -> None:
    zh, en = Words(desk, "zh"), Words(desk, "en")
    assert zh.deadline(datetime(2026, 3, 10, 16, tzinfo=UTC)) == "2026年3月10日（周二）24:00"
    assert en.deadline(datetime(2025, 12, 31, 16, tzinfo=UTC)) == "Wed 31 December 2025, 24:00"
    assert zh.instant(datetime(2026, 3, 10, 16, tzinfo=UTC)) == "2026年3月11日（周三）00:00"
    assert en.instant(datetime(2026, 3, 10, 8, 59, 59, tzinfo=UTC)) == "Tue 10 March 2026, 16:59:59"


def test_the_command_takes_a_grid_a_type_and_a_local_time() -> None:
    done = asked(
        "--text", "灯坏了", "--grid", GRID, "--type", "HELP", "--category", "150101", "--at", "2026-03-10T17:00:01",
        "--lang", "en", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["size"], found["ticket_type"], found["place"]["grid"]) == ("SMALL", "HELP", GRID)
    assert found["due_at"] == "2026-03-11T16:00:00+00:00"
    assert found["assignments"][0]["unit"] == f"grid:{GRID}"
    assert {"SIGN", "RESOLVE"} <= {clock["clock"] for clock in found["clocks"]}
    assert list(found["text"]) == ["en"]


def test_one_language_leaves_the_other_out() -> None:
    done = asked("--text", "路灯不亮", "--at", "2026-03-10T09:15", "--lang", "zh")
    assert "诉求类型为" in done.stdout
    assert "Its type" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "--text: wants"),
        (("--text", "  "), "--text: wants"),
        (("--text", "长" * 4001), "--text: wants"),
        (("--text", "a", "--lon", "119.2"), "--lon and --lat go together"),
        (("--text", "a", "--lon", "119.2", "--lat", "33.3", "--grid", GRID), "--grid goes without"),
        (("--text", "a", "--grid", "123"), "--grid: '123' is no grid"),
        (("--text", "a", "--category", "123456"), "--category: '123456' is not in the pack"),
        (("--text", "a", "--at", "yesterday"), "--at: 'yesterday' is not a time"),
        (("--text", "a", "--at", "1950-01-01"), "--at: the calendar knows"),
        (("--text", "a", "--at", "9999-12-31T23:59"), "--at: the calendar knows"),
        (("--text", "a", "--pack", "no/such/pack"), "no/such/pack"),
        (("--text", "a", "--area", "no/such/area"), "no/such/area"),
        (("--text", "a", "--type", "RANT"), "Invalid value"),
        (("--text", "a", "--lat", "91", "--lon", "1"), "Invalid value"),
        (("00000000-0000-0000-0000-000000000001",), "goes with --dispatch"),
        (("00000000-0000-0000-0000-000000000001", "--dispatch", "http://[::1]:1", "--text", "a"), "without --text"),
        (("not-an-id", "--dispatch", "http://127.0.0.1:1"), "is not the id of a ticket"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_exit_code_2(arguments: tuple[str, ...], complaint: str) -> None:
    done = asked(*arguments)
    assert done.exit_code == 2, done.output
    assert complaint in done.output


def test_a_pack_that_is_refused_names_every_problem() -> None:
    with pytest.raises(DeskRefused, match="no such"):
        read_desk(AREA / "no such", AREA)
