"""noida-db's Kafka as a child process: ready in milliseconds, for the demo and for most tests."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from griddispatch.embedded.broker import Capability, answers_metadata
from griddispatch.embedded.process import LOOPBACK, LaunchError, Program, free_port
from griddispatch.embedded.server import EmbeddedServer


class NoidaBroker(EmbeddedServer):
    """noida-db serving Kafka only.

    Consumers need a `group_instance_id`: it never expires a dead dynamic member. It creates unknown topics silently.
    Records acknowledged within the last second are lost when it is killed; a stop in order keeps everything.
    Raises LaunchError where the wheel is missing.
    """

    capabilities = frozenset({Capability.IDEMPOTENCE, Capability.TRANSACTIONS})

    def __init__(self, data_dir: Path | None = None, *, port: int | None = None) -> None:
        super().__init__(f"noida-db {noida_version()}", data_dir)
        self._port = port or free_port()
        self.bootstrap = f"{LOOPBACK}:{self._port}"

    def _prepare(self) -> Program:
        # Its console script changes file modes at each start and leaves the server behind when killed.
        options = ["--only", "kafka", "--kafka-port", str(self._port), "--data-dir", str(self.home / "noida")]
        return Program([noida_binary(), "start", *options])

    def _is_ready(self) -> bool:
        return answers_metadata(LOOPBACK, self._port)


def noida_version() -> str:
    """The installed version; raises LaunchError when the wheel is missing."""
    try:
        return version("noida-db")
    except PackageNotFoundError as error:
        raise LaunchError("noida-db is not installed: install the extra 'embedded'") from error


def noida_binary() -> Path:
    """Where the installed wheel has its server; raises LaunchError when the wheel is missing."""
    spec = find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise LaunchError("noida-db is not installed: install the extra 'embedded'")
    return Path(spec.origin).with_name("noida-db")
