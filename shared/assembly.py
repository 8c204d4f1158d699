"""What every service is made of: pools, relay, streams, dead-letter mirror, health; opened and closed in order."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from starlette.middleware.cors import CORSMiddleware

from shared import contract_routes, health, problems, reconciliation, sampling, standing
from shared.access_settings import Mode
from shared.actors import EVERYWHERE
from shared.connections import Gate, Thresholds
from shared.consumer import Consumer
from shared.database import Database, connect
from shared.deadletters import DeadLetterMirror
from shared.edge import Bodies, Edge
from shared.epochs import read_epoch
from shared.errors import Unavailable
from shared.failpoint import failpoint
from shared.gatekeeper import Gatekeeper
from shared.health import Readiness
from shared.http_meter import HttpMeter
from shared.kafka import Producer, apply_topics
from shared.ledger import Ledger
from shared.methods import Methods
from shared.migrations import compare
from shared.openapi import ServiceApp, operations
from shared.permissions import Locate
from shared.relay import Companion, Relay
from shared.retelling import Marks, Retelling
from shared.runtime import Loop, serve
from shared.sampling import Sample, Sampling, watch_delay
from shared.settings import ServiceSettings
from shared.stream import Route, Stream
from shared.tallying import Tallying
from shared.telemetry import BUILD_INFO, log
from shared.terms import Source
from shared.topics import TOPICS, Topic, dead_letters_of
from shared.tracing import HttpTracer
from shared.wake import Wake

PUBLISHING: Final = frozenset(("relay", "dead-letters"))
"""Loops that end after all others: what those commit in their last breath is still to be published."""


class NotMigrated(Exception):
    """The database lacks the tables of this release: run `griddispatch db migrate`."""


class Unguarded(ValueError):
    """The service has routes and nobody at the door: a fault of its composition."""


class Assembly:
    """A service under construction. Only the parts asked for are built; each part has a small pool of its own."""

    def __init__(self, settings: ServiceSettings, service: str, source: Source, parts: frozenset[str]) -> None:
        self.settings = settings
        self.service = service
        self.parts = parts
        self.relay_wake = Wake()
        self.ledger = Ledger(source, self.relay_wake.ring)
        self.app = ServiceApp(service)
        self._source = source
        self._security = settings.security()
        self.reach = failpoint(settings.failpoint)
        self._dead_letter_wake = Wake()
        self._loops: dict[str, Loop] = {}
        self._pings: dict[str, health.Ping] = {}
        self.gatekeeper: Gatekeeper | None = None
        self.page_origins = ""
        """Origins, with commas between, whose pages may ask this service; no other page may."""
        self._databases: dict[str, Database] = {}
        self._samples: list[Sample] = [sampling.pools(self._databases)]
        self._endless: list[Callable[[], None]] = []
        self.gate = Gate(thresholds(settings))
        self.bodies: Bodies | None = Bodies()
        """How JSON is read before a route sees it; None where every route reads it strictly itself."""

    async def database(self, part: str, size: int = 2, area: str = EVERYWHERE) -> Database:
        """A pool for one part, which sees rows of `area`, of none if it is empty.

        Raises Unavailable, NotMigrated when the tables are not there, or SchemaNewer.
        """
        application = f"griddispatch-{self.service}-{part}"
        database = await connect(
            self.settings.database_dsn.get_secret_value(), size=size, application=application, reach=self.reach,
            area=area,
        )  # fmt: skip
        self._databases[part if part not in self._databases else f"{part}-{len(self._databases)}"] = database
        difference = await compare(database, self.service)
        difference.refuse_newer()
        if difference.missing:
            raise NotMigrated(f"not applied: {', '.join(difference.missing)}; run: griddispatch db migrate")
        self._pings.setdefault("database", database.ping)
        self.ledger.epoch = await read_epoch(database)
        return database

    async def doors_database(self, part: str, size: int) -> Database:
        """A pool for what callers ask: where they must say who they are it shows nothing that is not theirs."""
        return await self.database(part, size, EVERYWHERE if self.settings.access is Mode.OPEN else "")

    async def add_gatekeeper(self, places: Callable[[Database], Mapping[str, Locate]]) -> Gatekeeper:
        """Ask every caller who they are, and let nobody at what is not theirs; `places` finds what routes name.

        Call it before a router is included. Raises as Gatekeeper does.
        """
        database = await self.database("access")
        keeper = self.make_gatekeeper(database, places(database))
        keeper.access.install(self.app)
        self.loop("audit", keeper.trail.run)
        self.gatekeeper = keeper
        return keeper

    def make_gatekeeper(self, database: Database, places: Mapping[str, Locate]) -> Gatekeeper:
        """Who stands at the doors. Raises as Gatekeeper does."""
        return Gatekeeper(self.service, self.settings, database, self.settings.instance, places)

    def loop(self, name: str, run: Loop) -> None:
        """Add a background loop."""
        self._loops[name] = run

    def sample(self, sample: Sample) -> None:
        """Let the sampling loop take this too."""
        self._samples.append(sample)

    def on_stop(self, end: Callable[[], None]) -> None:
        """Call `end` when the process is asked to stop, before requests are waited for."""
        self._endless.append(end)

    async def add_relay(self, topic: Topic, companion: Companion | None = None) -> None:
        """Publish this service's events, and mirror its dead letters."""
        settings, name = self.settings, f"{self.service}-{self.settings.instance}"
        database = await self.database("relay")
        marks = Marks(topic.name)
        self.loop(
            "relay",
            Relay(
                database, Producer(settings.kafka_bootstrap, f"{name}-relay", self._security, marks.see),
                source=self._source, topic=topic.name, holder=name, wake=self.relay_wake, companion=companion,
                reach=self.reach, log_keeper=Retelling(database, self._source, marks),
            ).run,
        )  # fmt: skip
        mirror = Producer(settings.kafka_bootstrap, f"{name}-dead", self._security)
        dead = dead_letters_of(self.service)
        self.loop("tallying", Tallying(await self.database("tallying", 1)).run)
        self.loop("dead-letters", DeadLetterMirror(database, mirror, dead, self._dead_letter_wake).run)
        self.sample(sampling.messaging(database))

    async def add_reconciliation(self, county: str) -> None:
        """Let integrators prove that nothing is missing from the topics, and operators see what waits or died; only
        those who act for all of the county."""
        database = await self.database("reconciliation")
        self.app.include_router(reconciliation.router(database, self._source, county))
        self.app.include_router(standing.router(database, self.service, county))

    async def add_stream(self, name: str, routes: Sequence[Route[Any]]) -> None:
        """Read topics as the group `<service>-<name>`."""
        settings, group = self.settings, f"{self.service}-{name}"
        static = f"{group}-{settings.kafka_static_member}" if settings.kafka_static_member else ""

        def make(topics: Sequence[str]) -> Consumer:
            return Consumer(
                settings.kafka_bootstrap, group, topics, client_id=f"{group}-{settings.instance}", static_member=static,
                poll_records=settings.kafka_poll_records, idle_pause_s=settings.kafka_idle_pause_ms / 1000,
                security=self._security,
            )  # fmt: skip

        stream = Stream(
            await self.database(name, max(2, len(routes))), make, routes, group=group, release=release(),
            dead_letter_wake=self._dead_letter_wake,
        )  # fmt: skip
        self.loop(name, stream.run)
        self.sample(sampling.lag(group, stream.lag))
        # With the doors in this process, Kafka away is no reason to turn callers off: what is accepted waits.
        self._pings[name] = stream.check_not_halted if "api" in self.parts else stream.ping

    async def run(self) -> int:
        """Check the topics, serve, and close everything; the exit code.

        Raises ValueError when a route has no rule, TopicMismatch when a topic is not what the contract says. Kafka
        away is no reason not to start: what is accepted waits in the outbox.
        """
        settings = self.settings
        readiness = Readiness(self._pings)
        try:
            self.finish(readiness)
            if self.gatekeeper is not None and settings.access is Mode.OPEN:
                log.warning("access_is_open", served="this machine only, everybody as whoever they say they are")
            await self._check_topics()
            return await serve(
                self.app, self._loops, readiness, gate=self.gate, host=settings.host, port=settings.port,
                on_drain=self._ring_all, last=PUBLISHING, on_stop=self._end_endless,
            )  # fmt: skip
        finally:
            await self.close()

    def finish(self, readiness: Readiness) -> None:
        """Put in what every service answers, and check that every route has its rule. Raises ValueError."""
        if self.gatekeeper is None and any(operations(self.app.openapi())):
            raise Unguarded(f"{self.service} has routes, and add_gatekeeper was not called")
        problems.install(self.app)
        self.app.include_router(health.router(readiness))
        self.app.include_router(contract_routes.router())
        if self.gatekeeper is not None:
            self.gatekeeper.access.check(self.app.openapi())
        self.app.add_middleware(Methods, document=self.app.openapi())
        if self.page_origins:  # outside the refusal of methods: a browser asks with OPTIONS whether a page may ask
            self.app.add_middleware(
                CORSMiddleware, allow_origins=self.page_origins.split(","), allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "Griddispatch-Role", "Griddispatch-Actor"], max_age=600,
            )  # fmt: skip
        self.app.add_middleware(Edge, gate=self.gate, bodies=self.bodies)
        self.app.add_middleware(HttpMeter)
        self.app.add_middleware(HttpTracer)
        self.loop("sampling", Sampling(self._samples, every_s=self.settings.sample_every_s).run)
        self.loop("loop-delay", watch_delay)
        BUILD_INFO.labels(service=self.service, release=release()).set(1)

    async def _check_topics(self) -> None:
        try:
            await apply_topics(
                self.settings.kafka_bootstrap, TOPICS, check_only=True, security=self._security
            )  # fmt: skip
        except Unavailable as error:
            log.warning("topics_not_checked", error=str(error))

    def _end_endless(self) -> None:
        for end in self._endless:
            end()

    def _ring_all(self) -> None:
        """Whoever waits for work is to notice that there will be none."""
        if self.gatekeeper is not None:
            self.gatekeeper.trail.ring()
        self.relay_wake.ring()
        self._dead_letter_wake.ring()

    async def close(self) -> None:
        """Close every pool, and the connections to the login provider."""
        if self.gatekeeper is not None:
            await self.gatekeeper.close()
        await asyncio.gather(*(database.close() for database in self._databases.values()))


def thresholds(settings: ServiceSettings) -> Thresholds:
    """How many may stand at the door."""
    return Thresholds(
        per_address=settings.http_per_address, connections=settings.http_connections, requests=settings.http_requests
    )


def release() -> str:
    """The version of the installed product."""
    try:
        return version("griddispatch")
    except PackageNotFoundError:
        return "unreleased"
