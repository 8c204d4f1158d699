"""What the Open311 door does behind its routes: services, who may post, the report in a form, the tickets that fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from fastapi import Request
from starlette.datastructures import QueryParams

from services.intake import open311_store
from services.intake.bodies import idempotency_key, traceparent
from services.intake.core.location import Gazetteer
from services.intake.core.open311 import Catalogue, catalogue_of
from services.intake.core.open311_form import Form, read_form, report_of
from services.intake.core.open311_query import ById, Search
from services.intake.core.open311_view import Shown, Spot, request_document, spots_of
from services.intake.core.tables import Table
from services.intake.core.triage import TriageRules
from services.intake.doors import Doors, Refusal
from services.intake.open311_keys import KeyRing, OpenOnLoopback
from services.intake.open311_xml import MEDIA_TYPES, Document
from services.intake.receive import Received
from shared import telemetry
from shared.clock import Clock
from shared.errors import Rejected

PATH = "/open311/v2"
DOOR = "open311"

_CHANGED = "2026-11-22T00:00:00Z"
"""When the discovery document last became another one."""

_CONTACT = "请联系县社会治理指挥中心 / Ask the county's command centre"


@dataclass(frozen=True, slots=True)
class Open311:
    """What the door knows beside the doors: its jurisdiction, services and places, who may post, and how it is reached.

    Without an Idempotency-Key the same form from the same client within `repeat_window` is the same ticket. Tickets on
    which one of `hidden_rules` fired are never listed. `public_url` is how others reach `/open311/v2`, if not by the
    address they used.
    """

    jurisdiction: str
    catalogue: Catalogue
    spots: Mapping[str, Spot]
    hidden_rules: tuple[str, ...]
    keys: KeyRing
    public_url: str = ""
    repeat_window: timedelta = timedelta(minutes=10)


def open311_of(
    rules: TriageRules, gazetteer: Gazetteer, keys: KeyRing, triage: Table, asked: Table | None = None,
    public_url: str = "",
) -> Open311:  # fmt: skip
    """Put together from what a pack and an area say; `triage` and `asked` are its parsed triage.toml and open311.toml.

    Raises `InvalidRules` with every fault of `asked`.
    """
    hidden = tuple(rule.id for rule in rules.urgency if rule.lead is not None)
    catalogue = catalogue_of(rules.tree, triage, asked)
    return Open311(gazetteer.county, catalogue, spots_of(gazetteer), hidden, keys, public_url)


@dataclass(frozen=True, slots=True)
class Desk:
    """The door's work behind its routes."""

    doors: Doors
    open311: Open311
    now: Clock

    def check_jurisdiction(self, parameters: QueryParams | Mapping[str, str]) -> None:
        """Refuse another jurisdiction's id; there is only one, so none need be given."""
        if parameters.get("jurisdiction_id") not in (None, "", self.open311.jurisdiction):
            raise not_found("jurisdiction_id")

    def discovery(self, request: Request) -> dict[str, object]:
        """The discovery document."""
        endpoint = {
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": self.open311.public_url or str(request.url.replace(path=PATH, query="")),
            "changeset": _CHANGED,
            "type": "test" if isinstance(self.open311.keys, OpenOnLoopback) else "production",
            "formats": [media_type.partition(";")[0] for media_type in MEDIA_TYPES.values()],
        }
        return {"changeset": _CHANGED, "contact": _CONTACT, "key_service": _CONTACT, "endpoints": [endpoint]}

    async def post(self, request: Request, body: bytes) -> Received:
        """Take a form in, as every report is taken. Raises Refusal, Rejected and Unavailable."""
        try:
            form = read_form(body)
            self.check_jurisdiction(form.fields)
            source = self._source(request, form)
            report = orjson.dumps(report_of(form, self.open311.catalogue, source))
        except Rejected:
            telemetry.REPORTS_REJECTED.labels(door=DOOR).inc()
            raise
        key = idempotency_key(request) or await self._repeat_key(source, form, self.now())
        incoming = self.doors.read(report, key, traceparent(request), DOOR)
        (received,) = await self.doors.receive([incoming], DOOR)
        return received

    def _source(self, request: Request, form: Form) -> str:
        peer = request.client.host if request.client else None
        key = form.fields.get("api_key")
        client = self.open311.keys.client_of(self.open311.jurisdiction, key, peer)
        if client is None:
            said = "Missing api_key" if key is None else "Invalid api_key received"
            raise Refusal(403, "api_key", f"{said}: the request cannot be created.")
        return f"open311.{client}"

    async def _repeat_key(self, source: str, form: Form, now: datetime) -> str:
        """The key under which the same form was handed in within the window, or a new one.

        The key names the window's number; a repeat that falls into the next one is found by looking back. The blanks
        keep it apart from every key that HTTP may bring.
        """
        window = self.open311.repeat_window
        number, digest = int(now.timestamp() // window.total_seconds()), form.digest()
        earlier = f"{DOOR} {number - 1} {digest}"
        if await open311_store.is_recent(self.doors.database, source, earlier, now - window):
            return earlier
        return f"{DOOR} {number} {digest}"

    async def find(self, search: ById | Search) -> list[Shown]:
        """The tickets that fit."""
        if isinstance(search, ById):
            return await open311_store.read_requests(self.doors.database, search.numbers, self.open311.hidden_rules)
        return await open311_store.list_requests(self.doors.database, search, self.open311.hidden_rules)

    def requests(self, tickets: list[Shown]) -> Document:
        """The document of these tickets."""
        shown = [request_document(ticket, self.open311.catalogue, self.open311.spots) for ticket in tickets]
        return Document("service_requests", shown)


def not_found(what: str) -> Refusal:
    """A refusal that says what is not here."""
    return Refusal(404, "not_found", f"{what} was not found.")
