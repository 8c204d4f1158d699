"""The checker's own table of legal steps, and folding dispatch's events into a ticket's state by it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.chaos.checker.stories import Seen

TICKET_EDGES = frozenset({
    (None, "DISPATCHED"), ("DISPATCHED", "DISPATCHED"), ("DISPATCHED", "NEED_INFO"), ("NEED_INFO", "DISPATCHED"),
    ("DISPATCHED", "HUNG"), ("HUNG", "DISPATCHED"), ("DISPATCHED", "RESOLVED"), ("RESOLVED", "DISPATCHED"),
    ("RESOLVED", "FOLLOWING_UP"), ("RESOLVED", "CLOSED"), ("FOLLOWING_UP", "CLOSED"), ("FOLLOWING_UP", "DISPATCHED"),
    ("CLOSED", "DISPATCHED"), ("NEED_INFO", "WITHDRAWN"), ("DISPATCHED", "WITHDRAWN"), ("HUNG", "WITHDRAWN"),
    ("RESOLVED", "WITHDRAWN"), ("FOLLOWING_UP", "WITHDRAWN"),
})  # fmt: skip
SHARE_EDGES = frozenset({
    (None, "PENDING_SIGN"), ("PENDING_SIGN", "SIGNED"), ("SIGNED", "HANDLING"), ("REWORK", "HANDLING"),
    ("HANDLING", "SUBMITTED"), ("SUBMITTED", "ACCEPTED_RESULT"), ("SUBMITTED", "REWORK"),
    ("PENDING_SIGN", "RETURN_REQUESTED"), ("SIGNED", "RETURN_REQUESTED"), ("HANDLING", "RETURN_REQUESTED"),
    ("RETURN_REQUESTED", "RETURNED"), ("RETURN_REQUESTED", "SIGNED"), ("RETURN_REQUESTED", "HANDLING"),
    ("PENDING_SIGN", "RECALLED"), ("SIGNED", "RECALLED"), ("HANDLING", "RECALLED"), ("REWORK", "RECALLED"),
    ("RETURN_REQUESTED", "RECALLED"), ("SUBMITTED", "RECALLED"), ("PENDING_SIGN", "WAIVED"), ("SIGNED", "WAIVED"),
    ("HANDLING", "WAIVED"), ("REWORK", "WAIVED"), ("RETURN_REQUESTED", "WAIVED"),
})  # fmt: skip
ENDED = frozenset({"ACCEPTED_RESULT", "RETURNED", "RECALLED", "WAIVED"})

_TICKET_STEPS = {
    "ticket.info-requested.v1": "NEED_INFO", "ticket.info-supplied.v1": "DISPATCHED", "ticket.hung.v1": "HUNG",
    "ticket.unhung.v1": "DISPATCHED", "ticket.resolved.v1": "RESOLVED", "ticket.closed.v1": "CLOSED",
    "ticket.reopened.v1": "DISPATCHED", "ticket.withdrawn.v1": "WITHDRAWN",
}  # fmt: skip
_SHARE_STEPS = {
    "ticket.signed.v1": "SIGNED", "ticket.contacted.v1": "HANDLING", "ticket.part-submitted.v1": "SUBMITTED",
    "ticket.resolved.v1": "SUBMITTED", "ticket.return-requested.v1": "RETURN_REQUESTED",
    "ticket.returned.v1": "RETURNED", "ticket.recalled.v1": "RECALLED", "ticket.support-waived.v1": "WAIVED",
}  # fmt: skip


@dataclass
class Folded:
    """A ticket as its events tell it. `leads` are lead assignments with the instants between which each was live."""

    state: str | None = None
    shares: dict[str, str] = field(default_factory=dict)
    leads: dict[str, list[float | None]] = field(default_factory=dict)
    illegal: list[str] = field(default_factory=list)
    two_leads: list[str] = field(default_factory=list)

    @property
    def live_leads(self) -> list[str]:
        """Leads that have not ended."""
        return [lead for lead, (_, end) in self.leads.items() if end is None]


def fold(story: Iterable[Seen]) -> Folded:
    """Fold one ticket's events, in the order of their versions."""
    folded = Folded()
    for event in story:
        _assignments(folded, event)
        _ticket(folded, event)
    return folded


def _assignments(folded: Folded, event: Seen) -> None:
    share = event.body.get("assignment_id")
    if event.type in ("ticket.assigned.v1", "ticket.redispatched.v1"):
        _share(folded, str(share), "PENDING_SIGN", event)
        if event.body["kind"] == "LEAD":
            folded.leads[str(share)] = [event.time.timestamp(), None]
            if len(folded.live_leads) > 1:
                folded.two_leads.append(f"version {event.version}: {', '.join(folded.live_leads)}")
    elif event.type == "ticket.return-refused.v1" and share is not None:
        folded.shares[share] = "SIGNED" if folded.shares.get(share) == "RETURN_REQUESTED" else "HANDLING"
    elif event.type == "ticket.reworked.v1" and share is not None:
        _share(folded, share, "REWORK", event)
    elif event.type == "ticket.audited.v1":
        for name, state in folded.shares.items():
            if state == "SUBMITTED":
                _share(folded, name, "ACCEPTED_RESULT", event)
    elif event.type in _SHARE_STEPS and share is not None:
        after = _SHARE_STEPS[event.type]
        if not (after == "HANDLING" and folded.shares.get(share) == "HANDLING"):
            _share(folded, share, after, event)


def _share(folded: Folded, share: str, after: str, event: Seen) -> None:
    before = folded.shares.get(share)
    if (before, after) not in SHARE_EDGES and after != before:
        folded.illegal.append(f"version {event.version}: assignment {share} {before} -> {after}")
    folded.shares[share] = after
    if after in ENDED and share in folded.leads:
        folded.leads[share][1] = event.time.timestamp()


def _ticket(folded: Folded, event: Seen) -> None:
    after: str | None = _TICKET_STEPS.get(event.type)
    if event.type in ("ticket.assigned.v1", "ticket.redispatched.v1") and event.body["kind"] == "LEAD":
        after = "DISPATCHED"
    elif event.type == "ticket.audited.v1" and event.body["follow_up"]:
        after = "FOLLOWING_UP"
    elif event.type == "ticket.reworked.v1" and folded.state == "RESOLVED":
        after = "DISPATCHED"
    if after is None:
        return
    if (folded.state, after) not in TICKET_EDGES:
        folded.illegal.append(f"version {event.version}: ticket {folded.state} -> {after}")
    folded.state = after
