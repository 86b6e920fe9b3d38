"""What the API says of itself: a valid document in which every call tells what it does, takes, gives and refuses."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import validate

from evalhub.openapi import Described
from evalhub.urls import api

OF_EVERY_CALL = {"400", "401", "403", "429", "503"}


@pytest.fixture(scope="module")
def document():
    return Client().get("/api/openapi.json").json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            yield path, method, said


def test_the_document_is_valid_openapi(document):
    validate(document)


def test_every_call_tells_what_it_does(document):
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, said in operations(document):
        docstring = said["description"].partition("\n\nScope: ")[0]
        assert docstring.endswith(".") and not docstring.startswith("Scope"), (method, path)
        assert 0 < len(said["summary"]) <= 110 and docstring.replace("\n", " ").startswith(said["summary"])
        assert said["tags"][0] in tags


def test_every_call_tells_how_it_may_end(document):
    for path, method, said in operations(document):
        assert set(said["responses"]) >= OF_EVERY_CALL, (method, path)
        assert "404" in said["responses"] or "{" not in path
        assert ("413" in said["responses"]) == (method in ("post", "patch"))
        assert "Retry-After" in said["responses"]["429"]["headers"]
        for status, response in said["responses"].items():
            assert re.match(r"[A-Z].+", response["description"])
            if int(status) >= 400:
                assert response["content"]["application/json"]["schema"]["$ref"].endswith("/Error")


def test_every_address_has_an_example(document):
    for path, method, said in operations(document):
        shown = {part["name"] for part in said["parameters"] if part["in"] == "path" and "example" in part}
        assert set(re.findall(r"{(\w+)}", path)) == shown, (method, path)


def test_two_schemas_of_one_name_are_a_mistake():
    with pytest.raises(TypeError, match="MetricOut"):
        Described(api, "/api/").add_schema_definitions({"MetricOut": {"type": "object"}})
