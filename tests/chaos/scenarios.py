"""One short scenario a bug: what brings it to light. The same scenario without the bug must leave everything whole."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from shared.kafka import Outgoing
from tests.chaos.checker.evidence import Fault
from tests.chaos.stage.history import ask
from tests.chaos.stage.people import People
from tests.chaos.stage.records import from_ledger, poison, produce
from tests.chaos.stage.stage import Stage, until

Act = Callable[[Stage, People], Awaitable[None]]
FAST = 7200.0

_SLOW_COMMITS = """
CREATE FUNCTION intake.dawdle() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF random() < 0.4 THEN PERFORM pg_sleep(0.08); END IF; RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON intake.ticket DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION intake.dawdle();
"""


@dataclass(frozen=True)
class Scenario:
    """How a bug is brought to light. `speed` is the business clock's; `rest_s` how long to wait for quiet."""

    act: Act
    speed: float = 60.0
    rest_s: float = 20.0
    neglected: int = 0


async def ordinary(stage: Stage, people: People) -> None:
    """Matters come in and are worked on."""
    await stage.start()
    await people.hand_in(20, "m")


async def slow_commits(stage: Stage, people: People) -> None:
    """Many write at once, and some of them take their time to commit."""
    await stage.script(_SLOW_COMMITS)
    await stage.start()
    await people.hand_in(60, "m", lanes=12)


async def pile_up(stage: Stage, people: People) -> None:
    """Much waits to be published, several events of each ticket, when the relay is started."""
    await _without_relay(stage, people, 60)
    await stage.drain("intake", kafka_is_there=False)
    await stage.start("intake")


async def told_twice(stage: Stage, people: People) -> None:
    """Everything is in the topics twice."""
    await stage.start()
    await people.hand_in(20, "m")
    await until(lambda: _assigned(stage, 20), 20, "20 tickets assigned")
    for service in ("intake", "dispatch"):
        await produce(stage, await from_ledger(stage, service), "duplicates")


def killed_at(service: str, point: str, count: int = 20) -> Act:
    """A service dies at a commit point while matters come in, and is started again."""

    async def act(stage: Stage, people: People) -> None:
        await stage.start(failpoints={service: point})
        began = time.time()
        await people.hand_in(count, "m")
        await until(lambda: _died(stage, service), 30, f"{service} died at {point}")
        stage.faults.append(
            Fault(kind="kill at a failpoint", target=service, began=began, ended=time.time(), ambiguous=True)
        )
        await stage.ready(service)
        await people.hand_in(3, "after")

    return act


async def late_reader(stage: Stage, people: People) -> None:
    """Notify is started for the first time when there is much to read already."""
    await stage.start("intake", "dispatch")
    await people.hand_in(20, "m")
    await until(lambda: _assigned(stage, 20), 20, "20 tickets assigned")
    await until(lambda: _published(stage), 20, "everything published")
    await stage.start("notify")
    await people.hand_in(5, "after")


async def held_up(stage: Stage, people: People) -> None:
    """Dispatch cannot write for a while, and dies before it can."""
    await stage.start()
    await people.hand_in(5, "m")
    await until(lambda: _assigned(stage, 5), 20, "5 tickets assigned")
    conn = await asyncpg.connect(stage.ground.postgres.dsn(stage.database))
    async with conn.transaction():
        await conn.execute("LOCK TABLE dispatch.position IN ACCESS EXCLUSIVE MODE")
        began = time.time()
        await people.hand_in(15, "n")
        await asyncio.sleep(1.5)
        stage.fault("pause of the database for one table", "dispatch", began)
        stage.kill("dispatch")
    await conn.close()
    stage.revive()
    await stage.ready("dispatch")


async def broker_frozen(stage: Stage, people: People) -> None:
    """The brokers stand still while matters come in, and intake dies before they go on."""
    await stage.start()
    await people.hand_in(5, "m")
    await until(lambda: _published(stage), 20, "everything published")
    began = time.time()
    stage.kafka.freeze()  # type: ignore[attr-defined]
    try:
        await people.hand_in(10, "n")
        await asyncio.sleep(2.0)
        stage.kill("intake")
    finally:
        stage.kafka.thaw()  # type: ignore[attr-defined]
    stage.fault("brokers frozen", "kafka", began)
    stage.revive()
    await stage.ready("intake")


async def races(stage: Stage, people: People) -> None:
    """The same command comes five times at once."""
    await stage.start()
    await people.hand_in(12, "m")
    await until(lambda: _assigned(stage, 12), 20, "12 tickets assigned")
    for ticket in people.at_work:
        await people.race(ticket)


async def out_of_order(stage: Stage, people: People) -> None:
    """Later events of a ticket reach dispatch before earlier ones."""
    await _without_relay(stage, people)
    told = await from_ledger(stage, "intake")
    await produce(stage, sorted(told, key=lambda r: dict(r.headers)["ce_version"] or b"", reverse=True), "shuffled")
    await stage.drain("intake", kafka_is_there=False)
    await stage.start("intake")


async def broken_copy(stage: Stage, people: People) -> None:
    """A copy of an event that nobody can read comes before the good one."""
    await _without_relay(stage, people)
    told = await from_ledger(stage, "intake")
    await produce(stage, [r for r in told if dict(r.headers)["ce_version"] == b"1"], "early copies")
    broken = [r for r in told if dict(r.headers)["ce_version"] == b"2"]
    await poison(stage, [Outgoing(r.topic, r.key, b"{}", r.headers) for r in broken])
    await until(lambda: _dead(stage, len(broken)), 20, "the broken copies buried")
    await stage.drain("intake", kafka_is_there=False)
    await stage.start("intake")


async def same_key_twice(stage: Stage, people: People) -> None:
    """The same matter comes through two doors at once."""
    await stage.script(_SLOW_COMMITS)
    if stage.bugs:  # the bug is that nothing but Python looks
        await stage.script("ALTER TABLE intake.request DROP CONSTRAINT request_pkey")
    await stage.start()
    await people.hand_in(2, "m")
    headers = {"content-type": "application/x-ndjson"}
    for n in range(20):
        key = f"twice-{n}"
        words = people.words.setdefault(key, _words(people, key))
        url = f"{stage.url('intake')}/v1/tickets/bulk"
        began = time.time()
        (status, answer), _ = await asyncio.gather(
            ask(stage.http, "POST", url, words, headers), people.post(key)
        )  # fmt: skip
        line = answer if "ticket_id" in answer else {}
        stage.history.note(
            "create", f"x:{key}", began, int(line.get("status", status if not line else 0)), line, words=words
        )


async def missed(stage: Stage, people: People) -> None:
    """Nobody works on anything until its deadline is over, and dispatch dies after clocks rang, again and again."""
    await stage.start()
    await people.hand_in(12, "m")
    await until(lambda: _escalated(stage, 1), 60, "the first ticket escalated")
    for _ in range(4):
        await _dies_at(stage, "dispatch", "timers.after-commit@1")
    await until(lambda: _escalated(stage, 12), 60, "12 tickets escalated")


async def polled_ahead(stage: Stage, people: People) -> None:
    """Dispatch dies again and again with records in hand that it polled while it noted how far it was before."""
    await stage.start()
    for n in range(6):
        await _dies_at(stage, "dispatch", f"stream.before-commit@{4 + n}", people.hand_in(80, f"m{n}", lanes=6))


async def worked_in_time(stage: Stage, people: People) -> None:
    """Everything is done in time, and its deadline passes afterwards."""
    await stage.start()
    await people.hand_in(12, "m")
    await people.work_until_closed(60)
    over = stage.clock().timestamp() + 2 * 86_400
    await until(lambda: _clock_shows(stage, over), 60, "two days over")


async def clock_stepped(stage: Stage, people: People) -> None:
    """Dispatch's clock is set two days ahead for a while."""
    await stage.start()
    await people.hand_in(12, "m")
    await until(lambda: _assigned(stage, 12), 20, "12 tickets assigned")
    began = time.time()
    stage.set_clock_offset("dispatch", 2 * 86_400 / stage.speed)
    await asyncio.sleep(3)
    stage.set_clock_offset("dispatch", 0)
    stage.fault("clock stepped", "dispatch", began)
    await asyncio.sleep(1)


async def refused_first(stage: Stage, people: People) -> None:
    """The receiver refuses the first messages."""
    stage.receiver.manners.first_refused = 15
    await stage.start()
    await people.hand_in(15, "m")
    await until(lambda: _received(stage, 30), 60, "the refused messages tried again")


async def breaks_off(stage: Stage, people: People) -> None:
    """The receiver takes the first messages and breaks off before it answers."""
    stage.receiver.manners.break_off = True
    await stage.start()
    await people.hand_in(10, "m")
    began = time.time()
    await until(lambda: _received(stage, 5), 30, "messages broken off")
    stage.receiver.manners.break_off = False
    stage.fault("receiver breaks off", "receiver", began, ambiguous=True)


async def ended_under_load(stage: Stage, people: People) -> None:
    """Intake is asked to end while much comes in and the brokers stand still; they go on while it ends."""
    await stage.start()
    await people.hand_in(3, "m")
    for n in range(2):
        load = asyncio.create_task(_knock(people, f"load{n}", 150))
        began = time.time()
        stage.kafka.freeze()  # type: ignore[attr-defined]
        await asyncio.sleep(1.5)
        ending = asyncio.create_task(stage.drain("intake"))
        await asyncio.sleep(1.0)
        stage.kafka.thaw()  # type: ignore[attr-defined]
        await ending
        stage.fault("rolling restart", "intake", began)
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await stage.start("intake")


async def looked_at(stage: Stage, people: People) -> None:
    """Units look at their queues."""
    await stage.start()
    await people.hand_in(30, "m")
    await until(lambda: _assigned(stage, 30), 20, "30 tickets assigned")
    for _ in range(5):
        await people.look()


SCENARIOS: dict[str, Scenario] = {
    "M1": Scenario(slow_commits), "M2": Scenario(pile_up), "M3": Scenario(told_twice),
    "M4": Scenario(killed_at("dispatch", "stream.before-commit@1")),
    "M5": Scenario(killed_at("dispatch", "stream.before-commit@1")), "M6": Scenario(polled_ahead),
    "M7": Scenario(late_reader), "M8": Scenario(held_up), "M9": Scenario(killed_at("intake", "api.before-commit@4")),
    "M10": Scenario(killed_at("intake", "relay.sent@3")), "M11": Scenario(broker_frozen), "M12": Scenario(ordinary),
    "M13": Scenario(races), "M14": Scenario(out_of_order), "M15": Scenario(broken_copy),
    "M17": Scenario(same_key_twice), "M18": Scenario(missed, speed=FAST), "M19": Scenario(worked_in_time, speed=FAST),
    "M20": Scenario(clock_stepped, speed=600.0), "M21": Scenario(refused_first, speed=600.0),
    "M22": Scenario(refused_first, speed=600.0), "M23": Scenario(killed_at("intake", "api.before-commit@4")),
    "M24": Scenario(ended_under_load), "M25": Scenario(breaks_off, speed=600.0), "M26": Scenario(ordinary),
    "M27": Scenario(looked_at),
}  # fmt: skip
"""By the bug that each brings to light."""


async def _dies_at(stage: Stage, service: str, point: str, meanwhile: Awaitable[None] | None = None) -> None:
    """Start it again so that it dies at a commit point, wait until it did, and until it is ready once more.

    What is to happen `meanwhile` begins when it is ready for the first time.
    """
    await stage.drain(service)
    deaths, began = stage.deaths[service], time.time()
    stage.launch(service, point)
    if meanwhile is not None:
        await stage.ready(service)
        meanwhile = asyncio.ensure_future(meanwhile)

    async def died() -> bool:
        stage.revive()
        return stage.deaths[service] > deaths

    await until(died, 60, f"{service} died at {point}")
    stage.faults.append(Fault(kind="kill at a failpoint", target=service, began=began, ended=time.time()))
    await stage.ready(service)
    if meanwhile is not None:
        await meanwhile


async def _without_relay(stage: Stage, people: People, count: int = 15) -> None:
    stage.launch("intake", only=("api", "triage"))
    for service in ("dispatch", "notify"):
        stage.launch(service)
    for service in ("intake", "dispatch", "notify"):
        await stage.ready(service)
    await people.hand_in(count, "m")
    await until(lambda: _count(stage, "intake.event WHERE version = 2", count), 30, f"{count} tickets triaged")


async def _knock(people: People, series: str, count: int) -> None:
    for n in range(count):
        await people.post(f"{series}-{n}")


def _words(people: People, key: str) -> bytes:
    draw = random.Random(key).random()
    return people.matter(f"{key}", f"路灯不亮 {draw:.4f}")


async def _count(stage: Stage, where: str, least: int) -> bool:
    return bool((await stage.query(f"SELECT count(*) AS n FROM {where}"))[0]["n"] >= least)


async def _assigned(stage: Stage, least: int) -> bool:
    return await _count(stage, "dispatch.ticket_case", least)


async def _dead(stage: Stage, least: int) -> bool:
    return await _count(stage, "dispatch.dead_letter", least)


async def _escalated(stage: Stage, least: int) -> bool:
    return await _count(
        stage, "(SELECT DISTINCT ticket_id FROM dispatch.event WHERE type LIKE '%escalated%') AS e", least
    )


async def _published(stage: Stage) -> bool:
    rows = await stage.query(
        "SELECT (SELECT count(*) FROM intake.outbox) + (SELECT count(*) FROM dispatch.outbox)"
        " + (SELECT count(*) FROM notify.outbox) AS n"
    )
    return bool(rows[0]["n"] == 0)


async def _died(stage: Stage, service: str) -> bool:
    stage.revive()
    return stage.deaths[service] > 0


async def _received(stage: Stage, least: int) -> bool:
    return len(stage.receiver.log) >= least


async def _clock_shows(stage: Stage, instant: float) -> bool:
    return stage.clock().timestamp() >= instant
