"""One node of Apache Kafka as a child process: the authority on groups, takeover, fencing and durability."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from griddispatch.embedded.apache_install import KafkaInstallation, install_kafka, kafka_version
from griddispatch.embedded.broker import Capability, answers_metadata
from griddispatch.embedded.process import LOOPBACK, LaunchError, Program, free_port
from griddispatch.embedded.server import EmbeddedServer

_FORMAT_TIMEOUT_S = 60.0
# Any valid id will do: nothing else can join, the node listens on loopback only.
_CLUSTER_ID = "Z3JpZGRpc3BhdGNoLWRldg"
# For a start in seconds and few resources: no optimising compiler, one collector thread, no monitoring.
_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Xlog:all=error",  # writing class data warns of hundreds of classes left out
    "-Dlog4j2.disableJmx=true",
    "-Dorg.apache.logging.log4j.level=WARN",
)
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    # The only voter: nobody to wait for.
    "controller.quorum.election.timeout.ms": "100",
    "controller.quorum.election.backoff.max.ms": "50",
    # After a kill the controller refuses the new broker until the session of the old one ends (9 s by default).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Half of a small heap otherwise.
    "log.cleaner.dedupe.buffer.size": "4194304",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}


@dataclass(frozen=True)
class ClassTraining:
    """Where a node leaves its class data as it ends, and where they go then: whole, for all later nodes."""

    written: Path
    shared: Path


class ApacheKafka(EmbeddedServer):
    """Apache Kafka, broker and controller in one process, on loopback.

    Needs Java 17 and, the first time, Maven and a package mirror: `start` raises KafkaUnavailable otherwise. Topics
    are never created by use. `settings` are broker settings by name and win over ours; `jvm_options` come after ours;
    `storage` are further options of formatting its storage, such as its first users; `env` replaces the environment,
    for finding Java as well as for running it.
    """

    capabilities = frozenset(Capability)
    stop_timeout_s = 60.0  # the first node of a machine writes class data as it ends

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        heap_mb: int = 320,
        jvm_options: Sequence[str] = (),
        storage: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"Apache Kafka {kafka_version()}", data_dir)
        self._port = free_port()
        self._controller_port = free_port()
        self._settings = dict(settings or {})
        self._jvm = [*_JVM, f"-Xmx{heap_mb}m", *jvm_options]
        self._storage = tuple(storage)
        self._env = dict(os.environ if env is None else env)
        self._training: ClassTraining | None = None
        self.bootstrap = f"{LOOPBACK}:{self._port}"

    @property
    def controller(self) -> str:
        """`host:port` of its controller, for the other nodes of a cluster."""
        return f"{LOOPBACK}:{self._controller_port}"

    def wipe(self) -> None:
        """Forget what it keeps, while it does not run; the next start makes it new. Raises LaunchError when it runs."""
        if self.is_running:
            raise LaunchError(f"{self.name} is running: end it first")
        shutil.rmtree(self._logs, ignore_errors=True)

    def configure(self, settings: Mapping[str, str]) -> None:
        """Broker settings by name, over those given before; they count from the next start on."""
        self._settings |= settings

    def kill(self) -> None:
        """End it at once, as a crash would, and keep its data; does nothing when it does not run."""
        super().kill()
        if self._training is not None:  # a node that failed to start leaves class data of little worth
            self._training.written.unlink(missing_ok=True)

    def _prepare(self) -> Program:
        installation = install_kafka(self._env)
        properties = self.home / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._all_settings().items()))
        if not (self._logs / "meta.properties").exists():
            self._format(installation, properties)
        archive = installation.class_archive
        if archive.exists():
            self._training, option = None, f"-XX:SharedArchiveFile={archive}"
        else:
            self._training = ClassTraining(archive.with_name(f"{archive.name}.{os.getpid()}-{self._port}"), archive)
            option = f"-XX:ArchiveClassesAtExit={self._training.written}"
        return Program([*self._java(installation), option, "kafka.Kafka", properties], self._env)

    def _is_ready(self) -> bool:
        return answers_metadata(LOOPBACK, self._port)

    def _halt(self) -> None:
        super()._halt()
        if self._training is not None and self._training.written.exists():
            self._training.written.replace(self._training.shared)

    def _java(self, installation: KafkaInstallation) -> list[str | Path]:
        return [installation.java, *self._jvm, "-cp", installation.class_path]

    @property
    def _logs(self) -> Path:
        return self.home / "kafka"

    def _all_settings(self) -> dict[str, str]:
        client = f"PLAINTEXT://{LOOPBACK}:{self._port}"
        controller = f"{LOOPBACK}:{self._controller_port}"
        places = {
            "listeners": f"{client},CONTROLLER://{controller}",
            "advertised.listeners": client,
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self._logs),
        }
        return {**_SETTINGS, **places, **self._settings}

    def _format(self, installation: KafkaInstallation, properties: Path) -> None:
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", _CLUSTER_ID, "--config", str(properties)]
        argv = [*self._java(installation), *tool, *self._storage]
        try:
            done = subprocess.run(
                argv, env=self._env, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise LaunchError(f"formatting the storage of {self.name} took over {_FORMAT_TIMEOUT_S:g} s") from error
        if done.returncode != 0:
            raise LaunchError(f"formatting the storage of {self.name} failed: {(done.stdout + done.stderr).strip()}")
