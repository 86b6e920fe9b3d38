from decimal import Decimal

import pytest
from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

from records.models import Payload, Record
from tests.stand_in_llm import ANSWER, tokens

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Will it rain?"}]


@pytest.fixture
def instrument(provider, monkeypatch):
    """Instruments the client under the conventions that the environment names, which are read once a process."""

    def with_environment(**environment: str) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(_OpenTelemetrySemanticConventionStability, "_initialized", False)
        monkeypatch.setattr(_OpenTelemetrySemanticConventionStability, "_OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING", {})
        OpenAIInstrumentor().instrument(tracer_provider=provider)

    yield with_environment
    OpenAIInstrumentor().uninstrument()


def arrived(provider, project) -> tuple[Record, Payload]:
    provider.force_flush()
    record = Record.objects.get(project=project)
    return record, Payload.objects.get(project=project, record_id=record.id)


def check(record: Record) -> None:
    read, written = tokens(MESSAGES), tokens(ANSWER)
    assert (record.kind, record.model, record.provider) == ("llm", "gpt-4o-mini-2024-07-18", "openai")
    assert (record.tokens_in, record.tokens_out) == (read, written)
    assert record.cost == (read * Decimal("0.15") + written * Decimal("0.6")) / 1_000_000
    assert record.cost_estimated


def test_a_chat_under_the_conventions_of_now(instrument, openai_client, provider, project):
    instrument(
        OTEL_SEMCONV_STABILITY_OPT_IN="gen_ai_latest_experimental",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="span_only",
    )
    openai_client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    record, payload = arrived(provider, project)
    check(record)
    assert payload.inputs == MESSAGES
    assert payload.outputs == [{"role": "assistant", "content": ANSWER, "finish_reason": "stop"}]


def test_a_chat_under_the_older_conventions_without_its_content(instrument, openai_client, provider, project):
    instrument()
    openai_client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    record, payload = arrived(provider, project)
    check(record)
    assert (payload.inputs, payload.outputs) == (None, None)
