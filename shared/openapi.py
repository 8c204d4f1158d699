"""The OpenAPI document that a service serves: the framework's own, with what it cannot know put in."""

from collections.abc import Callable, Iterator, Mapping
from keyword import iskeyword
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from shared.contracts import CONTRACT_VERSION
from shared.json_schema import Json, example_of, lifted, with_words

SCHEMA_PREFIX = "#/components/schemas/"
PROBLEM_TYPE = "application/problem+json"
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")

PROBLEM: Json = {
    "title": "Problem",
    "description": "An error, as RFC 9457 has it; some carry further fields.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "urn:griddispatch:problem: and a stable code."},
        "title": {"type": "string", "description": "A sentence for people."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "current_version": {"type": ["integer", "null"], "description": "Of the ticket, when it has moved on."},
        "problems": {
            "type": "array",
            "description": "Every field that is wrong.",
            "items": {
                "title": "ProblemItem",
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Path of the field; empty for the whole body."},
                    "code": {"type": "string", "description": "A stable code."},
                    "message": {"type": "string", "description": "A sentence for people."},
                },
            },
        },
    },
}
TEXT: Final = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
"""What every text that is sent must be: without control characters, but for tabs and new lines."""
SAID: Final = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
"""The same, where there must be more than blanks."""
_KEYS: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "A program's API key, or a person's token. A service in open mode asks for none.",
}
DEMANDED: Final = "x-demanded"
"""In the schema of a parameter that the route itself asks for, with an answer of its own."""
_OPEN_TEXT = ("pattern", "format", "enum", "const")
_FRAMEWORKS: Json = {"application/json": {"schema": {"$ref": SCHEMA_PREFIX + "HTTPValidationError"}}}
"""What the framework believes to answer for bad input; `shared/problems.py` answers instead."""
_TITLES: Mapping[str, tuple[str, str]] = {
    "401": ("unauthenticated", "Say who you are."),
    "403": ("forbidden", "Your role lacks the right, or the step is not yours."),
    "404": ("not-found", "There is nothing by that name here."),
    "409": ("conflict", "It has moved on, or the step is not legal now."),
    "422": ("rejected", "The input is not acceptable."),
    "428": ("if-match-missing", "Name the version you saw: If-Match."),
    "429": ("quota-exceeded", "More than your quota: wait as Retry-After says."),
    "503": ("unavailable", "Not available now; the outcome is unknown: repeat with the same key."),
    "default": ("http", "Refused."),
}


class ServiceApp(FastAPI):
    """A service's HTTP application, whose document says what every route of the product does."""

    def __init__(self, service: str) -> None:
        super().__init__(
            title=f"Grid Dispatch: {service}", version=CONTRACT_VERSION, docs_url="/docs", redoc_url=None,
            generate_unique_id_function=operation_id,
        )  # fmt: skip
        self._completed: Json = {}
        self.asks_who: Callable[[str], bool] = _nobody_is_asked
        """Whether an operation, by its id, is for known callers only; whoever guards the doors says so."""

    def openapi(self) -> dict[str, Any]:
        """The document; made anew when routes were added."""
        document = super().openapi()
        if document is not self._completed:
            self._completed = self.openapi_schema = complete(document, self.asks_who)
        return self._completed


def operation_id(route: APIRoute) -> str:
    """The name of the route, stable and for people to read; a word that Python keeps for itself gets a tail."""
    return route_name(route.name)


def route_name(name: str) -> str:
    """The operation's id for a route that was given this name."""
    name = name.replace("-", "_")
    return f"{name}_" if iskeyword(name) else name


def _nobody_is_asked(operation: str) -> bool:
    return False


def complete(document: Json, asks_who: Callable[[str], bool] = _nobody_is_asked) -> Json:
    """The document with words, examples and problem documents; every reference leads somewhere. The old one stays.

    Operations for which `asks_who` holds want a bearer, and refuse whoever shows none.
    """
    lifting: Json = {}
    whole: Json = lifted(document, lifting, SCHEMA_PREFIX)
    components = whole.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError", "ProblemView", "ProblemItem"):
        components.pop(name, None)
    components |= lifting | {"Problem": PROBLEM}
    for operation in operations(whole):
        _secure(operation, is_guarded=asks_who(operation["operationId"]))
        _refuse(operation)
        _say_what_is_taken(operation, whole)
    if any(operation["security"] for operation in operations(whole)):
        whole["components"]["securitySchemes"] = {"bearer": _KEYS}
    whole = with_words(whole)
    for operation in operations(whole):
        _show(operation, whole)
    whole["components"]["schemas"] = dict(sorted(whole["components"]["schemas"].items()))
    return whole


def operations(document: Json) -> Iterator[Json]:
    """Every operation of the document."""
    for methods in document.get("paths", {}).values():
        yield from (operation for method, operation in methods.items() if method in _METHODS)


def _refuse(operation: Json) -> None:
    """Say under which statuses the operation refuses, always with a problem document."""
    responses = operation.setdefault("responses", {})
    places = [parameter["in"] for parameter in operation.get("parameters", [])]
    headers = [parameter["name"].lower() for parameter in operation.get("parameters", [])]
    wanted = ["503", "default"]
    wanted += ["404"] if "path" in places else []
    wanted += ["422"] if places or "requestBody" in operation else []
    wanted += ["409", "428"] if "if-match" in headers else []
    wanted += ["401", "403", "429"] if operation["security"] else []
    refused = {status for status, r in responses.items() if PROBLEM_TYPE in r.get("content", {})}
    own = _own_refusals(responses, refused)
    wanted += own.keys() & {str(status) for status in range(400, 600)}
    for status in sorted({*wanted, *refused}):
        described = responses[status].get("description", "") if status in refused else ""
        responses[status] = _problem(status, described)
        responses[status]["content"] |= next(iter(own.values()), {})
    operation["responses"] = dict(sorted(responses.items()))


def _own_refusals(responses: Json, refused: set[str]) -> Json:
    """What a door refuses with in its own words, by status; whatever stands before it knows only problem documents."""
    others = {s: r.get("content", {}) for s, r in responses.items() if not s.startswith("2") and s not in refused}
    return {s: content for s, content in others.items() if content and content != _FRAMEWORKS}


def _problem(status: str, described: str) -> Json:
    code, title = _TITLES.get(status, ("", ""))
    content: Json = {"schema": {"$ref": SCHEMA_PREFIX + "Problem"}}
    if status.isdigit() and code:
        content["example"] = {"type": f"urn:griddispatch:problem:{code}", "title": title, "status": int(status)}
    return {"description": title or described or "Refused.", "content": {PROBLEM_TYPE: content}}


def _secure(operation: Json, is_guarded: bool) -> None:
    operation["security"] = [{"bearer": []}] if is_guarded else []


def _say_what_is_taken(operation: Json, root: Json) -> None:
    """Say of parameters and bodies what the edge asks of every text; what is left out is left out, not null."""
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        given = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
        if len(given) == 1:
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            parameter["schema"] = schema = {**given[0], **rest}
        parameter["required"] = bool(schema.pop(DEMANDED, parameter.get("required", False)))
        _limit_texts(schema, root, set())
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if media_type.endswith(("json", "urlencoded")) and "ndjson" not in media_type:
            _limit_texts(content.get("schema", {}), root, set())


def _limit_texts(schema: Json, root: Json, seen: set[int]) -> None:
    named = str(schema.get("$ref", "")).removeprefix(SCHEMA_PREFIX)
    target = root["components"]["schemas"][named] if named else schema
    if id(target) in seen:
        return
    seen.add(id(target))
    kinds = target.get("type")
    if "string" in (kinds if isinstance(kinds, list) else [kinds]) and not target.keys() & set(_OPEN_TEXT):
        target["pattern"] = TEXT
    inner = [*target.get("properties", {}).values(), target.get("items"), target.get("additionalProperties")]
    for part in (*inner, *target.get("anyOf", ()), *target.get("oneOf", ()), *target.get("prefixItems", ())):
        if isinstance(part, dict):
            _limit_texts(part, root, seen)


def _show(operation: Json, root: Json) -> None:
    """Put an example beside every JSON schema of the operation that lacks one."""
    bodies = [operation.get("requestBody", {})]
    bodies += [r for status, r in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        content = body.get("content", {}).get("application/json")
        if content and not content.keys() & {"example", "examples"} and _says_something(content.get("schema", {})):
            content["example"] = example_of(content["schema"], root)


def _says_something(schema: Json) -> bool:
    return bool(schema.keys() & {"$ref", "properties", "anyOf", "oneOf", "items"})
