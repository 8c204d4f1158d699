"""What is sent and what comes back: reports, receipts, refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is: a point in degrees of the datum `crs` (WGS84, GCJ02, BD09), an address, or area codes."""

    lon: float | None = None
    lat: float | None = None
    address: str | None = None
    crs: str = "WGS84"
    village_code: str | None = None
    township_code: str | None = None


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports, as far as they say."""

    name: str | None = None
    phone: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One matter. With `external_id`, your own id of it, a repeat is known for ever, also by another process."""

    source: str
    channel: str
    text: str
    external_id: str | None = None
    title: str | None = None
    ticket_type: str | None = None
    category: str | None = None
    confidential: bool = False
    exercise: bool = False
    vulnerable: bool = False
    answered_by: str | None = None
    reported_at: datetime | str | None = None
    location: Place | None = None
    reporter: Reporter | None = None
    extensions: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """As JSON wants it, without what was left out. Raises ValueError for an instant without a zone."""
        if isinstance(self.reported_at, datetime) and self.reported_at.tzinfo is None:
            raise ValueError("reported_at needs a zone")
        return _said(self)


def _said(value: Any) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for one in fields(value):
        part = getattr(value, one.name)
        if part is None or part is False or part == {} or (one.name == "crs" and value.lon is None):
            continue
        if isinstance(part, Place | Reporter):
            part = _said(part)
        said[one.name] = part.isoformat() if isinstance(part, datetime) else part
    return said


@dataclass(frozen=True, slots=True)
class Receipt:
    """The matter is durable. `replayed`: it had been before."""

    ticket_id: str
    ticket_no: str
    query_code: str
    received_at: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class TicketStatus:
    """How a matter stands."""

    ticket_id: str
    ticket_no: str
    state: str
    public_state: str
    updated_at: datetime
    view: Mapping[str, Any]
    """Everything that was answered."""


class HotlineError(Exception):
    """A matter was not handed in."""


class Refused(HotlineError):
    """It is wrong and stays wrong: mend it. `problems` names each field, with a code and a sentence."""

    def __init__(self, status: int, code: str, problems: tuple[Mapping[str, str], ...] = ()) -> None:
        sentences = [f"{p.get('field') or 'body'}: {p.get('message', p.get('code', ''))}" for p in problems]
        super().__init__("; ".join(sentences) or f"{status} {code}")
        self.status = status
        self.code = code
        self.problems = problems


class Unsettled(HotlineError):
    """No word came within the tries: it may have been taken or not. Send it again with the same `key`."""

    def __init__(self, reason: str, key: str | None = None) -> None:
        super().__init__(reason)
        self.key = key


Answer: TypeAlias = Receipt | Refused | Unsettled


def receipt_of(body: Mapping[str, Any], replayed: bool) -> Receipt:
    """Read what a door answered. Raises Unsettled when it is no receipt: somebody between has answered."""
    try:
        received_at = datetime.fromisoformat(body["received_at"])
        return Receipt(body["ticket_id"], body["ticket_no"], body["query_code"], received_at, replayed)
    except (KeyError, TypeError, ValueError) as error:
        raise Unsettled(f"the answer is no receipt: {error!r}") from error


def refusal_of(status: int, body: object) -> Refused:
    """Read a problem document, or a bulk door's line; something else leaves the status alone to speak."""
    if not isinstance(body, Mapping):
        return Refused(status, "unknown")
    code = body.get("code") or str(body.get("type", "unknown")).rpartition(":")[2]
    listed = body.get("problems")
    problems = tuple(p for p in listed if isinstance(p, Mapping)) if isinstance(listed, list) else ()
    return Refused(status, str(code), problems)
