"""A client of the API, as plain functions: `call(key, "GET", "/records")`."""

import json
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from evalhub import apikeys
from evalhub.models import ApiKey, Project, Scope

ALL = tuple(Scope)


def key(project: Project, *scopes: Scope, name: str = "ci") -> str:
    """A key in plain text; without scopes it has all of them."""
    taken = ApiKey.objects.filter(project=project, name=name).exists()
    name = f"{name} {ApiKey.objects.count()}" if taken else name
    return apikeys.create(project, name, scopes or ALL)[1]


def expired_key(project: Project) -> str:
    return apikeys.create(project, "old", ALL, expires_at=timezone.now() - timedelta(seconds=1))[1]


def revoked_key(project: Project) -> str:
    plain = key(project, name="gone")
    ApiKey.objects.filter(project=project, name="gone").update(revoked_at=timezone.now())
    return plain


class Answer:
    def __init__(self, response: Any) -> None:
        self.response, self.status, self.headers = response, response.status_code, response.headers

    @property
    def body(self) -> Any:
        return json.loads(self.response.content)

    @property
    def error(self) -> dict[str, Any]:
        return self.body["error"]

    @property
    def fields(self) -> dict[str, str]:
        return {field["path"]: field["message"] for field in self.error.get("fields", [])}


def call(key: str | None, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """`body`: bytes as they are, anything else as JSON. Headers by their names, `accept="text/csv"`."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        sent["authorization"] = f"Bearer {key}"
    client = Client(raise_request_exception=False)
    path = path if path.startswith("/api/") else f"/api/v1{path}"
    return Answer(client.generic(method, path, data, content_type="application/json", headers=sent))
