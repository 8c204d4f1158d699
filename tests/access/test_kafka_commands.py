"""The command line shows Kafka what the settings say, as the services do, and refuses what does not go together."""

import asyncio
import ssl

import pytest
from typer.testing import CliRunner

from griddispatch.cli import command_line
from griddispatch.topic_reader import TopicReader
from shared.errors import Unavailable
from shared.kafka_security import PLAINTEXT, Protocol, Security

TLS_BEGINS, PLAIN_BEGINS = b"\x16", b"\x00"


@pytest.mark.parametrize(
    "command",
    [
        ("topics", "apply", "--bootstrap", "127.0.0.1:1"),
        ("dlq", "replay", "7", "--service", "intake", "--bootstrap", "127.0.0.1:1", "--dsn", "postgresql://127.0.0.1:1/x"),
        ("replay", "--service", "intake", "--to-topic", "copy", "--bootstrap", "127.0.0.1:1", "--yes", "--dsn",
         "postgresql://127.0.0.1:1/x"),
        ("reconcile", "--url", "http://127.0.0.1:1", "--bootstrap", "127.0.0.1:1"),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_command_that_speaks_to_kafka_reads_the_settings_of_its_security(command: tuple[str, ...]) -> None:
    said = {"GRIDDISPATCH_KAFKA_SECURITY": "SASL_SSL", "GRIDDISPATCH_KAFKA_USERNAME": "operator"}
    ended = CliRunner().invoke(command_line(), list(command), env=said)
    assert (ended.exit_code, "needs kafka_username and kafka_password" in ended.output) == (2, True)


@pytest.mark.parametrize(
    ("security", "byte"),
    [(PLAINTEXT, PLAIN_BEGINS), (Security(Protocol.SSL, ssl.create_default_context()), TLS_BEGINS)],
)
async def test_a_reader_of_topics_begins_as_its_security_says(security: Security, byte: bytes) -> None:
    begun: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(Unavailable):
        async with TopicReader(place, "tickets-intake", security):
            pass
    server.close()
    assert set(begun) == {byte}
