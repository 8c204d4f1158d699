"""Work: I-08 legal steps, I-09 one live lead, I-10 one of many wins, I-11 the cap, I-20 the loop is closed."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.chaos.checker.evidence import Evidence, Op
from tests.chaos.checker.lifecycle import fold
from tests.chaos.checker.stories import Stories, Timeline
from tests.chaos.checker.verdict import Finding, NotDecided


def check_i08(evidence: Evidence, stories: Stories) -> Finding:
    """Every step is an edge of the table, and the events folded give the state that is kept."""
    finding = Finding("I-08")
    told = stories.of("dispatch")
    if not told:
        raise NotDecided("dispatch stated nothing")
    cases = {case.ticket: case for case in evidence.cases}
    for ticket, story in told.items():
        finding.count("stories")
        folded = fold(story)
        for illegal in folded.illegal:
            finding.broken(ticket, illegal)
        case = cases.get(ticket)
        if case is None:
            finding.broken(ticket, "has a story and no case")
        elif case.version == story[-1].version and folded.state != case.state:
            finding.broken(ticket, f"its events lead to {folded.state}, and it is kept as {case.state}")
    return finding


def check_i09(evidence: Evidence, stories: Stories) -> Finding:
    """At no instant has a ticket two live leads: by its events, by what is kept, by every sample."""
    finding = Finding("I-09")
    if not stories.of("dispatch"):
        raise NotDecided("dispatch stated nothing")
    for ticket, story in stories.of("dispatch").items():
        finding.count("stories")
        for two in fold(story).two_leads:
            finding.broken(ticket, f"two live leads at {two}")
    for case in evidence.cases:
        live = [share.id for share in case.shares if share.kind == "LEAD" and not share.ended]
        if len(live) > 1:
            finding.broken(case.ticket, f"is kept with {len(live)} live leads")
    for sample in evidence.samples:
        if sample.name == "queue":
            finding.count("samples")
            leads = Counter(str(row["ticket_id"]) for row in sample.rows if row["kind"] == "LEAD")
            for ticket, count in leads.items():
                if count > 1:
                    finding.broken(ticket, f"{count} live leads in a sample")
    return finding


def check_i10(evidence: Evidence, stories: Stories) -> Finding:
    """Of several commands for one version of a ticket one is ok; the others are refused with the version it has now.

    None is ok where something else took the ticket past that version before the last of them was answered.
    """
    finding = Finding("I-10")
    races: defaultdict[str, list[Op]] = defaultdict(list)
    for op in evidence.ops:
        if op.race:
            races[op.race].append(op)
    if not races:
        raise NotDecided("nobody raced")
    for race, ops in races.items():
        finding.count("races")
        won = sum(op.result == "ok" for op in ops)
        unsure = sum(op.result == "info" for op in ops)
        if won > 1 or (won == 0 and unsure == 0 and not _overtaken(evidence, stories, ops)):
            finding.broken(race, f"{won} of {len(ops)} commands for version {ops[0].version} were ok")
        for op in ops:
            if op.result == "fail" and op.status not in (409, 404):
                finding.broken(race, f"a loser was answered {op.status}, not 409")
            if op.result == "fail" and op.status == 409 and op.current and op.current <= op.version:
                finding.broken(race, f"a loser was told that the version is {op.current}")
    return finding


def _overtaken(evidence: Evidence, stories: Stories, ops: Sequence[Op]) -> bool:
    story = stories.of("dispatch").get(ops[0].ticket, ())
    last = max(op.ended for op in ops)
    timeline = Timeline(evidence.run)
    return any(e.version == ops[0].version + 1 and timeline.real(e.time) <= last for e in story)


def check_i11(evidence: Evidence, stories: Stories) -> Finding:
    """No officer above the cap."""
    raise NotDecided("the product has no cap on open leads: units are chosen by duty, not by load")


def check_i20(evidence: Evidence, stories: Stories) -> Finding:
    """Closed only after a judgement, or by a rule that says so; a "no" reopens exactly once."""
    finding = Finding("I-20")
    if not stories.of("dispatch"):
        raise NotDecided("dispatch stated nothing")
    judged: dict[tuple[str, int], bool | None] = {}
    for event in stories.events("notify", "followup.evaluated.v1", "ticket.evaluated.v1"):
        key = (event.ticket, event.body["cycle"])
        if key in judged:
            finding.broken(event.ticket, f"was judged twice in cycle {key[1]}")
        answer = event.body
        judged[key] = None if answer["outcome"] != "ANSWERED" else _is_content(answer)
    closed: Counter[tuple[str, int]] = Counter()
    reopened: Counter[str] = Counter()
    for ticket, story in stories.of("dispatch").items():
        for event in story:
            if event.type == "ticket.closed.v1":
                finding.count("closed")
                key = (ticket, event.body["cycle"])
                closed[key] += 1
                if event.body["reason"] in ("EVALUATED", "UNREACHABLE") and key not in judged:
                    finding.broken(ticket, f"was closed as {event.body['reason']} in cycle {key[1]}, and never judged")
                if judged.get(key) is False:
                    finding.broken(ticket, f"was closed in cycle {key[1]}, and its citizen had said no")
            elif event.type == "ticket.reopened.v1":
                reopened[ticket] += 1
    if evidence.run.silent:
        return finding
    refusals = Counter(ticket for (ticket, _), content in judged.items() if content is False)
    for ticket in refusals.keys() | reopened.keys():
        finding.count("refusals", refusals[ticket])
        if refusals[ticket] != reopened[ticket]:
            finding.broken(ticket, f"{refusals[ticket]} times no, {reopened[ticket]} times reopened")
    return finding


def _is_content(answer: dict[str, object]) -> bool:
    return bool(answer["solved"]) and answer["satisfaction"] != "DISSATISFIED"
