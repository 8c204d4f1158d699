"""A setting may stand in a file; what cannot be read, or is said twice, is refused by name and without being quoted."""

import subprocess
import sys
from pathlib import Path

import pytest

from griddispatch.health import ask
from shared.from_files import read_setting

NAME = "GRIDDISPATCH_VAULT_KEYS"
ROOT = Path(__file__).parent.parent.parent


def test_a_file_holds_the_value(tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    secret.write_text("k1:abc=\n")
    assert read_setting({f"{NAME}_FILE": str(secret)}, NAME) == "k1:abc="


def test_without_a_file_the_environment_counts() -> None:
    assert read_setting({NAME: "k1:abc="}, NAME) == "k1:abc="
    assert read_setting({}, NAME) is None


def test_both_are_refused_without_being_quoted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both set") as refusal:
        read_setting({NAME: "s3cret", f"{NAME}_FILE": str(tmp_path / "keys")}, NAME)
    assert "s3cret" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: FileNotFoundError"):
        read_setting({f"{NAME}_FILE": str(tmp_path / "none")}, NAME)


@pytest.mark.parametrize(
    ("dsn", "said"),
    [("postgresql://nobody@127.0.0.1:1/x\n", "cannot start yet"), (None, "GRIDDISPATCH_DATABASE_DSN_FILE")],
)
def test_a_service_reads_its_address_from_a_file_or_says_why_not(tmp_path: Path, dsn: str | None, said: str) -> None:
    place = tmp_path / "dsn"
    if dsn is not None:
        place.write_text(dsn)
    environment = {
        "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "GRIDDISPATCH_DATABASE_DSN_FILE": str(place),
        "GRIDDISPATCH_KAFKA_BOOTSTRAP": "127.0.0.1:1", "GRIDDISPATCH_PACK": str(ROOT / "deploy/packs/county-default"),
        "GRIDDISPATCH_AREA": str(ROOT / "deploy/areas/sample-county"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "services.dispatch"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert said in done.stderr
    assert done.returncode in (2, 3)


def test_a_service_that_is_not_there_is_not_healthy() -> None:
    ready, said = ask(1)
    assert not ready
    assert "no answer on port 1" in said


def test_every_file_that_cannot_be_read_is_named_at_once(tmp_path: Path) -> None:
    environment = {f"GRIDDISPATCH_{name}_FILE": str(tmp_path / name) for name in ("DATABASE_DSN", "KEY_PEPPER")}
    done = subprocess.run(
        [sys.executable, "-m", "services.notify"], env=environment | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert [line.strip().partition(":")[0] for line in done.stderr.splitlines() if "cannot be read" in line] == [
        "GRIDDISPATCH_KEY_PEPPER_FILE", "GRIDDISPATCH_DATABASE_DSN_FILE",
    ]  # fmt: skip
