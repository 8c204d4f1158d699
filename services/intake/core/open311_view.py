"""What Open311 shows of a ticket: service, progress, a coarse place; never a citizen's words, name or point."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from services.intake.core.categories import UNCLASSIFIED
from services.intake.core.location import Gazetteer
from services.intake.core.open311 import Catalogue
from services.intake.core.open311_query import Status
from services.intake.core.progress import PublicState

_NOTES: Mapping[PublicState, str] = MappingProxyType(
    {
        PublicState.ACCEPTED: "已受理 / Accepted",
        PublicState.IN_HAND: "办理中 / In hand",
        PublicState.RESOLVED: "已办结 / Reported as solved",
        PublicState.AWAITING_EVALUATION: "待评价 / Waiting for the citizen's word",
        PublicState.CLOSED: "已结案 / Closed",
    }
)


@dataclass(frozen=True, slots=True)
class Spot:
    """An area's name, from the finest to the coarsest, and for grids a point inside it in WGS84 degrees."""

    name: str
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The columns of a ticket that may be shown; `withheld` says that nothing but its progress may."""

    ticket_id: UUID
    ticket_no: str
    public_state: PublicState
    received_at: datetime
    updated_at: datetime
    category: str | None
    township: str | None
    village: str | None
    grid: str | None
    withheld: bool


def spots_of(gazetteer: Gazetteer) -> Mapping[str, Spot]:
    """Every grid, village and township of the county by its code."""
    spots: dict[str, Spot] = {}
    for code, town in gazetteer.townships.items():
        spots[code] = Spot(f"{town.zh} / {town.en}")
    for code, village in gazetteer.villages.items():
        town = gazetteer.townships[code[:9]]
        spots[code] = Spot(f"{village.zh}，{town.zh} / {village.en}, {town.en}")
    for grid in gazetteer.grids:
        town, name, point = grid.township_name, grid.name, grid.shape.representative_point()
        spots[grid.code] = Spot(
            f"{name.zh}，{town.zh} / {name.en}, {town.en}", round(point.x, 5), round(point.y, 5)
        )  # fmt: skip
    return spots


def request_document(ticket: Shown, catalogue: Catalogue, spots: Mapping[str, Spot]) -> dict[str, object]:
    """A ticket as GeoReport v2 shows it. `lat` and `long` are the grid's own point, wherever in it the matter is."""
    code = None if ticket.withheld else ticket.grid or ticket.village or ticket.township
    spot = spots.get(code or "")
    service = None if ticket.withheld else catalogue.get(ticket.category or "", catalogue[UNCLASSIFIED])
    return {
        "service_request_id": ticket.ticket_no,
        "status": status_of(ticket.public_state).value,
        "status_notes": _NOTES[ticket.public_state],
        "service_name": service.name if service else None,
        "service_code": service.code if service else None,
        "description": None,
        "agency_responsible": None,
        "service_notice": None,
        "requested_datetime": None if ticket.withheld else w3_time(ticket.received_at),
        "updated_datetime": None if ticket.withheld else w3_time(ticket.updated_at),
        "expected_datetime": None,
        "address": spot.name if spot else None,
        "address_id": code,
        "zipcode": None,
        "lat": spot.lat if spot else None,
        "long": spot.lon if spot else None,
        "media_url": None,
    }


def status_of(state: PublicState) -> Status:
    """Closed when the loop is, not when the unit says it is done: the citizen has the last word."""
    return Status.CLOSED if state is PublicState.CLOSED else Status.OPEN


def w3_time(instant: datetime) -> str:
    """To the second, in UTC."""
    return instant.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"
