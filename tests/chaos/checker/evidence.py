"""What a run leaves behind, as files of one folder: the only thing the checker may look at."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct, field

T = TypeVar("T", bound=Struct)


class Op(Struct, frozen=True, kw_only=True):
    """One call of a client. Times are real seconds since 1970.

    `result` is `ok` (2xx), `fail` (4xx) or `info`: it may have happened or not (5xx, timeout, reset).
    """

    name: str
    key: str
    began: float
    ended: float
    result: str
    status: int = 0
    fingerprint: str = ""
    ticket: str = ""
    answer: str = ""
    """A digest of the answer's body without what says that it is a repeat."""
    race: str = ""
    """Calls with the same name here were made at once, for the same version of the same ticket."""
    version: int = 0
    """The version the call was given for; of a create 0."""
    current: int = 0
    """The version that a refusal named as the current one."""


class Record(Struct, frozen=True, kw_only=True):
    """One record of a topic; `stamp` is the real time its producer put on it, in seconds."""

    topic: str
    partition: int
    offset: int
    stamp: float
    key: str
    value: bytes
    headers: dict[str, str]


class Sight(Struct, frozen=True, kw_only=True):
    """An event that was on its topic before that topic was lost: `stamp` is what its record then bore."""

    id: str
    stamp: float


class Ticket(Struct, frozen=True, kw_only=True):
    """A matter as intake keeps it; `keys` are all under which it is found again."""

    id: str
    keys: list[str]
    public_state: str
    state: str = "TRIAGED"
    exercise: bool = False


class Share(Struct, frozen=True, kw_only=True):
    """A unit's part in a ticket, as dispatch keeps it."""

    id: str
    kind: str
    unit: str
    state: str
    ended: bool


class Case(Struct, frozen=True, kw_only=True):
    """A ticket as dispatch keeps it."""

    ticket: str
    version: int
    state: str
    light: str
    due_at: str
    shares: list[Share]


class Stated(Struct, frozen=True, kw_only=True):
    """One row of a service's ledger."""

    source: str
    ticket: str
    version: int
    type: str
    payload: str


class Applied(Struct, frozen=True, kw_only=True):
    """One event that a consumer gave effect to, written down in the transaction of the effect; `place` orders them."""

    service: str
    source: str
    ticket: str
    version: int
    place: int


class Message(Struct, frozen=True, kw_only=True):
    """One thing told to one recipient, as notify keeps it."""

    id: str
    ticket: str
    template: str
    recipient: str
    channel: str
    state: str
    attempts: int
    ambiguous: int
    error: str
    caused_by: str
    carrier: str = ""
    """The message in which this one travelled."""


class FollowUp(Struct, frozen=True, kw_only=True):
    """Asking one citizen in one cycle."""

    ticket: str
    cycle: int
    state: str
    satisfied: bool | None = None


class Dead(Struct, frozen=True, kw_only=True):
    """One dead letter."""

    service: str
    topic: str
    partition: int
    offset: int
    reason: str
    value: bytes | None


class Waiting(Struct, frozen=True, kw_only=True):
    """Something that still waits at the end: a row of `outbox`, `parked` or a due `timer`."""

    service: str
    where: str
    ticket: str
    version: int = 0
    source: str = ""


class Sample(Struct, frozen=True, kw_only=True):
    """What one GET showed at a real instant: `name` says of what, `asked` how it was narrowed."""

    at: float
    name: str
    asked: str = ""
    status: int = 200
    rows: list[dict[str, str | int | float | bool | None]] = field(default_factory=list)


class Delivery(Struct, frozen=True, kw_only=True):
    """One request that reached the test's receiver, and what it was answered (0: nothing)."""

    at: float
    place: str
    id: str
    timestamp: str
    signature: str
    body: bytes
    status: int


class Fault(Struct, frozen=True, kw_only=True):
    """Something done to the system between two real instants."""

    kind: str
    began: float
    ended: float
    target: str = ""
    ambiguous: bool = False
    """It can leave a sender not knowing whether its message arrived."""
    heals_broker: bool = False


class Poison(Struct, frozen=True, kw_only=True):
    """A record that nobody can read, put into a topic by the test."""

    topic: str
    partition: int
    offset: int
    value: bytes
    readers: list[str]


class Drain(Struct, frozen=True, kw_only=True):
    """One orderly end of a service: what it took, and what it left unpublished while Kafka was there."""

    service: str
    exit_code: int
    seconds: float
    unpublished: int
    broken_answers: int = 0


class Heal(Struct, frozen=True, kw_only=True):
    """From the end of the last fault until nothing moved any more."""

    seconds: float
    backlog: int
    quiet: bool = True


class Replay(Struct, frozen=True, kw_only=True):
    """The state's digest before and after something was told again."""

    what: str
    before: str
    after: str


class Run(Struct, frozen=True, kw_only=True):
    """What the run was."""

    seed: int
    commit: str
    broker: str
    began: float
    ended: float
    clocks_stopped: float | None = None
    """From when on no clock could ring any more, because the run had stopped them."""
    clock_shown: str
    clock_real: str
    clock_speed: float
    partitions_before: dict[str, int] = field(default_factory=dict)
    partitions_after: dict[str, int] = field(default_factory=dict)
    readers: dict[str, list[str]] = field(default_factory=dict)
    """Which services read which topic."""
    secrets: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    """The places that messages may be sent to."""
    canaries: list[str] = field(default_factory=list)
    silent: bool = False
    """The run ended while things still moved: what must hold only at rest is not judged."""


class Evidence(Struct, frozen=True, kw_only=True):
    """All that is known of a run."""

    run: Run
    ops: Sequence[Op] = ()
    records: Sequence[Record] = ()
    sights: Sequence[Sight] = ()
    tickets: Sequence[Ticket] = ()
    cases: Sequence[Case] = ()
    ledger: Sequence[Stated] = ()
    applied: Sequence[Applied] = ()
    messages: Sequence[Message] = ()
    follow_ups: Sequence[FollowUp] = ()
    dead: Sequence[Dead] = ()
    waiting: Sequence[Waiting] = ()
    samples: Sequence[Sample] = ()
    deliveries: Sequence[Delivery] = ()
    faults: Sequence[Fault] = ()
    poison: Sequence[Poison] = ()
    drains: Sequence[Drain] = ()
    heals: Sequence[Heal] = ()
    replays: Sequence[Replay] = ()
    texts: dict[str, bytes] = field(default_factory=dict)
    """Logs and metrics, by name."""


_KINDS: dict[str, type[Struct]] = {
    "ops": Op, "records": Record, "tickets": Ticket, "cases": Case, "ledger": Stated, "applied": Applied,
    "messages": Message, "follow_ups": FollowUp, "dead": Dead, "waiting": Waiting, "samples": Sample,
    "deliveries": Delivery, "faults": Fault, "poison": Poison, "drains": Drain, "heals": Heal, "replays": Replay,
    "sights": Sight,
}  # fmt: skip


def save(evidence: Evidence, folder: Path) -> None:
    """Write the files: `run.json`, one NDJSON file a kind, and the texts in a folder of their own."""
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_bytes(msgspec.json.encode(evidence.run))
    for name in _KINDS:
        (folder / f"{name}.ndjson").write_bytes(_lines(getattr(evidence, name)))
    for name, text in evidence.texts.items():
        (folder / "texts" / name).write_bytes(text)


def load(folder: Path) -> Evidence:
    """Read what `save` wrote; a kind without a file is empty. Raises msgspec.ValidationError for anything else."""
    run = msgspec.json.decode((folder / "run.json").read_bytes(), type=Run)
    kinds = {name: _read(folder / f"{name}.ndjson", kind) for name, kind in _KINDS.items()}
    texts = {path.name: path.read_bytes() for path in sorted((folder / "texts").glob("*"))}
    return Evidence(run=run, texts=texts, **kinds)  # type: ignore[arg-type]


def _lines(items: Iterable[Struct]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)


def _read(path: Path, kind: type[T]) -> list[T]:
    return [msgspec.json.decode(line, type=kind) for line in path.read_bytes().splitlines()] if path.exists() else []
