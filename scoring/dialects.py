"""How the APIs of model providers are spoken: where a question goes, how it is put, how its answer is read. Pure.

OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat, which Azure and local servers speak too)
and Anthropic's messages (https://docs.claude.com/en/api/messages).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address
from itertools import chain
from math import isfinite
from typing import Any
from urllib.parse import quote, urlsplit

Message = Mapping[str, str]  # role (system, user, assistant) and content

DEFAULT_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com/v1"}
AZURE_VERSION = "2024-10-21"  # for an address that names a deployment; the v1 API needs none
ANTHROPIC_VERSION = "2023-06-01"
ANTHROPIC_MAX_TOKENS = 4096  # the API wants a bound; room for a judge's reasoning
ANSWER = "answer"  # the name of the schema and of the tool
# Azure and Anthropic refuse a schema with these; what they bound is in the descriptions too, and checked afterwards.
BOUNDS = frozenset({"minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"})
# Hosts whose models stand in the price list under a name that is not the host's.
PRICE_NAMES = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "api.together.xyz": "together",
    "generativelanguage.googleapis.com": "google",
}


@dataclass(frozen=True)
class ProviderConfig:
    """A provider as calls need it. `kind` openai | azure | anthropic; an empty `base_url` is the kind's own.

    `prices` are USD per million tokens by model, {"my-model": {"input": 0.1, "output": 0.4, "cached_input": 0.05}}.
    """

    id: int
    kind: str = "openai"
    base_url: str = ""
    key: str = field(default="", repr=False)
    api_version: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int = 32
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict, hash=False)

    @cached_property
    def host(self) -> str:
        return urlsplit(self._base).hostname or ""

    @cached_property
    def price_name(self) -> str:
        """Of the provider in price lists. A server of one's own is `local`, which has no prices there."""
        if self.kind == "azure":
            return "azure"
        try:
            private = not ip_address(self.host).is_global
        except ValueError:
            private = "." not in self.host or self.host.endswith((".local", ".internal", ".localhost", ".lan"))
        return "local" if private else PRICE_NAMES.get(self.host, self.host)

    @property
    def _base(self) -> str:
        return self.base_url or DEFAULT_URLS.get(self.kind, "")

    def url(self, path: str, model: str = "") -> str:
        """Of the API's `path`, such as `chat/completions`. A base URL that is a bare host gets the usual /v1."""
        base, _, query = self._base.partition("?")
        base = base.rstrip("/").removesuffix(f"/{path}")
        bare = not urlsplit(base).path
        if self.kind == "azure":
            if "/deployments/" in base:
                query = query or f"api-version={self.api_version or AZURE_VERSION}"
            elif self.api_version and model:
                base = f"{base.removesuffix('/openai')}/openai/deployments/{quote(model, safe='')}"
                query = f"api-version={quote(self.api_version)}"
            elif bare:
                base += "/openai/v1"
        elif bare:
            base += "/v1"
        return f"{base}/{path}" + (f"?{query}" if query else "")

    @cached_property
    def headers(self) -> dict[str, str]:
        made = {"Content-Type": "application/json"}
        if self.kind == "anthropic":
            made["anthropic-version"] = ANTHROPIC_VERSION
        if self.key:
            name = {"azure": "api-key", "anthropic": "x-api-key"}.get(self.kind, "Authorization")
            made[name] = f"Bearer {self.key}" if name == "Authorization" else self.key
        return made


class Rung(StrEnum):
    """Ways to get a JSON object out of a model, the surest first. TEXT asks with words alone."""

    SCHEMA = "schema"
    TOOL = "tool"
    OBJECT = "object"
    TEXT = "text"


LADDERS: dict[str, tuple[Rung, ...]] = {
    "openai": tuple(Rung),
    "azure": tuple(Rung),
    "anthropic": (Rung.SCHEMA, Rung.TOOL, Rung.TEXT),
}


@dataclass(slots=True)
class Said:
    """One answer as it came. `finish` is stop, length (cut at the token limit), refused, or the provider's own word.

    Tokens are None where the provider told none. `tokens_in` is all of the input, cached parts among it.
    """

    text: str
    finish: str
    model: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    tokens_cache_write: int | None = None


class NotAnAnswer(ValueError):
    """The body is not what the API promises."""


def chat_path(config: ProviderConfig) -> str:
    return "messages" if config.kind == "anthropic" else "chat/completions"


def question(
    config: ProviderConfig,
    model: str,
    messages: Sequence[Message],
    options: Mapping[str, Any],
    rung: Rung,
    schema: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The body to be posted. Without a schema the rung does not matter, and the answer is free text."""
    if schema is not None and rung in (Rung.OBJECT, Rung.TEXT):
        messages = _with_schema(messages, schema)
    if config.kind == "anthropic":
        body = _anthropic_body(messages, options)
    else:
        body = {"messages": list(messages), **options}
        # OpenAI has renamed it, and its newer models refuse the old name; other servers know the old one alone.
        if "max_tokens" in body and (config.kind == "azure" or config.host == "api.openai.com"):
            body["max_completion_tokens"] = body.pop("max_tokens")
    body["model"] = model
    return body if schema is None else body | _constraint(config.kind, rung, schema)


def _with_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    told = (
        "Answer with one JSON object that is valid under this JSON schema, and with nothing else:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )
    if messages and messages[0]["role"] == "system":
        return [{"role": "system", "content": f"{messages[0]['content']}\n\n{told}"}, *messages[1:]]
    return [{"role": "system", "content": told}, *messages]


def _anthropic_body(messages: Sequence[Message], options: Mapping[str, Any]) -> dict[str, Any]:
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    body: dict[str, Any] = {"max_tokens": ANTHROPIC_MAX_TOKENS, **options}
    body["messages"] = [message for message in messages if message["role"] != "system"]
    if system:
        body["system"] = system
    return body


def _constraint(kind: str, rung: Rung, schema: Mapping[str, Any]) -> dict[str, Any]:
    strict = _unbounded(schema) if kind in ("azure", "anthropic") else schema
    told = "Give the answer."
    match kind, rung:
        case "anthropic", Rung.SCHEMA:
            return {"output_config": {"format": {"type": "json_schema", "schema": strict}}}
        case "anthropic", Rung.TOOL:
            tool = {"name": ANSWER, "description": told, "input_schema": schema}
            return {"tools": [tool], "tool_choice": {"type": "tool", "name": ANSWER}}
        case _, Rung.SCHEMA:
            named = {"name": ANSWER, "strict": True, "schema": strict}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case _, Rung.TOOL:
            function = {"name": ANSWER, "description": told, "parameters": schema}
            return {
                "tools": [{"type": "function", "function": function}],
                "tool_choice": {"type": "function", "function": {"name": ANSWER}},
            }
        case _, Rung.OBJECT:
            return {"response_format": {"type": "json_object"}}
    return {}


def _unbounded(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _unbounded(value) for name, value in schema.items() if name not in BOUNDS}
    return [_unbounded(item) for item in schema] if isinstance(schema, list) else schema


def read_answer(config: ProviderConfig, body: Any) -> Said:
    """What was said. Raises NotAnAnswer."""
    if not isinstance(body, dict):
        raise NotAnAnswer("the answer is no JSON object")
    said = _read_anthropic(body) if config.kind == "anthropic" else _read_openai(body)
    said.model = body["model"] if isinstance(body.get("model"), str) else ""
    return said


def read_embeddings(body: Any, count: int) -> list[list[float]]:
    """A vector for each of `count` texts. Raises NotAnAnswer."""
    try:
        rows = sorted(body["data"], key=lambda row: row["index"])
        vectors = [[float(number) for number in row["embedding"]] for row in rows]
    except (TypeError, LookupError, ValueError):
        raise NotAnAnswer("the answer holds no embeddings") from None
    if len(vectors) != count or not all(vectors) or not all(map(isfinite, chain.from_iterable(vectors))):
        raise NotAnAnswer(f"the answer does not hold {count} embeddings")
    return vectors


def _read_openai(body: dict[str, Any]) -> Said:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise NotAnAnswer("the answer holds no choices")
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    if not isinstance(message, dict):
        raise NotAnAnswer("the answer holds no message")
    finish = choices[0].get("finish_reason") or "stop"
    text = _text(message.get("content"))
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        text, finish = message["refusal"], "refused"
    elif message.get("tool_calls"):
        text = _arguments(message["tool_calls"]) or text
    finish = {"content_filter": "refused", "tool_calls": "stop", "function_call": "stop"}.get(finish, finish)
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Said(text, finish, "", _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), cached)


def _arguments(calls: Any) -> str:
    """Of the first tool call, as text: what OpenAI sends; some servers send an object."""
    try:
        arguments = calls[0]["function"]["arguments"]
    except (TypeError, LookupError):
        raise NotAnAnswer("the tool call holds no arguments") from None
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _read_anthropic(body: dict[str, Any]) -> Said:
    content = body.get("content")
    if not isinstance(content, list):
        raise NotAnAnswer("the answer holds no content")
    parts = [part for part in content if isinstance(part, dict)]
    tool = next((part.get("input") for part in parts if part.get("type") == "tool_use"), None)
    text = _text(content) if tool is None else json.dumps(tool)
    finish = body.get("stop_reason") or "stop"
    if not text and finish != "refusal":
        raise NotAnAnswer("the answer is empty")
    finish = {
        "end_turn": "stop", "tool_use": "stop", "stop_sequence": "stop", "refusal": "refused",
        "max_tokens": "length", "model_context_window_exceeded": "length",
    }.get(finish, finish)  # fmt: skip
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    plain, cached = _count(usage.get("input_tokens")), _count(usage.get("cache_read_input_tokens"))
    written = _count(usage.get("cache_creation_input_tokens"))
    whole = None if plain is None else plain + (cached or 0) + (written or 0)
    return Said(text, finish, "", whole, _count(usage.get("output_tokens")), cached, written)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None
