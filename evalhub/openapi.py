"""The API described for its page and for generators of clients: OpenAPI 3.1 at `/api/openapi.json`.

A call says what it takes and gives and which conflicts it knows; what holds for every call is said here, once: the
errors of the key, the body and the database, the scope it needs, and an example of what stands in its address.
"""

import re
from collections.abc import Mapping
from typing import Any

from ninja import Schema
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.params.models import ParamModel
from pydantic import ConfigDict, Field

# Built where it is first used: what a call gives is built for this page alone, and most commands need no call at all.
Schema.model_config["defer_build"] = True
ParamModel.model_config["defer_build"] = True


def example(of: dict[str, Any]) -> ConfigDict:
    """The body as the page shows it, which a test sends. A schema that inherits has one of its own."""
    return ConfigDict(json_schema_extra={"example": of})


class FieldProblem(Schema):
    path: str
    message: str


class ErrorDetail(Schema):
    code: str
    message: str
    fields: list[FieldProblem] | None = None
    pos: int | None = Field(None, description="Of a filter: the first character that is wrong.")
    end: int | None = None


class Error(Schema):
    error: ErrorDetail


NAMES_MORE = {404: Error}  # of a call whose body names what may not be there
CONFLICT = {409: Error}

HAS_BODY = {"POST", "PATCH", "PUT"}
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
SAID: dict[int, str] = {
    400: "Refused: `fields` says what is wrong where, in a filter `pos`.",
    401: "No valid key: none, revoked or expired.",
    403: "The key has none of the scopes that this call needs.",
    404: "The key's project has nothing of that name.",
    409: "It is there already, or is in a state in which this cannot be.",
    413: "The body, or the number of things in it, is over the limit.",
    429: "The key asks too often: its minute is used up.",
    503: "The database is away, or the query took too long.",
}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}}},
    429: RETRY_AFTER,
}


class Described(OpenAPISchema):
    """ninja's description with what is the same for every call."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        details = super().operation_details(operation)
        responses = _errors(operation) | details["responses"]
        details["responses"] = {status: _said(status, responses[status]) for status in sorted(responses)}
        details["summary"] = _first_sentence(operation.description or operation.summary)
        scopes = [scope for auth in operation.auth_callbacks for scope in getattr(auth, "scopes", ())]
        if scopes:
            needed = f"Scope: {' or '.join(f'`{scope}`' for scope in scopes)}."
            details["description"] = "\n\n".join(filter(None, (details.get("description"), needed)))
        return details

    def operation_parameters(self, operation: Operation) -> list[dict[str, Any]]:
        parameters = super().operation_parameters(operation)
        examples = self.api.named.get((operation.tags or [""])[0], {})
        for parameter in parameters:
            if parameter["in"] == "path" and parameter["name"] in examples:
                parameter["example"] = examples[parameter["name"]]
        return parameters

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        """Two schemas of one name would be shown as one: the page would tell untruths about a call."""
        for name, schema in definitions.items():
            if self.schemas.setdefault(name, schema) != schema:
                raise TypeError(f"Two schemas of the API have the name {name}.")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:;])\s", " ".join(text.split()))[0].rstrip(".:;")


def _errors(operation: Operation) -> dict[int, dict[str, Any]]:
    """The errors that a call has without saying so, by what it is asked with."""
    statuses = [400, 401, 403, 429, 503]
    if "{" in operation.path:
        statuses.append(404)
    if HAS_BODY & set(operation.methods):
        statuses.append(413)
    schema = {"schema": {"$ref": "#/components/schemas/Error"}}
    return {status: {"content": {"application/json": schema}} for status in sorted(statuses)}


def _said(status: int, response: Mapping[str, Any]) -> dict[str, Any]:
    described = {"description": SAID[status]} | response if status in SAID else dict(response)
    return described | ({"headers": HEADERS[status]} if status in HEADERS else {})
