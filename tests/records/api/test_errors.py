"""Every refusal has one shape, says what is wrong, and no call answers without a key."""

import gzip
import logging
from io import BytesIO

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from psycopg.errors import ProgramLimitExceeded

from evalhub import apikeys
from evalhub.body import MAX_BODY_BYTES
from evalhub.models import ApiKey, Scope
from evalhub.urls import api
from tests import factories
from tests.records.api.calls import ALL, call, expired_key, key, revoked_key

pytestmark = pytest.mark.django_db

METRIC = {"slug": "a", "value_type": "boolean"}


def operations() -> list[tuple[str, str]]:
    paths = api.get_openapi_schema()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def address(path: str) -> str:
    path = path.replace("{score_id}", "0198c0de-0000-7000-8000-000000000000").replace("{number}", "1")
    path = path.replace("/alerts/{id}", "/alerts/1")
    return path.replace("{id}", "x").replace("{slug}", "x")


@pytest.mark.parametrize(("method", "path"), operations())
def test_no_call_answers_without_a_valid_key(project, method, path):
    plain = key(project)
    wrong = plain[:-1] + ("a" if plain[-1] != "a" else "b")
    for token in (None, "ehk_nonsense", wrong, expired_key(project), revoked_key(project)):
        answer = call(token, method, address(path), METRIC)
        assert (answer.status, answer.error["code"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_is_no_key(project):
    client = Client()
    client.force_login(factories.user(is_superuser=True))
    assert client.get("/api/v1/metrics").status_code == 401


def test_a_key_of_the_same_lookup_but_another_secret_is_refused(project):
    lookup = key(project).split("_")[1]
    assert call(f"ehk_{lookup}_{'x' * apikeys.SECRET_LENGTH}", "GET", "/metrics").status == 401


def test_a_missing_scope_is_named_before_the_body_is_read(project):
    answer = call(key(project, Scope.READ), "POST", "/metrics", b"{not json")
    assert (answer.status, answer.error["code"]) == (403, "forbidden")
    assert "write" in answer.error["message"]


def test_using_a_key_notes_when(project):
    call(key(project, name="seen"), "GET", "/metrics")
    assert ApiKey.objects.get(name="seen").last_used_at is not None


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", "invalid_json", "empty"),
        (b"{", "invalid_json", "line 1"),
        (b'{"slug": NaN}', "invalid_json", "JSON"),
        (b'{"slug": Infinity}', "invalid_json", "JSON"),
        (b'{"slug": 1e999}', "invalid_json", "JSON"),
        (b'{"slug": "\\ud800"}', "invalid_json", "JSON"),
        (b'{"slug": "\xff"}', "invalid_json", "JSON"),
        (b"[" * 2000 + b"]" * 2000, "invalid_json", "JSON"),
        (b'{"slug": "a\\u0000b"}', "invalid", "slug: Holds a NUL"),
        (b'{"a": [{"b": {"c\\u0000": 1}}]}', "invalid", "a.0.b.c"),
        (b"[]", "invalid", ""),
        (b"null", "invalid", ""),
    ],
)
def test_a_body_that_is_not_strict_json_is_refused(project, body, code, words):
    answer = call(key(project), "POST", "/metrics", body)
    assert (answer.status, answer.error["code"]) == (400, code)
    assert words in answer.error["message"]


def test_text_about_a_nul_is_no_nul(project):
    answer = call(key(project), "POST", "/metrics", METRIC | {"description": r"C:\u0000"})
    assert answer.status == 201
    assert answer.body["description"] == r"C:\u0000"


def test_a_body_may_be_compressed_and_a_broken_one_says_so(project):
    k = key(project)
    good = gzip.compress(b'{"slug": "zipped", "value_type": "boolean"}')
    assert call(k, "POST", "/metrics", good, content_encoding="gzip").status == 201
    answer = call(k, "POST", "/metrics", good[:-8], content_encoding="gzip")
    assert (answer.status, answer.error["code"]) == (400, "invalid_body")
    assert call(k, "POST", "/metrics", good, content_encoding="br").status == 400


def test_a_body_over_the_limit_is_413_and_names_it(project):
    bomb = gzip.compress(b'{"slug": "' + bytes(21 * 1024 * 1024) + b'"}')
    for body, headers in ((bomb, {"content_encoding": "gzip"}), (bytes(21 * 1024 * 1024), {})):
        answer = call(key(project), "POST", "/metrics", body, **headers)
        assert (answer.status, answer.error["code"]) == (413, "too_large")
        assert "20,971,520" in answer.error["message"]


def test_an_unknown_address_and_a_wrong_method_answer_in_the_same_shape(project):
    k = key(project)
    answer = call(k, "GET", "/nothing/here")
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    answer = call(k, "PUT", "/metrics")
    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
    assert call(k, "GET", "/api/").error["code"] == "not_found"


def test_a_wrong_query_parameter_is_named(project):
    factories.record(project, external_id="r")
    for query in ("limit=0", "limit=201", "limit=many"):
        assert list(call(key(project), "GET", f"/records/r/scores?{query}").fields) == ["limit"]
    answer = call(key(project), "GET", "/records/r/scores?cursor=abc")
    assert (answer.status, answer.error["code"]) == (400, "invalid_cursor")


def test_a_database_that_is_away_is_503_with_a_time_to_retry(project, monkeypatch, caplog):
    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    k = key(project)
    for target in ("evalhub.api.authenticate", "records.api.metrics.metric_json"):
        with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
            patch.setattr(target, gone)
            answer = call(k, "POST", "/metrics", METRIC | {"slug": f"m{len(target)}"})
        assert (answer.status, answer.error["code"], answer.headers["Retry-After"]) == (503, "unavailable", "5")


def test_a_statement_that_the_database_refuses_is_our_failure_and_no_reason_to_retry(project, monkeypatch):
    def refused(*args: object) -> None:
        raise OperationalError from ProgramLimitExceeded()

    factories.metric(project, "a")
    monkeypatch.setattr("records.api.metrics.metric_json", refused)
    assert call(key(project), "GET", "/metrics/a").status == 500


def test_our_own_failure_tells_the_log_and_not_the_client(project, monkeypatch, caplog):
    def broken(*args: object) -> None:
        raise RuntimeError("the secret inside")

    factories.metric(project, "a")
    monkeypatch.setattr("records.api.metrics.metric_json", broken)
    answer = call(key(project), "GET", "/metrics/a")
    assert (answer.status, answer.error["code"]) == (500, "internal")
    assert "secret" not in answer.error["message"]
    assert "the secret inside" in caplog.text


def test_the_documentation_needs_no_key_and_loads_nothing_from_elsewhere():
    page = Client().get("/api/docs")
    assert page.status_code == 200
    assert b"http://" not in page.content and b"https://" not in page.content
    schema = Client().get("/api/openapi.json").json()
    assert schema["info"]["title"] == "EvalHub"
    assert "/api/v1/metrics" in schema["paths"]


def test_every_scope_may_be_held_together(project):
    assert set(ApiKey.objects.get(lookup=key(project).split("_")[1]).scopes) == set(ALL)


@pytest.mark.parametrize(
    ("with_key", "method", "path", "status"),
    [
        (False, "POST", "/records", 401),
        (True, "POST", "/records", 413),
        (True, "PUT", "/records", 405),
        (True, "POST", "/nothing", 404),
        (True, "DELETE", "/records/none", 404),
    ],
)
def test_a_refused_request_is_read_to_its_end(project, with_key, method, path, status):
    """Or a client that is still sending sees a broken connection in place of the error."""
    stream = BytesIO(bytes(MAX_BODY_BYTES + 5))
    environ = RequestFactory().generic(method, f"/api/v1{path}").environ
    environ |= {"CONTENT_LENGTH": str(MAX_BODY_BYTES + 5), "wsgi.input": stream}
    if with_key:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {key(project)}"
    assert ClientHandler()(environ).status_code == status
    assert stream.read() == b""
