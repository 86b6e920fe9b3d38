"""Real clients against a real server: their spans go over HTTP to a live EvalHub, their calls to a local stand-in."""

from collections.abc import Iterator

import pytest
from openai import OpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from evalhub import apikeys
from evalhub.models import Scope
from records import prices
from tests import factories
from tests.stand_in_llm import StandIn, stand_in_llm


@pytest.fixture
def project(transactional_db):
    prices.forget_own_prices()
    return factories.project()


@pytest.fixture
def exporting(live_server, project, monkeypatch) -> None:
    """The two settings that README tells users of any OpenTelemetry SDK to make."""
    _, key = apikeys.create(project, "sdk", [Scope.INGEST])
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", live_server.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer {key}")


@pytest.fixture
def provider(exporting) -> Iterator[TracerProvider]:
    """`provider.force_flush()` sends what has ended."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop", "deployment.environment.name": "test"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    yield provider
    provider.shutdown()


@pytest.fixture
def llm() -> Iterator[StandIn]:
    with stand_in_llm() as stand_in:
        yield stand_in


@pytest.fixture
def openai_client(llm) -> Iterator[OpenAI]:
    with OpenAI(base_url=llm.url, api_key="none", max_retries=0) as client:
        yield client
