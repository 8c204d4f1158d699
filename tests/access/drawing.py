"""Tells schemathesis who asks for each operation, which things are there, and what a schema cannot say."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.access.enforced import PROGRAMS, World
from tests.access.values import COUNTY

HOOKS = "tests.access.drawing_hooks"
KNOWN_THINGS = "GRIDDISPATCH_DRAWING_THINGS"
"""The hooks run in the tool's process and learn from the environment what the services know."""

BEYOND_A_SCHEMA: Mapping[str, Mapping[str, str]] = {
    "intake": {
        "get_reconciliation": "whole hours, one to twenty-four of them", "list_stated": "a whole hour",
        "get_matter": "a purpose in letters that can be printed", "list_views": "a subject or a viewer",
        "get_requests": "limit is page_size, and a span of time",
        "post_ticket": "a key in the body or in the header; a whole point", "post_events": "attributes in the headers",
        "post_session": "places that lie in each other", "post_item": "a whole point",
        "commit_item": "a day not long from today", "post_table": "columns", "export_subject": "a telephone number",
        "see": "a code in the body or in the header", "supplement": "the same", "hasten": "the same",
        "withdraw": "the same", "ask_reopening": "the same", "post_lead": "places of the county",
        "ticket_item": "only a patrol fixes on the spot", "refuse": "a second person for some reasons",
        "list_themes": "a beginning before an end", "post_request": "a service's own questions",
    },
    "dispatch": {
        "get_reconciliation": "whole hours, one to twenty-four of them", "list_stated": "a whole hour",
        "list_assignments": "the place where a page ended", "list_queue": "the same", "get_burden": "years of this age",
    },
    "notify": {
        "get_reconciliation": "whole hours, one to twenty-four of them", "list_stated": "a whole hour",
        "create_subscription": "an address that may be called", "change_subscription": "the same",
        "replay_subscription": "a ticket or a time",
        "ask": "a reason of the rules", "vote": "a reason of the rules",
    },
}  # fmt: skip
"""Operations that may refuse what fits their schema: no schema says the rule that is named here."""

ANSWERED_ONE_BY_ONE = ("post_bulk", "post_events", "post_answers", "bulk")
"""Bodies of many parts: each part has its own refusal in an answer that is a success."""

ENDLESS = ("get_stream",)
"""An answer without an end tells nothing more to whoever waits for it; tests/services/dispatch plays it."""

REFUSALS = '["400", "401", "403", "404", "405", "406", "408", "409", "413", "415", "422", "428", "429", "503"'


@dataclass(frozen=True, slots=True)
class Drawing:
    """How much is drawn: `examples` for each operation and phase."""

    seed: int
    examples: int
    phases: str


def command(document: str, drawing: Drawing, config: Path) -> list[str]:
    """What runs the tool over a document that a service serves, with every check it has."""
    return [
        sys.executable, "-m", "tests.access.drawing_hooks", "--config-file", str(config), "run", document,
        "--seed", str(drawing.seed), "--max-examples", str(drawing.examples), "--phases", drawing.phases,
        "--checks", "all", "--continue-on-failure", "--no-color", "--generation-database", "none",
    ]  # fmt: skip


def config(world: World, service: str, document: Mapping[str, Any]) -> str:
    """The tool's settings, as TOML."""
    lines = [
        "warnings = false", "request-timeout = 30", "[cache]", "enabled = false", "[checks]",
        f"negative_data_rejection.expected-statuses = {REFUSALS}]",
        f"missing_required_header.expected-statuses = {REFUSALS}]",
    ]  # fmt: skip
    for operation in _operations(document):
        told = list(_told(world, service, operation))
        lines += ["[[operations]]", f'include-operation-id = "{operation}"', *told] if told else []
    return "\n".join(lines) + "\n"


def things(world: World) -> str:
    """The ids of what is there, by the names of the parameters, as JSON."""
    return json.dumps(world.ids)


def _told(world: World, service: str, operation: str) -> Iterator[str]:
    if operation in ENDLESS:
        yield "enabled = false"
        return
    if shown := _shown(world, service, operation):
        yield f'headers = {{ Authorization = "{shown}" }}'
    if operation in BEYOND_A_SCHEMA[service]:
        yield f'checks.positive_data_acceptance.expected-statuses = {REFUSALS}, "2xx", "3xx"]'
    if operation in ANSWERED_ONE_BY_ONE:
        yield f'checks.negative_data_rejection.expected-statuses = {REFUSALS}, "200"]'


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for methods in document["paths"].values():
        yield from (told["operationId"] for told in methods.values())


def _shown(world: World, service: str, operation: str) -> str:
    """What the first role that may call the operation shows; empty where nobody need show anything."""
    rule = world.permissions.rule(service, operation)
    assert rule is not None
    if not rule.needs_actor:
        return ""
    for name, role in world.permissions.roles.items():
        may = rule.scope is None or rule.scope in role.scopes
        if may and (name in PROGRAMS or role.for_people):
            unit = world.ids["unit"] if role.for_unit else ""
            return world.shown(name, COUNTY, unit)["Authorization"]
    raise AssertionError(f"nobody may call {operation}")
