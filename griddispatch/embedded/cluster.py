"""Three nodes of Apache Kafka on loopback, each broker and controller: what survives the loss of one of them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from griddispatch.embedded.apache import ApacheKafka
from griddispatch.embedded.process import LOOPBACK, free_port

NODES: Final = 3
START_S: Final = 150.0
"""Three Java processes side by side, each waiting for another."""
_SETTINGS: Final = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "unclean.leader.election.enable": "false",
    # A node that is frozen is left out within seconds, and its partitions go to another.
    "replica.lag.time.max.ms": "4000",
    "controller.quorum.election.timeout.ms": "1000",
    "controller.quorum.fetch.timeout.ms": "2000",
}


class KafkaCluster:
    """Three ApacheKafka nodes that form one cluster: three copies of everything, two of them needed for a write.

    `advertised` are the ports under which clients find the nodes, where they are not to come straight: a second
    listener then serves those who connect to `direct`. Synchronous; one owner; usable as a context manager. Raises
    KafkaUnavailable like a single node.
    """

    def __init__(
        self, data_dir: Path | None = None, *, heap_mb: int = 256, advertised: Sequence[int] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        places = [None if data_dir is None else data_dir / f"node-{n}" for n in range(1, NODES + 1)]
        self.nodes = [ApacheKafka(place, heap_mb=heap_mb) for place in places]
        self.name = f"{self.nodes[0].name}, {NODES} nodes"
        self._advertised = tuple(advertised)
        self.linked_ports = [free_port() for _ in advertised]
        """Per node the port to which what stands before it must connect."""
        voters = ",".join(f"{n}@{node.controller}" for n, node in enumerate(self.nodes, 1))
        for n, node in enumerate(self.nodes, 1):
            node.start_timeout_s = START_S
            own = {"node.id": str(n), "controller.quorum.voters": voters}
            node.configure({**_SETTINGS, **own, **self._listeners(n, node), **(settings or {})})

    @property
    def bootstrap(self) -> str:
        """Where clients begin: every node, by the port it advertises."""
        ports = self._advertised or [_port(node.bootstrap) for node in self.nodes]
        return ",".join(f"{LOOPBACK}:{port}" for port in ports)

    @property
    def direct(self) -> str:
        """The nodes themselves, past what stands before them."""
        return ",".join(node.bootstrap for node in self.nodes)

    def start(self) -> None:
        """Start all nodes side by side: none is ready before two are. Raises LaunchError and leaves nothing running."""
        try:
            with ThreadPoolExecutor(NODES) as pool:
                for started in [pool.submit(node.start) for node in self.nodes if not node.is_running]:
                    started.result()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End every node at once, as a crash would, and keep their data."""
        for node in self.nodes:
            node.kill()

    def wipe(self) -> None:
        """End every node and forget what they keep; the next start makes an empty cluster in the same places."""
        self.kill()
        for node in self.nodes:
            node.wipe()

    def stop(self) -> None:
        """End every node and drop temporary data."""
        self.kill()
        for node in self.nodes:
            node.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listeners(self, n: int, node: ApacheKafka) -> dict[str, str]:
        """With ports to advertise: a second listener that names them to its clients."""
        if not self._advertised:
            return {}
        linked = f"LINKED://{LOOPBACK}:{self.linked_ports[n - 1]}"
        return {
            "listeners": f"PLAINTEXT://{node.bootstrap},{linked},CONTROLLER://{node.controller}",
            "advertised.listeners": f"PLAINTEXT://{node.bootstrap},LINKED://{LOOPBACK}:{self._advertised[n - 1]}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,LINKED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
