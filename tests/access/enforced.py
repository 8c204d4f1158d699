"""The three services as they run in production, in one process: callers say who they are, and each sees their own area."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from griddispatch.openapi import SERVICES as DESCRIBED
from services.dispatch.app import build as build_dispatch
from services.dispatch.app import read_area
from services.dispatch.decisions import Decider
from services.dispatch.handlers import decide_on_events
from services.dispatch.settings import DispatchSettings
from services.intake.app import build as build_intake
from services.intake.settings import IntakeSettings
from services.notify.app import build as build_notify
from services.notify.settings import NotifySettings
from shared.api_keys import ApiKey, Pepper, lookup_of, new_key_text
from shared.assembly import Assembly
from shared.audit import Entry
from shared.clock import utc_now
from shared.database import Database, connect
from shared.events import Envelope, event_id
from shared.gatekeeper import Gatekeeper
from shared.health import Readiness
from shared.key_store import insert_key
from shared.ledger import Ledger
from shared.permissions import Locate, Permissions, read_permissions
from shared.terms import Source, TicketId
from tests.access.provider import AUDIENCE, LoginProvider, claims, rs256
from tests.access.values import COUNTY, OTHER_COUNTY, PEPPER_TEXT, ROLES_FILE
from tests.builders import AREA, GRID, PACK, PATIENT, TUESDAY_MORNING, rulebook, triaged
from tests.conftest import TestDatabase
from tests.services.intake.desk import KEYS, report

TOWN, OTHER_TOWN = "990101001", "990101002"
AREAS = (COUNTY, TOWN, OTHER_TOWN, OTHER_COUNTY)
PROGRAMS = ("hotline", "integrator", "unit_system")
ELSEWHERE = "discipline:990102"
BASE = "http://county.example"
_API = frozenset({"api"})


_heard: ContextVar[list[Entry]] = ContextVar("heard")


@contextmanager
def hearing() -> Iterator[list[Entry]]:
    """Inside, what the guards say of this task's own requests is in the list."""
    before = _heard.set([])
    try:
        yield _heard.get()
    finally:
        _heard.reset(before)


async def _leave_early(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask as somebody who hangs up as soon as the answer begins: a stream ends with that."""
    begun, is_read, is_over = asyncio.Event(), False, False

    async def sent(message: Message) -> None:
        nonlocal is_over
        is_over = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)
        begun.set()

    async def received() -> Message:
        nonlocal is_read
        if not is_read:
            message = await receive()
            is_read = not message.get("more_body", False)
            return message
        await begun.wait()
        return {"type": "http.disconnect"}

    await app(scope, received, sent)
    if not is_over:
        await send({"type": "http.response.body"})


class Overheard(Assembly):
    """A service whose guard can be listened to: what it writes down, whoever asked hears at once."""

    def make_gatekeeper(self, database: Database, places: Mapping[str, Locate]) -> Gatekeeper:
        """The guard as ever, with a listener beside its log."""
        keeper = super().make_gatekeeper(database, places)
        written_down = keeper.access.note

        def note(entry: Entry) -> None:
            _heard.get([]).append(entry)
            written_down(entry)

        keeper.access = replace(keeper.access, note=note)
        return keeper


@dataclass
class World:
    """What a test holds: a client of each service, who may call them, and the ids of what is there."""

    http: Mapping[str, httpx.AsyncClient]
    assemblies: Mapping[str, Overheard]
    login: LoginProvider
    permissions: Permissions
    database: TestDatabase
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    _tokens: dict[tuple[str, str, str, str], str] = field(default_factory=dict)

    def credential(self, role: str, area: str, unit: str = "", person: str = "p-17") -> str:
        """What somebody in this role and area shows: a key, if the role is a program's, else a token."""
        if role in PROGRAMS:
            return self.keys[role, area]
        wanted = (role, area, unit, person)
        if wanted not in self._tokens:
            now = int(time.time())
            said = claims(
                iss=self.login.url, sub=person, roles=[role], jurisdiction=area, unit=unit or None, iat=now - 5,
                exp=now + 3600, nbf=None,
            )  # fmt: skip
            self._tokens[wanted] = rs256(said)
        return self._tokens[wanted]

    def shown(self, role: str, area: str, unit: str = "", person: str = "p-17") -> dict[str, str]:
        """The header of such a caller."""
        return {"Authorization": f"Bearer {self.credential(role, area, unit, person)}"}

    def filled(self, text: str) -> str:
        """A text with `<ticket_id>` and its like put in."""
        for name, known in self.ids.items():
            text = text.replace(f"<{name}>", known)
        return text

    async def rows(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Look at everything, as nobody in the product can."""
        conn = await asyncpg.connect(self.database.superuser_dsn)
        try:
            return await conn.fetch(sql, *args)
        finally:
            await conn.close()

    async def written(self, service: str) -> list[asyncpg.Record]:
        """What the service's audit log says, in the order of its chains."""
        keeper = self.assemblies[service].gatekeeper
        assert keeper is not None
        await keeper.trail.flush()
        return await self.rows(f"SELECT entry::json AS entry FROM {service}.audit ORDER BY chain, place")


def settings(database: TestDatabase, login: LoginProvider, service: str) -> dict[str, Any]:
    """What is said to a service in production, on this machine."""
    return {
        "_env_file": None, "database_dsn": database.dsn(service), "kafka_bootstrap": "127.0.0.1:1", "pack": PACK,
        "area": AREA, "access": "enforced", "roles": ROLES_FILE, "key_pepper": PEPPER_TEXT, "tls_terminated": True,
        "oidc_issuer": login.url, "oidc_audience": AUDIENCE, "person_quota": 1_000_000, "refused_quota": 1_000_000,
        "instance": "enforced",
    }  # fmt: skip


@asynccontextmanager
async def open_world(database: TestDatabase, login: LoginProvider) -> AsyncIterator[World]:
    """The services with keys for every program, and a matter in one township of the county."""
    keys = await _insert_keys(database)
    assemblies = {
        "intake": await build_intake(
            IntakeSettings(**settings(database, login, "intake"), vault_keys=KEYS), _API, Overheard
        ),
        "dispatch": await build_dispatch(DispatchSettings(**settings(database, login, "dispatch")), _API, Overheard),
        "notify": await build_notify(
            NotifySettings(**settings(database, login, "notify"), subscription_keys=KEYS), _API, Overheard
        ),
    }
    overheard = {name: one for name, one in assemblies.items() if isinstance(one, Overheard)}
    for guarded in overheard.values():
        guarded.finish(Readiness({}))
    http = {
        name: httpx.AsyncClient(
            transport=httpx.ASGITransport(partial(_leave_early, one.app), client=("192.0.2.7", 4711)),
            base_url=BASE,
            timeout=60,
        )
        for name, one in assemblies.items()
    }
    world = World(http, overheard, login, read_permissions(ROLES_FILE), database, keys)
    try:
        await _furnish(world)
        yield world
    finally:
        for client in http.values():
            await client.aclose()
        for assembly in assemblies.values():
            await assembly.close()


async def _insert_keys(database: TestDatabase) -> dict[tuple[str, str], str]:
    pepper, now, permissions = Pepper(PEPPER_TEXT.encode()), utc_now(), read_permissions(ROLES_FILE)
    keys = {(role, area): new_key_text() for role in PROGRAMS for area in AREAS}
    for service in DESCRIBED:
        tables = await connect(database.dsn(service), size=1, application="test-keys", patience=PATIENT)
        async with tables.transaction() as tx:
            for (role, area), text in keys.items():
                kept = ApiKey(
                    lookup_of(text), f"{role}-{area}", pepper.digest(text), role, permissions.scopes_of(role), area,
                    frozenset({"hotline"}), f"grid:{GRID}" if role == "unit_system" else None, 1_000_000, now,
                    now + timedelta(days=30),
                )  # fmt: skip
                await insert_key(tx, kept)
        await tables.close()
    return keys


async def _furnish(world: World) -> None:
    """A ticket in the first township, known to all three; a lead, a suggestion to merge and an incident about it."""
    hotline = world.shown("hotline", COUNTY)
    ids = []
    for n in (1, 2):
        taken = await world.http["intake"].post("/v1/tickets", json=report(n), headers=hotline)
        assert taken.status_code == 201, taken.text
        ids.append(taken.json()["ticket_id"])
    world.ids |= {"ticket_id": ids[0], "other_ticket": ids[1], "cycle": "1"}
    await world.rows(
        "UPDATE intake.ticket SET grid = $2, village = $3, township = $4 WHERE id = ANY($1::uuid[])", ids, GRID,
        GRID[:12], TOWN,
    )  # fmt: skip
    world.ids["assignment_id"], world.ids["unit"] = await _dispatch(world, TicketId(UUID(ids[0])))
    await world.rows(
        "INSERT INTO intake.share (assignment_id, ticket_id, unit) VALUES ($1, $2, $3)",
        UUID(world.ids["assignment_id"]), UUID(ids[0]), world.ids["unit"],
    )  # fmt: skip
    lead = await world.http["intake"].post(
        "/v1/leads", json={"kind": "DISCIPLINE", "level": "VILLAGE", "text": "线索", "township": TOWN,
                           "village": GRID[:12]},
        headers=world.shown("talk_recorder", COUNTY),
    )  # fmt: skip
    assert lead.status_code == 201, lead.text
    world.ids["lead_id"] = lead.json()["lead_id"]
    await _listen(world)
    rows = await world.rows(_MERGES, UUID(ids[1]), UUID(ids[0]), TUESDAY_MORNING)
    world.ids |= {"suggestion_id": str(rows[0]["suggestion"]), "incident_id": str(rows[0]["incident"])}
    doc = f'{{"township": "{TOWN}", "grid": "{GRID}", "cycles": [{{"n": 1, "unit": "{world.ids["unit"]}"}}]}}'
    await world.rows("INSERT INTO notify.ticket_record (ticket_id, doc) VALUES ($1, $2)", UUID(ids[0]), doc)
    await world.rows(_FOLLOW_UP, UUID(ids[0]), TUESDAY_MORNING)


async def _listen(world: World) -> None:
    """A session of the ticket's unit with something brought up, an act that waits for a second person, an alert."""
    intake, recorder = world.http["intake"], world.shown("talk_recorder", COUNTY)
    session = {
        "kind": "EVENING_TALK", "unit": world.ids["unit"], "external_id": "s-1", "township": TOWN,
        "held_at": TUESDAY_MORNING.isoformat(), "village": GRID[:12],
    }  # fmt: skip
    opened = await intake.post("/v1/listening/sessions", json=session, headers=recorder)
    world.ids["session_id"] = opened.json()["session_id"]
    brought_up = f"/v1/listening/sessions/{world.ids['session_id']}/items"
    item = await intake.post(brought_up, json={"text": "路灯不亮", "theme": "1501"}, headers=recorder)
    world.ids["item_id"] = item.json()["item_id"]
    asked = await intake.post(
        f"/v1/tickets/{world.ids['ticket_id']}/unlocking", json={"purpose": "核实"},
        headers=world.shown("dispatcher", COUNTY, person="p-asks"),
    )  # fmt: skip
    world.ids["act_id"] = asked.json()["act_id"]
    (alert,) = await world.rows(_ALERT, TOWN, TUESDAY_MORNING, TUESDAY_MORNING + timedelta(hours=1), utc_now())
    world.ids["alert_id"] = str(alert["id"])


async def _dispatch(world: World, ticket_id: TicketId) -> tuple[str, str]:
    """Let dispatch take the ticket on; its first assignment and whose it is."""
    tables = await connect(world.database.dsn("dispatch"), size=1, application="test-dispatch", patience=PATIENT)
    org, _ = read_area(DispatchSettings(**settings(world.database, world.login, "dispatch")))
    decider = Decider(Ledger(Source.DISPATCH, lambda: None), rulebook(), org, lambda: TUESDAY_MORNING)
    envelope = Envelope(
        event_id(Source.INTAKE, ticket_id, 1), Source.INTAKE, ticket_id, 1, TUESDAY_MORNING, triaged()
    )  # fmt: skip
    async with tables.transaction() as tx:
        await decide_on_events(decider)(tx, [envelope])
    await tables.close()
    (row,) = await world.rows("SELECT id, unit FROM dispatch.assignment WHERE ticket_id = $1", ticket_id)
    return str(row["id"]), row["unit"]


_MERGES = """
WITH made AS (
    INSERT INTO intake.merge_suggestion (ticket_id, into_ticket, rule, likeness, suggested_at)
    VALUES ($1, $2, 'test', 0.9, $3) RETURNING id
), opened AS (
    INSERT INTO intake.incident (id, main_ticket, opened_at) VALUES (gen_random_uuid(), $2, $3) RETURNING id
)
SELECT made.id AS suggestion, opened.id AS incident FROM made, opened
"""
_ALERT = """
INSERT INTO notify.alert (id, kind, grp, place, window_start, window_end, n, threshold, grids, playbook, told, given_at)
VALUES (gen_random_uuid(), 'SPIKE', '1501', $1, $2, $3, 9, 5, '{}', 'spike', 'command-centre', $4) RETURNING id
"""
_FOLLOW_UP = """
INSERT INTO notify.follow_up (ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at, next_at)
VALUES ($1, 1, '99010126031010000010', 'hotline', false, 'test', 'OPEN', 0, '{}', $2, $2)
"""
