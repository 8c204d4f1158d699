"""HTTP to the services: NDJSON out, one answer per line back, and what is unknown stays unknown."""

from collections.abc import Sequence
from typing import Any

import httpx
import orjson

TIMEOUT = httpx.Timeout(20.0)
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that are no verdict on the content: send the same thing again."""

Answer = dict[str, Any]
UNKNOWN: Answer = {"status": 503}


def new_client(connections: int) -> httpx.AsyncClient:
    """A client for loopback: no proxies, no redirects, and every wait has an end."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(timeout=TIMEOUT, limits=limits, trust_env=False)


async def post_lines(client: httpx.AsyncClient, url: str, lines: Sequence[bytes]) -> list[Answer]:
    """Send lines, answer with one object each in their order; UNKNOWN where no answer came."""
    answers: list[Answer] = [UNKNOWN] * len(lines)
    try:
        response = await client.post(url, content=b"\n".join(lines), headers={"content-type": "application/x-ndjson"})
        for line in response.content.splitlines() if response.status_code == 200 else ():
            answer = orjson.loads(line)
            answers[answer["line"] - 1] = answer
    except (httpx.HTTPError, orjson.JSONDecodeError, LookupError):
        return answers  # what was not read is UNKNOWN: the caller sends it again and sees
    return answers


async def post_one(client: httpx.AsyncClient, url: str, body: bytes) -> Answer:
    """Send one object; the answer's fields and its `status`, or UNKNOWN."""
    try:
        response = await client.post(url, content=body, headers={"content-type": "application/json"})
        found = orjson.loads(response.content)
    except (httpx.HTTPError, orjson.JSONDecodeError):
        return UNKNOWN
    return {**found, "status": response.status_code}


async def get_json(client: httpx.AsyncClient, url: str) -> Answer:
    """Read one object. Raises httpx.HTTPError when the service does not answer with one."""
    response = await client.get(url)
    response.raise_for_status()
    found: Answer = orjson.loads(response.content)
    return found
