"""Events of the citizen's side beyond the plain answer: leaving out of the rates, a wish to reopen, early warning.

All are stated by notify. As in `shared.events`, none holds a name, an address or anybody's words.
"""

from datetime import datetime
from typing import ClassVar

from shared.event import Event as Event
from shared.terms import AlertKind, ExclusionReason, TicketId


class ReopenAsked(Event):
    """The citizen came back through the link of a closed matter: it is to be handled again."""

    type: ClassVar[str] = "org.griddispatch.followup.reopen-asked.v1"
    cycle: int


class ExclusionRequested(Event):
    """A unit asks to leave a judged cycle out of its rates 剔除; a panel outside the unit decides by `decide_by`."""

    type: ClassVar[str] = "org.griddispatch.exclusion.requested.v1"
    cycle: int
    unit: str
    reason: ExclusionReason
    decide_by: datetime


class ExclusionDecided(Event):
    """The panel decided, or its time is over (`lapsed`). `sampled`: a supervisor is to look at it again."""

    type: ClassVar[str] = "org.griddispatch.exclusion.decided.v1"
    cycle: int
    unit: str
    granted: bool
    lapsed: bool = False
    sampled: bool = False


class ExclusionChecked(Event):
    """A supervisor looked at a granted exclusion; not `upheld`, the judgement counts again."""

    type: ClassVar[str] = "org.griddispatch.exclusion.checked.v1"
    cycle: int
    unit: str
    upheld: bool


class SurgeAlert(Event):
    """Something gathers 风险预警: `count` matters of one group of categories where `threshold` is remarkable.

    The story is the alert's own. `concerns` is the ticket of a single critical matter.
    """

    type: ClassVar[str] = "org.griddispatch.surge.alerted.v1"
    kind: AlertKind
    category: str
    township: str | None = None
    grids: tuple[str, ...] = ()
    window_start: datetime
    window_end: datetime
    count: int
    threshold: int
    playbook: str
    to: str
    concerns: TicketId | None = None


NOTIFY_EVENT_TYPES = frozenset(
    model.type for model in (ReopenAsked, ExclusionRequested, ExclusionDecided, ExclusionChecked, SurgeAlert)
)
"""The names of these types: notify states them all, on `tickets-notify`."""
