"""Group robots: WeCom 企业微信, DingTalk 钉钉 and Feishu 飞书, each with its own way to sign and to say no."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote_plus

import orjson

from services.notify.channels.base import BATCH, SEND_S, in_turn
from services.notify.channels.guard import Guard
from services.notify.channels.http import HttpClient, InDoubt, NotSent
from services.notify.channels.signing import KeyRefused
from services.notify.core.contacts import ChannelKind, Endpoint
from services.notify.core.delivery import Outcome, Result, read_answer
from services.notify.core.message import Message
from services.notify.core.render import Form, Renderer, cut, utf8_size
from services.notify.core.target import read_url
from shared.clock import utc_now

TITLES = {"zh": "网格调度", "en": "Grid Dispatch"}


@dataclass(frozen=True, slots=True)
class Post:
    """What goes to a robot: what is put behind its address, and the body."""

    suffix: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of robot. `secrets` is how many words its secret has: its token, then its signing key."""

    secrets: tuple[int, ...]
    most_bytes: int
    write: Callable[[Sequence[str], str, str, datetime], Post]
    """(secret's words, title, text, now) → the post."""
    codes: tuple[str, ...]
    """Where its answer says how it went; 0 is well."""
    busy: Mapping[int, timedelta]
    """Codes that mean: too many in a short time, and how long to wait."""


class RobotChannel:
    """One robot's queue out. A group takes few messages a minute: one at a time."""

    batch = BATCH

    def __init__(
        self, endpoint: Endpoint, secret: str, renderer: Renderer, guard: Guard, *, send_s: float = SEND_S
    ) -> None:
        """Raises KeyRefused when the secret does not fit the robot, TargetRefused for its address."""
        self._dialect = DIALECTS[endpoint.channel]
        self._words = secret.split()
        self._language = endpoint.language
        self._renderer = renderer
        if len(self._words) not in self._dialect.secrets or not secret.isascii():
            signing = ", or its token, a blank and its signing key" if 2 in self._dialect.secrets else ""
            raise KeyRefused(f"must be its token{signing}")
        self._target = read_url(endpoint.url, guard.loopback)
        self._client = HttpClient(self._target, guard, send_s=send_s)

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        """Send each in a post of its own, one after the other."""
        return await in_turn(messages, self._send, workers=1)

    async def close(self) -> None:
        """Close the connections."""
        self._client.close()

    async def _send(self, message: Message) -> Result:
        text = cut(
            self._renderer.words(message, self._language, Form.MARKDOWN), self._dialect.most_bytes, utf8_size
        )  # fmt: skip
        post = self._dialect.write(self._words, TITLES[self._language], text, utc_now())
        try:
            answer = await self._client.send(
                orjson.dumps(post.body), [("content-type", "application/json")], path=self._target.path + post.suffix
            )
        except NotSent as error:
            return Result(Outcome.FAILED, str(error))
        except InDoubt as error:
            return Result(Outcome.AMBIGUOUS, str(error))
        result = read_answer(answer.status, answer.retry_after, utc_now())
        return self._read(answer.body) if result.outcome is Outcome.DELIVERED else result

    def _read(self, body: bytes) -> Result:
        """What the body of a good status says."""
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            return Result(Outcome.AMBIGUOUS, "unreadable answer")
        answered = found if isinstance(found, dict) else {}
        code = next((answered[name] for name in self._dialect.codes if name in answered), None)
        if type(code) is not int:
            return Result(Outcome.AMBIGUOUS, "unreadable answer")
        if code == 0:
            return Result(Outcome.DELIVERED, "code 0", is_alive=True)
        wait = self._dialect.busy.get(code)
        return Result(Outcome.FAILED, f"code {code}", wait, wait, is_alive=wait is None)


def _to_wecom(secret: Sequence[str], title: str, text: str, now: datetime) -> Post:
    return Post(f"?key={quote_plus(secret[0])}", {"msgtype": "markdown", "markdown": {"content": text}})


def _to_dingtalk(secret: Sequence[str], title: str, text: str, now: datetime) -> Post:
    suffix = f"?access_token={quote_plus(secret[0])}"
    if len(secret) > 1:
        stamp = str(int(now.timestamp() * 1000))
        signature = _hmac(secret[1], f"{stamp}\n{secret[1]}")
        suffix += f"&timestamp={stamp}&sign={quote_plus(signature)}"
    return Post(suffix, {"msgtype": "markdown", "markdown": {"title": title, "text": text}})


def _to_feishu(secret: Sequence[str], title: str, text: str, now: datetime) -> Post:
    body: dict[str, object] = {
        "msg_type": "interactive",
        "card": {
            "header": {"title": {"tag": "plain_text", "content": title}},
            "elements": [{"tag": "markdown", "content": text}],
        },
    }
    if len(secret) > 1:
        stamp = str(int(now.timestamp()))
        body |= {"timestamp": stamp, "sign": _hmac(f"{stamp}\n{secret[1]}", "")}
    return Post(f"/{quote_plus(secret[0])}", body)


def _hmac(key: str, words: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), words.encode(), hashlib.sha256).digest()).decode()


_MINUTE = timedelta(minutes=1)
DIALECTS: Mapping[ChannelKind, Dialect] = {
    ChannelKind.WECOM: Dialect((1,), 4096, _to_wecom, ("errcode",), {45009: _MINUTE, -1: _MINUTE}),
    ChannelKind.DINGTALK: Dialect(
        (1, 2), 20_000, _to_dingtalk, ("errcode",), {130101: _MINUTE, 410100: _MINUTE, -1: _MINUTE}
    ),
    ChannelKind.FEISHU: Dialect(
        (1, 2), 20_000, _to_feishu, ("code", "StatusCode"), {9499: _MINUTE, 11232: _MINUTE}
    ),
}  # fmt: skip
