"""What instrumentations really send, convention by convention, and what becomes of it."""

import json
from typing import Any

import pytest

from tests.records.otlp import build
from tests.records.otlp.mapped import mapped

ASKED = [{"role": "user", "content": "Weather in Paris?"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}

GEN_AI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.conversation.id": "conv_5j66UpCpwteGg4YSxUnt7lPY",
    "gen_ai.usage.input_tokens": 97,
    "gen_ai.usage.output_tokens": 52,
    "gen_ai.usage.cache_read.input_tokens": 50,
    "gen_ai.usage.cache_creation.input_tokens": 25,
    "gen_ai.usage.reasoning.output_tokens": 20,
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.request.temperature": 0.2,
    "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
    "gen_ai.input.messages": json.dumps([
        {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "rainy, 57°F"}]},
    ]),
    "gen_ai.output.messages": json.dumps([
        {"role": "assistant", "parts": [{"type": "text", "content": "Rainy."}], "finish_reason": "stop"}]),
}  # fmt: skip
GEN_AI_DRAFT = {
    "kind": "llm", "provider": "openai", "model": "gpt-4o-2024-08-06", "thread": "conv_5j66UpCpwteGg4YSxUnt7lPY",
    "tokens_in": 97, "tokens_out": 52, "tokens_cached": 50, "tokens_cache_write": 25, "ttft_ms": 250,
    "metrics": {"reasoning_tokens": 20},
    "inputs": [
        {"role": "system", "content": "Be brief."},
        *ASKED,
        {"role": "assistant", "content": None,
         "tool_calls": [{"id": "call_1", "type": "function",
                         "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rainy, 57°F"},
    ],
    "outputs": [{"role": "assistant", "content": "Rainy.", "finish_reason": "stop"}],
    "metadata": {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.request.temperature": 0.2,
    },
}  # fmt: skip

REQUEST = {"messages": ASKED, "model": "gpt-4o-mini", "temperature": 0}
RESPONSE = {
    "id": "chatcmpl-1", "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None}}],
}  # fmt: skip
OPEN_INFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.provider": "azure",
    "llm.model_name": "gpt-4o-mini-2024-07-18",
    "llm.invocation_parameters": '{"temperature": 0}',
    "llm.token_count.prompt": 20,
    "llm.token_count.completion": 7,
    "llm.token_count.total": 27,
    "llm.token_count.prompt_details.cache_read": 4,
    "llm.token_count.completion_details.reasoning": 3,
    "llm.cost.total": 0.00042,
    "input.value": json.dumps(REQUEST),
    "input.mime_type": "application/json",
    "output.value": json.dumps(RESPONSE),
    "output.mime_type": "application/json",
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.content": "Weather in Paris?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "get_weather",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"city": "Paris"}',
    "session.id": "s-1",
    "user.id": "u-1",
    "tag.tags": ["beta", "eu"],
    "metadata": '{"tier": "gold"}',
}
OPEN_INFERENCE_DRAFT = {
    "kind": "llm", "provider": "azure", "model": "gpt-4o-mini-2024-07-18", "thread": "s-1", "customer": "u-1",
    "tokens_in": 20, "tokens_out": 7, "tokens": 27, "tokens_cached": 4, "metrics": {"reasoning_tokens": 3},
    "tags": ["beta", "eu"],
    "inputs": ASKED,
    "outputs": [{"role": "assistant", "content": None, "tool_calls": [CALL]}],
    "metadata": {
        "llm.system": "openai", "llm.invocation_parameters": '{"temperature": 0}', "tier": "gold",
        "input.value": {"model": "gpt-4o-mini", "temperature": 0},
        "output.value": {
            "id": "chatcmpl-1", "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "finish_reason": "tool_calls"}],
        },
    },
}  # fmt: skip

OPEN_LLMETRY = {
    "llm.request.type": "chat",
    "gen_ai.system": "Anthropic",
    "gen_ai.request.model": "claude-3-5-haiku",
    "gen_ai.response.model": "claude-3-5-haiku-20241022",
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": '[{"type": "text", "text": "Weather in Paris?"}]',
    "gen_ai.prompt.10.role": "user",
    "gen_ai.prompt.10.content": "Please.",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.finish_reason": "tool_calls",
    "gen_ai.completion.0.tool_calls.0.id": "call_1",
    "gen_ai.completion.0.tool_calls.0.name": "get_weather",
    "gen_ai.completion.0.tool_calls.0.arguments": '{"city": "Paris"}',
    "gen_ai.usage.prompt_tokens": 30,
    "gen_ai.usage.completion_tokens": 9,
    "llm.usage.total_tokens": 39,
    "gen_ai.usage.cache_read_input_tokens": 10,
    "gen_ai.usage.cache_creation_input_tokens": 5,
    "traceloop.association.properties.session_id": "s-2",
    "traceloop.association.properties.user_id": "u-2",
    "traceloop.association.properties.shop": "7",
    "traceloop.prompt.key": "weather",
    "traceloop.prompt.version": 3,
}
OPEN_LLMETRY_DRAFT = {
    "kind": "llm", "provider": "Anthropic", "model": "claude-3-5-haiku-20241022", "thread": "s-2", "customer": "u-2",
    "tokens_in": 30, "tokens_out": 9, "tokens": 39, "tokens_cached": 10, "tokens_cache_write": 5,
    "prompt": "weather", "prompt_version": 3,
    "inputs": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Weather in Paris?"}]},
        {"role": "user", "content": "Please."},
    ],
    "outputs": [{"role": "assistant", "content": None, "finish_reason": "tool_calls", "tool_calls": [CALL]}],
    "metadata": {
        "llm.request.type": "chat", "gen_ai.request.model": "claude-3-5-haiku",
        "traceloop.association.properties.shop": "7",
    },
}  # fmt: skip

WORKFLOW = {
    "traceloop.span.kind": "workflow",
    "traceloop.entity.name": "joke",
    "traceloop.entity.input": '{"args": [], "kwargs": {"topic": "rain"}}',
    "traceloop.entity.output": '"Drip."',
}
WORKFLOW_DRAFT = {
    "kind": "chain", "inputs": {"args": [], "kwargs": {"topic": "rain"}}, "outputs": "Drip.",
    "metadata": {"traceloop.span.kind": "workflow", "traceloop.entity.name": "joke"},
}  # fmt: skip

TOOL = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.call.id": "call_1",
    "gen_ai.tool.call.arguments": '{"city": "Paris"}',
    "gen_ai.tool.call.result": "rainy",
}
TOOL_DRAFT = {
    "kind": "tool", "inputs": {"city": "Paris"}, "outputs": "rainy",
    "metadata": {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.id": "call_1",
    },
}  # fmt: skip

OPEN_INFERENCE_TOOL = {
    "openinference.span.kind": "TOOL",
    "tool.name": "get_weather",
    "tool.parameters": '{"city": "Paris"}',
    "output.value": "rainy",
}
OPEN_INFERENCE_TOOL_DRAFT = {
    "kind": "tool", "inputs": {"city": "Paris"}, "outputs": "rainy", "metadata": {"tool.name": "get_weather"},
}  # fmt: skip

RETRIEVER = {
    "openinference.span.kind": "RETRIEVER",
    "input.value": "rain in Paris",
    "retrieval.documents.0.document.id": "d1",
    "retrieval.documents.0.document.content": "It rains.",
    "retrieval.documents.0.document.score": 0.9,
    "retrieval.documents.0.document.metadata": '{"page": 3}',
    "retrieval.documents.1.document.content": "It snows.",
}
RETRIEVER_DRAFT = {
    "kind": "retriever", "inputs": "rain in Paris",
    "outputs": [{"id": "d1", "content": "It rains.", "score": 0.9, "metadata": {"page": 3}}, {"content": "It snows."}],
    "metadata": {},
}  # fmt: skip

RERANKER = {
    "openinference.span.kind": "RERANKER",
    "reranker.query": "rain",
    "reranker.model_name": "rerank-2",
    "reranker.top_k": 1,
    "reranker.input_documents.0.document.content": "It snows.",
    "reranker.input_documents.1.document.content": "It rains.",
    "reranker.output_documents.0.document.content": "It rains.",
}
RERANKER_DRAFT = {
    "kind": "reranker", "model": "rerank-2", "outputs": [{"content": "It rains."}],
    "inputs": {"query": "rain", "documents": [{"content": "It snows."}, {"content": "It rains."}]},
    "metadata": {"reranker.top_k": 1},
}  # fmt: skip

EMBEDDING = {
    "openinference.span.kind": "EMBEDDING",
    "embedding.model_name": "text-embedding-3-small",
    "embedding.embeddings.0.embedding.text": "rain",
    "embedding.embeddings.0.embedding.vector": [0.1, 0.2],
    "embedding.embeddings.1.embedding.text": "snow",
    "embedding.embeddings.1.embedding.vector": [0.3, 0.4],
    "llm.token_count.prompt": 2,
}
EMBEDDING_DRAFT = {
    "kind": "embedding", "model": "text-embedding-3-small", "tokens_in": 2, "inputs": ["rain", "snow"],
    "outputs": [{"dimensions": 2, "vector": [0.1, 0.2]}, {"dimensions": 2, "vector": [0.3, 0.4]}], "metadata": {},
}  # fmt: skip

ONLY_VALUES = {
    "openinference.span.kind": "LLM",
    "input.value": json.dumps(REQUEST),
    "input.mime_type": "application/json",
    "output.value": "Rainy.",
    "output.mime_type": "text/plain",
}
ONLY_VALUES_DRAFT = {
    "kind": "llm", "inputs": ASKED, "outputs": "Rainy.",
    "metadata": {"input.value": {"model": "gpt-4o-mini", "temperature": 0}},
}  # fmt: skip

COMPLETION = {
    "openinference.span.kind": "LLM",
    "llm.prompts.0.prompt.text": "Once upon a time",
    "llm.choices.0.completion.text": "it rained.",
}
COMPLETION_DRAFT = {"kind": "llm", "inputs": "Once upon a time", "outputs": "it rained.", "metadata": {}}

PICTURE = {
    "openinference.span.kind": "LLM",
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.contents.0.message_content.type": "text",
    "llm.input_messages.0.message.contents.0.message_content.text": "What is it?",
    "llm.input_messages.0.message.contents.1.message_content.type": "image",
    "llm.input_messages.0.message.contents.1.message_content.image.image.url": "https://example.org/cat.png",
}
PICTURE_DRAFT = {
    "inputs": [{"role": "user", "content": [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
    ]}],
    "metadata": {},
}  # fmt: skip

OURS = {
    "evalhub.expected": '{"answer": 4}',
    "evalhub.tags": "smoke, nightly",
    "evalhub.experiment": "baseline",
    "evalhub.case_id": "case-7",
    "evalhub.epoch": 2,
    "evalhub.custom_id": "order-1",
    "evalhub.prompt": "weather",
    "evalhub.prompt_version": 3,
    "deployment.environment.name": "staging",
}
OURS_DRAFT = {
    "expected": {"answer": 4}, "tags": ["smoke", "nightly"], "experiment": "baseline", "case_id": "case-7", "epoch": 2,
    "custom_id": "order-1", "prompt": "weather", "prompt_version": 3, "environment": "staging", "metadata": {},
}  # fmt: skip

CASES = {
    "GenAI": (GEN_AI, GEN_AI_DRAFT),
    "OpenInference": (OPEN_INFERENCE, OPEN_INFERENCE_DRAFT),
    "OpenLLMetry": (OPEN_LLMETRY, OPEN_LLMETRY_DRAFT),
    "OpenLLMetry workflow": (WORKFLOW, WORKFLOW_DRAFT),
    "GenAI tool": (TOOL, TOOL_DRAFT),
    "OpenInference tool": (OPEN_INFERENCE_TOOL, OPEN_INFERENCE_TOOL_DRAFT),
    "retriever": (RETRIEVER, RETRIEVER_DRAFT),
    "reranker": (RERANKER, RERANKER_DRAFT),
    "embedding": (EMBEDDING, EMBEDDING_DRAFT),
    "chat as values": (ONLY_VALUES, ONLY_VALUES_DRAFT),
    "completion": (COMPLETION, COMPLETION_DRAFT),
    "picture": (PICTURE, PICTURE_DRAFT),
    "ours": (OURS, OURS_DRAFT),
}


@pytest.mark.parametrize("case", CASES)
def test_a_convention_becomes_fields_and_the_rest_is_kept(case: str):
    attributes, expected = CASES[case]
    draft = mapped(attributes)
    assert {name: getattr(draft, name) for name in expected} == expected


CHAT = [{"role": "system", "content": "Be brief."}, *ASKED]
ANSWER = {"role": "assistant", "content": "Rainy."}
EVENTS: dict[str, tuple[list[Any], Any, Any]] = {
    "one event a message": (
        [
            build.event("gen_ai.system.message", {"content": "Be brief."}),
            build.event("gen_ai.user.message", {"gen_ai.system": "openai", "content": "Weather in Paris?"}),
            build.event("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps(ANSWER)}),
        ],
        CHAT,
        [ANSWER | {"finish_reason": "stop"}],
    ),
    "bodies as JSON": (
        [
            build.event("gen_ai.system.message", {"gen_ai.event.content": '{"content": "Be brief."}'}),
            build.event("gen_ai.user.message", {"gen_ai.event.content": '{"content": "Weather in Paris?"}'}),
            build.event("gen_ai.choice", {"gen_ai.event.content": json.dumps({"message": ANSWER})}),
        ],
        CHAT,
        [ANSWER],
    ),
    "a tool's call and result": (
        [
            build.event("gen_ai.assistant.message", {"tool_calls": json.dumps([CALL])}),
            build.event("gen_ai.tool.message", {"id": "call_1", "content": "rainy"}),
        ],
        [
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "rainy", "tool_call_id": "call_1"},
        ],
        None,
    ),
    "all of it in two events": (
        [
            build.event("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(CHAT)}),
            build.event("gen_ai.content.completion", {"gen_ai.completion": json.dumps([ANSWER])}),
        ],
        CHAT,
        [ANSWER],
    ),
    "all of it in one event": (
        [
            build.event(
                "gen_ai.client.inference.operation.details",
                {
                    "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
                    "gen_ai.input.messages": [
                        {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]}
                    ],
                    "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "Rainy."}]}],
                },
            )
        ],
        CHAT,
        [ANSWER],
    ),
}


@pytest.mark.parametrize("case", EVENTS)
def test_messages_told_in_events_are_the_inputs_and_outputs(case: str):
    events, inputs, outputs = EVENTS[case]
    draft = mapped({"gen_ai.operation.name": "chat"}, events=events)
    assert (draft.inputs, draft.outputs) == (inputs, outputs)
    assert draft.metadata == {"gen_ai.operation.name": "chat"}


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"openinference.span.kind": "GUARDRAIL"}, "guardrail"),
        ({"openinference.span.kind": "AGENT"}, "agent"),
        ({"openinference.span.kind": "EVALUATOR"}, ""),
        ({"gen_ai.operation.name": "text_completion"}, "llm"),
        ({"gen_ai.operation.name": "generate_content"}, "llm"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"gen_ai.operation.name": "invoke_agent"}, "agent"),
        ({"gen_ai.operation.name": "retrieval"}, "retriever"),
        ({"traceloop.span.kind": "task"}, "task"),
        ({"openinference.span.kind": "CHAIN", "gen_ai.operation.name": "chat"}, "chain"),
        ({"gen_ai.request.model": "m"}, "llm"),
        ({"http.request.method": "GET"}, ""),
        ({"gen_ai.operation.name": 7}, ""),
    ],
)
def test_the_kind_of_a_span(attributes: dict, kind: str):
    assert mapped(attributes).kind == kind


def test_a_kind_that_evalhub_does_not_know_keeps_its_name():
    assert mapped({"openinference.span.kind": "EVALUATOR"}).metadata == {"openinference.span.kind": "EVALUATOR"}
