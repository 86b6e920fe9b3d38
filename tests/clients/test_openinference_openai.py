from decimal import Decimal

import pytest
from openai import APIStatusError
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor

from records.models import Payload, Record
from tests.stand_in_llm import ANSWER, Failure, tokens

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Will it rain?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris"]}}},
    },
}


@pytest.fixture(autouse=True)
def instrumented(provider):
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    yield
    OpenAIInstrumentor().uninstrument()


@pytest.fixture
def arrived(provider, project):
    def only_record() -> tuple[Record, Payload]:
        provider.force_flush()
        record = Record.objects.get(project=project)
        return record, Payload.objects.get(project=project, record_id=record.id)

    return only_record


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat(openai_client, arrived, stream):
    with using_attributes(session_id="s-1", user_id="u-1", metadata={"tier": "gold"}, tags=["beta"]):
        answer = openai_client.chat.completions.create(
            model="gpt-4o-mini", messages=MESSAGES, temperature=0, stream=stream,
            **({"stream_options": {"include_usage": True}} if stream else {}),
        )  # fmt: skip
        list(answer)
    record, payload = arrived()
    assert (record.kind, record.model, record.provider) == ("llm", "gpt-4o-mini-2024-07-18", "openai")
    read, written = tokens(MESSAGES), tokens(ANSWER)
    assert (record.tokens_in, record.tokens_out, record.tokens) == (read, written, read + written)
    assert record.cost == (read * Decimal("0.15") + written * Decimal("0.6")) / 1_000_000
    assert record.cost_estimated
    assert (record.thread, record.customer, record.tags, record.metadata["tier"]) == ("s-1", "u-1", ["beta"], "gold")
    assert payload.inputs == MESSAGES
    assert payload.outputs == [{"role": "assistant", "content": ANSWER}]
    assert (record.ttft_ms is not None) == stream
    assert "messages" not in str(record.metadata["input.value"]), "the messages are the inputs already"


def test_a_tool_call(openai_client, arrived):
    openai_client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, tools=[TOOL])
    _, payload = arrived()
    (message,) = payload.outputs
    (call,) = message["tool_calls"]
    assert call == {
        "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
    }  # fmt: skip


def test_an_embedding(openai_client, arrived):
    openai_client.embeddings.create(model="text-embedding-3-small", input=["rain", "snow"], encoding_format="float")
    record, payload = arrived()
    assert (record.kind, record.model) == ("embedding", "text-embedding-3-small")
    assert record.tokens_in == tokens("rain") + tokens("snow") and record.cost > 0
    assert payload.inputs == ["rain", "snow"]


def test_a_failed_call(openai_client, llm, arrived):
    llm.answers.append(Failure(429))
    with pytest.raises(APIStatusError):
        openai_client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    record, payload = arrived()
    assert "RateLimitError" in record.error and "told to fail" in record.error
    assert payload.inputs == MESSAGES and payload.outputs is None
    assert record.cost is None
