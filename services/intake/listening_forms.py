"""What the listening desk may be told, read strictly: the forms of HTTP and of the spreadsheet alike."""

from datetime import UTC, date
from itertools import pairwise
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from services.intake.core.report import Reporter
from services.intake.forms import SOMETHING, Form
from services.intake.listening import Told
from services.intake.listening_store import Session
from services.intake.vault import OriginalWords
from shared.terms import SessionId, SessionKind

Words = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True), SOMETHING]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True), SOMETHING]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$")]
Lon = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]


class SessionForm(Form):
    """A session: of what kind, whose, when and where. `external_id` is the unit's own: the same again is the same."""

    kind: SessionKind
    unit: Id
    external_id: Id
    held_at: AwareDatetime
    township: Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")] | None = None
    village: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] | None = None
    grid: Annotated[str, StringConstraints(pattern=r"^[0-9]{15}$")] | None = None
    heads: Annotated[int, Field(ge=0, le=100_000)] = 0
    place: Line | None = None
    topic: Line | None = None

    @model_validator(mode="after")
    def _lies_in_itself(self) -> "SessionForm":
        codes = [code for code in (self.township, self.village, self.grid) if code is not None]
        if any(not inner.startswith(outer) for outer, inner in pairwise(codes)):
            raise ValueError("grid, village and township must lie in each other")
        if not 2000 <= self.held_at.year <= 2100:
            raise ValueError("held_at must be in a year between 2000 and 2100")
        return self

    def session(self, session_id: SessionId) -> Session:
        """The session that is meant."""
        return Session(
            session_id, self.kind, self.unit, self.held_at.astimezone(UTC), self.township, self.village, self.grid,
            self.heads,
        )  # fmt: skip

    def words(self) -> OriginalWords:
        """What is kept sealed of it."""
        return OriginalWords(self.topic, "", self.place)


class ItemForm(Form):
    """Something that was brought up, by whom if they said; what was only hinted at 隐性 belongs to the lead desk."""

    text: Words
    theme: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$"), Field(examples=["1501"])] | None = None
    lon: Lon | None = None
    lat: Lat | None = None
    address: Line | None = None
    name: Annotated[str, StringConstraints(max_length=50)] | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+\-* ]{1,32}$"), Field(examples=["13800138000"])] | None = (
        None
    )

    @model_validator(mode="after")
    def _point_is_whole(self) -> "ItemForm":
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat go together")
        return self

    def told(self) -> Told:
        """What is meant."""
        reporter = Reporter(self.name, self.phone) if self.name or self.phone else None
        point = (self.lon, self.lat) if self.lon is not None and self.lat is not None else None
        return Told(self.text, self.theme, point, self.address, reporter)


class SaidForm(Form):
    """What was answered, or done."""

    text: Words


class PromiseForm(SaidForm):
    """What was promised, and by which day."""

    due_on: date


class TicketForm(Form):
    """Whether the patrol has fixed it already 自办件."""

    self_fixed: bool = False
