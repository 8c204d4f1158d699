"""A tiny run in which everything went well: one ticket from hotline to closed, told by hand; and one that was missed."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from tests.chaos.checker.evidence import (
    Applied,
    Case,
    Delivery,
    Drain,
    Evidence,
    Fault,
    FollowUp,
    Heal,
    Message,
    Op,
    Poison,
    Record,
    Replay,
    Run,
    Sample,
    Share,
    Stated,
    Ticket,
)
from tests.chaos.checker.evidence import Dead as Buried
from tests.chaos.checker.stories import event_id_of, message_id_of, murmur2

DONE, MISSED = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
LEAD_1, LEAD_2 = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
NINE = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)
"""Tue 2026-03-10 09:00 in Shanghai."""
MIDNIGHT = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
MORNING_AFTER = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
SPEED = 3600.0
KEY = bytes(range(32))
UNIT, PLACE = "township:990101001", "127.0.0.1:9"
COUNTS = {"tickets-intake": 12, "tickets-dispatch": 12, "tickets-notify": 12}
_TYPE = "org.griddispatch."


def real(shown: datetime) -> float:
    """The real second at which the run's clock shows this."""
    return NINE.timestamp() + (shown - NINE).total_seconds() / SPEED


def record(service: str, ticket: str, version: int, type_name: str, at: datetime, offset: int, **body: Any) -> Record:
    """The record of an event, where Kafka would put it."""
    source = f"/griddispatch/{service}"
    headers = {
        "ce_specversion": "1.0", "ce_id": event_id_of(source, ticket, version), "ce_source": source,
        "ce_type": f"{_TYPE}{type_name}", "ce_subject": ticket, "ce_time": at.isoformat(), "ce_version": str(version),
    }  # fmt: skip
    return Record(
        topic=f"tickets-{service}", partition=murmur2(ticket.encode()) % 12, offset=offset, stamp=real(at) + 0.2,
        key=ticket, value=json.dumps(body).encode(), headers=headers,
    )  # fmt: skip


def _minutes(number: float) -> datetime:
    return NINE + timedelta(minutes=number)


def _assigned(lead: str) -> dict[str, Any]:
    return {
        "assignment_id": lead, "kind": "LEAD", "unit": UNIT, "ticket_type": "COMPLAINT", "size": "SMALL",
        "urgency": "U3", "cycle": 1, "accepted_at": NINE.isoformat(), "due_at": MIDNIGHT.isoformat(),
        "sign_by": _minutes(61).isoformat(),
    }  # fmt: skip


def records() -> list[Record]:
    """Every record of the run; offsets simply count on."""
    share = {"assignment_id": LEAD_1, "unit": UNIT}
    told = message_id_of(event_id_of("/griddispatch/dispatch", DONE, 1), "assigned", f"unit:{UNIT}")
    good = {"cycle": 1, "outcome": "ANSWERED", "contacted": True, "solved": True, "satisfaction": "SATISFIED"}
    missed = {"assignment_id": LEAD_2, "unit": UNIT, "clock": "RESOLVE", "cycle": 1, "due_at": MIDNIGHT.isoformat()}
    return [
        record("intake", DONE, 1, "ticket.received.v1", NINE, 1, source="h"),
        record("intake", DONE, 2, "ticket.triaged.v1", NINE, 2),
        record("intake", MISSED, 1, "ticket.received.v1", NINE, 3, source="h"),
        record("dispatch", DONE, 1, "ticket.assigned.v1", _minutes(1), 1, **_assigned(LEAD_1)),
        record("dispatch", DONE, 2, "ticket.signed.v1", _minutes(2), 2, **share),
        record("dispatch", DONE, 3, "ticket.contacted.v1", _minutes(3), 3, first=True, **share),
        record("dispatch", DONE, 4, "ticket.resolved.v1", _minutes(4), 4, cycle=1, **share),
        record("dispatch", DONE, 5, "ticket.audited.v1", _minutes(4), 5, cycle=1, follow_up=True, **share),
        record("dispatch", DONE, 6, "ticket.closed.v1", _minutes(9), 6, cycle=1, reason="EVALUATED"),
        record("dispatch", MISSED, 1, "ticket.assigned.v1", _minutes(1), 7, **_assigned(LEAD_2)),
        record("dispatch", MISSED, 2, "ticket.light-changed.v1", MIDNIGHT + timedelta(minutes=1), 8, light="RED", **missed),
        record("dispatch", MISSED, 3, "ticket.escalated.v1", MORNING_AFTER, 9, level=1, to=f"unit:{UNIT}", **missed),
        record("notify", DONE, 1, "notification.delivered.v1", _minutes(2), 1, notification_id=told),
        record("notify", DONE, 2, "ticket.evaluated.v1", _minutes(8), 2, **good),
    ]  # fmt: skip


def delivery(identity: str, body: bytes = b"{}", status: int = 200, at: float = 0.0) -> Delivery:
    """One request as the receiver saw it, well signed."""
    at = at or real(_minutes(2))
    stamp = str(int(at))
    signature = hmac.new(KEY, f"{identity}.{stamp}.".encode() + body, sha256).digest()
    return Delivery(
        at=at, place=PLACE, id=identity, timestamp=stamp, signature="v1," + base64.b64encode(signature).decode(),
        body=body, status=status,
    )  # fmt: skip


def op(name: str, key: str, result: str = "ok", status: int = 201, **more: Any) -> Op:
    """One call of a client."""
    return Op(name=name, key=key, began=real(NINE) - 0.1, ended=real(NINE), result=result, status=status, **more)


def _message(version: int, ticket: str, template: str) -> Message:
    source = event_id_of("/griddispatch/dispatch", ticket, version)
    return Message(
        id=message_id_of(source, template, f"unit:{UNIT}"), ticket=ticket, template=template, recipient=f"unit:{UNIT}",
        channel="webhook", state="DELIVERED" if (ticket, version) == (DONE, 1) else "QUEUED", attempts=1, ambiguous=0,
        error="", caused_by=source,
    )  # fmt: skip


def whole() -> Evidence:
    """The run, with nothing wrong in it."""
    told = records()
    messages = [_message(1, DONE, "assigned"), _message(1, MISSED, "assigned"), _message(3, MISSED, "escalated")]
    return Evidence(
        run=Run(
            seed=1, commit="c", broker="by hand", began=real(NINE) - 1, ended=real(MORNING_AFTER) + 60,
            clock_shown=NINE.isoformat(), clock_real=NINE.isoformat(), clock_speed=SPEED, partitions_before=COUNTS,
            partitions_after=COUNTS, secrets=["whsec_" + base64.b64encode(KEY).decode()], allowed=[PLACE],
            canaries=["CANARY"],
            readers={"tickets-intake": ["dispatch"], "tickets-dispatch": ["intake"], "tickets-notify": ["dispatch"]},
        ),
        ops=[
            op("create", "x:1", ticket=DONE, fingerprint="f1", answer="a1"),
            op("create", "x:2", ticket=MISSED, fingerprint="f2"),
            op("create", "x:3", "fail", 422), op("create", "x:4", "info", 503),
            made_again(op("create", "x:1", ticket=DONE, fingerprint="f1", answer="a1")),
            op("check-in", "c", race="r", version=1, ticket=DONE, status=200),
            op("check-in", "c", "fail", 409, race="r", version=1, current=2, ticket=DONE),
        ],
        records=told,
        tickets=[
            Ticket(id=DONE, keys=["x:1"], public_state="已结案"), Ticket(id=MISSED, keys=["x:2"], public_state="办理中"),
        ],
        cases=[
            Case(ticket=DONE, version=6, state="CLOSED", light="GREEN", due_at=MIDNIGHT.isoformat(),
                 shares=[Share(id=LEAD_1, kind="LEAD", unit=UNIT, state="ACCEPTED_RESULT", ended=True)]),
            Case(ticket=MISSED, version=3, state="DISPATCHED", light="RED", due_at=MIDNIGHT.isoformat(),
                 shares=[Share(id=LEAD_2, kind="LEAD", unit=UNIT, state="PENDING_SIGN", ended=False)]),
        ],
        ledger=[
            Stated(source=r.headers["ce_source"], ticket=r.key, version=int(r.headers["ce_version"]),
                   type=r.headers["ce_type"], payload=r.value.decode())
            for r in told
        ],
        applied=[
            Applied(service="intake" if r.topic == "tickets-dispatch" else "dispatch", source=r.headers["ce_source"],
                    ticket=r.key, version=int(r.headers["ce_version"]), place=place)
            for place, r in enumerate(told)
        ],
        messages=messages, deliveries=[delivery(messages[0].id, DONE.encode())],
        follow_ups=[FollowUp(ticket=DONE, cycle=1, state="ANSWERED", satisfied=True)],
        samples=[
            Sample(at=real(NINE), name="own", asked=DONE),
            Sample(at=real(MORNING_AFTER) + 30, name="queue", asked=UNIT, rows=[
                {"id": LEAD_2, "ticket_id": MISSED, "unit": UNIT, "kind": "LEAD", "ticket_state": "DISPATCHED",
                 "due_at": MIDNIGHT.isoformat(), "light": "RED"}]),
            Sample(at=real(NINE), name="unwatched"),
        ],
        faults=[Fault(kind="kill", target="intake", began=real(NINE) + 0.5, ended=real(NINE) + 0.6)],
        poison=[Poison(topic="tickets-intake", partition=3, offset=99, value=b"?", readers=["dispatch"])],
        dead=[Buried(service="dispatch", topic="tickets-intake", partition=3, offset=99, reason="header", value=b"?")],
        drains=[Drain(service="intake", exit_code=0, seconds=2.0, unpublished=0)],
        heals=[Heal(seconds=3.0, backlog=10)], replays=[Replay(what="all", before="x", after="x")],
        texts={"intake.log": b"nothing personal"},
    )  # fmt: skip


def made_again(first: Op) -> Op:
    """The same call, made again later."""
    return Op(**{name: getattr(first, name) for name in first.__struct_fields__} | {
        "began": first.began + 60, "ended": first.ended + 60})  # fmt: skip
