"""The client against the real doors: nothing lost and nothing doubled, even when the service is killed in between."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from griddispatch_client import AsyncHotline, Hotline, Place, Policy, Receipt, Refused, Report, Reporter
from griddispatch_client.report import Answer
from griddispatch_client.table import Layout, Row, TableError, read_table, report_of
from griddispatch_client.upload import Journal, Summary, upload_table

from tests.conftest import TestDatabase
from tests.examples.intake import running_intake
from tests.examples.tools import EXAMPLES
from tests.services.intake.desk import IN_FIRST_GRID, Desk, open_desk

LAYOUT = Layout({"external_id": "编号", "text": "内容"}, {"source": "call-centre", "channel": "PHONE"})
PATIENT = Policy(tries=30, cap_s=1.0, budget=60)


def report(n: int | None, **changes: str) -> Report:
    place = Place(IN_FIRST_GRID["lon"], IN_FIRST_GRID["lat"], "东门小区")
    return Report(
        "hotline", "PHONE", changes.get("text", "路灯坏了,晚上看不见路"), external_id=None if n is None else f"A-{n}",
        location=place, reporter=Reporter("冯女士", "13800000001"),
    )  # fmt: skip


def client_of(desk: Desk) -> AsyncHotline:
    return AsyncHotline("http://intake", transport=httpx.ASGITransport(desk.app))


async def test_a_matter_is_taken_once_and_can_be_asked_about(intake_dsn: str) -> None:
    async with open_desk(intake_dsn) as desk, client_of(desk) as hotline:
        first = await hotline.submit(report(1))
        again = await hotline.submit(report(1))
        assert (again.ticket_id, again.replayed, first.replayed) == (first.ticket_id, True, False)
        assert (await hotline.status(first.ticket_id)).ticket_no == first.ticket_no
        with pytest.raises(Refused) as unknown:
            await hotline.status("00000000-0000-0000-0000-000000000000")
        assert unknown.value.status == 404
        assert await desk.count("ticket") == 1


async def test_a_refusal_names_the_field(intake_dsn: str) -> None:
    async with open_desk(intake_dsn) as desk, client_of(desk) as hotline:
        with pytest.raises(Refused, match="text: must hold more than blanks") as refused:
            await hotline.submit(report(1, text="   "))
        assert refused.value.problems[0]["field"] == "text"
        with pytest.raises(Refused) as reused:
            await hotline.submit(report(2))
            await hotline.submit(report(2, text="另一件事"))
        assert reused.value.code == "key_reused"


async def test_in_bulk_every_line_has_its_answer(intake_dsn: str) -> None:
    async with open_desk(intake_dsn) as desk, client_of(desk) as hotline:
        answers = await hotline.submit_batch([report(1), report(2, text=" "), report(1), report(3)])
        assert [type(a) for a in answers] == [Receipt, Refused, Receipt, Receipt]
        assert await desk.count("ticket") == 2


@pytest.mark.parametrize("point", ["api.before-commit@1", "api.after-commit@1"])
async def test_killed_around_the_commit_the_service_holds_exactly_one_ticket(
    database: TestDatabase, tmp_path: Path, point: str
) -> None:
    async with running_intake(database, tmp_path, point) as intake, AsyncHotline(intake.url, policy=PATIENT) as hotline:
        receipt = await hotline.submit(report(None))
        assert intake.deaths == 1
        assert receipt.replayed == point.startswith("api.after")
        assert await tickets(database) == [receipt.ticket_id]


async def test_killed_in_the_middle_of_a_bulk_the_service_holds_every_matter_once(
    database: TestDatabase, tmp_path: Path
) -> None:
    async with (
        running_intake(database, tmp_path, "api.after-commit@2") as intake,
        AsyncHotline(intake.url, policy=PATIENT) as hotline,
    ):
        # 1200 lines are more than the door settles in one transaction.
        answers = await hotline.submit_batch([report(n) for n in range(1200)])
        assert intake.deaths == 1
        ids = [a.ticket_id for a in answers if isinstance(a, Receipt)]
        assert (len(ids), sorted(ids)) == (1200, sorted(await tickets(database)))


async def tickets(database: TestDatabase) -> list[str]:
    async with open_desk(database.dsn("intake")) as desk:
        return [str(row["id"]) for row in await desk.rows("SELECT id FROM ticket")]


def table_of(path: Path, rows: Sequence[tuple[str, str]], encoding: str = "utf-8-sig") -> Path:
    path.write_text("编号,内容\n" + "".join(f"{a},{b}\n" for a, b in rows), encoding=encoding)
    return path


async def upload(desk: Desk, table: Path, batch: int = 10) -> tuple[Summary, list[tuple[int, Answer]]]:
    complaints: list[tuple[int, Answer]] = []

    def complain(row: Row, answer: Answer) -> None:
        complaints.append((row.number, answer))

    async with client_of(desk) as hotline:
        with Journal(table.with_suffix(".journal")) as journal:
            return await upload_table(hotline, table, LAYOUT, journal, complain, batch), complaints


async def test_a_table_is_sent_once_and_then_only_what_was_added(intake_dsn: str, tmp_path: Path) -> None:
    rows = [(f"R{n}", f"第{n}号路灯坏了") for n in range(25)]
    async with open_desk(intake_dsn) as desk:
        summary, _ = await upload(desk, table_of(tmp_path / "t.csv", rows))
        assert (summary.taken, summary.skipped) == (25, 0)
        summary, _ = await upload(desk, table_of(tmp_path / "t.csv", [*rows, ("R25", "井盖丢了")]))
        assert (summary.taken, summary.skipped) == (1, 25)
        assert await desk.count("ticket") == 26


async def test_a_refused_row_is_named_and_taken_once_mended(intake_dsn: str, tmp_path: Path) -> None:
    async with open_desk(intake_dsn) as desk:
        summary, complaints = await upload(desk, table_of(tmp_path / "t.csv", [("R1", "路灯坏了"), ("R2", "")]))
        assert (summary.taken, summary.refused) == (1, 1)
        assert [(number, type(answer)) for number, answer in complaints] == [(3, Refused)]
        summary, _ = await upload(desk, table_of(tmp_path / "t.csv", [("R1", "路灯坏了"), ("R2", "井盖丢了")]))
        assert (summary.taken, summary.skipped, summary.refused) == (1, 1, 0)


async def test_a_journal_lost_or_torn_costs_a_repeat_and_no_double(intake_dsn: str, tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", [(f"R{n}", "路灯坏了") for n in range(10)])
    journal = tmp_path / "t.journal"
    async with open_desk(intake_dsn) as desk:
        await upload(desk, table)
        journal.write_bytes(journal.read_bytes()[:-20])  # torn in its last line
        summary, _ = await upload(desk, table)
        assert (summary.skipped, summary.known, summary.taken) == (9, 1, 0)
        assert len(journal.read_text(encoding="utf-8").splitlines()) == 10
        journal.unlink()
        summary, _ = await upload(desk, table)
        assert (summary.skipped, summary.known, summary.taken) == (0, 10, 0)
        assert await desk.count("ticket") == 10


async def test_an_upload_that_finds_nobody_stops_and_goes_on_later(intake_dsn: str, tmp_path: Path) -> None:
    table = table_of(tmp_path / "t.csv", [(f"R{n}", "路灯坏了") for n in range(30)])
    with Journal(tmp_path / "t.journal") as journal:
        async with AsyncHotline("http://127.0.0.1:1", policy=Policy(tries=2, first_s=0.0)) as nobody:
            summary = await upload_table(nobody, table, LAYOUT, journal, lambda row, answer: None, batch=10)
    assert (summary.taken, summary.unsettled) == (0, 10)
    async with open_desk(intake_dsn) as desk:
        assert (await upload(desk, table))[0].taken == 30


def test_something_else_than_a_journal_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("dear diary\n", encoding="utf-8")
    with pytest.raises(TableError, match="no journal"):
        Journal(tmp_path / "j")
    assert (tmp_path / "j").read_text(encoding="utf-8") == "dear diary\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_is_read_as_a_spreadsheet_wrote_it(tmp_path: Path, encoding: str) -> None:
    table = table_of(tmp_path / "t.csv", [("R1", "路灯坏了"), ("", ""), ("R2", "井盖丢了")], encoding)
    rows = list(read_table(table, LAYOUT))
    assert [(row.number, row.report.external_id, row.report.text) for row in rows] == [
        (2, "R1", "路灯坏了"), (4, "R2", "井盖丢了"),
    ]  # fmt: skip


def test_what_is_neither_encoding_or_lacks_a_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xff\xff\n")
    with pytest.raises(TableError, match="neither UTF-8 nor GB18030"):
        list(read_table(tmp_path / "t.csv", LAYOUT))
    (tmp_path / "t.csv").write_text("编号,x\n", encoding="utf-8")
    with pytest.raises(TableError, match="no column 内容"):
        list(read_table(tmp_path / "t.csv", LAYOUT))


@pytest.mark.parametrize(
    ("columns", "constants", "why"),
    [
        ({"text": "x", "colour": "y"}, {"source": "s", "channel": "PHONE"}, "no field of a report: colour"),
        ({"text": "x"}, {"channel": "PHONE"}, "a report needs source"),
    ],
)
def test_a_layout_that_makes_no_report_is_refused(columns: dict[str, str], constants: dict[str, str], why: str) -> None:
    with pytest.raises(TableError, match=why):
        Layout(columns, constants)


def test_a_row_without_an_id_gets_one_from_its_content() -> None:
    one, same, other = (report_of({"text": text, "source": "s", "channel": "PHONE"}) for text in ("a", "a", "b"))
    assert one.external_id == same.external_id != other.external_id


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("2026-03-10 09:15", "2026-03-10T09:15:00+08:00"),
        ("2026/3/1 9:05:07", "2026-03-01T09:05:07+08:00"),
        ("2026-03-10T09:15:00Z", "2026-03-10T09:15:00Z"),
        ("gestern", "gestern"),
    ],
)
def test_a_time_without_a_zone_is_the_countys(said: str, sent: str) -> None:
    facts = {"text": "a", "source": "s", "channel": "PHONE", "reported_at": said}
    assert report_of(facts).reported_at == sent


def test_a_point_that_is_no_number_is_refused() -> None:
    with pytest.raises(TableError, match="lon: 'east' is no number"):
        report_of({"text": "a", "source": "s", "channel": "PHONE", "location.lon": "east", "location.lat": "1"})


async def test_without_an_event_loop_it_is_the_same(database: TestDatabase, tmp_path: Path) -> None:
    def work(url: str) -> tuple[Receipt, Receipt, list[type[Answer]], str]:
        with Hotline(url) as hotline:
            first, again = hotline.submit(report(1)), hotline.submit(report(1))
            kinds = [type(a) for a in hotline.submit_many([report(2), report(3, text=" ")], batch=1)]
            return first, again, kinds, hotline.status(first.ticket_id).state

    async with running_intake(database, tmp_path) as intake:
        first, again, kinds, state = await asyncio.to_thread(work, intake.url)
    assert (again.ticket_id, again.replayed) == (first.ticket_id, True)
    assert (kinds, state) == ([Receipt, Refused], "RECEIVED")


def test_the_sample_of_the_call_centre_is_read_whole() -> None:
    layout = Layout(
        {"external_id": "工单编号", "text": "诉求内容", "location.address": "地址"}, {"source": "s", "channel": "PHONE"}
    )
    rows = list(read_table(EXAMPLES / "recipes" / "call_centre" / "matters.csv", layout))
    assert [row.report.external_id for row in rows] == ["HL-0001", "HL-0002", "HL-0003", "HL-0004"]
    assert json.dumps(rows[2].report.body(), ensure_ascii=False).count("下水道堵了") == 1
