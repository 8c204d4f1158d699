"""Grid workers and citizens: they learn from the topics what is asked of them, and answer over HTTP in batches."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import orjson

from griddispatch.demo.agenda import Agenda
from griddispatch.demo.county import Point
from griddispatch.demo.exchange import AGAIN, Answer
from griddispatch.demo.hours import HOUR
from griddispatch.demo.plans import Act, Reply, plan_reply, plan_work, read_facts
from griddispatch.demo.records import Sighting
from griddispatch.demo.watch import ASKED, ASSIGNED, REDISPATCHED
from shared.terms import Source

TRIES = 60
"""How often one command is sent before its actor gives up; the clocks of dispatch then speak for the ticket."""
NOT_THEN = frozenset({"illegal-transition", "RETURN_TOO_LATE", "DESIGNATED", "FIRST_DISPOSAL_PENDING"})
"""Refusals after which a worker goes on with the next thing: deemed signed meanwhile, too late to return, and so on."""
OVER = "ASSIGNMENT_ENDED"
SUPPORT_OPEN = "SUPPORT_OPEN"
"""A lead's result waits for the parts of the units that support it, however long that takes."""

_DISPATCH = Source.DISPATCH.value.encode()
NumberOf = Callable[[bytes], int | None]
"""The place of a ticket in the feed, None while it is not known. It seeds what happens to the ticket."""


@dataclass(slots=True)
class Job:
    """An assignment somebody works on."""

    ticket: bytes
    assignment_id: str
    acts: Sequence[Act]
    done: int = 0
    tries: int = 0

    @property
    def act(self) -> Act:
        """What comes next."""
        return self.acts[self.done]


@dataclass(slots=True)
class Word:
    """An answer on its way."""

    ticket: bytes
    reply: Reply
    tries: int = 0


class Workers:
    """Every unit's people. Each assignment has at most one command under way, so its story stays in order."""

    def __init__(self, seed: int, centres: Mapping[str, Point], number_of: NumberOf) -> None:
        self.troubles: Counter[str] = Counter()
        self._seed = seed
        self._centres = centres
        self._number_of = number_of
        self._agenda: Agenda[Job] = Agenda()
        self._versions: dict[bytes, int] = {}
        self._assigned: Counter[bytes] = Counter()
        self._known: set[str] = set()
        self._unplanned: list[tuple[bytes, bytes]] = []

    def see(self, seen: Sighting) -> None:
        """Learn of an assignment, and of every ticket's latest version."""
        if seen.source != _DISPATCH or not seen.version:
            return
        self._raise_version(seen.ticket, seen.version)
        if seen.type in (ASSIGNED, REDISPATCHED):
            self._unplanned.append((seen.ticket, seen.value))

    def due(self, now: float, limit: int) -> list[Job]:
        """The jobs whose next act is due; each is out of the agenda until it is settled."""
        waiting, self._unplanned = self._unplanned, []
        for ticket, value in waiting:
            self._take_on(ticket, value, now)
        return self._agenda.take_due(now, limit)

    def line(self, job: Job) -> bytes:
        """The command for the job's next act, as one line of NDJSON."""
        return orjson.dumps(
            {
                "command": job.act.command,
                "assignment_id": job.assignment_id,
                "version": self._versions[job.ticket],
                "body": job.act.body,
            }
        )

    def settle(self, job: Job, answer: Answer, now: float, again_at: float) -> None:
        """Go on as the answer says: the next act, the same once more (later: at `again_at`), or the end."""
        status, code = answer.get("status", 503), answer.get("code", "")
        version = answer.get("version") or answer.get("current_version")
        if version:
            self._raise_version(job.ticket, version)
        if status == 200:
            self._go_on(job, is_over=job.act.command == "return")
        elif status == 409 and code == "conflict":
            self._again(job, now, "newer version, sent again")
        elif status == 409 and code in NOT_THEN:
            self.troubles[f"{job.act.command} not possible any more: {code}"] += 1
            self._go_on(job)
        elif status == 409 and code == SUPPORT_OPEN:
            self.troubles["waited for a part of another unit"] += 1
            self._agenda.add(max(again_at, now + HOUR), job)
        elif status in AGAIN or status == 404:
            self._again(job, again_at, f"answer {status}")
        elif code != OVER:
            self.troubles[f"gave up: {job.act.command} {status} {code}".strip()] += 1

    def _take_on(self, ticket: bytes, value: bytes, now: float) -> None:
        number = self._number_of(ticket)
        if number is None:
            self._unplanned.append((ticket, value))
            return
        facts = read_facts(orjson.loads(value))
        if facts.assignment_id in self._known:
            return
        self._known.add(facts.assignment_id)
        self._assigned[ticket] += 1
        chance = Random(f"{self._seed}/{number}/work/{self._assigned[ticket]}")
        job = Job(ticket, facts.assignment_id, plan_work(chance, facts, now, self._centres))
        self._agenda.add(job.act.at, job)

    def _go_on(self, job: Job, *, is_over: bool = False) -> None:
        job.done, job.tries = job.done + 1, 0
        if not is_over and job.done < len(job.acts):
            self._agenda.add(job.act.at, job)

    def _again(self, job: Job, at: float, why: str) -> None:
        self.troubles[why] += 1
        job.tries += 1
        if job.tries < TRIES:
            self._agenda.add(at, job)
        else:
            self.troubles[f"gave up: {job.act.command} {why}"] += 1

    def _raise_version(self, ticket: bytes, version: int) -> None:
        self._versions[ticket] = max(version, self._versions.get(ticket, 0))


class Citizens:
    """Whoever is asked whether the matter is solved. Silence is an answer that never comes."""

    def __init__(self, seed: int, number_of: NumberOf) -> None:
        self.troubles: Counter[str] = Counter()
        self._seed = seed
        self._number_of = number_of
        self._agenda: Agenda[Word] = Agenda()
        self._asked: set[tuple[bytes, int]] = set()
        self._unplanned: list[tuple[bytes, int]] = []

    def see(self, seen: Sighting) -> None:
        """Learn that somebody was asked."""
        if seen.type == ASKED:
            self._unplanned.append((seen.ticket, orjson.loads(seen.value)["cycle"]))

    def due(self, now: float, limit: int) -> list[Word]:
        """The answers that are due."""
        waiting, self._unplanned = self._unplanned, []
        for ticket, cycle in waiting:
            self._make_up_mind(ticket, cycle, now)
        return self._agenda.take_due(now, limit)

    def line(self, word: Word) -> bytes:
        """The answer as one line of NDJSON."""
        return orjson.dumps({"ticket_id": word.ticket.decode(), **word.reply.body})

    def settle(self, word: Word, answer: Answer, now: float, again_at: float) -> None:
        """An answer that was not taken in is given again; one that came too late is not."""
        status = answer.get("status", 503)
        if 200 <= status < 300:
            return
        self.troubles[f"answer {status} {answer.get('code', '')}".strip()] += 1
        word.tries += 1
        if (status in AGAIN or status == 404) and word.tries < TRIES:
            self._agenda.add(again_at, word)

    def _make_up_mind(self, ticket: bytes, cycle: int, now: float) -> None:
        number = self._number_of(ticket)
        if number is None:
            self._unplanned.append((ticket, cycle))
        elif (ticket, cycle) not in self._asked:
            self._asked.add((ticket, cycle))
            reply = plan_reply(Random(f"{self._seed}/{number}/reply/{cycle}"), number, cycle, now)
            if reply is not None:
                self._agenda.add(reply.at, Word(ticket, reply))
