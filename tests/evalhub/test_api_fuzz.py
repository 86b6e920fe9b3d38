"""Whatever is sent to the API, the answer is one that its page tells of: never a 5xx, never an undocumented status.

Requests are made by schemathesis from the API's own document, right ones and wrong ones, and answered in this process,
through WSGI. The suite makes a few of each call, always the same ones; for a long run with new ones:

    EVALHUB_FUZZ=300 uv run pytest tests/evalhub/test_api_fuzz.py -n 0
"""

import os

import pytest
import redis
import schemathesis
from django.conf import settings as django_settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from evalhub.wsgi import application
from tests import factories, shop

EXAMPLES = int(os.environ.get("EVALHUB_FUZZ", "3"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SEED = 20261125


@pytest.fixture
def world(transactional_db, monkeypatch):
    """One connection for all requests, as a web process has; and no 429, which the key would earn here."""
    monkeypatch.setattr(django_settings, "REQUESTS_PER_MINUTE", 0)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield shop.opened(factories.project())
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()


def test_no_request_is_answered_by_what_the_page_does_not_tell_of(world):
    k, names = world
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application, config=config)
    failures: dict[str, str] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            ask(operation, k, names)
        except Exception as failure:  # noqa: BLE001 collected: one run tells of all calls
            failures[operation.label] = _words(failure)
    assert not failures, "\n\n".join(f"{label}\n{words}" for label, words in failures.items())


def ask(operation, k: str, names: dict) -> None:
    modes = [operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(st.one_of(modes), st.booleans())
    def asked(case, there: bool) -> None:
        if there:  # as often as not of something that the project has: what is not there is a quick 404
            for parameter in operation.path_parameters:
                own = f"{operation.tags[0]}.{parameter.name}"
                example = parameter.definition.get("example")
                case.path_parameters[parameter.name] = names.get(own, example)
        response = case.call(headers={"Authorization": f"Bearer {k}"})
        case.validate_response(response, checks=CHECKS)

    asked()


def _words(failure: BaseException) -> str:
    inner = getattr(failure, "exceptions", [failure])
    return "\n".join(str(one)[:1500] for one in inner)
