"""Accepting: I-01 one ticket an ok, I-02 no phantom, I-03 a key answers the same, I-27 honest, I-30 read at once."""

from collections import defaultdict

from tests.chaos.checker.evidence import Evidence, Op
from tests.chaos.checker.stories import Stories
from tests.chaos.checker.verdict import Finding, NotDecided


def check_i01(evidence: Evidence, stories: Stories) -> Finding:
    """Every create that was told ok is exactly one ticket, and exactly one distinct received event."""
    finding = Finding("I-01")
    kept = {ticket.id for ticket in evidence.tickets}
    received: defaultdict[str, set[str]] = defaultdict(set)
    for event in stories.seen:
        if event.type == "ticket.received.v1":
            received[event.ticket].add(event.id)
    for op in _creates(evidence, "ok"):
        finding.count("accepted")
        if op.ticket not in kept:
            finding.broken(op.key, f"was told ok, and ticket {op.ticket} is not there")
        if len(received[op.ticket]) != 1:
            finding.broken(op.key, f"ticket {op.ticket} has {len(received[op.ticket])} distinct received events, not 1")
    _per_key(evidence, finding)
    if not finding.figures.get("accepted"):
        raise NotDecided("no create was told ok")
    return finding


def _per_key(evidence: Evidence, finding: Finding) -> None:
    """One key, one ticket: in what is kept, and in what clients were told."""
    tickets: defaultdict[str, set[str]] = defaultdict(set)
    for ticket in evidence.tickets:
        for key in ticket.keys:
            tickets[key].add(ticket.id)
    for op in _creates(evidence, "ok"):
        tickets[op.key].add(op.ticket)
    for key, found in tickets.items():
        if len(found) > 1:
            finding.broken(key, f"led to {len(found)} tickets: {', '.join(sorted(found))}")


def check_i02(evidence: Evidence, stories: Stories) -> Finding:
    """No phantom: every ticket and every story began with a create that was ok or unknown; a refused one left nothing."""
    finding = Finding("I-02")
    may: set[str] = {op.key for op in evidence.ops if op.name == "create" and op.result in ("ok", "info")}
    if not may:
        raise NotDecided("no create was made")
    refused = {op.key for op in _creates(evidence, "fail")} - may
    kept = {ticket.id for ticket in evidence.tickets}
    for ticket in evidence.tickets:
        finding.count("tickets")
        if not may & set(ticket.keys):
            finding.broken(ticket.id, f"answers no create of the history: {ticket.keys}")
        if refused & set(ticket.keys):
            finding.broken(ticket.id, f"was refused, and is there: {ticket.keys}")
    for story in stories.of("intake"):
        if story not in kept:
            finding.broken(story, "has events and no ticket")
    for message in evidence.messages:
        if message.ticket not in kept:
            finding.broken(message.ticket, f"has message {message.id} and no ticket")
    return finding


def check_i03(evidence: Evidence, stories: Stories) -> Finding:
    """The same key with the same words gets the same answer for ever; with other words it is refused."""
    finding = Finding("I-03")
    first: dict[str, Op] = {}
    for op in sorted(_creates(evidence, "ok"), key=lambda op: op.ended):
        before = first.setdefault(op.key, op)
        if before is op:
            continue
        finding.count("repeats")
        if op.fingerprint != before.fingerprint:
            finding.broken(op.key, f"other words under the same key were answered {op.status}, not 422")
        elif (op.ticket, op.answer) != (before.ticket, before.answer):
            finding.broken(op.key, f"was answered {before.ticket} and later {op.ticket}, or another body")
    for op in _creates(evidence, "fail"):
        known = first.get(op.key)
        if known is None or op.began < known.ended:
            continue
        finding.count("repeats")
        same = op.fingerprint == known.fingerprint
        if same and op.status != 409:
            finding.broken(op.key, f"the same words again were answered {op.status}")
        if not same and op.status != 422:
            finding.broken(op.key, f"other words under the same key were answered {op.status}, not 422")
    if not finding.figures.get("repeats"):
        raise NotDecided("no key was used twice")
    return finding


def check_i27(evidence: Evidence, stories: Stories) -> Finding:
    """Honest: what intake said ok to just before it was killed is there."""
    finding = Finding("I-27")
    kills = [f for f in evidence.faults if f.target == "intake" and f.kind.startswith("kill")]
    if not kills:
        raise NotDecided("intake was never killed")
    kept = {ticket.id for ticket in evidence.tickets}
    for kill in kills:
        for op in _creates(evidence, "ok"):
            if kill.began - 2 <= op.ended <= kill.began + 0.5:
                finding.count("accepted within 2 s of a kill")
                if op.ticket not in kept:
                    finding.broken(
                        op.key, f"was told ok {kill.began - op.ended:.3f} s before the kill, and is not there"
                    )
    finding.count("kills", len(kills))
    if len(finding.figures) == 1:
        raise NotDecided("nothing was accepted within two seconds of a kill")
    return finding


def check_i30(evidence: Evidence, stories: Stories) -> Finding:
    """What was just accepted can be read at once."""
    finding = Finding("I-30", partly="that read models say how far behind they are")
    own = [sample for sample in evidence.samples if sample.name == "own"]
    if not own:
        raise NotDecided("nobody read a ticket right after handing it in")
    for sample in own:
        finding.count("reads")
        if sample.status == 404:
            finding.broken(sample.asked, "was accepted, and not found by a read after the answer")
    return finding


def _creates(evidence: Evidence, result: str) -> list[Op]:
    return [op for op in evidence.ops if op.name == "create" and op.result == result]
