"""`griddispatch keys` and `griddispatch audit`, as an operator types them."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from griddispatch.audit import app as audit
from griddispatch.keys import app as keys
from griddispatch.openapi import SERVICES, openapi
from shared.database import Database
from shared.matrix import Answer
from shared.openapi import operations
from tests.access.values import COUNTY, PEPPER_TEXT, ROLES_FILE
from tests.conftest import TestDatabase

CREATE = ("create", "--client", "hotline-a", "--jurisdiction", COUNTY, "--source", "hotline-12345")


@pytest.fixture
def dsn(common_database: TestDatabase, tables: Database) -> str:
    """Where intake's empty tables are."""
    return common_database.dsn("intake")


def run_keys(dsn: str, *words: str, pepper: str = PEPPER_TEXT) -> Result:
    env = {"GRIDDISPATCH_KEY_PEPPER": pepper, "GRIDDISPATCH_ROLES": str(ROLES_FILE), "COLUMNS": "300"}
    return CliRunner().invoke(keys, [*words, "--dsn", dsn], env=env)


def run_audit(dsn: str, *words: str) -> Result:
    return CliRunner().invoke(audit, ["verify", "--service", "intake", "--dsn", dsn, *words])


def lookup(result: Result) -> str:
    return result.stdout.strip().split("_")[1]


def test_a_key_is_shown_once_and_listed_without_itself(dsn: str) -> None:
    made = run_keys(dsn, *CREATE)
    assert made.exit_code == 0, made.output
    listed = run_keys(dsn, "list")
    assert lookup(made) in listed.output
    assert "hotline-12345" in listed.output
    assert "LIVE" in listed.output
    assert made.stdout.strip() not in listed.output


def test_a_key_is_rotated_and_revoked(dsn: str) -> None:
    first = lookup(run_keys(dsn, *CREATE))
    second = run_keys(dsn, "rotate", first, "--overlap-days", "3")
    assert second.exit_code == 0, second.output
    assert run_keys(dsn, "revoke", lookup(second)).exit_code == 0
    listed = run_keys(dsn, "list").output
    assert "REPLACED" in listed
    assert "REVOKED" in listed
    assert run_keys(dsn, "revoke", lookup(second)).exit_code == 2


def test_what_was_done_with_keys_stands_in_the_audit_log(dsn: str) -> None:
    run_keys(dsn, "revoke", lookup(run_keys(dsn, *CREATE)))
    shown = run_audit(dsn)
    assert (shown.exit_code, shown.output) == (0, "2 rows of intake are as they were written\n")


@pytest.mark.parametrize(
    "words",
    [
        (*CREATE, "--role", "dispatcher"), (*CREATE, "--role", "mayor"), (*CREATE, "--scope", "matters:unlock"),
        (*CREATE, "--unit", "u1"), (*CREATE, "--role", "unit_system"), (*CREATE, "--source", "a b"),
        (*CREATE, "--days", "0"), (*CREATE, "--days", "800"), (*CREATE, "--quota", "0"), (*CREATE, "--roles", "missing.toml"),
        ("create", "--client", "Hotline A", "--jurisdiction", COUNTY), ("create", "--client", "a", "--jurisdiction", "99"*4),
        ("create", "--client", "a", "--jurisdiction", "*"), ("revoke", "nothing123"), ("rotate", "nothing123"),
        (*CREATE, "--service", "intake", "--service", "notify"), ("import", "missing.txt"),
    ],
    ids=lambda words: " ".join(words[-2:]),
)  # fmt: skip
def test_what_a_key_cannot_be_is_refused(dsn: str, words: Sequence[str]) -> None:
    assert run_keys(dsn, *words).exit_code == 2
    assert run_keys(dsn, "list").output == "no keys\n"


@pytest.mark.parametrize("pepper", ["", "short"])
def test_without_a_pepper_no_key_is_made(dsn: str, pepper: str) -> None:
    assert run_keys(dsn, *CREATE, pepper=pepper).exit_code == 2


def test_a_database_that_does_not_answer_is_told_as_such() -> None:
    assert run_keys("postgresql://nobody@127.0.0.1:1/none", "list").exit_code == 3


def test_keys_made_elsewhere_are_taken_over_all_or_none(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(f"# two city apps\n{COUNTY}:app-a:{'a' * 64}\n{COUNTY}:app-b:{'b' * 63}\n", encoding="utf-8")
    assert run_keys(dsn, "import", str(file)).exit_code == 2
    assert run_keys(dsn, "list").output == "no keys\n"
    file.write_text(f"{COUNTY}:app-a:{'a' * 64}\n{COUNTY}:app-b:{'b' * 64}\n", encoding="utf-8")
    assert run_keys(dsn, "import", str(file)).exit_code == 0
    assert run_keys(dsn, "import", str(file)).exit_code == 2
    listed = run_keys(dsn, "list").output
    assert "app-a" in listed
    assert "app-b" in listed


def test_a_changed_log_ends_with_code_one(dsn: str, common_database: TestDatabase) -> None:
    run_keys(dsn, *CREATE)

    async def tamper() -> None:
        conn = await asyncpg.connect(common_database.superuser_dsn)
        await conn.execute("SET search_path = intake; SET session_replication_role = replica")
        await conn.execute("UPDATE audit SET entry = replace(entry::text, 'create_key', 'revoke_key')::json")
        await conn.close()

    asyncio.run(tamper())
    shown = run_audit(dsn)
    assert shown.exit_code == 1
    assert "row 1: was changed" in shown.output


def test_anchors_are_written_and_read(dsn: str, tmp_path: Path) -> None:
    run_keys(dsn, *CREATE)
    file = tmp_path / "anchors.json"
    assert run_audit(dsn, "--write", str(file)).exit_code == 0
    assert len(json.loads(file.read_text(encoding="utf-8"))["intake"]) == 16
    run_keys(dsn, *CREATE)
    assert run_audit(dsn, "--anchors", str(file)).exit_code == 0


@pytest.mark.parametrize("text", ["", "[]", '{"intake": {"0": 1}}', '{"intake": {"0": [1, "xyz"]}}'])
def test_anchors_that_are_none_are_refused(dsn: str, tmp_path: Path, text: str) -> None:
    file = tmp_path / "anchors.json"
    file.write_text(text, encoding="utf-8")
    assert run_audit(dsn, "--anchors", str(file)).exit_code == 2


def run_matrix(*words: str, roles: Path = ROLES_FILE) -> Result:
    return CliRunner().invoke(audit, ["matrix", "--roles", str(roles), *words])


def test_the_matrix_is_printed_without_a_blank_cell() -> None:
    shown = run_matrix()
    assert shown.exit_code == 0, shown.output
    table = [[cell.strip() for cell in line.strip("| ").split("|")] for line in shown.stdout.splitlines()]
    head, rows = table[0], table[2:]
    routes = sum(1 for service in SERVICES for _ in operations(openapi(service)))
    assert (len(rows), {len(row) for row in rows}) == (2 * routes, {len(head)})
    assert {cell for row in rows for cell in row[2:]} <= set(Answer), "a blank is no answer"
    assert f"{len(rows) * (len(head) - 2)} cells, every one answered" in shown.stderr
    assert run_matrix("--check").stdout == ""


def test_a_route_without_a_rule_ends_the_matrix_with_code_one(tmp_path: Path) -> None:
    roles, lines = tmp_path / "roles.toml", ROLES_FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    roles.write_text("".join(line for line in lines if not line.startswith("get_stream")), encoding="utf-8")
    shown = run_matrix("--check", roles=roles)
    assert (shown.exit_code, "dispatch.get_stream: no rule" in shown.output) == (1, True)
