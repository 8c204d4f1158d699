"""Finding Java and fetching the jars of Apache Kafka once per user, safely for parallel callers."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from griddispatch.embedded.process import LaunchError, wait_until

POM = Path(__file__).with_name("kafka-pom.xml")
OLDEST_JAVA = 17
_POM_NAMESPACE = "http://maven.apache.org/POM/4.0.0"
_JAVA_TIMEOUT_S = 30.0
_DOWNLOAD_TIMEOUT_S = 600.0


class KafkaUnavailable(LaunchError):
    """Apache Kafka cannot run on this machine; the text says what is missing."""


@dataclass(frozen=True)
class KafkaInstallation:
    """What one needs to run a node."""

    java: Path
    libs: Path
    """The directory of jars."""
    class_archive: Path
    """Class data for this Java, written by the first node that stops in order; halves the start where it exists."""

    @property
    def class_path(self) -> str:
        """All jars, in an order that does not change: the class archive is bound to it."""
        return ":".join(str(jar) for jar in sorted(self.libs.glob("*.jar")))


def kafka_version() -> str:
    """The pinned version, as the pom states it."""
    version = ElementTree.parse(POM).findtext("m:properties/m:kafka.version", None, {"m": _POM_NAMESPACE})
    if version is None:
        raise KafkaUnavailable(f"{POM.name} states no kafka.version")
    return version


def install_kafka(env: Mapping[str, str]) -> KafkaInstallation:
    """Return the cached installation, downloading it first where needed; blocks for that long.

    `env` is the whole environment: PATH, JAVA_HOME and XDG_CACHE_HOME count. Raises KafkaUnavailable.
    """
    java, banner = _find_java(env)
    root = _cache_root(env) / f"kafka-{kafka_version()}"
    if not root.is_dir():
        _download_once(root, env)
    fingerprint = hashlib.sha256(f"{java}\n{banner}".encode()).hexdigest()[:12]
    return KafkaInstallation(java, root / "libs", root / f"classes-{fingerprint}.jsa")


def _find_java(env: Mapping[str, str]) -> tuple[Path, str]:
    """Return the program and what it says of its version."""
    home = env.get("JAVA_HOME")
    search = f"{home}/bin" if home else env.get("PATH", "")
    found = shutil.which("java", path=search)
    if found is None:
        raise KafkaUnavailable(f"Java {OLDEST_JAVA} or newer is needed and no java is in {search or 'an empty PATH'}")
    try:
        said = subprocess.run(
            [found, "-version"], env=env, capture_output=True, text=True, timeout=_JAVA_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KafkaUnavailable(f"{found} does not run: {error}") from error
    match = re.search(r'version "(\d+)', said.stderr)
    if match is None:
        raise KafkaUnavailable(f"{found} does not tell its version: {said.stderr.strip() or 'it says nothing'}")
    if int(match[1]) < OLDEST_JAVA:  # before Java 9 the number was 1.8 and the like: also too old
        raise KafkaUnavailable(f"Java {OLDEST_JAVA} or newer is needed and {found} is {match[1]}")
    return Path(found), said.stderr


def _cache_root(env: Mapping[str, str]) -> Path:
    configured = Path(env.get("XDG_CACHE_HOME", ""))
    return (configured if configured.is_absolute() else Path.home() / ".cache") / "griddispatch"


def _download_once(root: Path, env: Mapping[str, str]) -> None:
    """Fill `root` unless somebody else did so while we waited; it appears whole or not at all."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(root.with_name(f"{root.name}.lock")):
        if root.is_dir():
            return
        partial = Path(tempfile.mkdtemp(prefix=f"{root.name}.", dir=root.parent))
        try:
            _copy_dependencies(partial / "libs", env)
            partial.rename(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)  # gone already after the rename


def _copy_dependencies(libs: Path, env: Mapping[str, str]) -> None:
    maven = shutil.which("mvn", path=env.get("PATH", ""))
    if maven is None:
        raise KafkaUnavailable("Apache Maven (mvn) is needed to fetch Apache Kafka the first time and is not in PATH")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
    argv = [maven, "--quiet", "--batch-mode", "--strict-checksums", "--file", str(POM), *goal]
    try:
        done = subprocess.run(
            argv, env=env, capture_output=True, text=True, errors="replace", timeout=_DOWNLOAD_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KafkaUnavailable(f"the download by {maven} did not end: {error}") from error
    if done.returncode != 0 or not any(libs.glob("kafka_*.jar")):
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[:10])
        raise KafkaUnavailable(f"the download by {maven} failed with code {done.returncode}: {said}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the system drops when we die; waits as long as a download may take."""
    with path.open("a") as handle:
        wait_until(lambda: _try_lock(handle), _DOWNLOAD_TIMEOUT_S, f"the lock {path} is free")
        yield


def _try_lock(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
