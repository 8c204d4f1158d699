"""How intake is put together: the only file that knows every other."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from services.intake import (
    citizen,
    citizen_page,
    cloudevents,
    incident_api,
    incident_store,
    lead_api,
    lead_store,
    listening_api,
    listening_store,
    open311,
    privacy_api,
    samples,
    store,
)
from services.intake.api import router
from services.intake.citizen import CitizenDesk
from services.intake.citizen_page import Page
from services.intake.core.incident_rules import IncidentRules, read_incident_rules
from services.intake.core.location import Gazetteer, Location
from services.intake.core.privacy import Retention
from services.intake.core.repeats import LOCAL
from services.intake.core.triage import NO_MODELS, Matter, Models, Triage, TriageRules, triage
from services.intake.core.triage_rules import read_rules
from services.intake.core.units_above import TABLES, read_units_above
from services.intake.doors import Doors
from services.intake.handlers import routes
from services.intake.incident_desk import IncidentDesk
from services.intake.leads import Leads
from services.intake.listening import Listening
from services.intake.merging import Merging
from services.intake.models import read_models
from services.intake.open311_desk import open311_of
from services.intake.open311_keys import HashedKeys, read_key_ring
from services.intake.open311_keys import KeyRing as OtherKeys
from services.intake.privacy import Privacy
from services.intake.ratings import ratings_of
from services.intake.receive import Receiver
from services.intake.relay_calls import relay_calls_of
from services.intake.retention import Eraser
from services.intake.settings import IntakeSettings
from services.intake.triage import Judge, TriageLoop
from services.intake.vault import Marks, Vault, lead_keys, ordinary_keys, read_keys
from shared.access_settings import Mode
from shared.assembly import Assembly, release
from shared.database import Database
from shared.errors import Rejected
from shared.key_store import KeyRing
from shared.packs import open_pack
from shared.permissions import Locate, Whereabouts
from shared.rate_limit import RateLimits
from shared.rounds import come_round
from shared.strict_json import Limits
from shared.terms import Source
from shared.topics import INTAKE
from shared.wake import Wake
from shared.workdays import Workdays, load_workdays

PARTS = ("api", "relay", "stream", "triage", "retention")


async def build(settings: IntakeSettings, parts: frozenset[str], make: type[Assembly] = Assembly) -> Assembly:
    """Everything wired. Raises ValueError with every problem of pack or area.

    Raises Unavailable without a database, NotMigrated without its tables; then nothing is left open.
    """
    gazetteer, rules = read_area(settings.area, settings.now().astimezone(LOCAL).date()), read_pack(settings.pack)
    incident_rules = read_incidents(settings.pack)
    assembly = make(settings, "intake", Source.INTAKE, parts)
    try:
        await _wire(assembly, settings, gazetteer, rules, incident_rules)
    except BaseException:
        await assembly.close()
        raise
    return assembly


async def _wire(
    assembly: Assembly, settings: IntakeSettings, gazetteer: Gazetteer, rules: TriageRules,
    incident_rules: IncidentRules,
) -> None:  # fmt: skip
    parts = assembly.parts
    ring = read_keys(settings.vault_keys.get_secret_value())
    vault, received = Vault(ordinary_keys(ring)), Wake()
    merging = Merging(incident_rules, Marks(ring))
    receiver = Receiver(assembly.ledger, vault, gazetteer.county, settings.now, received.ring, merging)
    leads = Leads(
        incident_rules.leads, vault, Vault(lead_keys(ring)), assembly.ledger, receiver, gazetteer.county,
        read_calendar(settings.pack),
    )  # fmt: skip
    listening = Listening(assembly.ledger, vault, Marks(ring), receiver)
    assembly.page_origins = settings.console_origins
    assembly.bodies = None  # every door of intake reads its bodies strictly itself, within limits of its own
    if "api" in parts:
        keeper = await assembly.add_gatekeeper(partial(locators, area=settings.area))
        database = await assembly.doors_database("api", settings.database_pool)
        calls = relay_calls_of(settings.relay_call_url, settings.relay_call_key.get_secret_value())
        lent = calls if settings.relay_call_url else None
        ratings = ratings_of(settings.notify_url, settings.notify_key.get_secret_value())
        asked = ratings if settings.notify_url else None
        privacy = Privacy(vault, Marks(ring), gazetteer.county, assembly.ledger, lent, asked)
        assembly.loop("relay-calls", calls.run)
        doors = Doors(database, receiver, Limits(max_bytes=settings.body_limit), settings.bulk_batch)
        assembly.app.include_router(router(doors, privacy, settings.now))
        assembly.app.include_router(privacy_api.router(database, privacy, settings.now))
        assembly.app.include_router(cloudevents.router(doors))
        incident_desk = IncidentDesk(merging, assembly.ledger, vault)
        assembly.app.include_router(incident_api.router(database, incident_desk, settings.now))
        assembly.app.include_router(lead_api.router(database, leads, settings.now, received.ring))
        citizens = CitizenDesk(database, assembly.ledger, vault, merging, settings.now)
        assembly.app.include_router(citizen.router(citizens))
        page = Page(citizens, RateLimits(), asked)
        assembly.app.include_router(citizen_page.router(page))
        assembly.loop("ratings", ratings.run)
        assembly.app.include_router(listening_api.router(database, listening, vault, settings.now))
        civic = open311_of(
            rules, gazetteer, open311_keys(settings, keeper.keys),
            open_pack(settings.pack, "triage.toml").tables["triage.toml"], public_url=settings.open311_url,
        )  # fmt: skip
        assembly.app.include_router(open311.router(doors, civic, settings.now))
        await assembly.add_reconciliation(gazetteer.county)
    if "stream" in parts:
        await assembly.add_stream("stream", routes(receiver, vault, settings.now, release()))
    if "triage" in parts:
        triage_database = await assembly.database("triage")
        judge = judge_by(rules, read_models(settings.pack, rules.tree))
        loop = TriageLoop(
            triage_database, assembly.ledger, vault, gazetteer, judge, rule_pack=rules.version, now=settings.now,
            wake=received, batch=settings.triage_batch, merging=merging, leads=leads,
        )  # fmt: skip
        assembly.loop("triage", loop.run)
        assembly.loop("leads", partial(come_round, "leads", leads.move_on, triage_database, settings.now))
        promises = await assembly.database("promises", 1)
        assembly.loop(
            "promises", partial(come_round, "promises", listening.turn_missed, promises, settings.now)
        )  # fmt: skip
    await _keep_up(assembly, settings)


async def _keep_up(assembly: Assembly, settings: IntakeSettings) -> None:
    """What works on without doors, streams and triage: forgetting in time, and publishing."""
    if "retention" in assembly.parts:
        eraser, kept = Eraser(retention_of(settings)), await assembly.database("retention", 1)
        assembly.loop("retention", partial(come_round, "retention", eraser.erase_due, kept, settings.now))
    if "relay" in assembly.parts:
        await assembly.add_relay(INTAKE)
        assembly.sample(samples.waiting(await assembly.database("samples", 1), settings.now))


def open311_keys(settings: IntakeSettings, kept: KeyRing | None) -> OtherKeys:
    """Who may post by Open311: the clients with API keys; without such keys those of the settings, if callers may say
    who they are as they like."""
    if kept is not None:
        return kept
    return read_key_ring(settings.open311_keys.get_secret_value()) if settings.access is Mode.OPEN else HashedKeys(())


def locators(database: Database, area: Path) -> Mapping[str, Locate]:
    """Where the things lie that routes name, and whose they are: the folder says which unit stands above which."""
    above = read_units(area)

    async def ticket(ticket_id: UUID | int) -> Whereabouts | None:
        return await store.place_of_ticket(database, UUID(int=int(ticket_id)), above)

    async def suggestion(suggestion_id: UUID | int) -> Whereabouts | None:
        return await incident_store.place_of_suggestion(database, int(suggestion_id) & incident_store.LARGEST_ID)

    async def incident(incident_id: UUID | int) -> Whereabouts | None:
        return await incident_store.place_of_incident(database, UUID(int=int(incident_id)))

    async def lead(lead_id: UUID | int) -> Whereabouts | None:
        return await lead_store.place_of_lead(database, UUID(int=int(lead_id)))

    async def session(session_id: UUID | int) -> Whereabouts | None:
        return await listening_store.place_of_session(database, UUID(int=int(session_id)))

    async def item(item_id: UUID | int) -> Whereabouts | None:
        return await listening_store.place_of_item(database, UUID(int=int(item_id)))

    async def act(act_id: UUID | int) -> Whereabouts | None:
        return await listening_store.place_of_act(database, UUID(int=int(act_id)))

    return {
        "ticket_id": ticket, "suggestion_id": suggestion, "incident_id": incident, "lead_id": lead,
        "session_id": session, "item_id": item, "act_id": act,
    }  # fmt: skip


def retention_of(settings: IntakeSettings) -> Retention:
    """For how long words are kept."""
    days = (settings.retention_identity_days, settings.retention_lead_days, settings.retention_talk_days)
    return Retention(*(timedelta(days=day) for day in days))


def judge_by(rules: TriageRules, models: Models = NO_MODELS) -> Judge:
    """Triage under one rule pack and its models."""

    def judge(matter: Matter, place: Location) -> Triage:
        return triage(matter, rules, place, models)

    return judge


def read_area(folder: Path, on: date | None = None) -> Gazetteer:
    """The county's grids of a day. Raises ValueError with every fault of the file, or when none is in force."""
    path = folder / "grids.geojson"
    try:
        return Gazetteer.from_geojson(path.read_text(encoding="utf-8"), on)
    except (OSError, Rejected) as error:
        raise ValueError(f"{path}: {error}") from error


def read_units(folder: Path) -> Mapping[str, str]:
    """Which of the county's units stands above which. Raises ValueError for a table that is none."""
    return {
        unit: above
        for path in (folder / name for name in TABLES) if path.exists()
        for unit, above in read_units_above(path.name, path.read_bytes()).items()
    }  # fmt: skip


def read_pack(folder: Path) -> TriageRules:
    """The pack's rules for triage. Raises ValueError with every fault of the files."""
    return open_pack(folder, *_PACK_FILES).read(read_rules, *_PACK_FILES)


def read_incidents(folder: Path) -> IncidentRules:
    """The pack's rules for what belongs together. Raises ValueError with every fault of the file."""
    return open_pack(folder, "incidents.toml").read(read_incident_rules, "incidents.toml")


def read_calendar(folder: Path) -> Workdays:
    """The pack's working days. Raises ValueError with every fault of the file."""
    return open_pack(folder, "calendar.toml").read(load_workdays, "calendar.toml")


_PACK_FILES = ("triage.toml", "categories.toml")
