"""The house's rules of who may know whom, read from the imports themselves."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent.parent
SERVICES = ("intake", "dispatch", "notify")
XML_READERS = ("xml.etree", "xml.dom", "xml.sax", "xml.parsers", "lxml", "defusedxml", "xmltodict")
"""Nothing here reads XML, so no entity of anybody's is ever followed or multiplied."""

SHARED_LAYERS = (
    {
        "shared.start",
    },
    {
        "shared.tracing_export",
    },
    {
        "shared.assembly",
    },
    {
        "shared.gatekeeper",
    },
    {
        "shared.access",
    },
    {
        "shared.runtime",
    },
    {
        "shared.edge",
        "shared.methods",
        "shared.ndjson",
    },
    {
        "shared.connections",
        "shared.http_meter",
        "shared.migrations",
        "shared.page_routes",
        "shared.problems",
        "shared.settings",
    },
    {
        "shared.identity",
        "shared.matrix",
    },
    {
        "shared.contract_routes",
        "shared.openapi",
    },
    {
        "shared.retelling",
    },
    {
        "shared.health",
        "shared.reconciliation",
        "shared.replay",
        "shared.standing",
    },
    {
        "shared.relay",
        "shared.rounds",
        "shared.sampling",
        "shared.stream",
        "shared.tail",
        "shared.tallying",
    },
    {
        "shared.deadletters",
        "shared.exposition",
    },
    {
        "shared.positions",
    },
    {
        "shared.erasing",
    },
    {
        "shared.audit",
        "shared.key_store",
        "shared.oidc",
        "shared.pending_acts",
        "shared.row_security",
    },
    {
        "shared.consumer",
    },
    {
        "shared.epochs",
        "shared.kafka",
        "shared.ledger",
        "shared.steadiness",
    },
    {
        "shared.database",
    },
    {
        "shared.acting",
    },
    {
        "shared.access_settings",
        "shared.kafka_security",
        "shared.tokens",
    },
    {
        "shared.api_keys",
        "shared.permissions",
        "shared.rate_limit",
    },
    {
        "shared.asyncapi",
    },
    {
        "shared.contracts",
    },
    {
        "shared.codec",
    },
    {
        "shared.events",
        "shared.bookmarks",
        "shared.gathering",
        "shared.json_schema",
        "shared.moments",
        "shared.outcome",
        "shared.packs",
        "shared.recent",
        "shared.singly",
        "shared.topics",
    },
    {
        "shared.ending_events",
        "shared.intake_events",
        "shared.joint_events",
        "shared.notify_events",
        "shared.snapshot",
    },
    {
        "shared.contract_labels",
        "shared.contract_words",
        "shared.event",
        "shared.event_ids",
    },
    {
        "shared.plain_pages",
        "shared.strict_json",
    },
    {
        "shared.actors",
        "shared.clock",
        "shared.errors",
        "shared.failpoint",
        "shared.sections",
        "shared.from_files",
        "shared.markup",
        "shared.telemetry",
        "shared.tracing",
        "shared.terms",
        "shared.toml_lines",
        "shared.wake",
        "shared.workdays",
    },
    {
        "shared.start_faults",
    },
)
"""From the top down: a module may import from layers below its own, never from its own or above."""

SERVICE_LAYERS = (
    {
        "__main__",
    },
    {
        "app",
    },
    {
        "samples",
    },
    {
        "board_api",
        "citizen_page",
        "callback_api",
        "reply_page",
    },
    {
        "desk_api",
    },
    {
        "api",
        "archiver",
        "auditor",
        "recounting",
        "citizen",
        "cloudevents",
        "courier",
        "handlers",
        "incident_api",
        "lead_api",
        "listening_api",
        "open311",
        "pages",
        "panel_api",
        "privacy_api",
        "rates_api",
        "stream_api",
        "subscription_api",
        "subscription_courier",
        "timers",
        "triage",
    },
    {
        "desk",
    },
    {
        "listening_table",
    },
    {
        "listening_forms",
    },
    {
        "bulk",
        "followups",
        "forms",
        "open311_desk",
        "panel",
        "subscriptions",
    },
    {
        "bodies",
        "commands",
        "live",
    },
    {
        "watchers",
    },
    {
        "contract",
        "decisions",
        "doors",
        "incident_desk",
        "leads",
        "listening",
        "open311_contract",
        "open311_xml",
        "privacy",
        "warnings",
    },
    {
        "families",
        "rates",
        "receive",
    },
    {
        "hands",
        "learning",
        "merging",
        "open_work",
        "officers",
        "keeping",
        "outcomes",
        "retention",
        "settings",
    },
    {
        "board_store",
        "citizen_store",
        "desk_store",
        "receipt_store",
        "incident_store",
        "lead_store",
        "listening_store",
        "open311_keys",
        "privacy_store",
        "share_store",
        "ratings",
        "aside",
        "relay_calls",
        "seals",
        "subscription_store",
        "vault",
    },
    {
        "base_map",
        "channels",
        "elsewhere",
        "gathering_store",
        "models",
        "open311_store",
        "places",
        "rates_store",
        "store",
    },
    {
        "core",
    },
)

CORE_MAY_KNOW = {
    "shared.clock",
    "shared.ending_events",
    "shared.errors",
    "shared.events",
    "shared.intake_events",
    "shared.joint_events",
    "shared.markup",
    "shared.notify_events",
    "shared.outcome",
    "shared.plain_pages",
    "shared.sections",
    "shared.snapshot",
    "shared.strict_json",
    "shared.terms",
    "shared.workdays",
}
CORE_THIRD_PARTY = {
    "ahocorasick_rs",
    "msgspec",
    "numpy",
    "orjson",
    "pydantic",
    "pydantic_core",
    "shapely",
}
EFFECTS = {"asyncio", "socket", "os", "random", "time", "pathlib", "subprocess", "secrets", "threading"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("shared", "services", "griddispatch", cache_dir=None)


def layer_of(module: str, layers: tuple[set[str], ...]) -> int:
    for place, names in enumerate(layers):
        if module in names:
            return place
    raise AssertionError(f"{module} stands in no layer: give it one here")


def test_shared_knows_nobody_above_it(graph: grimp.ImportGraph) -> None:
    for module in graph.find_descendants("shared"):
        for imported in graph.find_modules_directly_imported_by(module):
            assert not imported.startswith(("services", "griddispatch")), f"{module} imports {imported}"


def test_shared_keeps_its_layers(graph: grimp.ImportGraph) -> None:
    for module in graph.find_descendants("shared"):
        for imported in graph.find_modules_directly_imported_by(module):
            if imported.startswith("shared."):
                above, below = layer_of(module, SHARED_LAYERS), layer_of(imported, SHARED_LAYERS)
                assert above < below, f"{module} imports {imported}, which is not below it"


@pytest.mark.parametrize("service", SERVICES)
def test_services_never_import_each_other_or_the_command_line(graph: grimp.ImportGraph, service: str) -> None:
    own = f"services.{service}"
    for module in graph.find_descendants(own):
        for imported in graph.find_modules_directly_imported_by(module):
            assert imported.startswith(("shared", own)), f"{module} imports {imported}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_keeps_its_layers(graph: grimp.ImportGraph, service: str) -> None:
    own = f"services.{service}."
    for module in graph.find_descendants(f"services.{service}"):
        for imported in graph.find_modules_directly_imported_by(module):
            if not imported.startswith(own):
                continue
            upper, lower = (name.removeprefix(own).partition(".")[0] for name in (module, imported))
            if upper != lower:
                above, below = layer_of(upper, SERVICE_LAYERS), layer_of(lower, SERVICE_LAYERS)
                assert above < below, f"{module} imports {imported}, which is not below it"


@pytest.mark.parametrize("service", SERVICES)
def test_the_core_is_pure(graph: grimp.ImportGraph, service: str) -> None:
    core = f"services.{service}.core"
    for module in graph.find_descendants(core):
        for imported in graph.find_modules_directly_imported_by(module):
            assert imported in CORE_MAY_KNOW or imported.startswith(core), f"{module} imports {imported}"
    for path in source(f"services/{service}/core"):
        for name in imported_names(ast.parse(path.read_text(encoding="utf-8"))):
            assert name.partition(".")[0] not in EFFECTS, f"{path.name} imports {name}: the core has no effects"


def test_there_are_no_cycles(graph: grimp.ImportGraph) -> None:
    modules = graph.modules
    for module in modules:
        for imported in graph.find_modules_directly_imported_by(module):
            chain = graph.find_shortest_chain(importer=imported, imported=module)
            assert chain is None, f"a cycle: {chain}"


def source(folder: str) -> Iterator[Path]:
    return (path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


PRODUCT = [path for folder in ("shared", "services", "griddispatch") for path in source(folder)]
TESTS = list(source("tests"))


@pytest.mark.parametrize("path", PRODUCT + TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_holds_one_idea_and_says_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (500 if "tests" in path.parts else 400), "too long: find the seam"
    assert ast.get_docstring(ast.parse(text)), "a file begins with one sentence on what it is"


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short_and_import_nothing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            limit = 120 if node.name in ("router",) else 60
            assert length <= limit, f"{node.name} has {length} lines"
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            assert not inner, f"{node.name} imports inside"


BROAD_EXCEPT_MAY_STAND_IN = {
    "shared/stream.py", "shared/gathering.py", "shared/singly.py", "services/intake/triage.py", "shared/rounds.py",
    "services/notify/courier.py", "services/notify/aside.py", "services/notify/channels/base.py",
}  # fmt: skip
"""Where one item's fault must not hold up the others: each logs and counts it, or hands it to whoever asked."""


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_broad_excepts_stand_only_where_they_must(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException")
            goes_on_up = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            allowed = goes_on_up or str(path.relative_to(ROOT)) in BROAD_EXCEPT_MAY_STAND_IN
            assert not broad or allowed, f"line {node.lineno}"


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_offsets_are_never_committed_without_saying_which(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            assert node.args, f"line {node.lineno}: a bare commit() commits what was not processed"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_neither_patch_nor_mock(path: Path) -> None:
    names = set(imported_names(ast.parse(path.read_text(encoding="utf-8"))))
    assert not names & {"unittest.mock", "mock"}
    arguments = {
        a.arg for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) for a in n.args.args
    }  # fmt: skip
    assert "monkeypatch" not in arguments


def test_no_two_test_files_have_one_name() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == [], "they are imported by their names alone"


@pytest.mark.parametrize("package", ["shared", "services"])
def test_nothing_that_runs_in_a_service_reads_xml(package: str) -> None:
    readers = [
        f"{path.name}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.startswith(XML_READERS)
    ]
    assert readers == []
