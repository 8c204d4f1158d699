"""Clocks: I-12 no limbo, I-13 each miss once and in time, I-14 no false alarm, I-15 the calendar, I-16 never silent."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.chaos.checker.calendar import OutsideTheTable, first_level_due, handling_due, sign_due
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.stories import Seen, Stories, Timeline, outage_s
from tests.chaos.checker.verdict import Finding, NotDecided

HEALTHY_S = 5.0
AFTER_OUTAGE_S = 30.0
EARLY_S = 0.05
"""How far the clocks of two processes of one machine may be read apart."""
SECOND = timedelta(seconds=1)
_ASSIGNED = ("ticket.assigned.v1", "ticket.redispatched.v1")
_ENDED_BY = ("ticket.resolved.v1", "ticket.withdrawn.v1", "ticket.closed.v1")
_MOVED_BY = (
    "ticket.extended.v1", "ticket.info-requested.v1", "ticket.hung.v1", "ticket.found-big.v1",
    "ticket.found-complex.v1", "ticket.urgency-changed.v1", "ticket.returned.v1", "ticket.reworked.v1",
)  # fmt: skip


def _allowed(evidence: Evidence, began: float, ended: float) -> float:
    """How long something may take that began at one real second and was done at another."""
    away = outage_s(evidence, began - AFTER_OUTAGE_S, ended)
    return HEALTHY_S if away == 0 else away + AFTER_OUTAGE_S


def check_i12(evidence: Evidence, stories: Stories) -> Finding:
    """Every received ticket is assigned soon, or something says what else became of it."""
    finding = Finding("I-12")
    assigned: dict[str, float] = {}
    for event in stories.events("dispatch", *_ASSIGNED):
        assigned[event.ticket] = min(assigned.get(event.ticket, event.told_at), event.told_at)
    apart = {
        event.ticket
        for event in stories.events("intake", "ticket.not-accepted.v1", "ticket.transferred.v1", "ticket.routed.v1")
    }
    timeline = Timeline(evidence.run)
    slowest = 0.0
    for event in stories.events("intake", "ticket.received.v1"):
        finding.count("received")
        began = timeline.real(event.time)
        done = assigned.get(event.ticket)
        if done is None:
            if event.ticket not in apart and not evidence.run.silent:
                finding.broken(event.ticket, "was received and never assigned")
        else:
            slowest = max(slowest, done - began)
            if done - began > _allowed(evidence, began, done):
                finding.broken(event.ticket, f"was assigned after {done - began:.1f} s")
    if not finding.figures:
        raise NotDecided("nothing was received")
    finding.figures["slowest s"] = round(slowest, 3)
    return finding


def check_i13(evidence: Evidence, stories: Stories) -> Finding:
    """Each miss is escalated once per clock, cycle and level; not before it is due, and not late."""
    finding = Finding(
        "I-13",
        partly="levels 2 and 3 and clocks other than handling are checked for repeats and for being early, not for being there",
    )
    timeline = Timeline(evidence.run)
    times: Counter[tuple[object, ...]] = Counter()
    first_level: set[tuple[str, int]] = set()
    for event in stories.events("dispatch", "ticket.escalated.v1"):
        finding.count("escalations")
        body = event.body
        times[event.ticket, body["assignment_id"], body["clock"], body["cycle"], body["level"], body["due_at"]] += 1
        if body["clock"] in ("RESOLVE", "RESOLVE_BIG"):
            first_level.add((event.ticket, body["cycle"]))
        early = timeline.real(event.instant("due_at")) - event.told_at
        if early > EARLY_S:
            finding.broken(
                event.ticket, f"{body['clock']} level {body['level']} was escalated {early:.1f} s before it was due"
            )
    for key, count in times.items():
        if count > 1:
            finding.broken(key[0], f"{key[2]} of cycle {key[3]} was escalated {count} times to level {key[4]}")
    for ticket, story in stories.of("dispatch").items():
        _missed(evidence, timeline, ticket, story, first_level, finding)
    if not finding.figures:
        raise NotDecided("no deadline was missed")
    return finding


def _missed(
    evidence: Evidence, timeline: Timeline, ticket: str, story: Sequence[Seen],
    escalated: set[tuple[str, int]], finding: Finding,
) -> None:  # fmt: skip
    """The first cycle's handling deadline, as first set: was it missed, and if so escalated to level 1 in time?"""
    lead = next((e for e in story if e.type in _ASSIGNED and e.body["kind"] == "LEAD"), None)
    if lead is None or any(e.type in _MOVED_BY for e in story):
        return
    due_at = lead.instant("due_at")
    ended = min((e.time for e in story if e.type in _ENDED_BY), default=None)
    if ended is not None and ended <= due_at:
        return
    expected = first_level_due(lead.body["size"], due_at, lead.instant("accepted_at"))
    if ended is not None and ended <= expected:
        return
    began = timeline.real(expected)
    first = next((e for e in story if e.type == "ticket.escalated.v1" and e.body["clock"].startswith("RESOLVE")), None)
    latest = began + _allowed(evidence, began, first.told_at if first else evidence.run.ended)
    if first is None:
        stopped = evidence.run.clocks_stopped or evidence.run.ended
        over = min(timeline.real(ended), stopped) if ended is not None else stopped
        if over > latest:
            finding.count("misses")
            finding.broken(ticket, f"missed {due_at.isoformat()} and was not escalated by {expected.isoformat()}")
        return
    finding.count("misses")
    late = first.told_at - began
    finding.figures["latest s"] = max(finding.figures.get("latest s", 0.0), round(late, 3))
    if first.told_at > latest:
        finding.broken(ticket, f"was escalated {late:.1f} s late")


def check_i14(evidence: Evidence, stories: Stories) -> Finding:
    """Whatever was done at or before its deadline is not escalated for it."""
    finding = Finding("I-14")
    escalations = list(stories.events("dispatch", "ticket.escalated.v1", "ticket.light-changed.v1"))
    if not escalations:
        raise NotDecided("nothing was escalated")
    done: defaultdict[tuple[str, str, int], list[datetime]] = defaultdict(list)
    for event in stories.events("dispatch", "ticket.resolved.v1"):
        done[event.ticket, event.body["assignment_id"], event.body["cycle"]].append(event.time)
    for event in escalations:
        body = event.body
        if not body["clock"].startswith("RESOLVE") or body.get("light", "RED") != "RED":
            continue
        finding.count("alarms")
        resolved = done.get((event.ticket, body["assignment_id"], body["cycle"]), [])
        if any(at <= event.instant("due_at") for at in resolved):
            finding.broken(event.ticket, f"was done in time and yet {event.type} for {body['clock']}")
    return finding


def check_i15(evidence: Evidence, stories: Stories) -> Finding:
    """The deadlines stated are those the checker's own calendar gives."""
    finding = Finding("I-15", partly="pauses and extensions: no client of the run asks for them")
    for story in stories.of("dispatch").values():
        lead = next((e for e in story if e.type == "ticket.assigned.v1" and e.body["kind"] == "LEAD"), None)
        if lead is None or lead.body["cycle"] != 1:
            continue
        body = lead.body
        try:
            due = handling_due(body["ticket_type"], body["size"], body["urgency"], lead.instant("accepted_at"))
            sign = sign_due(body["size"], body["urgency"], lead.time)
        except OutsideTheTable:
            finding.count("outside the table")
            continue
        finding.count("deadlines", 2)
        if abs(due - lead.instant("due_at")) > SECOND:
            finding.broken(lead.ticket, f"is due {body['due_at']}, by the checker's calendar {due.isoformat()}")
        if abs(sign - lead.instant("sign_by")) > SECOND:
            finding.broken(
                lead.ticket, f"is to be signed by {body['sign_by']}, by the checker's calendar {sign.isoformat()}"
            )
    if not finding.figures.get("deadlines"):
        raise NotDecided("no first assignment with a date the checker knows")
    return finding


def check_i16(evidence: Evidence, stories: Stories) -> Finding:
    """Overdue shows: in every sample what is past its deadline is red; at rest nothing open is without a clock."""
    finding = Finding("I-16")
    queues = [sample for sample in evidence.samples if sample.name == "queue"]
    watched = [sample for sample in evidence.samples if sample.name == "unwatched"]
    if not queues and not watched:
        raise NotDecided("nothing was sampled")
    timeline = Timeline(evidence.run)
    for sample in queues:
        for row in sample.rows:
            finding.count("rows")
            due = timeline.real(datetime.fromisoformat(str(row["due_at"])))
            late, is_worked_on = sample.at - due, row["ticket_state"] == "DISPATCHED" and row["kind"] == "LEAD"
            if not is_worked_on or row["light"] == "RED" or late <= HEALTHY_S:
                continue
            if late > _allowed(evidence, due, sample.at):
                finding.broken(row["ticket_id"], f"was {late:.1f} s overdue and showed {row['light']}")
    for sample in watched:
        for row in sample.rows:
            finding.broken(row["ticket_id"], "is open and has no running clock")
    return finding
