"""The ledger and the topics: I-04 one id one event, I-05 no holes, I-07 one partition, I-21 the same in both, I-26."""

from collections import defaultdict

from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.stories import EVENT_TOPICS, Stories, event_id_of, murmur2
from tests.chaos.checker.verdict import Finding, NotDecided


def check_i04(evidence: Evidence, stories: Stories) -> Finding:
    """One event id is one (source, ticket, version) with one content, in every copy; and the id follows from them."""
    finding = Finding("I-04")
    if not stories.seen:
        raise NotDecided("no events")
    contents: defaultdict[str, set[tuple[object, ...]]] = defaultdict(set)
    for event in stories.seen:
        finding.count("copies")
        headers = tuple(sorted(event.record.headers.items()))
        contents[event.id].add((event.source, event.ticket, event.version, event.record.value, headers))
        if event.id != event_id_of(event.source, event.ticket, event.version, event.epoch):
            finding.broken(event.ticket, f"version {event.version} of {event.source} goes by the foreign id {event.id}")
    finding.count("events", len(contents))
    for identity, found in contents.items():
        if len(found) > 1:
            finding.broken(identity, f"stands for {len(found)} different contents")
    return finding


def check_i05(evidence: Evidence, stories: Stories) -> Finding:
    """Per source and ticket the versions in the topics are 1 to n, with n as the service keeps it."""
    finding = Finding("I-05")
    if not stories.seen:
        raise NotDecided("no events")
    reached: dict[tuple[str, str], int] = {}
    for row in evidence.ledger:
        key = (row.source, row.ticket)
        reached[key] = max(reached.get(key, 0), row.version)
    if not reached:
        raise NotDecided("no ledger was read")
    for source, tickets in stories.by_ticket.items():
        for ticket, story in tickets.items():
            finding.count("stories")
            have = {event.version for event in story}
            top = reached.pop((source, ticket), 0)
            missing = sorted(set(range(1, max(top, *have) + 1)) - have)
            if missing:
                finding.broken(ticket, f"{source}: versions {missing[:5]} of {max(top, *have)} are not in the topic")
            if max(have) > top:
                finding.broken(ticket, f"{source}: the topic has version {max(have)}, the service stands at {top}")
    for source, ticket in reached:
        finding.broken(ticket, f"{source}: nothing of it is in the topic")
    return finding


def check_i07(evidence: Evidence, stories: Stories) -> Finding:
    """All events of a ticket sit where Kafka's hash puts their ticket's id; the number of partitions never changes."""
    finding = Finding("I-07")
    counts = evidence.run.partitions_before
    if not counts or not evidence.records:
        raise NotDecided("no records, or no partition counts")
    if counts != evidence.run.partitions_after:
        finding.broken("topics", f"partitions were {counts} and are {evidence.run.partitions_after}")
    injected = {(p.topic, p.partition, p.offset) for p in evidence.poison}
    for record in evidence.records:
        if record.topic not in EVENT_TOPICS or (record.topic, record.partition, record.offset) in injected:
            continue
        finding.count("records")
        subject = record.headers.get("ce_subject", "")
        if record.key != subject:
            finding.broken(subject, f"is keyed {record.key!r} in {record.topic}")
        elif record.partition != murmur2(record.key.encode()) % counts[record.topic]:
            finding.broken(subject, f"sits in partition {record.partition} of {record.topic}")
    return finding


def check_i21(evidence: Evidence, stories: Stories) -> Finding:
    """What the ledger says is what the topics say, entry by entry."""
    finding = Finding("I-21", partly="the hash chain: the ledger has none; its trigger refuses changes")
    if not evidence.ledger:
        raise NotDecided("no ledger was read")
    told = dict(stories.first)
    for row in evidence.ledger:
        finding.count("entries")
        event = told.pop((row.source, row.ticket, row.version), None)
        if event is None:
            continue  # a hole in the topic is I-05's
        if event.record.headers["ce_type"] != row.type or event.record.value.decode() != row.payload:
            finding.broken(row.ticket, f"version {row.version} of {row.source} reads otherwise in the topic")
    for source, ticket, version in told:
        finding.broken(ticket, f"version {version} of {source} is in the topic and not in the ledger")
    return finding


def check_i26(evidence: Evidence, stories: Stories) -> Finding:
    """Whatever is told again leaves the state as it was."""
    finding = Finding("I-26")
    if not evidence.replays:
        raise NotDecided("nothing was told again")
    for replay in evidence.replays:
        finding.count("replays")
        if replay.before != replay.after:
            finding.broken(replay.what, "the state's digest changed")
    return finding
