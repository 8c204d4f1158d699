"""Faults of the records themselves: told twice, in another order, late, and such as nobody can read."""

import json
import random
from collections.abc import Callable, Sequence
from uuid import UUID

from shared.kafka import Outgoing
from shared.topics import INBOUND
from tests.chaos.checker.evidence import Fault
from tests.chaos.faults.scene import Act, Scene
from tests.chaos.stage.records import from_ledger, poison, produce

MOST = 300
_SERVICES = ("intake", "dispatch", "notify")
Headers = Sequence[tuple[str, bytes | None]]


def told_again(kind: str, arrange: Callable[[list[Outgoing], random.Random], list[Outgoing]]) -> Act:
    """Records of one service's ledger come once more, in some arrangement."""

    async def act(scene: Scene) -> None:
        told = await from_ledger(scene.stage, scene.random.choice(_SERVICES), most=MOST)
        if told:
            await produce(scene.stage, arrange(told, scene.random), kind)

    return act


def _shuffled(told: list[Outgoing], draw: random.Random) -> list[Outgoing]:
    return draw.sample(told, len(told))


def _three_times(told: list[Outgoing], draw: random.Random) -> list[Outgoing]:
    return [record for record in told for _ in range(3)]


def _backwards(told: list[Outgoing], draw: random.Random) -> list[Outgoing]:
    return told[::-1]


def unreadable(change: Callable[[Outgoing], Outgoing]) -> Act:
    """Some copies of an event come so changed that they break the contract."""

    async def act(scene: Scene) -> None:
        told = await from_ledger(scene.stage, scene.random.choice(_SERVICES), most=MOST)
        chosen = scene.random.sample(told, min(3, len(told)))
        await poison(scene.stage, [change(record) for record in chosen])

    return act


def _with(headers: Headers, **changed: bytes) -> list[tuple[str, bytes | None]]:
    return [(name, changed.get(name, value)) for name, value in headers]


def _garbage(record: Outgoing) -> Outgoing:
    return Outgoing(record.topic, record.key, b"\x00\xff{", ())


def _next_major(record: Outgoing) -> Outgoing:
    name = dict(record.headers)["ce_type"] or b""
    return Outgoing(record.topic, record.key, record.value, _with(record.headers, ce_type=name.replace(b".v1", b".v9")))


def _no_key(record: Outgoing) -> Outgoing:
    return Outgoing(record.topic, None, record.value, record.headers)


def _absurd_version(record: Outgoing) -> Outgoing:
    return Outgoing(record.topic, record.key, record.value, _with(record.headers, ce_version=b"-7"))


async def inbound_twice(scene: Scene) -> None:
    """Matters that came over HTTP come once more through the topic of the hotlines."""
    keys = scene.random.sample(sorted(scene.people.accepted), min(10, len(scene.people.accepted)))
    records = [Outgoing(INBOUND.name, key.encode(), scene.people.words[key]) for key in keys]
    await produce(scene.stage, records, "inbound again")


async def unknown_type(scene: Scene) -> None:
    """A type that this release does not know, of a ticket that nobody has heard of: another one each time."""
    told = await from_ledger(scene.stage, "intake", most=1)
    ticket, event = (str(UUID(int=scene.random.getrandbits(128), version=4)).encode() for _ in range(2))
    records = [
        Outgoing(r.topic, ticket, json.dumps({}).encode(), _with(
            r.headers, ce_subject=ticket, ce_type=b"org.griddispatch.ticket.dreamt.v1", ce_id=event, ce_version=b"1"))
        for r in told
    ]  # fmt: skip
    await poison(scene.stage, records, "unknown type", [])  # passed over, and not buried


async def same_keys_again(scene: Scene) -> None:
    """Clients send again what was accepted long ago, and other words under old keys; and race for tickets."""
    began = len(scene.stage.history.ops)
    keys = scene.random.sample(sorted(scene.people.accepted), min(15, len(scene.people.accepted)))
    for key in keys:
        await scene.people.post(key)
        await scene.people.post(key, scene.people.matter(key, "另一件事：垃圾没有清运"))
    for ticket in scene.random.sample(scene.people.at_work, min(5, len(scene.people.at_work))):
        await scene.people.race(ticket)
    first = scene.stage.history.ops[began].began if len(scene.stage.history.ops) > began else 0.0
    scene.stage.faults.append(Fault(kind="clients repeat", began=first, ended=first))


LETTER_FAULTS: dict[str, Act] = {
    "told three times": told_again("duplicates", _three_times), "told shuffled": told_again("shuffled", _shuffled),
    "told backwards": told_again("late", _backwards), "garbage": unreadable(_garbage),
    "unknown major version": unreadable(_next_major), "no key": unreadable(_no_key),
    "absurd version": unreadable(_absurd_version), "inbound twice": inbound_twice, "unknown type": unknown_type,
    "clients repeat": same_keys_again,
}  # fmt: skip
