"""A span's inputs and outputs, from whichever convention tells them. What is used is taken out of the span."""

from collections.abc import Callable, Sequence
from typing import Any

from records.models import Kind
from records.otlp.indexed import Indexed, indexed
from records.otlp.messages import (
    CHOICE,
    EVENT_ROLES,
    Message,
    message_from_event,
    messages_from_indexed,
    messages_in,
    system_message,
)
from records.otlp.spans import Event, Span
from records.otlp.values import Attributes, read_json, take_value

DETAILS = "gen_ai.client.inference.operation.details"
INPUT_VALUES = (
    "gen_ai.tool.call.arguments", "tool.parameters", "gen_ai.retrieval.query.text", "traceloop.entity.input",
    "gen_ai.prompt",
)  # fmt: skip
OUTPUT_VALUES = (
    "gen_ai.tool.call.result",
    "gen_ai.retrieval.documents",
    "traceloop.entity.output",
    "gen_ai.completion",
)
TEXTS_IN, TEXTS_OUT = ("llm.prompts", "prompt"), ("llm.choices", "completion")


class Told:
    """One span's attributes and events while its inputs and outputs are looked for."""

    def __init__(self, span: Span, kind: str) -> None:
        self.attributes: Attributes = span.attributes
        self.events: list[Event] = span.events
        self.kind = kind
        self.indexed = indexed(span.attributes)

    def take(self, prefix: str) -> Indexed | None:
        group = self.indexed.get(prefix)
        for name in group.names if group else ():
            self.attributes.pop(name, None)
        return group

    def take_events(self, wanted: Callable[[Event], bool]) -> list[Event]:
        taken = [event for event in self.events if wanted(event)]
        if taken:
            self.events[:] = [event for event in self.events if not wanted(event)]
        return taken


def take_payloads(span: Span, kind: str) -> tuple[Any, Any]:
    """(inputs, outputs), None where the span tells none."""
    told = Told(span, kind)
    details = told.take_events(lambda event: event.name == DETAILS) if span.events else []
    for event in details:  # the same names, told in an event
        for name, value in event.attributes.items():
            told.attributes.setdefault(name, value)
    return _inputs(told), _outputs(told)


def _inputs(told: Told) -> Any:
    messages = _spoken(told, "gen_ai.input.messages", "llm.input_messages", "gen_ai.prompt", "user")
    if messages is None and told.events:
        events = told.take_events(lambda event: event.name in EVENT_ROLES)
        messages = [message_from_event(event.name, event.attributes) for event in events] or None
    if messages is None:
        messages = _content_event(told, "gen_ai.content.prompt", "gen_ai.prompt", "user")
    if messages is not None:
        system = system_message(told.attributes.get("gen_ai.system_instructions"))
        if system is not None:
            del told.attributes["gen_ai.system_instructions"]
            messages.insert(0, system)
        _drop_repeated(told, "input", "messages", messages)
        return messages
    return _by_kind(told, INPUTS_BY_KIND, "input", INPUT_VALUES, TEXTS_IN)


def _outputs(told: Told) -> Any:
    messages = _spoken(told, "gen_ai.output.messages", "llm.output_messages", "gen_ai.completion", "assistant")
    if messages is None and told.events:
        events = told.take_events(lambda event: event.name == CHOICE)
        messages = [message_from_event(event.name, event.attributes) for event in events] or None
    if messages is None:
        messages = _content_event(told, "gen_ai.content.completion", "gen_ai.completion", "assistant")
    if messages is not None:
        _drop_repeated(told, "output", "choices", messages)
        return messages
    return _by_kind(told, OUTPUTS_BY_KIND, "output", OUTPUT_VALUES, TEXTS_OUT)


def _spoken(told: Told, attribute: str, open_inference: str, older: str, role: str) -> list[Message] | None:
    """Messages that the attributes tell."""
    if attribute in told.attributes:
        messages = messages_in(told.attributes[attribute], role)
        if messages is not None:
            del told.attributes[attribute]
            return messages
    for prefix in (open_inference, older):
        group = told.take(prefix)
        if group:
            return messages_from_indexed(group, role)
    return None


def _content_event(told: Told, event_name: str, attribute: str, role: str) -> list[Message] | None:
    """The oldest GenAI convention: one event with all messages as JSON; or the same attribute on the span itself."""
    for where in (*(event.attributes for event in told.events if event.name == event_name), told.attributes):
        messages = messages_in(where.get(attribute), role) if attribute in where else None
        if messages is not None:
            del where[attribute]
            told.take_events(lambda event: event.name == event_name and not event.attributes)
            return messages
    return None


def _drop_repeated(told: Told, side: str, key: str, messages: list[Message]) -> None:
    """OpenInference tells a chat twice: as messages, and as the whole request or response. Of this the rest is kept."""
    name = f"{side}.value"
    text = told.attributes.get(name)
    if text is None:
        return
    told.attributes.pop(f"{side}.mime_type", None)
    value = read_json(text)
    if len(messages) == 1 and value == messages[0].get("content"):
        del told.attributes[name]
    elif isinstance(value, dict) and isinstance(value.get(key), list) and len(value[key]) == len(messages):
        told.attributes[name] = _without(value, key)
    else:
        told.attributes[name] = value


def _without(value: dict[str, Any], key: str) -> dict[str, Any]:
    """The object without the messages under `key`; a choice keeps what it says beside its message."""
    rest = {name: item for name, item in value.items() if name != key}
    if key == "choices":
        choices = [{n: v for n, v in c.items() if n != "message"} if isinstance(c, dict) else c for c in value[key]]
        rest[key] = choices
    return rest


def _by_kind(told: Told, readers: dict[str, Callable], side: str, names: Sequence[str], texts: tuple[str, str]) -> Any:
    reader = readers.get(told.kind)
    value = reader(told) if reader else None
    if value is None:
        value = _stated(told, side)
    if value is None:
        value = take_value(told.attributes, names)
    if value is None and (group := told.take(texts[0])):
        value = [_inner(item, texts[1]).get("text", item) for item in group.values()]
        value = value[0] if len(value) == 1 else value
    return value


def _stated(told: Told, side: str) -> Any:
    """`input.value` or `output.value`. Of a model call's request or response the messages are what was said."""
    name = f"{side}.value"
    if told.attributes.get(name) is None:
        return None
    value = read_json(told.attributes.pop(name), told.attributes.pop(f"{side}.mime_type", ""))
    if told.kind == Kind.LLM and isinstance(value, dict):
        key = "messages" if side == "input" else "choices"
        messages = messages_in(value, "user" if side == "input" else "assistant") if key in value else None
        if messages is not None:
            if rest := _without(value, key):
                told.attributes[name] = rest
            return messages
    return value


def _inner(node: Any, name: str) -> dict[str, Any]:
    inner = node.get(name, node) if isinstance(node, dict) else node
    return inner if isinstance(inner, dict) else {"text": inner}


def _documents(told: Told, prefix: str) -> list[dict[str, Any]] | None:
    group = told.take(prefix)
    if not group:
        return None
    documents = [_inner(node, "document") for node in group.values()]
    for document in documents:
        if "metadata" in document:
            document["metadata"] = read_json(document["metadata"])
    return documents


def _found_documents(told: Told) -> Any:
    return _documents(told, "retrieval.documents")


def _reranked(told: Told) -> Any:
    return _documents(told, "reranker.output_documents")


def _to_rerank(told: Told) -> Any:
    documents = _documents(told, "reranker.input_documents")
    if documents is None:
        return None
    query = take_value(told.attributes, ["reranker.query"])
    return {"query": query, "documents": documents}


def _embedded_texts(told: Told) -> Any:
    group = told.indexed.get("embedding.embeddings")
    texts = [_inner(node, "embedding").get("text") for node in group.values()] if group else []
    if not texts or not all(isinstance(text, str) for text in texts):
        return None
    for name in group.names:
        if name.endswith(".text"):
            told.attributes.pop(name, None)
    return texts[0] if len(texts) == 1 else texts


def _vectors(told: Told) -> Any:
    """Only where the span tells no output of its own: vectors are long, and say little to a reader."""
    if told.attributes.get("output.value") is not None:
        return None
    group = told.indexed.get("embedding.embeddings")
    vectors = [_inner(node, "embedding").get("vector") for node in group.values()] if group else []
    if not vectors or not all(isinstance(vector, list) for vector in vectors):
        return None
    for name in group.names:
        if name.endswith(".vector"):
            told.attributes.pop(name, None)
    return [{"dimensions": len(vector), "vector": vector} for vector in vectors]


INPUTS_BY_KIND = {Kind.EMBEDDING: _embedded_texts, Kind.RERANKER: _to_rerank}
OUTPUTS_BY_KIND = {Kind.RETRIEVER: _found_documents, Kind.RERANKER: _reranked, Kind.EMBEDDING: _vectors}
