"""Looking at a ticket, at its words, and forgetting them."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from services.intake.core.report import Reporter
from services.intake.vault import OriginalWords, Vault, erase, read_keys
from shared.errors import CannotOpen
from shared.terms import TicketId
from tests.builders import TUESDAY_MORNING
from tests.services.intake.desk import KEYS, Desk, report

WHO = {"viewer": "worker-7", "purpose": "回访"}
PERSONAL = {
    "title": "CANARY-TITLE",
    "text": "CANARY-TEXT 路灯坏了",
    "location": {"lon": 119.225, "lat": 33.378, "address": "CANARY-ADDRESS"},
    "reporter": {"name": "CANARY-NAME", "phone": "13800001234", "note": "CANARY-NOTE"},
    "extensions": {"case": "CANARY-EXTENSION"},
}
WORDS = OriginalWords("路灯", "路灯坏了", "幸福路", Reporter(phone="13800001234"), {"floor": 3})


async def test_a_ticket_shows_its_place_and_verdict_once_triaged(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    before = (await desk.http.get(f"/v1/tickets/{ticket_id}")).json()
    assert (before["state"], before["public_state"], before["category"]) == ("RECEIVED", "已受理", None)
    await desk.triage_loop().triage_batch()
    after = (await desk.http.get(f"/v1/tickets/{ticket_id}")).json()
    assert (after["state"], after["grid"], after["place_level"]) == ("TRIAGED", "990101001001001", "GRID")


async def test_why_a_ticket_was_triaged_as_it_was_can_be_asked(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    assert (await desk.http.get(f"/v1/tickets/{ticket_id}/explanation")).json() == []
    await desk.triage_loop().triage_batch()
    reasons = (await desk.http.get(f"/v1/tickets/{ticket_id}/explanation")).json()
    assert {"rule": "place.IN_GRID", "saw": ["990101001001001"]} in reasons
    assert (await desk.http.get(f"/v1/tickets/{uuid4()}/explanation")).status_code == 404


async def test_an_unknown_ticket_is_not_found_and_a_bad_id_is_a_bad_input(desk: Desk) -> None:
    assert (await desk.http.get(f"/v1/tickets/{uuid4()}")).status_code == 404
    assert (await desk.http.get("/v1/tickets/99")).status_code == 422
    assert (await desk.http.get(f"/v1/tickets/{uuid4()}/matter", params=WHO)).status_code == 404


async def test_the_words_are_given_for_a_purpose_and_the_view_is_logged(desk: Desk) -> None:
    ticket_id = await desk.take_in(report(1, **PERSONAL))
    answer = await desk.http.get(f"/v1/tickets/{ticket_id}/matter", params=WHO)
    assert answer.json() == {
        "ticket_id": ticket_id,
        "title": "CANARY-TITLE",
        "text": "CANARY-TEXT 路灯坏了",
        "address": "CANARY-ADDRESS",
        "reporter": {"name": "CANARY-NAME", "phone": "13800001234", "note": "CANARY-NOTE"},
        "extensions": {"case": "CANARY-EXTENSION"},
    }
    assert answer.headers["cache-control"] == "no-store"
    (view,) = await desk.rows("SELECT ticket_id, viewer, purpose, viewed_at FROM vault_view")
    assert tuple(view) == (UUID(ticket_id), "worker-7", "回访", TUESDAY_MORNING)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"viewer": "worker-7"},
        {"purpose": "回访"},
        {"viewer": "worker-7", "purpose": ""},
        {"viewer": "worker-7", "purpose": "  "},
        {"viewer": "worker-7", "purpose": "a\x00b"},
        {"viewer": "w" * 201, "purpose": "回访"},
    ],
)
async def test_nobody_reads_words_without_saying_who_and_what_for(desk: Desk, params: dict[str, str]) -> None:
    ticket_id = await desk.take_in()
    assert (await desk.http.get(f"/v1/tickets/{ticket_id}/matter", params=params)).status_code == 422
    assert await desk.count("vault_view") == 0


async def test_triage_reads_words_without_a_line_in_the_log_of_views(desk: Desk) -> None:
    await desk.take_in()
    assert await desk.triage_loop().triage_batch() == 1
    assert await desk.count("vault_view") == 0


async def test_nothing_personal_stands_anywhere_outside_the_seal(desk: Desk) -> None:
    await desk.take_in(report(1, **PERSONAL))
    await desk.triage_loop().triage_batch()
    for table in ("event", "ticket", "request", "vault", "outbox", "vault_view"):
        text = " ".join(str(row[0]) for row in await desk.rows(f"SELECT to_json(t)::text FROM {table} AS t"))
        for canary in ("CANARY", "43414e415259", "13800001234"):  # the second as bytes are shown
            assert canary not in text, table


async def test_erased_words_are_gone_for_good_and_the_story_stays(desk: Desk) -> None:
    ticket_id = await desk.take_in(report(1, **PERSONAL))
    async with desk.database.transaction() as tx:
        assert await erase(tx, TicketId(UUID(ticket_id)))
        assert not await erase(tx, TicketId(UUID(ticket_id)))
    assert (await desk.http.get(f"/v1/tickets/{ticket_id}/matter", params=WHO)).status_code == 404
    assert (await desk.http.get(f"/v1/tickets/{ticket_id}")).status_code == 200
    assert await desk.count("event") == 1
    assert (await desk.post(report(1, **PERSONAL))).status_code == 422  # not even its fingerprint is left


async def test_an_erased_matter_is_still_triaged_as_far_as_its_place_goes(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    async with desk.database.transaction() as tx:
        await erase(tx, TicketId(UUID(ticket_id)))
    await desk.triage_loop().triage_batch()
    assert (await desk.stated(ticket_id))[-1]["rules"][-1] == "TRIAGE_FAILED"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vault SET sealed = 'x'",
        "UPDATE vault SET wrapped_key = 'x'",
        "UPDATE vault SET sealed = NULL",
        "UPDATE vault SET sealed = NULL, wrapped_key = NULL, key_id = 'x'",
        "DELETE FROM vault",
        "UPDATE vault_view SET viewer = 'nobody'",
        "DELETE FROM vault_view",
        "UPDATE event SET type = 'x'",
    ],
)
async def test_what_was_written_cannot_be_rewritten(desk: Desk, change: str) -> None:
    ticket_id = await desk.take_in()
    await desk.http.get(f"/v1/tickets/{ticket_id}/matter", params=WHO)
    with pytest.raises((asyncpg.RestrictViolationError, asyncpg.CheckViolationError)):
        await desk.rows(change)


async def test_words_sealed_under_an_older_key_of_the_ring_still_open(desk: Desk) -> None:
    ticket_id = await desk.take_in()
    newer = Vault(read_keys("k3:" + "A" * 43 + "=," + KEYS))
    await desk.triage_loop(vault=newer).triage_batch()
    assert "TRIAGE_FAILED" not in (await desk.stated(ticket_id))[-1]["rules"]


def test_sealed_words_open_under_no_other_ticket_key_or_ring() -> None:
    vault, mine, other = Vault(read_keys(KEYS)), TicketId(uuid4()), TicketId(uuid4())
    sealed = vault.seal(mine, WORDS)
    assert vault.open(mine, sealed) == WORDS
    with pytest.raises(CannotOpen, match="damaged"):
        vault.open(other, sealed)
    with pytest.raises(CannotOpen, match="not in the ring"):
        Vault({"k9": b"9" * 32}).open(mine, sealed)
    with pytest.raises(CannotOpen, match="damaged"):
        Vault({"k2": b"9" * 32}).open(mine, sealed)


def test_two_seals_of_the_same_words_have_nothing_in_common() -> None:
    vault, ticket_id = Vault(read_keys(KEYS)), TicketId(uuid4())
    first, second = vault.seal(ticket_id, WORDS), vault.seal(ticket_id, WORDS)
    assert first.words != second.words
    assert first.wrapped_key != second.wrapped_key
