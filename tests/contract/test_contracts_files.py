"""The committed contract is what the models say, breaks no released one, and its commands refuse what is wrong."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from griddispatch.contract import RELEASED, WRITE, app, breaks, contract_files, drift
from griddispatch.releases import may_break
from shared.contracts import CONTRACT_VERSION

FOLDER = Path(__file__).parent.parent.parent / "docs" / "contract"


def contract(*arguments: str) -> tuple[int, str]:
    """Run `griddispatch contract …`; exit code, and all that it said."""
    ended = CliRunner().invoke(app, arguments)
    return ended.exit_code, ended.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A contract written and released."""
    assert contract("write", "--dir", str(tmp_path))[0] == 0
    assert contract("release", "--dir", str(tmp_path))[0] == 0
    return tmp_path


def test_the_committed_files_are_what_the_models_say() -> None:
    assert drift(FOLDER) == [], f"run: {WRITE}"


def test_the_present_contract_breaks_no_released_one_without_a_new_version() -> None:
    version, found = breaks(FOLDER)
    assert found == [] or may_break(version, CONTRACT_VERSION), "add a new version of the type beside the old one"


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for page in FOLDER.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_files_are_the_same_every_time() -> None:
    assert contract_files() == contract_files()


def test_what_was_written_passes_the_check(folder: Path) -> None:
    assert contract("check", "--dir", str(folder)) == (0, "the contract's files are what the models say\n")
    assert contract("breaking", "--dir", str(folder)) == (
        0,
        f"{CONTRACT_VERSION} against {CONTRACT_VERSION}: 0 breaking changes\n",
    )


def test_drift_fails_and_names_the_files_and_the_command(folder: Path) -> None:
    (folder / "terms.md").write_text("mine", encoding="utf-8")
    (folder / "asyncapi.json").unlink()
    (folder / "schemas" / "org.griddispatch.ticket.sung.v1.json").write_text("{}", encoding="utf-8")
    code, said = contract("check", "--dir", str(folder))
    assert code == 1
    assert "asyncapi.json: missing" in said
    assert "schemas/org.griddispatch.ticket.sung.v1.json: nothing makes it any more" in said
    assert "terms.md: differs" in said
    assert "run: griddispatch contract write" in said


def test_writing_mends_drift_and_leaves_the_hand_written_page(folder: Path) -> None:
    stray = folder / "examples" / "org.griddispatch.ticket.sung.v1.json"
    stray.write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text("by hand", encoding="utf-8")
    (folder / "http.md").unlink()
    assert contract("write", "--dir", str(folder)) == (
        0,
        "- examples/org.griddispatch.ticket.sung.v1.json\n+ http.md\n",
    )
    assert (folder / "README.md").read_text(encoding="utf-8") == "by hand"
    assert not stray.exists()


def test_a_breaking_change_without_a_new_version_fails(folder: Path) -> None:
    old = folder / RELEASED / CONTRACT_VERSION / "schemas" / "org.griddispatch.ticket.signed.v1.json"
    old.write_text(old.read_text(encoding="utf-8").replace('"deemed"', '"assumed"'), encoding="utf-8")
    code, said = contract("breaking", "--dir", str(folder))
    assert code == 1
    assert "schemas/org.griddispatch.ticket.signed.v1.json: body.assumed: the field is gone" in said


def test_a_breaking_change_against_an_older_line_of_versions_is_told_and_let_pass(folder: Path) -> None:
    present = folder / RELEASED / CONTRACT_VERSION
    old = present.rename(folder / RELEASED / "0.0.9")
    (old / "schemas" / "org.griddispatch.ticket.sung.v1.json").write_text("{}", encoding="utf-8")
    code, said = contract("breaking", "--dir", str(folder))
    assert (code, said.splitlines()[0]) == (0, "schemas/org.griddispatch.ticket.sung.v1.json: is gone")


def test_a_version_is_released_once(folder: Path) -> None:
    code, said = contract("release", "--dir", str(folder))
    assert code == 2
    assert f"{CONTRACT_VERSION} is released already" in said
    assert contract("release", "--again", "--dir", str(folder))[0] == 0


def test_without_a_released_contract_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    code, said = contract("breaking", "--dir", str(tmp_path))
    assert code == 2
    assert "no contract was released" in said


@pytest.mark.parametrize("command", ["schemas", "examples"])
def test_one_event_type_is_printed_and_an_unknown_one_refused(command: str) -> None:
    code, said = contract(command, "org.griddispatch.ticket.closed.v1")
    assert (code, "EVALUATED" in said) == (0, True)
    code, said = contract(command, "org.griddispatch.ticket.sung.v1")
    assert code == 2
    assert "no event type org.griddispatch.ticket.sung.v1" in said


@pytest.mark.parametrize("command", [("openapi", "intake"), ("asyncapi",), ("schemas",), ("examples",)])
def test_documents_are_printed_as_json_with_chinese_as_it_is(command: tuple[str, ...]) -> None:
    code, said = contract(*command)
    assert (code, said[0], "\\u" in said) == (0, "{", False)


def test_the_openapi_document_of_a_stranger_is_refused() -> None:
    assert contract("openapi", "billing")[0] == 2
