"""Effects: I-06 in order and once, I-24 nothing read is unaccounted for, I-25 poison is kept and passed."""

from collections import defaultdict

from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.stories import EVENT_TOPICS, Seen, Stories, read_event
from tests.chaos.checker.verdict import Finding, NotDecided

_DISTURB_ORDER = ("produce", "republish", "kafka", "broker", "brokers", "link", "pause", "kill", "all")
"""Kinds of faults after which a later copy may be the first that a fresh log shows."""


def check_i06(evidence: Evidence, stories: Stories) -> Finding:
    """Every consumer gives effect to a ticket's events as 1, 2, 3, …; without faults they also lie so in the topic."""
    finding = Finding("I-06")
    if not evidence.applied:
        raise NotDecided("no journal of what was applied")
    reached: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for entry in sorted(evidence.applied, key=lambda a: (a.service, a.place)):
        finding.count("effects")
        key = (entry.service, entry.source, entry.ticket)
        if entry.version != reached[key] + 1:
            how = "again" if entry.version <= reached[key] else f"after {reached[key]}"
            finding.broken(entry.ticket, f"{entry.service} applied version {entry.version} of {entry.source} {how}")
        reached[key] = max(reached[key], entry.version)
    _inversions(evidence, stories, finding)
    return finding


def _inversions(evidence: Evidence, stories: Stories, finding: Finding) -> None:
    highest: defaultdict[tuple[str, str], int] = defaultdict(int)
    inverted: list[str] = []
    met: set[tuple[str, str, int]] = set()
    for event in stories.seen:
        if (event.source, event.ticket, event.version) in met:
            continue
        met.add((event.source, event.ticket, event.version))
        key = (event.source, event.ticket)
        if event.version < highest[key]:
            inverted.append(f"{event.ticket} version {event.version} of {event.source} after {highest[key]}")
        highest[key] = max(highest[key], event.version)
    finding.figures["first-sight inversions"] = len(inverted)
    if not any(fault.kind.startswith(_DISTURB_ORDER) for fault in evidence.faults):
        for seen in inverted:
            finding.broken(seen.partition(" ")[0], f"lies out of order in the topic, with no fault: {seen}")


def check_i24(evidence: Evidence, stories: Stories) -> Finding:
    """Whatever lies in a topic its readers have applied, parked behind a dead one, or buried."""
    finding = Finding("I-24")
    if evidence.run.silent:
        raise NotDecided("the run did not come to rest")
    if not stories.seen or not evidence.run.readers:
        raise NotDecided("nothing was to be applied")
    applied = {(a.service, a.source, a.ticket, a.version) for a in evidence.applied}
    waiting = {(w.service, w.source, w.ticket, w.version) for w in evidence.waiting if w.where == "parked"}
    dead = {(d.service, d.topic, d.partition, d.offset) for d in evidence.dead}
    copies: defaultdict[tuple[str, str, int], list[Seen]] = defaultdict(list)
    for event in stories.seen:
        copies[event.source, event.ticket, event.version].append(event)
    for told in copies.values():
        event = told[0]
        for service in evidence.run.readers.get(event.record.topic, []):
            finding.count("to be applied")
            key = (service, event.source, event.ticket, event.version)
            places = [(service, e.record.topic, e.record.partition, e.record.offset) for e in told]
            buried = all(place in dead for place in places)
            if key not in applied and key not in waiting and not buried:
                finding.broken(event.ticket, f"{service} never applied version {event.version} of {event.source}")
    finding.figures["applied"] = len(applied)
    finding.figures["still parked"] = len(waiting)
    return finding


def check_i25(evidence: Evidence, stories: Stories) -> Finding:
    """Every poison record is kept once as it was by each reader, and nobody else is in the bin with it."""
    finding = Finding("I-25")
    if not evidence.poison and not evidence.dead:
        raise NotDecided("no poison was put in, and nothing is dead")
    counts: defaultdict[tuple[str, str, int, int], list[bytes | None]] = defaultdict(list)
    for d in evidence.dead:
        counts[d.service, d.topic, d.partition, d.offset].append(d.value)
    for p in evidence.poison:
        for reader in p.readers:
            finding.count("poison")
            kept = counts.pop((reader, p.topic, p.partition, p.offset), [])
            if len(kept) != 1:
                finding.broken(
                    f"{p.topic}/{p.partition}@{p.offset}", f"is {len(kept)} times in {reader}'s bin, not once"
                )
            elif (kept[0] or b"") != p.value:
                finding.broken(f"{p.topic}/{p.partition}@{p.offset}", f"is not kept as it was by {reader}")
    by_place = {(r.topic, r.partition, r.offset): r for r in evidence.records}
    for service, topic, partition, offset in counts:
        record = by_place.get((topic, partition, offset))
        was_it = record is not None and record.value in counts[service, topic, partition, offset]
        if record is not None and was_it and topic in EVENT_TOPICS and read_event(record) is not None:
            finding.broken(f"{topic}/{partition}@{offset}", f"is a good record, and {service} buried it")
    finding.figures["dead"] = len(evidence.dead)
    return finding
