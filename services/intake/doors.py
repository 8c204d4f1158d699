"""What both HTTP doors have in common: bytes to a report, a report to an answer, and a reason for every refusal."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.core.report import read_report
from services.intake.receive import Incoming, Received, Receiver
from shared import telemetry
from shared.acting import acting, everywhere
from shared.actors import covers
from shared.database import Database
from shared.errors import Malformed, Problem, Rejected
from shared.strict_json import DEFAULT_LIMITS, Limits

OPEN311 = "open311"
"""Its clients have names of their own, by their keys."""
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
        self._check_sender(ticket.source, door)
        return Incoming(ticket, key, traceparent)

    def _check_sender(self, source: str, door: str) -> None:
        """Raises Refusal for a report under a name that is not the sender's, or from where the county is not."""
        sender, county = acting().actor, self.receiver.county
        if not sender.may_post_as(source) and door != OPEN311:
            telemetry.REPORTS_REJECTED.labels(door=door).inc()
            problem = Problem("source", "other_source", "is not among the sources this key may post as")
            raise Refusal(403, "other-source", "This key may not post under that source.", (problem,))
        if sender.jurisdiction and not (covers(sender.jurisdiction, county) or covers(county, sender.jurisdiction)):
            telemetry.REPORTS_REJECTED.labels(door=door).inc()
            raise Refusal(403, "other-area", "This key is of another area.")

    async def receive(self, reports: Sequence[Incoming], door: str) -> list[Received]:
        """Take the reports in; durable when this returns. Raises InFlight and Unavailable.

        Repeats and what belongs together are looked for everywhere, whatever the sender may see.
        """
        with everywhere():
            return await self._receive(reports, door)

    async def _receive(self, reports: Sequence[Incoming], door: str) -> list[Received]:
        async with self.database.transaction() as tx:
            return await self.receiver.receive(tx, reports, door=door)
