"""Reads what a record holds as a conversation, where it is one. Pure; every text in it is hostile and stays text."""

import json
from dataclasses import dataclass
from typing import Any

ROLES = {"system", "developer", "user", "assistant", "tool", "function", "human", "ai", "model"}
SAME_ROLE = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "developer": "system"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message: `text` to read, `data` to unfold (a tool's call or result), or a lifted `blob`."""

    kind: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    parts: tuple[Part, ...]


def messages_of(value: Any) -> list[Message] | None:
    """The messages in a payload value, None where it is no conversation.

    Takes a list of {"role", "content"}, an object with such a list under `messages`, or one such message. Content may
    be text, a list of parts (OpenAI, Anthropic, GenAI semantic conventions) or anything else, which is shown as JSON.
    """
    if isinstance(value, dict):
        if isinstance(value.get("messages"), list):
            value = value["messages"]
        elif value.get("role") in ROLES:
            value = [value]
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(item, dict) and item.get("role") in ROLES for item in value):
        return None
    return [_message(item) for item in value]


def _message(item: dict[str, Any]) -> Message:
    role = SAME_ROLE.get(item["role"], item["role"])
    content = item.get("content", item.get("parts"))
    parts = list(_parts(content, item))
    for call in item.get("tool_calls") or []:
        parts.append(_call(call))
    return Message(role, tuple(parts))


def _parts(content: Any, item: dict[str, Any]):
    if isinstance(content, str):
        if content:
            named = item.get("name") or item.get("tool_call_id") or ""
            yield (
                Part("data", content, f"{named} result".strip())
                if item["role"] in ("tool", "function")
                else Part("text", content)
            )
    elif isinstance(content, list):
        for part in content:
            yield _part(part)
    elif content is not None:
        yield Part("data", pretty(content), "content")


def _part(part: Any) -> Part:
    if isinstance(part, str):
        return Part("text", part)
    if not isinstance(part, dict):
        return Part("data", pretty(part), "content")
    text = part.get("text", part.get("content"))
    kind = part.get("type", "")
    if isinstance(text, str) and kind in ("", "text", "input_text", "output_text", "reasoning", "thinking"):
        return Part("text", text)
    if kind in ("tool_call", "tool_use", "function_call"):
        return _call(part)
    if kind in ("tool_call_response", "tool_result"):
        return Part("data", pretty(part.get("response", part.get("content", part))), "tool result")
    return Part("data", pretty(part), kind or "content")


def _call(call: Any) -> Part:
    function = call.get("function", call) if isinstance(call, dict) else {}
    if not isinstance(function, dict):
        return Part("data", pretty(call), "tool call")
    name = str(function.get("name", "tool"))
    given = function.get("arguments", function.get("input", {}))
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return Part("data", given, f"calls {name}")
    return Part("data", pretty(given), f"calls {name}")


def pretty(value: Any) -> str:
    """Any JSON value as text to read: strings as they are, the rest indented."""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)  # orjson refuses whole numbers over 64 bits
