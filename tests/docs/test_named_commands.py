"""What pages name within a sentence exists: the verb, its options, the target, the module."""

from pathlib import Path

import pytest

from tests.docs.named import fault, hidden_in, named_in
from tests.docs.pages import pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    assert [(command, wrong) for command in named_in(page) if (wrong := fault(command))] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_command_hides_in_a_block_that_is_not_run(page: Path) -> None:
    assert list(hidden_in(page)) == []


@pytest.mark.parametrize(
    "command",
    ["griddispatch fly", "griddispatch dlq fly", "griddispatch dlq list --wings", "griddispatch recover topics|wings",
     "make wings", "python -m tests.wings", "python deploy/wings.py", "pip install ./wings", "curl localhost:8001"],
)  # fmt: skip
def test_what_is_not_there_is_noticed(command: str) -> None:
    assert fault(command)


@pytest.mark.parametrize(
    "command",
    ["griddispatch dlq show --service SERVICE NUMBER", "griddispatch recover epoch|topics|group", "make check-api",
     "griddispatch rules check [DIR…]", "python -m services.intake --only triage", "docker compose ps"],
)  # fmt: skip
def test_what_is_there_is_let_be(command: str) -> None:
    assert fault(command) == ""


def test_a_command_in_an_unnamed_block_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```\ngriddispatch rules check\nGET /v1/x\n```\n```sh\nmake demo\n```\n\n    make check\n    or not\n"
    )
    assert list(hidden_in(page)) == ["griddispatch rules check", "make check"]
