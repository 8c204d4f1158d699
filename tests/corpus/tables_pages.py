"""Lists at every door: counts, cursors, spans and filters that are none; and keys that are used for something else."""

from typing import Any
from urllib.parse import quote

from tests.corpus.cases import Cases
from tests.corpus.tables_json import REPORT

NOBODY = "00000000-0000-4000-8000-000000000000"
HOUR = "2026-03-10T01:00:00Z"
SUBSCRIPTION = f"/v1/subscriptions/{NOBODY}/deliveries"
OPEN311 = "/open311/v2/requests.json"
SPANS = ("dispatcher", "intake", "/v1/listening/themes?until=2026-03-11T00:00:00Z")

NO_COUNT = ("0", "-1", "x", "1.5", "1e3", "", "NaN", "0x10", "9" * 30, "１x", "1,2", "[1]", "true")
NO_NUMBER = ("-1", "x", "1.5", "NaN", "0x10", "", "null")
NO_INSTANT = (
    "x", "", "2026-03-10", "2026-03-10T00:00:00", "1773105300", "-1", "2026-02-30T00:00:00Z", "2026-03-10T25:00:00Z",
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-03-10T00:00:00+25:00", "２026-03-10T00:00:00Z",
    "now()", "'; --",
)  # fmt: skip
NO_DAY = ("x", "", "2026-02-30", "20260310", "1773105300", "2026-03-10T09:15:00", "10000-01-01", "-0001-01-01")
NO_ID = ("x", "1", "null", f"{NOBODY}0", f"{NOBODY[:-1]}g", "*")
QUEUED = (
    "x", ",", f"2026-03-10,{NOBODY}", f"{HOUR},x", HOUR, "a" * 101, f"9999-12-31T23:59:59-14:00,{NOBODY}",
    f"0001-01-01T00:00:00+14:00,{NOBODY}", f"{HOUR},{NOBODY},{NOBODY}",
)  # fmt: skip

# Who asks, of which service, where; and the counts of that list with what is one more than the most.
COUNTED: tuple[tuple[str, str, str, tuple[tuple[str, int], ...]], ...] = (
    ("dispatcher", "intake", "/v1/merges", (("limit", 201),)),
    ("dispatcher", "intake", "/v1/listening/sessions", (("limit", 201),)),
    ("dispatcher", "intake", "/v1/listening/commitments", (("limit", 201),)),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=x", (("limit", 501),)),
    ("", "intake", OPEN311, (("limit", 1001), ("page_size", 1001), ("page", 10**9))),
    ("dispatcher", "dispatch", "/v1/queue", (("limit", 1001),)),
    ("dispatcher", "dispatch", "/v1/precedents?category=15", (("limit", 101),)),
    ("dispatcher", "dispatch", "/v1/units", (("days", 32),)),
    ("supervisor", "notify", "/v1/exclusions", (("limit", 1001),)),
    ("follow_up_agent", "notify", "/v1/follow-up-tasks", (("limit", 501),)),
    ("supervisor", "notify", "/v1/alerts", (("days", 367), ("limit", 1001))),
    ("supervisor", "notify", "/v1/recurring-problems", (("limit", 1001),)),
    ("", "notify", "/v1/sampling/2026-03", (("limit", 5001),)),
    ("integrator", "notify", SUBSCRIPTION, (("limit", 501), ("before", 2**62 + 1))),
)
# Where a page goes on: what is no place in the list, by kind of place.
PLACED: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("dispatcher", "intake", "/v1/merges", "after", NO_NUMBER),
    ("dispatcher", "intake", "/v1/listening/sessions", "before", NO_INSTANT),
    ("dispatcher", "intake", "/v1/listening/sessions", "before_id", NO_ID),
    ("dispatcher", "intake", "/v1/listening/commitments", "after", NO_DAY),
    ("dispatcher", "intake", "/v1/listening/commitments", "after_id", NO_ID),
    (*SPANS, "since", NO_INSTANT),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=x", "before", NO_INSTANT),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=x", "before_id", NO_NUMBER[1:]),
    ("privacy_officer", "intake", "/v1/privacy/views", "subject", NO_ID),
    ("", "intake", OPEN311, "after", ("x", f"1.{NOBODY}", "9" * 18 + ".0", "-1." + "0" * 32, "1." + "g" * 32, "1,1")),
    ("dispatcher", "dispatch", "/v1/queue", "after", QUEUED),
    ("dispatcher", "dispatch", "/v1/assignments", "after", QUEUED),
    ("dispatcher", "dispatch", "/v1/queue", "due_before", NO_INSTANT),
    ("integrator", "dispatch", f"/v1/reconciliation/events?hour={HOUR}&shard=0", "after",
     ("x", f"{NOBODY}/", f"{NOBODY}/-1", f"{NOBODY}/1234567890", "/1", f"{NOBODY}1")),
    ("", "notify", "/v1/sampling/2026-03", "after_nth", (*NO_NUMBER, str(2**31))),
)  # fmt: skip
# What a list may be asked for, and what is none of it.
CHOSEN: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("dispatcher", "dispatch", "/v1/queue", "light", ("x", "", "red", "RED,GREEN")),
    ("dispatcher", "dispatch", "/v1/queue", "urgency", ("U0", "u1", "1")),
    ("dispatcher", "dispatch", "/v1/queue", "grid", ("x", "", "9" * 16, "99%", "９９")),
    ("dispatcher", "dispatch", "/v1/stream", "grid", ("x", "9" * 16, "99%25")),
    ("supervisor", "dispatch", "/v1/whistle-shares", "month", ("2026-13", "2026-3", "1999-01", "x", "2026-03-01")),
    ("supervisor", "notify", "/v1/rates", "period", ("2026-13", "2026-3", "1999-01", "x", "../2026-03")),
    ("supervisor", "notify", "/v1/rates?period=2026-03", "by", ("x", "", "unit,township", "1; DROP")),
    ("supervisor", "notify", "/v1/rates?period=2026-03", "format", ("x", "xml", "CSV")),
    ("supervisor", "notify", "/v1/exclusions", "state", ("x", "open", "'")),
    ("integrator", "notify", "/v1/reconciliation/events?hour=" + HOUR, "shard", ("8", "-1", "x", "1.5", "")),
    ("", "intake", OPEN311, "status", ("x", "OPEN", "open;closed", "null")),
    ("", "intake", OPEN311, "start_date", ("x", "2026-03-10", "1999-12-31T23:59:59Z", "2026-03-10T00:00:00")),
)  # fmt: skip
# What is odd, and has one meaning all the same.
HARMLESS: tuple[tuple[str, str, str, str], ...] = (
    ("dispatcher", "intake", "/v1/merges", f"after={2**63}"), ("dispatcher", "intake", "/v1/merges", f"after={10**30}"),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=x", f"before_id={10**30}"),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=x", f"before_id=-{10**30}"),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=x", "before=9999-12-31T23:59:59Z"),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=x", "before=0001-01-01T00:00:00Z"),
    ("privacy_officer", "intake", "/v1/privacy/views?viewer=%25", "limit=1"),
    ("dispatcher", "intake", "/v1/listening/sessions", "before=9999-12-31T23:59:59.999999Z"),
    ("dispatcher", "intake", "/v1/listening/commitments", "after=9999-12-31"),
    ("dispatcher", "dispatch", "/v1/queue", "due_before=9999-12-31T23:59:59Z"),
    ("dispatcher", "dispatch", "/v1/queue", f"after=9999-12-31T23:59:59Z,{NOBODY}"),
    ("dispatcher", "dispatch", "/v1/queue", "unit=%25"), ("dispatcher", "dispatch", "/v1/queue", "unit=_"),
    ("supervisor", "notify", "/v1/exclusions", "unit=%25%27"),
    ("supervisor", "notify", "/v1/alerts", "limit=1&limit=2"),
    ("", "notify", "/v1/sampling/2026-03", f"after_nth={2**31 - 1}"), ("", "intake", OPEN311, "page=11"),
    ("", "intake", OPEN311, "service_code=%25"), ("", "intake", OPEN311, "service_request_id=1,x,%27"),
    ("", "intake", OPEN311, "after=0." + "0" * 32), ("", "intake", OPEN311, "nothing=1&&&"),
)  # fmt: skip


def _asked(who: str, service: str, path: str, query: str) -> dict[str, Any]:
    asked = {"service": service, "method": "GET", "path": f"{path}{'&' if '?' in path else '?'}{query}"}
    return asked | ({"who": f"{who}@990101"} if who else {})


def pages() -> Cases:
    """Pages that nobody has, at every list there is."""
    cases = Cases("page")
    for who, service, path, counts in COUNTED:
        for name, beyond in counts:
            refused = [400, 422] if path != OPEN311 else 400
            for value in (*NO_COUNT, str(beyond)):
                if path == OPEN311 and value == "":
                    continue  # its clients send what they left empty
                cases.add(f"no {name}", refused, **_asked(who, service, path, f"{name}={quote(value)}"))
    for who, service, path, name, values in (*PLACED, *CHOSEN):
        for value in values:
            cases.add(f"no {name}", [400, 422], **_asked(who, service, path, f"{name}={quote(value)}"))
    for who, service, path, query in HARMLESS:
        cases.add("odd, and of no effect", 200, **_asked(who, service, path, query))
    return cases


EVENTS: dict[str, Any] = {
    "service": "intake", "method": "POST", "path": "/v1/events", "who": "hotline@990101",
    "headers": [["Content-Type", "application/cloudevents+json"]],
}  # fmt: skip
EVENT: dict[str, Any] = {"specversion": "1.0", "type": "org.griddispatch.report.v1", "source": "/keys"}
OTHER = REPORT | {"text": "别的"}


def keys_elsewhere() -> Cases:
    """Keys that were used before: by somebody else, for something else, after a refusal, at another door."""
    cases = Cases("key")
    posted = {"service": "intake", "method": "POST", "path": "/v1/tickets", "who": "hotline@990101"}
    for n, text in enumerate(("after a refusal", "twice after a refusal")):
        key = [["Idempotency-Key", f"refused-{n}"]]
        for body in (REPORT | {"channel": "x"}, REPORT | {"text": ""}):
            cases.add(f"{text}: refused first", 422, **posted, headers=key, body=body)
        cases.add(f"{text}: its key is unspent", 201, **posted, headers=key, body=REPORT)
        cases.add(f"{text}: and spent now", 422, **posted, headers=key, body=OTHER)
    theirs = [["Idempotency-Key", "theirs"]]
    cases.add("a key", 201, **posted, headers=theirs, body=REPORT)
    for who in ("hotline@990102", "integrator@990101", "unit_system@990101", "auditor@990101"):
        for body in (REPORT, OTHER):
            cases.add("a key of somebody else", 403, **(posted | {"who": who}), headers=theirs, body=body)
    cases.add("a key of somebody else", 401, **(posted | {"who": ""}), headers=theirs, body=REPORT)
    cases.add("a key under another source", 403, **posted, headers=theirs, body=REPORT | {"source": "other"})
    own = [["Idempotency-Key", "own-1"]]
    cases.add("an id and a key", 201, **posted, headers=own, body=REPORT | {"external_id": "own"})
    cases.add("the id alone", 201, **posted, body=REPORT | {"external_id": "own"})
    cases.add("the key alone", 422, **posted, headers=own, body=REPORT)
    cases.add("the id for other words", 422, **posted, body=OTHER | {"external_id": "own"})
    cases.add("the key with another id", 422, **posted, headers=own, body=REPORT | {"external_id": "own-2"})
    cases.add("the id in another case is another", 201, **posted, body=REPORT | {"external_id": "OWN"})
    _of_events(cases)
    return cases


def _of_events(cases: Cases) -> None:
    """A CloudEvent is known by its source and id, and by the report's own id before those."""

    def add(why: str, expect: int, body: dict[str, Any], **attributes: Any) -> None:
        who = attributes.pop("who", EVENTS["who"])
        cases.add(why, expect, **(EVENTS | {"who": who}), body=EVENT | attributes | {"data": body})

    for name, expect in (("e-1", 201), ("%41", 201), ("a/b", 201), ("键", 201), ("x" * 500, 201), ("e 2", 400)):
        add("an event", expect, REPORT, id=name)
    add("its id again", 200, REPORT, id="e-1")
    add("its id for other words", 422, OTHER, id="e-1")
    add("its id from another source", 201, REPORT, id="e-1", source="/other")
    add("its id in another case", 201, REPORT, id="E-1")
    add("an id that was posted alone", 200, REPORT | {"external_id": "own"}, id="e-3")
    add("the same for other words", 422, OTHER | {"external_id": "own"}, id="e-4")
    odd: tuple[Any, ...] = ("", "x" * 501, 1, None, True, [], {})
    for said in odd:
        add("no id", 400, REPORT, id=said)
    for who, expect in (("hotline@990102", 403), ("integrator@990101", 403), ("", 401)):
        add("an event of somebody else", expect, REPORT, id="e-1", who=who)


TABLES = {"pages": pages(), "keys_elsewhere": keys_elsewhere()}
