"""The page of Kafka's rights gives every service exactly what the contract's topics say it writes and reads."""

import re

import pytest

from services.dispatch.live import TOPICS as FOLLOWED
from shared.topics import TOPICS
from tests.builders import ROOT

PAGE = (ROOT / "deploy" / "kafka" / "acls.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("service", ["intake", "dispatch", "notify"])
def test_a_service_writes_and_reads_what_the_contract_says(service: str) -> None:
    begin = PAGE.index(f"| `User:{service}` |")
    writes, reads = (set(re.findall(r"`([a-z-]+)`", line)) for line in PAGE[begin:].splitlines()[:2])
    assert writes == {topic.name for topic in TOPICS if topic.writer == service}
    followed = {topic.name for topic in FOLLOWED} if service == "dispatch" else set()
    assert reads - {f"{service}-"} == {topic.name for topic in TOPICS if service in topic.readers} | followed
