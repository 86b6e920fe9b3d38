"""Every example on the API's page works: each call is made as it is shown there, and answers as it is described."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from jsonschema import Draft202012Validator

from tests import shop
from tests.records.api.calls import call

ANOTHER = {  # where the object of the example is not in the state in which the call makes sense
    ("patch", "/api/v1/prompts/{slug}/versions/{number}"): {"number": 2},
    ("post", "/api/v1/prompts/{slug}/versions/{number}/commit"): {"number": 2},
    ("post", "/api/v1/experiments/{slug}/claim"): {"slug": "open"},
    ("post", "/api/v1/experiments/{slug}/submit"): {"slug": "open"},
}
NOT_NOW = {  # what is refused for the state of things: it takes something paused, or errored
    "/api/v1/scoring-runs/{number}/resume", "/api/v1/scoring-runs/{number}/retry",
    "/api/v1/experiments/{slug}/resume", "/api/v1/experiments/{slug}/retry",
}  # fmt: skip


def examples(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], Any]]:
    """(method, path, what is said of the call, body)."""
    shapes = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            body = None
            if "requestBody" in said:
                shown = next(iter(said["requestBody"]["content"].values()))
                schema = shown.get("schema", {})
                schema = shapes.get(schema.get("$ref", "").rpartition("/")[2], schema)
                body = shown.get("example", schema.get("example"))
                assert body is not None, f"{method} {path} has a body and no example"
            yield method, path, said, body


def filled(path: str, said: dict[str, Any], names: dict[str, Any]) -> str:
    """The address with the example of each part; a parameter that must be there follows the question mark."""
    for parameter in said["parameters"]:
        if parameter["in"] == "path":
            own = f"{said['tags'][0]}.{parameter['name']}"
            value = names.get(parameter["name"], names.get(own, parameter["example"]))
            path = path.replace(f"{{{parameter['name']}}}", str(value))
        elif parameter["required"]:
            path += f"?{parameter['name']}={parameter['example']}"
    return path


def with_ids(body: Any, names: dict[str, Any]) -> Any:
    if isinstance(body, dict):
        return {name: names.get(name, with_ids(value, names)) for name, value in body.items()}
    return body


@pytest.mark.django_db
def test_every_example_is_answered_as_the_page_says(project):
    document = Client().get("/api/openapi.json").json()
    k, names = shop.opened(project)
    problems = []
    for method, path, said, body in examples(document):
        address = filled(path, said, names | ANOTHER.get((method, path), {}))
        sent = body.encode() if isinstance(body, str) else with_ids(body, names)
        headers = {"content_type": "text/csv"} if isinstance(body, str) else {}
        with transaction.atomic():  # what one example changes, the next one does not see
            answer = call(k, method.upper(), address, sent, **headers)
            transaction.set_rollback(True)
        told = said["responses"].get(str(answer.status))
        if told is None or (answer.status >= 300) != (path in NOT_NOW):
            problems.append((method, address, answer.status, answer.response.getvalue()[:300]))
        elif "content" in told and answer.response["Content-Type"] == "application/json":
            schema = told["content"]["application/json"]["schema"] | {"components": document["components"]}
            errors = Draft202012Validator(json.loads(json.dumps(schema))).iter_errors(answer.body)
            problems += [(method, address, error.json_path, error.message[:300]) for error in errors]
    assert not problems, "\n".join(map(str, problems))
