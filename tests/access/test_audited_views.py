"""Each look at a citizen's words stands in the audit log, under the name of whoever really looked."""

from uuid import UUID

from shared.audit import verify
from shared.database import connect
from tests.access.enforced import World
from tests.access.values import COUNTY
from tests.builders import PATIENT


async def test_a_view_is_written_down_under_the_callers_own_name(world: World) -> None:
    ticket_id = world.ids["ticket_id"]
    seen = await world.http["intake"].get(
        f"/v1/tickets/{ticket_id}/matter", params={"purpose": "核实地点", "viewer": "somebody-else"},
        headers=world.shown("dispatcher", COUNTY, person="p-viewer"),
    )  # fmt: skip
    assert seen.status_code == 200
    entries = [row["entry"] for row in await world.written("intake") if "p-viewer" in row["entry"]]
    assert any('"view_words"' in entry and ticket_id in entry for entry in entries)
    assert all("核实地点" not in entry for entry in entries), "a purpose may hold a citizen's words"
    views = await world.rows(
        "SELECT viewer, purpose FROM intake.vault_view WHERE ticket_id = $1 AND viewer LIKE '%p-viewer'",
        UUID(ticket_id),
    )
    assert [tuple(view) for view in views] == [("dispatcher:p-viewer", "核实地点")]


async def test_what_the_services_wrote_is_found_whole(world: World) -> None:
    for service in world.assemblies:
        await world.written(service)
        database = await connect(world.database.dsn(service), size=1, application="test-verify", patience=PATIENT)
        _, faults = await verify(database)
        await database.close()
        assert faults == []


async def test_a_quota_is_told_with_every_answer(world: World) -> None:
    answer = await world.http["dispatch"].get("/v1/overview", headers=world.shown("hotline", COUNTY))
    assert answer.headers["RateLimit-Policy"] == '"key";q=1000000;w=60'
    assert answer.headers["RateLimit"].startswith('"key";r=')
