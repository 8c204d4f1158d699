"""What was said in a session is forgotten when two people agree; what was promised there stands."""

import httpx

from shared.audit import verify
from tests.services.intake.counter import DISPATCHER, Counter
from tests.services.intake.test_privacy import (
    ADDRESS,
    FIRST,
    NAME,
    PHONE,
    RECORDER,
    SECOND,
    WORKER,
    ask,
    brought_up,
    talk,
)


async def agreed_to_forget(counter: Counter, item: str) -> None:
    """Two people agree that what was said about it is forgotten."""
    act = await ask(counter, f"{item}/erasing", FIRST, 202, purpose="本人要求")
    assert (act["act"], act["subject"]) == ("erase_item", item.rpartition("/")[2])
    await ask(counter, f"privacy/acts/{act['act_id']}/settlement", FIRST, 403, granted=True)
    await ask(counter, f"privacy/acts/{act['act_id']}/settlement", SECOND, 200, granted=True)


async def test_what_was_brought_up_in_a_session_is_forgotten_by_two_and_the_promise_stands(counter: Counter) -> None:
    item = await brought_up(counter, await talk(counter), text="路灯", name=NAME, phone=PHONE, address=ADDRESS)
    await ask(counter, f"{item}/commitment", RECORDER, 204, text="会修", due_on="2026-03-13")
    await ask(counter, f"{item}/erasing", WORKER, 403, purpose="本人要求")
    await ask(counter, f"{item}/erasure", FIRST, 409, purpose="本人要求")
    await agreed_to_forget(counter, item)
    await ask(counter, f"{item}/erasure", FIRST, 409, purpose="另一个理由")
    await ask(counter, f"{item}/erasure", DISPATCHER, 403, purpose="本人要求")
    assert await ask(counter, f"{item}/erasure", SECOND, 200, purpose="本人要求") == {"erased": True}
    await ask(counter, f"{item}/erasure", FIRST, 409, purpose="本人要求")
    assert (await ask(counter, "privacy/exports", FIRST, 200, phone=PHONE, purpose="本人申请查阅"))["items"] == []
    rows = await counter.database.fetch("SELECT sealed, wrapped_key FROM talk_word WHERE item_id IS NOT NULL")
    assert [tuple(row) for row in rows] == [(None, None)] * 2
    counter.later(days=4)
    async with counter.database.transaction() as tx:
        assert await counter.listening.turn_missed(tx, counter.now()) == 1, "nobody's words, and still a day"
    log = await counter.database.fetch("SELECT entry::json ->> 'act', entry::json ->> 'subject' FROM audit")
    assert ("erase_item", item.rpartition("/")[2]) in [tuple(row) for row in log]
    _, faults = await verify(counter.database)
    assert faults == []


async def test_what_is_answered_after_the_words_were_forgotten_can_be_read(counter: Counter) -> None:
    item = await brought_up(counter, await talk(counter), text="路灯")
    await agreed_to_forget(counter, item)
    await ask(counter, f"{item}/erasure", FIRST, 200, purpose="本人要求")

    async def read() -> httpx.Response:
        return await counter.http.get(f"/v1/{item}/words", params={"purpose": "核实"}, headers=RECORDER)

    assert (await read()).status_code == 404
    await ask(counter, f"{item}/answer", RECORDER, 204, text="已换灯泡")
    assert [said["text"] for said in (await read()).json()] == ["已换灯泡"]


async def test_of_what_became_a_ticket_the_words_are_forgotten_there(counter: Counter) -> None:
    item = await brought_up(counter, await talk(counter), text="路灯")
    ticket_id = (await ask(counter, f"{item}/ticket", RECORDER, 201))["ticket_id"]
    refused = await ask(counter, f"{item}/erasing", FIRST, 409, purpose="本人要求")
    assert ticket_id in refused["title"]
    await ask(counter, f"listening/items/{ticket_id}/erasing", FIRST, 404, purpose="本人要求")
