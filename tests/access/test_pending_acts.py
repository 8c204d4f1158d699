"""Two persons: one asks, another approves, it is done once, and as it was approved."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.actors import EVERYWHERE, Actor, Forbidden
from shared.database import Database
from shared.errors import Conflict, NotFound, Rejected
from shared.pending_acts import ActId, ActState, PendingAct, approve, ask, deny, list_waiting, same_person, use
from tests.access.values import COUNTY, NOW, OTHER_COUNTY, person

PLAN = {"until": "2026-06-10", "plan": "P-1"}
ASKER, SECOND, THIRD = person("p-1"), person("p-2"), person("p-3")


async def asked(tables: Database, actor: Actor = ASKER, **changes: Any) -> PendingAct:
    given: dict[str, Any] = {"act": "hang", "subject": "ticket-1", "detail": PLAN, "code": COUNTY, "now": NOW} | changes
    async with tables.transaction() as tx:
        return await ask(tx, actor=actor, **given)


async def approved(tables: Database) -> PendingAct:
    pending = await asked(tables)
    async with tables.transaction() as tx:
        return await approve(tx, pending.id, SECOND, NOW)


async def do(tables: Database, actor: Actor = ASKER, **changes: Any) -> PendingAct:
    given: dict[str, Any] = {"act": "hang", "subject": "ticket-1", "detail": PLAN, "now": NOW} | changes
    async with tables.transaction() as tx:
        return await use(tx, actor=actor, **given)


async def test_what_one_asked_for_and_another_approved_is_done(tables: Database) -> None:
    pending = await approved(tables)
    assert (pending.state, pending.asked_by, pending.settled_by) == (ActState.APPROVED, "p-1", "p-2")
    assert (await do(tables)).id == pending.id


async def test_the_second_person_may_do_it_too(tables: Database) -> None:
    await approved(tables)
    await do(tables, SECOND)


async def test_an_approval_is_good_once(tables: Database) -> None:
    await approved(tables)
    await do(tables)
    with pytest.raises(Conflict):
        await do(tables)


async def test_an_approval_whose_act_was_rolled_back_is_still_good(tables: Database) -> None:
    await approved(tables)
    with pytest.raises(LookupError):
        async with tables.transaction() as tx:
            await use(tx, "hang", "ticket-1", PLAN, ASKER, NOW)
            raise LookupError
    await do(tables)


@pytest.mark.parametrize("name", ["p-1", "P-1", "ｐ-1", " p-1", "p-1 "])
async def test_nobody_approves_their_own(tables: Database, name: str) -> None:
    pending = await asked(tables)
    with pytest.raises(Forbidden) as refused:
        async with tables.transaction() as tx:
            await approve(tx, pending.id, person(name), NOW)
    assert refused.value.reason == "same-person"


async def test_nobody_approves_their_own_in_another_role(tables: Database) -> None:
    pending = await asked(tables)
    with pytest.raises(Forbidden):
        async with tables.transaction() as tx:
            await approve(tx, pending.id, person("p-1", "dispatcher"), NOW)


async def test_the_database_holds_that_too(tables: Database) -> None:
    pending = await asked(tables)
    with pytest.raises(asyncpg.CheckViolationError):
        await tables.fetch(
            "UPDATE pending_act SET state = 'APPROVED', settled_by = 'P-1', settled_at = $2 WHERE id = $1",
            pending.id,
            NOW,
        )


@pytest.mark.parametrize(
    "actor",
    [
        Actor("command_centre", jurisdiction=COUNTY, credential="key:x", client="hotline-a"),
        Actor("command_centre", person="p-9", jurisdiction=COUNTY, client="hotline-a"),
        Actor("command_centre", person="", jurisdiction=COUNTY),
        Actor("command_centre", person="  ", jurisdiction=COUNTY),
        Actor("system", jurisdiction=EVERYWHERE),
    ],
    ids=["key", "key that names somebody", "nobody", "blank", "service"],
)
async def test_a_program_is_no_person(tables: Database, actor: Actor) -> None:
    with pytest.raises(Forbidden):
        await asked(tables, actor)
    pending = await asked(tables)
    with pytest.raises(Forbidden):
        async with tables.transaction() as tx:
            await approve(tx, pending.id, actor, NOW)


async def test_nobody_of_another_area_learns_of_it(tables: Database) -> None:
    pending = await asked(tables)
    stranger = person("p-2", jurisdiction=OTHER_COUNTY)
    with pytest.raises(NotFound):
        async with tables.transaction() as tx:
            await approve(tx, pending.id, stranger, NOW)
    with pytest.raises(NotFound):
        await asked(tables, stranger)
    assert await list_waiting(tables, stranger, NOW) == []
    assert await list_waiting(tables, person(jurisdiction=""), NOW) == []
    assert [act.id for act in await list_waiting(tables, SECOND, NOW)] == [pending.id]


async def test_a_township_does_not_approve_for_the_county(tables: Database) -> None:
    pending = await asked(tables)
    with pytest.raises(NotFound):
        async with tables.transaction() as tx:
            await approve(tx, pending.id, person("p-2", jurisdiction=f"{COUNTY}001"), NOW)


async def test_what_nobody_asked_for_is_not_there(tables: Database) -> None:
    with pytest.raises(NotFound):
        async with tables.transaction() as tx:
            await approve(tx, ActId(UUID(int=7)), SECOND, NOW)


async def test_what_is_not_approved_is_not_done(tables: Database) -> None:
    with pytest.raises(Conflict):
        await do(tables)
    await asked(tables)
    with pytest.raises(Conflict):
        await do(tables)


async def test_what_was_denied_stays_denied(tables: Database) -> None:
    pending = await asked(tables)
    async with tables.transaction() as tx:
        await deny(tx, pending.id, SECOND, NOW)
    with pytest.raises(Conflict):
        async with tables.transaction() as tx:
            await approve(tx, pending.id, THIRD, NOW)
    with pytest.raises(Conflict):
        await do(tables)


async def test_an_approval_is_given_once(tables: Database) -> None:
    pending = await approved(tables)
    with pytest.raises(Conflict):
        async with tables.transaction() as tx:
            await approve(tx, pending.id, THIRD, NOW)


async def test_what_ran_out_is_neither_approved_nor_done(tables: Database) -> None:
    pending = await asked(tables)
    with pytest.raises(Conflict):
        async with tables.transaction() as tx:
            await approve(tx, pending.id, SECOND, NOW + timedelta(days=2))
    async with tables.transaction() as tx:
        await approve(tx, pending.id, SECOND, NOW)
    with pytest.raises(Conflict):
        await do(tables, now=NOW + timedelta(days=2))


async def test_what_ran_out_can_be_asked_for_again(tables: Database) -> None:
    first = await asked(tables)
    again = await asked(tables, now=NOW + timedelta(days=2))
    assert again.id != first.id


async def test_the_same_is_not_asked_for_twice_at_a_time(tables: Database) -> None:
    await asked(tables)
    with pytest.raises(Conflict):
        await asked(tables, THIRD)


@pytest.mark.parametrize("detail", [{"until": "2027-06-10", "plan": "P-1"}, {"until": "2026-06-10"}, {}])
async def test_nothing_else_is_done_than_was_approved(tables: Database, detail: dict[str, object]) -> None:
    await approved(tables)
    with pytest.raises(Conflict, match="not what was approved"):
        await do(tables, detail=detail)


@pytest.mark.parametrize("changes", [{"subject": "ticket-2"}, {"act": "unlock"}])
async def test_an_approval_is_good_for_one_act_on_one_subject(tables: Database, changes: dict[str, Any]) -> None:
    await approved(tables)
    with pytest.raises(Conflict):
        await do(tables, **changes)


async def test_a_third_person_does_not_do_it(tables: Database) -> None:
    await approved(tables)
    with pytest.raises(Forbidden) as refused:
        await do(tables, THIRD)
    assert refused.value.reason == "third-person"


@pytest.mark.parametrize("days", [0, -1, 15])
async def test_nothing_waits_for_ever(tables: Database, days: int) -> None:
    with pytest.raises(Rejected):
        await asked(tables, valid_for=timedelta(days=days))


def test_two_people_are_two_people() -> None:
    assert not same_person("p-1", "p-2")
