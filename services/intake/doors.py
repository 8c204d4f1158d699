"""What both HTTP doors have in common: bytes to a report, a report to an answer, and a reason for every refusal."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.core.edge import DEFAULT_LIMITS, Limits
from services.intake.core.report import read_report
from services.intake.receive import Incoming, Received, Receiver
from shared import telemetry
from shared.database import Database
from shared.errors import Malformed, Problem, Rejected

_STATUS_OF_MALFORMED = {"body_too_large": 413}
_NO_KEY = Problem("external_id", "idempotency_missing", "must be given, or an Idempotency-Key with the request")


class Refusal(Exception):
    """Why a report was not taken: a status, a stable code, a title, and the problems behind it."""

    def __init__(self, status: int, code: str, title: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Doors:
    """Where reports come in over HTTP.

    `receipt_s` is how long a client may take to send one report, `silence_s` how long the bulk door waits for the other
    side to send or to read on.
    """

    database: Database
    receiver: Receiver
    limits: Limits = DEFAULT_LIMITS
    bulk_batch: int = 500
    receipt_s: float = 20.0
    silence_s: float = 30.0

    def read(self, body: bytes, key: str | None, traceparent: str | None, door: str) -> Incoming:
        """Bytes to a report with a key to find it by. Raises Refusal."""
        try:
            ticket = read_report(body, self.limits)
            if ticket.external_id is None and key is None:
                raise Refusal(400, "idempotency_missing", "The report has no key to know it again by.", (_NO_KEY,))
        except Malformed as error:
            telemetry.REPORTS_REJECTED.labels(door=door).inc()
            status = _STATUS_OF_MALFORMED.get(error.code, 400)
            raise Refusal(status, error.code, "The body cannot be read.", error.problems) from error
        except Rejected as error:
            telemetry.REPORTS_REJECTED.labels(door=door).inc()
            raise Refusal(422, "rejected", "The report is not acceptable.", error.problems) from error
        return Incoming(ticket, key, traceparent)

    async def receive(self, reports: Sequence[Incoming], door: str) -> list[Received]:
        """Take the reports in; durable when this returns. Raises InFlight and Unavailable."""
        async with self.database.transaction() as tx:
            return await self.receiver.receive(tx, reports, door=door)
