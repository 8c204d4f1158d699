"""One rule pack and one area, read as the services read them: what happens to a matter there, without any service."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from services.dispatch.core.opening import open_case
from services.dispatch.core.org import Org
from services.dispatch.core.org_files import ORG_FILES, leaf_codes, load_org_files
from services.dispatch.core.rulebook import Rulebook, load_pack_rules
from services.dispatch.core.story import Decision
from services.intake.core.location import Gazetteer, Location
from services.intake.core.triage import Fired, Matter, Models, Triage, TriageRules, triage
from services.intake.core.triage_rules import read_rules
from services.intake.models import read_models
from shared.errors import Rejected
from shared.events import TicketTriaged
from shared.packs import Pack, PackRefused, open_pack
from shared.terms import Channel, TicketId, Urgency

T = TypeVar("T")

TRIAGE_FILES: Final = ("triage.toml", "categories.toml")
DISPATCH_FILES: Final = ("dispatch.toml", "categories.toml", "calendar.toml")
TICKET: Final = TicketId(UUID(int=1))
"""Whose ticket is made up here. Every one has this id: nothing in a decision but ids of assignments follows from it."""


class DeskRefused(ValueError):
    """A pack or an area that cannot be used; `problems` lists what is wrong, led by file and line where known."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Desk:
    """Everything that judges a matter and takes it on. Judging is pure; it blocks for some hundred microseconds."""

    pack: str
    judges_by: str
    """Digest of all that judges: two desks with the same one judge every matter alike."""
    rules: TriageRules
    models: Models
    book: Rulebook
    org: Org


@dataclass(frozen=True, slots=True)
class Recorded:
    """A matter as it came in; `line` is where it stood in its file, `urgency` what the hotline called it."""

    matter: Matter
    accepted_at: datetime
    channel: Channel = Channel.PHONE
    urgency: Urgency | None = None
    confidential: bool = False
    line: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A matter that was judged and taken on: where it is, what it is, what was decided."""

    place: Location
    triage: Triage
    event: TicketTriaged
    decision: Decision


def read_gazetteer(area: Path) -> Gazetteer:
    """The grids of an area. Raises DeskRefused."""
    path = area / "grids.geojson"
    return _tried(lambda: Gazetteer.from_geojson(path.read_text(encoding="utf-8")), str(path))


def read_desk(pack: Path, area: Path) -> Desk:
    """A pack over an area. Raises DeskRefused with every problem of the pack, or else of the area."""
    opened = _tried(lambda: open_pack(pack, *dict.fromkeys((*TRIAGE_FILES, *DISPATCH_FILES))), str(pack))
    rules = _tried(lambda: opened.read(read_rules, *TRIAGE_FILES), str(pack))
    book = _tried(lambda: opened.read(load_pack_rules, *DISPATCH_FILES), str(pack))
    models = _tried(lambda: read_models(pack, rules.tree), str(pack))
    org = _tried(lambda: _org(opened, area), str(area))
    return Desk(book.pack, _digest(opened, models), rules, models, book, org)


def _digest(pack: Pack, models: Models) -> str:
    tables = [pack.tables[file] for file in TRIAGE_FILES]
    trained = [(model.trained_on, model.threshold, model.scale) for model in models if model is not None]
    return sha256(repr((tables, trained)).encode()).hexdigest()


def _org(pack: Pack, area: Path) -> Org:
    files = {name: (area / name).read_bytes() for name in ORG_FILES if (area / name).is_file()}
    return load_org_files(files, pack.read(leaf_codes, "categories.toml"))


def _tried(read: Callable[[], T], where: str) -> T:
    try:
        return read()
    except (PackRefused, Rejected, ValueError, OSError) as error:
        found = getattr(error, "problems", None) or [error]
        raise DeskRefused(*(f"{where}: {problem}" for problem in found)) from error


def judge(desk: Desk, recorded: Recorded, place: Location) -> Triage:
    """What the matter is. The hotline's urgency goes before the words', but never below its category's floor."""
    verdict = triage(recorded.matter, desk.rules, place, desk.models)
    if recorded.urgency is None:
        return verdict
    floor = desk.rules.tree.leaves[verdict.category].floor
    words = {rule.id for rule in desk.rules.urgency}
    kept = tuple(fired for fired in verdict.rules if fired.rule not in words and fired.rule != "floor.category")
    fired = [Fired("given.urgency", (recorded.urgency,))]
    if floor < recorded.urgency:
        fired.append(Fired("floor.category", (verdict.category, floor)))
    return replace(verdict, urgency=min(floor, recorded.urgency), rules=(*kept, *fired))


def stated(desk: Desk, recorded: Recorded, place: Location, verdict: Triage) -> TicketTriaged:
    """The verdict as intake states it."""
    return TicketTriaged(
        ticket_no="", source="desk", channel=recorded.channel, accepted_at=recorded.accepted_at,
        ticket_type=verdict.ticket_type, category=verdict.category, urgency=verdict.urgency,
        confidence=verdict.confidence, place_level=place.level, county=place.county, township=place.township,
        village=place.village, grid=place.grid, also_grids=place.also, confidential=recorded.confidential,
        rules=(f"place.{place.reason}", *(fired.rule for fired in verdict.rules)), rule_pack=desk.rules.version,
    )  # fmt: skip


def take_on(desk: Desk, recorded: Recorded, place: Location, verdict: Triage) -> Opened:
    """The first decision on a matter, at the instant at which it came in."""
    event = stated(desk, recorded, place, verdict)
    return Opened(place, verdict, event, opening(desk, event))


def opening(desk: Desk, event: TicketTriaged) -> Decision:
    """What dispatch decides when it hears of a matter."""
    return open_case(TICKET, event, desk.book, desk.org, event.accepted_at)
