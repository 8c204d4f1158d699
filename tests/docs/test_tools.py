"""What stands beside the pages agrees with the Makefile: the hooks are `make check`, the forms ask what they need."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_hooks_before_a_commit_are_the_verbs_of_make_check() -> None:
    line = re.search(r"^check: ([\w ]+?) *(?:##.*)?$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == [f"make {verb}" for verb in line[1].split()]
    assert not any(hook["pass_filenames"] for hook in repository["hooks"])


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_has_a_name_and_asks_each_thing_once(form: Path) -> None:
    asked = read(form)
    assert asked["name"]
    assert asked["description"]
    ids = [field["id"] for field in asked["body"]]
    assert len(ids) == len(set(ids))
    assert any(field.get("validations", {}).get("required") for field in asked["body"])


@pytest.mark.parametrize(("page", "words"), [("README.md", "README.zh-CN.md"), ("README.zh-CN.md", "README.md")])
def test_the_two_readmes_lead_to_each_other(page: str, words: str) -> None:
    assert f"]({words})" in (ROOT / page).read_text(encoding="utf-8")


def test_the_two_readmes_walk_the_same_way() -> None:
    calls = {
        page: re.findall(r"localhost:800\d/[\w/$]+", (ROOT / page).read_text(encoding="utf-8"))
        for page in ("README.md", "README.zh-CN.md")
    }
    assert calls["README.md"] == calls["README.zh-CN.md"]
