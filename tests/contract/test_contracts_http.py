"""The OpenAPI documents: what is described is what is served; every refusal, reference and example holds."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from jsonschema import Draft202012Validator

from griddispatch.openapi import SERVICES, openapi
from services.dispatch import app as dispatch
from services.dispatch.settings import DispatchSettings
from services.intake import app as intake
from services.intake.settings import IntakeSettings
from services.notify import app as notify
from services.notify.settings import NotifySettings
from shared import contract_routes, problems
from shared.openapi import ServiceApp, complete, operations
from tests.builders import AREA, PACK
from tests.conftest import TestDatabase
from tests.contract.test_contracts import faults, look_up, references
from tests.services.intake.desk import KEYS

DOCUMENTS = {service: openapi(service) for service in SERVICES}
API = frozenset({"api"})
FACTS: dict[str, Any] = {"_env_file": None, "kafka_bootstrap": "127.0.0.1:1", "pack": PACK, "area": AREA}


def routes_of(document: Any) -> set[tuple[str, str]]:
    return {(method, path) for path, methods in document["paths"].items() for method in methods}


def each_operation() -> Iterator[Any]:
    for service, document in DOCUMENTS.items():
        for operation in operations(document):
            yield pytest.param(document, operation, id=f"{service}-{operation['operationId']}")


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_described_is_what_is_served(service: str, database: TestDatabase) -> None:
    dsn = database.dsn(service)
    match service:
        case "intake":
            live = await intake.build(IntakeSettings(database_dsn=dsn, vault_keys=KEYS, **FACTS), API)
        case "dispatch":
            live = await dispatch.build(DispatchSettings(database_dsn=dsn, **FACTS), API)
        case _:
            live = await notify.build(NotifySettings(database_dsn=dsn, **FACTS), API)
    try:
        served = routes_of(live.app.openapi())
    finally:
        await live.close()
    assert routes_of(DOCUMENTS[service]) == served, "griddispatch/openapi.py lacks a router, or has one too many"


@pytest.mark.parametrize("service", SERVICES)
def test_operation_ids_are_unique_and_names(service: str) -> None:
    ids = [operation["operationId"] for operation in operations(DOCUMENTS[service])]
    assert len(ids) == len(set(ids))
    assert all(name.isidentifier() for name in ids)


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_leads_somewhere(service: str) -> None:
    found = list(references(DOCUMENTS[service]))
    assert found
    assert all(look_up(DOCUMENTS[service], reference) for reference in found)


OPEN311 = frozenset(
    {"get_discovery", "get_services", "get_service", "post_request", "get_requests", "get_request", "get_token"}
)


def _shows_a_page(response: Any) -> bool:
    """The citizen's page refuses in words for people; what stands before it knows only problem documents."""
    return set(response["content"]) == {"text/html", "application/problem+json"}


@pytest.mark.parametrize(("document", "operation"), [*each_operation()])
def test_every_refusal_is_a_problem_document(document: Any, operation: Any) -> None:
    refusals = {s: r for s, r in operation["responses"].items() if s == "default" or int(s) >= 400}
    assert {"503", "default"} <= refusals.keys()
    own = {s: r for s, r in refusals.items() if "text/xml" in r["content"] or "application/xml" in r["content"]}
    assert not own or operation["operationId"] in OPEN311  # a standard that has an error list of its own
    refusals = {s: r for s, r in refusals.items() if s not in own and not _shows_a_page(r)}
    assert all(set(r["content"]) == {"application/problem+json"} for r in refusals.values())
    for refusal in refusals.values():
        content = refusal["content"]["application/problem+json"]
        schema = content["schema"] | {"components": document["components"]}
        assert "example" not in content or faults(schema, content["example"]) == []


@pytest.mark.parametrize(("document", "operation"), [*each_operation()])
def test_every_json_body_has_an_example_that_fits(document: Any, operation: Any) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None:
        schema = content["schema"] | {"components": document["components"]}
        Draft202012Validator.check_schema(schema)
        assert faults(schema, content["example"]) == []


@pytest.mark.parametrize(("document", "operation"), [*each_operation()])
def test_an_example_of_an_answer_fits(document: Any, operation: Any) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json", {})
        if status.startswith("2") and "example" in content:
            assert faults(content["schema"] | {"components": document["components"]}, content["example"]) == []


def test_a_ticket_that_is_not_there_and_a_stale_version_stand_among_a_commands_answers() -> None:
    sign = DOCUMENTS["dispatch"]["paths"]["/v1/assignments/{assignment_id}/sign"]["post"]
    assert {"200", "404", "409", "422", "428", "503"} <= sign["responses"].keys()


def test_completing_leaves_the_frameworks_document_as_it_was() -> None:
    before: dict[str, Any] = {"paths": {"/a": {"get": {"operationId": "a", "responses": {}}}}}
    complete(before)
    assert before == {"paths": {"/a": {"get": {"operationId": "a", "responses": {}}}}}


def test_routes_added_later_stand_in_the_document_too() -> None:
    app = ServiceApp("late")
    assert app.openapi()["paths"] == {}

    @app.get("/v1/late", name="return")
    async def late() -> list[int]:
        return []

    assert app.openapi() is app.openapi()
    assert app.openapi()["paths"]["/v1/late"]["get"]["operationId"] == "return_"


@pytest.fixture
async def client() -> Any:
    app = FastAPI()
    problems.install(app)
    app.include_router(contract_routes.router({"title": "Report", "type": "object", "required": ["text"]}))
    app.include_router(APIRouter())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_the_asyncapi_document_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/asyncapi.json")
    assert answer.json()["asyncapi"] == "3.0.0"
    assert answer.json()["components"]["schemas"]["Report"]["required"] == ["text"]
    assert answer.headers["content-type"] == "application/json"


async def test_every_schema_that_is_listed_is_served(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/schemas")).json()["schemas"]
    assert "/schemas/org.griddispatch.ticket.assigned.v1.json" in listed
    for path in listed:
        assert (await client.get(path)).json()["$id"] == f"urn:griddispatch:schema:{path[9:-5]}"


@pytest.mark.parametrize("name", ["org.griddispatch.ticket.sung.v1", "..%2Fasyncapi", "%00", "org"])
async def test_a_schema_that_is_not_there_is_a_problem_of_its_own(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/schemas/{name}.json")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
