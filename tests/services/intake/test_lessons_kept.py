"""What people teach: a confirmed category is kept beside the machine's, and can be learnt from without any text."""

from pathlib import Path

import numpy as np
import orjson
from typer.testing import CliRunner

from griddispatch.labelled import Columns, read_labelled
from griddispatch.triage import app
from services.intake.core.lessons import Lesson, lesson_of
from services.intake.learning import read_lessons
from shared.joint_events import TicketCategoryConfirmed
from tests.services.intake.counter import Counter, phone, said

LAMP = "小区门口路灯坏了"
CHOSEN = TicketCategoryConfirmed(category="140101", auto_category="150101", confidence=0.55)


async def lessons(counter: Counter) -> list[bytes]:
    return [line async for line in read_lessons(counter.database)]


async def test_both_choices_are_kept_and_the_words_only_as_counts(counter: Counter) -> None:
    (ticket_id,) = await counter.hand_in(said(LAMP, phone(1)))
    await counter.tell(ticket_id, 1, CHOSEN)
    (row,) = await counter.database.fetch("SELECT machine, human, confidence FROM lesson")
    assert tuple(row) == ("150101", "140101", 0.55)
    (line,) = await lessons(counter)
    assert LAMP not in line.decode()
    told = orjson.loads(line)
    assert (told["auto"], told["label"]) == ("150101", "140101")


async def test_the_last_choice_counts_and_a_repeated_event_changes_nothing(counter: Counter) -> None:
    (ticket_id,) = await counter.hand_in(said(LAMP, phone(1)))
    await counter.tell(ticket_id, 1, CHOSEN)
    await counter.tell(ticket_id, 1, CHOSEN)
    await counter.tell(ticket_id, 2, TicketCategoryConfirmed(category="070101", auto_category="140101"))
    (line,) = await lessons(counter)
    assert orjson.loads(line)["label"] == "070101"


async def test_nothing_is_learnt_from_confidential_or_erased_words_but_the_choice_is_kept(counter: Counter) -> None:
    secret, erased = await counter.hand_in(said(LAMP, phone(1), confidential=True), said("垃圾没人收", phone(2)))
    await counter.tell(secret, 1, CHOSEN)
    await counter.tell(erased, 1, CHOSEN)
    assert len(await lessons(counter)) == 1
    await counter.erase(erased)
    assert await lessons(counter) == []
    assert await counter.count("lesson") == 2


async def test_a_ticket_that_is_not_here_teaches_nothing(counter: Counter) -> None:
    await counter.tell("0198a1c2-7f00-7000-8000-000000000001", 1, CHOSEN)
    assert await counter.count("lesson") == 0


async def test_an_export_is_what_training_reads(counter: Counter, intake_dsn: str, tmp_path: Path) -> None:
    (ticket_id,) = await counter.hand_in(said(LAMP, phone(1)))
    await counter.tell(ticket_id, 1, CHOSEN)
    file = tmp_path / "lessons.ndjson"
    file.write_bytes(b"\n".join(await lessons(counter)) + b"\n")
    (read,) = read_labelled([file], Columns())
    assert isinstance(read, Lesson)
    whole = lesson_of(LAMP, "140101", auto="150101")
    assert (read.label, read.auto) == (whole.label, whole.auto)
    assert np.array_equal(read.buckets, whole.buckets)


def test_the_command_line_writes_the_export(intake_dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "lessons.ndjson"
    done = CliRunner().invoke(app, ["lessons", str(file), "--dsn", intake_dsn])
    assert (done.exit_code, file.read_bytes()) == (0, b""), done.output
    assert "0 lessons" in done.output
    refused = CliRunner().invoke(app, ["lessons", str(file)], env={"GRIDDISPATCH_DATABASE_DSN_INTAKE": ""})
    assert refused.exit_code == 2
