"""What the OpenAPI document says of Open311: parameters, the form, and the two formats of every answer."""

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}


def answers(*refusals: int) -> dict[int | str, dict[str, Any]]:
    """An answer in either format, and the statuses under which a route refuses with a list of errors."""
    errors = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["code", "description"],
            "properties": {"code": {"type": "integer"}, "description": _TEXT},
        },
    }
    refused = {"text/xml": {"schema": _TEXT}, "application/json": {"schema": errors}}
    return {status: {"description": "Refused.", "content": refused} for status in refusals}


def _parameter(name: str, description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": name, "in": "query", "required": False, "description": description, "schema": schema or _TEXT,
    }  # fmt: skip


LIST_PARAMETERS: dict[str, Any] = {
    "parameters": [
        _parameter("jurisdiction_id", "The county's code, or nothing."),
        _parameter("service_request_id", "Up to 50, with commas; overrides everything else."),
        _parameter("service_code", "Up to 50, with commas."),
        _parameter("start_date", "An instant with its zone."),
        _parameter("end_date", "An instant with its zone, within 90 days of start_date."),
        _parameter("status", "open, closed, or both with a comma."),
        _parameter("page_size", "Requests on a page.", {"type": "integer", "minimum": 1, "maximum": 1000}),
        _parameter("limit", "The same as page_size.", {"type": "integer", "minimum": 1, "maximum": 1000}),
        _parameter("page", "The number of the page, from 1.", {"type": "integer", "minimum": 1}),
        _parameter("after", "Where the last page ended; taken from its Link header."),
    ]
}

_FIELDS = (
    "jurisdiction_id", "lat", "long", "address_string", "address_id", "email", "device_id", "account_id",
    "first_name", "last_name", "phone", "description", "media_url",
)  # fmt: skip

REQUEST_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["service_code"],
                    "properties": dict.fromkeys(("api_key", "service_code", *_FIELDS), _TEXT),
                    "additionalProperties": _TEXT,
                }
            }
        },
    }
}
