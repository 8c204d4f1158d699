"""Privacy: I-22 lists show only what was asked for, I-23 canaries stay in the vault."""

from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.stories import Stories
from tests.chaos.checker.verdict import Finding, NotDecided


def check_i22(evidence: Evidence, stories: Stories) -> Finding:
    """A list that one unit asks for shows nothing of another's."""
    finding = Finding(
        "I-22", partly="tenants: the product serves one county and has no tenants; units' lists are checked"
    )
    lists = [sample for sample in evidence.samples if sample.name == "queue" and sample.asked]
    if not lists:
        raise NotDecided("no list was asked for by unit")
    for sample in lists:
        finding.count("lists")
        for row in sample.rows:
            if row["unit"] != sample.asked:
                finding.broken(sample.asked, f"was shown assignment {row['id']} of {row['unit']}")
    return finding


def check_i23(evidence: Evidence, stories: Stories) -> Finding:
    """No canary in any event, message, log line or metric."""
    finding = Finding("I-23")
    canaries = [canary.encode() for canary in evidence.run.canaries]
    if not canaries:
        raise NotDecided("no canary was handed in")
    for record in evidence.records:
        if record.topic != "tickets-inbound" and not record.topic.endswith("-dead"):
            finding.count("records")
            text = record.value + record.key.encode() + "".join(record.headers.values()).encode()
            _scan(f"{record.topic}/{record.partition}@{record.offset}", text, canaries, finding)
    for delivery in evidence.deliveries:
        finding.count("deliveries")
        _scan(f"delivery {delivery.id}", delivery.body, canaries, finding)
    for name, text in evidence.texts.items():
        finding.count("logs and metrics")
        _scan(name, text, canaries, finding)
    return finding


def _scan(place: str, text: bytes, canaries: list[bytes], finding: Finding) -> None:
    for canary in canaries:
        if canary in text:
            finding.broken(place, f"holds {canary.decode()}")
