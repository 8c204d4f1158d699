"""Every command in every page is run, page by page, against one stack; what is not run stands in a table with why."""

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from griddispatch.demo.hours import morning_clock
from griddispatch.demo.stack import PORTS, Stack
from griddispatch.embedded.postgres import wheel_binaries
from shared.clock import utc_now
from tests.conftest import ROOT
from tests.docs.not_run import NOT_RUN
from tests.docs.pages import Block, blocks_of, pages, typed

pytestmark = pytest.mark.timeout(300)

MOST_NOT_RUN = 20
SEEN = ("deploy", "docs", "clients", "services", "shared", "griddispatch")
"""What the pages name by its place in the project."""


def to_run(page: Path) -> list[Block]:
    """The blocks of a page that a test runs."""
    return [block for block in blocks_of(page) if (block.page, block.first) not in NOT_RUN]


RUNNABLE = [page for page in pages() if to_run(page)]


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The stores and the three services as `make demo ARGS=--by-hand` starts them: what the pages ask readers to have."""
    running = Stack(tmp_path_factory.mktemp("stack"), keeps_data=False)
    try:
        await running.start_stores()
        await running.start_services(morning_clock(utc_now()))
        yield running
    finally:
        await running.stop()


def checkout(folder: Path) -> Path:
    """A folder that looks like the project's root and may be written to, with our programs on its own path."""
    for name in SEEN:
        (folder / name).symlink_to(ROOT / name)
    (folder / "bin").mkdir()
    for name, called in (("griddispatch", " -m griddispatch"), ("python3", "")):
        shim = folder / "bin" / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}"{called} "$@"\n')
        shim.chmod(0o755)
    return folder


def script(blocks: list[Block], stack: Stack) -> str:
    """The blocks as one script, with the addresses of this stack in the place of the usual ones."""
    text = "set -euo pipefail\n" + "\n".join(f"echo '--- block {n}' >&2\n{b.text}" for n, b in enumerate(blocks, 1))
    for service, port in PORTS.items():
        text = re.sub(rf"(localhost|127\.0\.0\.1):{port}\b", stack.url(service).removeprefix("http://"), text)
    text = re.sub(r"(localhost|127\.0\.0\.1):9092\b", stack.bootstrap, text)
    return text.replace(".venv/bin/griddispatch", "griddispatch")


def environment(folder: Path, stack: Stack) -> dict[str, str]:
    """What an operator has set: where the tables and the broker are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRIDDISPATCH_")}
    places = {f"GRIDDISPATCH_DATABASE_DSN_{service.upper()}": stack.dsn(service) for service in PORTS}
    return kept | places | {
        "PATH": os.pathsep.join((str(folder / "bin"), str(wheel_binaries()), os.environ["PATH"])),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "clients" / "python"))), "GRIDDISPATCH_KAFKA_BOOTSTRAP": stack.bootstrap, "ADMIN_DSN": stack.admin_dsn,
        "COLUMNS": "160", "no_proxy": "*",
    }  # fmt: skip


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.relative_to(ROOT).as_posix())
async def test_the_commands_of_a_page_do_what_it_says(page: Path, stack: Stack, tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    done = await asyncio.to_thread(
        subprocess.run, ["bash", "-c", script(to_run(page), stack)], cwd=folder, env=environment(folder, stack),
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_what_is_not_run_is_still_there_and_is_little() -> None:
    there = {(block.page, block.first) for page in pages() for block in blocks_of(page)}
    assert set(NOT_RUN) - there == set()
    assert len(NOT_RUN) <= MOST_NOT_RUN
    assert all(NOT_RUN.values())


def test_a_command_that_fails_fails_its_page(stack: Stack, tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    text = script([Block("page.md", "griddispatch rules check none-such\necho on\n")], stack)
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, env=environment(folder, stack), capture_output=True, timeout=100
    )
    assert done.returncode != 0
    assert b"on\n" not in done.stdout


def test_of_a_console_only_what_is_typed_is_run() -> None:
    assert typed("$ one --a \\\n   --b\nanswer\n$ two\n") == "one --a \\\n   --b\ntwo\n"


def test_no_two_pages_hand_in_under_one_name() -> None:
    """A page must do what it says whatever page was run before it."""
    names = [
        {name for block in to_run(page) for name in re.findall(r"""external_id["']?[:=]\s*["']([^"']+)""", block.text)}
        for page in RUNNABLE
    ]
    assert [name for name, pages in Counter(n for page in names for n in page).items() if pages > 1] == []
    assert any(names)
