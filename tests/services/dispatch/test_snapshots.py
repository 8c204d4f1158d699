"""The compacted topic's records: what the model says, as new as the events."""

from services.dispatch.app import snapshots
from shared.snapshot import TicketSnapshot
from tests.builders import GRID, ticket
from tests.conftest import TestDatabase
from tests.services.dispatch.desk import open_desk


async def test_a_snapshot_fits_its_model_and_follows_the_ticket(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        (first,) = await snapshots(desk.database)([ticket(1)])
        assert (first.topic, first.key) == ("tickets-state", str(ticket(1)).encode())
        state = TicketSnapshot.model_validate_json(first.value or b"", strict=False)
        assert (state.version, state.public_state, state.unit) == (1, "办理中", f"grid:{GRID}")
        await desk.work(1)
        (second,) = await snapshots(desk.database)([ticket(1)])
        assert TicketSnapshot.model_validate_json(second.value or b"").public_state == "待评价"


async def test_the_snapshot_has_every_field_of_its_model(database: TestDatabase) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        (record,) = await snapshots(desk.database)([ticket(1)])
        shown = TicketSnapshot.model_validate_json(record.value or b"")
        assert shown.model_fields_set == set(TicketSnapshot.model_fields)
