"""What clients did and were told: every call is written down with its beginning, its end, and what is known of it."""

import json
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import httpx

from tests.chaos.checker.evidence import Op, Sample

_NOT_OF_THE_ANSWER = frozenset({"line", "status", "hastened"})


@dataclass
class History:
    """The run's calls and samples."""

    ops: list[Op] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def note(
        self, name: str, key: str, began: float, status: int, answer: dict[str, Any], *, words: bytes = b"",
        ticket: str = "", race: str = "", version: int = 0,
    ) -> Op:  # fmt: skip
        """Write one call down; `status` 0 means that no answer came."""
        result = "ok" if 200 <= status < 300 else "fail" if 400 <= status < 500 else "info"
        op = Op(
            name=name, key=key, began=began, ended=time.time(), result=result, status=status,
            fingerprint=_digest(words), ticket=ticket or str(answer.get("ticket_id", "")),
            answer=_digest(_stable(answer)) if result == "ok" else "", race=race, version=version,
            current=int(answer.get("version") or answer.get("current_version") or 0) if result == "fail" else 0,
        )  # fmt: skip
        self.ops.append(op)
        return op


async def ask(
    client: httpx.AsyncClient, method: str, url: str, content: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """The status and the body of an answer; (0, {}) when none came whole."""
    try:
        answer = await client.request(method, url, content=content or None, headers=headers)
        found = json.loads(answer.content) if answer.content else {}
    except (httpx.HTTPError, ValueError):
        return 0, {}
    return answer.status_code, found if isinstance(found, dict) else {"list": found}


def _digest(words: bytes) -> str:
    return sha256(words).hexdigest()[:16]


def _stable(answer: dict[str, Any]) -> bytes:
    return json.dumps({k: v for k, v in answer.items() if k not in _NOT_OF_THE_ANSWER}, sort_keys=True).encode()
