"""A Kafka that asks who comes and what they may: each service gets along with the rights written out, and no further."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from griddispatch.embedded import ApacheKafka, KafkaUnavailable
from griddispatch.embedded.process import LOOPBACK, free_port
from services.dispatch.live import TOPICS as FOLLOWED
from shared.codec import Record
from shared.consumer import Consumer
from shared.errors import Unavailable
from shared.kafka import Outgoing, Producer, apply_topics
from shared.kafka_security import KafkaSettings, Security
from shared.tail import Tail
from shared.topics import DISPATCH, INBOUND, INTAKE, TOPICS, Topic
from tests.builders import ROOT, eventually

SERVICES: Final = ("intake", "dispatch", "notify")
PASSWORD: Final = "Xq7vB2kLm9Tz4RwY8pNc3HdJ6fGs5AeU"
ROW: Final = re.compile(
    r"^\|(?P<who>[^|]*)\|(?P<topics>[^|]*)\|(?P<rights>[^|]*)\|(?P<group>[^|]*)\|(?P<on_group>[^|]*)\|$"
)
RIGHTS: Final = {"Read": 3, "Write": 4, "Describe": 8, "DescribeConfigs": 10}
OF_TOPIC, OF_GROUP, LITERAL, PREFIXED, ALLOW = 2, 3, 3, 4, 3
"""The numbers that Kafka's protocol has for what an entry is about."""
WAYS: Final = ("password", "certificate")


class Entry(NamedTuple):
    """One right, as the page has it."""

    service: str
    kind: int
    name: str
    pattern: int
    right: int


def written_out() -> Iterator[Entry]:
    """The rights of the services, as the page gives them."""
    service = ""
    for line in (ROOT / "deploy" / "kafka" / "acls.md").read_text(encoding="utf-8").splitlines():
        if (row := ROW.match(line)) is None:
            continue
        told = row["who"].strip().strip("`")
        service = (told.removeprefix("User:") if told.startswith("User:") else "") if told else service
        if service not in SERVICES:
            continue
        named = re.findall(r"`([a-z-]+)`", row["topics"]) or [topic.name for topic in TOPICS]
        for right in (RIGHTS[said.strip()] for said in row["rights"].split(",")):
            yield from (Entry(service, OF_TOPIC, name, LITERAL, right) for name in named)
        for prefix in re.findall(r"`([a-z-]+)`", row["group"]):
            for right in (RIGHTS[said.strip()] for said in row["on_group"].split(",")):
                yield Entry(service, OF_GROUP, prefix, PREFIXED, right)


class Papers:
    """An authority of certificates, and what it made out: for the broker, and for each service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority")
        self.authority = folder / "authority.pem"
        own = self._begun(self._name, self._key).add_extension(x509.BasicConstraints(True, 0), critical=True)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        made = own.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        self.authority.write_bytes(made.public_bytes(Encoding.PEM))

    def made_out(self, name: str) -> tuple[Path, Path]:
        """A certificate for this name and this machine, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
        made = self._begun(_name(name), key).add_extension(here, critical=False).sign(self._key, hashes.SHA256())
        shown, kept = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        shown.write_bytes(made.public_bytes(Encoding.PEM))
        kept.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return shown, kept

    def _begun(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now, by = datetime.now(UTC), self._key.public_key()
        return (
            x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by), critical=False)
        )  # fmt: skip


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Asking:
    """A node that lets nobody in who does not prove who they are, except its keeper on this machine."""

    def __init__(self, folder: Path) -> None:
        self.papers = Papers(folder)
        self.broker = ApacheKafka(storage=[part for user in SERVICES for part in ("--add-scram", _scram(user))])
        self.places = {way: f"{LOOPBACK}:{free_port()}" for way in WAYS}
        shown, kept = self.papers.made_out("broker")
        both = folder / "broker-both.pem"
        both.write_bytes(kept.read_bytes() + shown.read_bytes())
        clients = f"PLAINTEXT://{self.broker.bootstrap}," + ",".join(
            f"{way.upper()}://{place}" for way, place in self.places.items()
        )
        self.broker.configure({
            "listeners": f"{clients},CONTROLLER://{self.broker.controller}", "advertised.listeners": clients,
            "listener.security.protocol.map":
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_SSL,CERTIFICATE:SSL",
            "listener.name.password.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.password.scram-sha-512.sasl.jaas.config":
                "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "listener.name.certificate.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM", "ssl.keystore.location": str(both),
            "ssl.truststore.type": "PEM", "ssl.truststore.location": str(self.papers.authority),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS", "allow.everyone.if.no.acl.found": "false",
        })  # fmt: skip

    def security(self, way: str, service: str, password: str = PASSWORD) -> Security:
        """What a service shows, read from its settings."""
        said: dict[str, Any] = {}
        if way == "password":
            said = {"kafka_security": "SASL_SSL", "kafka_username": service, "kafka_password": password}
        else:
            shown, kept = self.papers.made_out(service)
            said = {"kafka_security": "SSL", "kafka_certificate": shown, "kafka_key": kept}
        return KafkaSettings(_env_file=None, kafka_ca=self.papers.authority, **said).security()

    async def grant(self, entries: Sequence[Entry]) -> None:
        """Write the rights down, for whoever shows the password and for whoever shows the certificate."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        await admin.start()
        try:
            for entry in entries:
                for principal in (f"User:{entry.service}", f"User:CN={entry.service}"):
                    about = (entry.kind, entry.name, entry.pattern, principal, "*", entry.right, ALLOW)
                    told = await admin._send_to_controller(CreateAclsRequest(*about))
                    assert [code for code, *_ in told.creation_responses] == [0], told
        finally:
            await admin.close()


def _scram(user: str) -> str:
    return f"SCRAM-SHA-512=[name={user},password={PASSWORD}]"


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The node, with every topic, and the rights as they are written out."""
    node = Asking(tmp_path_factory.mktemp("papers"))
    try:
        node.broker.start()
    except KafkaUnavailable as missing:
        if os.environ.get("GRIDDISPATCH_REQUIRE_KAFKA") == "1":
            pytest.fail(f"Apache Kafka is required and cannot be had: {missing}")
        pytest.skip(f"NOT COVERED on Apache Kafka: {missing}")

    async def furnish() -> None:
        await apply_topics(node.broker.bootstrap, TOPICS)
        await node.grant(list(written_out()))
        keeper = Producer(node.broker.bootstrap, "keeper")
        assert all(await keeper.send([Outgoing(topic.name, b"k", b"v", (), 0) for topic in TOPICS]))
        await keeper.discard()

    asyncio.run(furnish())
    yield node
    node.broker.stop()


async def sent(asking: Asking, way: str, service: str, topic: Topic) -> list[bool]:
    """Whether Kafka took a record from a service."""
    producer = Producer(asking.places[way], f"{service}-test", asking.security(way, service))
    try:
        return await producer.send([Outgoing(topic.name, b"k", b"v", (), 0)])
    finally:
        await producer.discard()


async def read(asking: Asking, way: str, service: str, group: str, topics: Sequence[Topic]) -> None:
    """Join a group and read until something of every topic came. Raises Unavailable."""
    consumer = Consumer(
        asking.places[way], group, [topic.name for topic in topics], client_id=f"{service}-test", static_member="",
        poll_records=10, security=asking.security(way, service),
    )  # fmt: skip
    await consumer.start()
    try:
        await until_heard(topics, lambda: consumer.poll(0.2))
    finally:
        await consumer.stop()


async def follow(asking: Asking, way: str, service: str, topics: Sequence[Topic]) -> None:
    """Follow topics without a group until something of each came. Raises Unavailable."""
    tail = Tail(asking.places[way], topics, client_id=f"{service}-test", security=asking.security(way, service))
    try:
        await tail.start({}, 10)
        await until_heard(topics, tail.poll)
    finally:
        await tail.stop()


async def until_heard(topics: Sequence[Topic], poll: Callable[[], Awaitable[Sequence[Record]]]) -> None:
    heard: set[str] = set()

    async def of_every_topic() -> bool:
        heard.update(record.topic for record in await poll())
        return heard >= {topic.name for topic in topics}

    await eventually(of_every_topic, what=f"a record of each of {[topic.name for topic in topics]}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_gets_along_with_the_rights_that_are_written_out(
    asking: Asking, way: str, service: str
) -> None:
    for topic in (one for one in TOPICS if one.writer == service):
        assert await sent(asking, way, service, topic) == [True], topic.name
    await read(asking, way, service, f"{service}-stream", [one for one in TOPICS if service in one.readers])
    if service == "dispatch":
        await follow(asking, way, service, FOLLOWED)
    assert await apply_topics(
        asking.places[way], TOPICS, check_only=True, security=asking.security(way, service)
    ) == []  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_and_no_further(asking: Asking, way: str) -> None:
    assert await sent(asking, way, "intake", DISPATCH) == [False]
    assert await sent(asking, way, "intake", INBOUND) == [False]
    with pytest.raises(Unavailable):
        await read(asking, way, "intake", "dispatch-stream", [INBOUND])
    other = Topic("somebody-elses", "key", "intake", (), None, partitions=1)
    with pytest.raises(Unavailable):
        await apply_topics(asking.places[way], [other], security=asking.security(way, "intake"))


async def test_who_does_not_prove_who_they_are_gets_nowhere(asking: Asking, tmp_path: Path) -> None:
    wrong = asking.security("password", "intake", "another password altogether")
    strangers = Papers(tmp_path)
    shown, kept = strangers.made_out("intake")
    paper: dict[str, Any] = {"kafka_security": "SSL", "kafka_certificate": shown, "kafka_key": kept}
    forged = KafkaSettings(_env_file=None, kafka_ca=asking.papers.authority, **paper).security()
    said: dict[str, Any] = {"kafka_security": "SASL_SSL", "kafka_username": "intake", "kafka_password": PASSWORD}
    misled = KafkaSettings(_env_file=None, kafka_ca=strangers.authority, **said).security()
    for way, shows in (("password", wrong), ("certificate", forged), ("password", misled)):
        producer = Producer(asking.places[way], "intake-test", shows)
        with pytest.raises(Unavailable):
            await producer.send([Outgoing(INTAKE.name, b"k", b"v", (), 0)])
        await producer.discard()
