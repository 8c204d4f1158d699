"""The spreadsheet door of listening: whole sessions, taken or refused with a reason for every line."""

from typing import Any

import pytest

from tests.services.intake.counter import Counter

RECORDER = {"X-Actor-Role": "talk_recorder", "X-Actor-Person": "rec-1"}
HEADER = "session,kind,unit,held_at,village,heads,topic,text,theme,name,phone,outcome,answer,due_on"
TALK = "S-1,EVENING_TALK,990101001,2026-03-09T19:30:00+08:00,990101001001,12,路灯"


async def send(counter: Counter, *lines: str, status: int = 200, by: dict[str, str] = RECORDER) -> Any:
    body = "\r\n".join((HEADER, *lines)).encode("utf-8-sig")
    answer = await counter.http.post(
        "/v1/listening/sessions/table", content=body, headers={"Content-Type": "text/csv", **by}
    )
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_table_becomes_sessions_with_all_their_ends(counter: Counter) -> None:
    (taken,) = await send(
        counter,
        f'{TALK},"路灯不亮,两盏",1501,,,ANSWERED,明天换,',
        "S-1,EVENING_TALK,990101001,2026-03-09T19:30:00+08:00,,,,垃圾没人清,,,,COMMITTED,本周清,2026-03-13",
        "S-1,EVENING_TALK,990101001,2026-03-09T19:30:00+08:00,,,,井盖坏了,,邓小敏,13912340099,TICKET,,",
    )
    assert (taken["status"], taken["replayed"]) == (201, False)
    assert [row["line"] for row in taken["items"]] == [2, 3, 4]
    assert len(taken["items"][2]["ticket_no"]) == 20
    kinds = [event["type"] for event in await counter.stated(taken["session_id"])]
    assert kinds == ["commitment.made", "session.closed"]


async def test_a_session_with_a_line_that_has_no_end_stays_open(counter: Counter) -> None:
    (taken,) = await send(counter, f"{TALK},路灯不亮,,,,,,")
    assert await counter.stated(taken["session_id"]) == []


async def test_the_same_table_again_changes_nothing(counter: Counter) -> None:
    (first,) = await send(counter, f"{TALK},路灯不亮,,,,TICKET,,")
    (again,) = await send(counter, f"{TALK},路灯不亮,,,,TICKET,,")
    assert again["session_id"] == first["session_id"] and again["replayed"] is True
    assert await counter.count("ticket") == 1


async def test_a_bad_line_refuses_its_session_and_no_other(counter: Counter) -> None:
    bad, good = await send(
        counter,
        f"{TALK},路灯不亮,,,not-a-phone,COMMITTED,,2026-02-30",
        "S-1,PATROL,990101001,2026-03-09T19:30:00+08:00,,,,又一件,,,,GONE,,",
        "S-2,OPEN_MEETING,990101001,2026-03-09T19:30:00+08:00,,,,又一件,,,,,,",
    )
    assert bad["status"] == 422 and good["status"] == 201
    assert {problem["field"] for problem in bad["problems"]} == {
        "line 2.phone", "line 2.text", "line 2.due_on", "line 3.kind", "line 3.outcome",
    }  # fmt: skip
    assert await counter.count("talk_session") == 1


async def test_a_promise_for_yesterday_leaves_nothing_of_its_session(counter: Counter) -> None:
    (refused,) = await send(counter, f"{TALK},路灯不亮,,,,COMMITTED,会修,2026-03-09")
    assert (refused["status"], refused["problems"][0]["field"]) == (422, "due_on")
    assert await counter.count("talk_session") == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xfe", "not_csv"),
        (b"", "columns_missing"),
        (b"session,kind,unit,held_at\n", "columns_missing"),
        (f"{HEADER},colour\n".encode(), "columns_unknown"),
        (f"{HEADER}\n{TALK},x,,,,,,,,,\n".encode(), "bad_line"),
        ((HEADER + "\n" + "x\n" * 2001).encode(), "too_many_lines"),
        (f'{HEADER}\n"open'.encode(), "not_csv"),
    ],
)
async def test_what_is_no_such_table_is_refused_whole(counter: Counter, body: bytes, code: str) -> None:
    answer = await counter.http.post(
        "/v1/listening/sessions/table", content=body, headers={"Content-Type": "text/csv", **RECORDER}
    )
    assert (answer.status_code, answer.json()["type"]) == (400, f"urn:griddispatch:problem:{code}")


async def test_a_control_character_is_refused_as_at_every_door(counter: Counter) -> None:
    (refused,) = await send(counter, f"{TALK},路灯\x07不亮,,,,,,")
    assert refused["problems"][0]["code"] == "forbidden_character"


async def test_a_stranger_hands_in_no_table(counter: Counter) -> None:
    await send(counter, f"{TALK},路灯不亮,,,,,,", status=403, by={})
