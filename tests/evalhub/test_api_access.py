"""Every call of the API, with every method, by keys of each scope, no key, and keys that are over."""

import re
from typing import Any

from evalhub.models import Scope
from evalhub.urls import api
from tests import access
from tests.records.api.calls import call, expired_key, key, revoked_key

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
SCHEMA = api.get_openapi_schema()
PARTS = {path: found for path in access.CALLS if (found := re.findall(r"\{(\w+)\}", path))}
# Of things that do not exist.
ABSENT = {"number": 2_000_000_000, "id": 2_000_000_000, "score_id": "0198c0de-0000-7000-8000-000000000000"}


def address(path: str, kwargs: dict[str, object] | None = None) -> str:
    filled = re.sub(r"\{(\w+)\}", lambda part: str((kwargs or ABSENT).get(part[1], "no-such")), path)
    return f"/{filled}"


def operation(path: str, method: str) -> dict[str, Any]:
    return SCHEMA["paths"][f"/api/v1/{path}"][method.lower()]


def least(schema: dict[str, Any]) -> Any:
    """The smallest value that the schema takes."""
    if "$ref" in schema:
        return least(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return least(schema[several][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    match schema.get("type"):
        case "object":
            return {name: least(schema["properties"][name]) for name in schema.get("required", [])}
        case "array":
            return [least(schema.get("items", {}))] * schema.get("minItems", 1)
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return True
    return "x"


def least_body(path: str, method: str) -> Any:
    content = operation(path, method).get("requestBody", {}).get("content", {}).get("application/json", {})
    return least(content["schema"]) if "schema" in content else None


def test_every_call_is_in_the_table():
    described = {
        (path.removeprefix("/api/v1/"), method.upper()) for path, calls in SCHEMA["paths"].items() for method in calls
    }
    assert described == {(path, method) for path, calls in access.CALLS.items() for method in calls}


def test_each_scope_may_do_what_the_table_says_and_no_key_nothing(project):
    keys = {scope: key(project, scope, name=scope) for scope in Scope}
    wrong = []
    for path, calls in access.CALLS.items():
        for method in METHODS:
            status = call(None, method, address(path)).status
            if status != (401 if method in calls else 405):
                wrong.append((method, path, "no key", status))
            for scope, plain in keys.items() if method in calls else ():
                status = call(plain, method, address(path), least_body(path, method)).status
                if (status == 403) != (scope not in calls[method]) or status in (401, 405) or status >= 500:
                    wrong.append((method, path, scope, status))
    assert not wrong


def test_a_key_that_is_over_is_none(project):
    for plain in ("ehk_aaaaaaaa_" + "b" * 32, expired_key(project), revoked_key(project)):
        assert call(plain, "GET", "/records").status == 401


def test_traces_take_a_key_that_may_send(client, project):
    for scope in Scope:
        headers = {"authorization": f"Bearer {key(project, scope, name=scope)}", "content-type": "application/json"}
        status = client.post("/v1/traces", b"{}", content_type="application/json", headers=headers).status_code
        assert status == (200 if scope == Scope.INGEST else 403)
    for method in METHODS:
        assert client.generic(method, "/v1/traces").status_code == (401 if method == "POST" else 405)


def test_a_session_opens_no_call(client, project):
    """And so there is nothing that another site could make a browser do."""
    from evalhub.models import Role
    from tests import factories

    client.force_login(factories.member(project, Role.ADMIN))
    for path, calls in access.CALLS.items():
        for method in calls:
            assert client.generic(method, f"/api/v1{address(path)}").status_code == 401
