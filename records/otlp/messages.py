"""Messages of every convention -> one shape: a list of {"role", "content", ...} as chat APIs take them.

Content is text where it is nothing but text, else a list of parts. Calls of tools stand in `tool_calls`, their results
in messages of the role `tool`. What a convention says beside stays in the message under its own name.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from records.otlp.indexed import Indexed, listed
from records.otlp.values import read_json

Message = dict[str, Any]


def messages_in(value: Any, role: str) -> list[Message] | None:
    """The messages of a value: a list of them, one alone, or an object with such a list; None for anything else.

    `role` is that of messages which do not say theirs.
    """
    value = read_json(value)
    if isinstance(value, dict):
        if isinstance(value.get("messages"), list):
            value = value["messages"]
        elif isinstance(value.get("choices"), list):
            value = [choice.get("message") for choice in value["choices"] if isinstance(choice, dict)]
        else:
            value = [value]
    if not isinstance(value, list) or not value or not all(_is_message(item) for item in value):
        return None
    return [message for item in value for message in _plain(item, role)]


def _is_message(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("role", ""), str)
        and ("role" in item or isinstance(item.get("parts"), list))
    )


def _plain(item: Mapping[str, Any], role: str) -> Iterable[Message]:
    """A message of the GenAI conventions, which has `parts`; one that has none is as it should be already."""
    if not isinstance(item.get("parts"), list):
        return [{"role": role} | dict(item)]
    rest = {name: value for name, value in item.items() if name not in ("role", "parts")}
    return _from_parts(item.get("role") or role, item["parts"], rest)


def _from_parts(role: str, parts: list[Any], rest: Mapping[str, Any]) -> list[Message]:
    content, calls, results = [], [], []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("content"), str):
            content.append({"type": "text", "text": part["content"]})
        elif kind == "tool_call":
            calls.append(_call(part.get("id"), part.get("name"), part.get("arguments")))
        elif kind == "tool_call_response":
            result = part.get("response", part.get("result"))
            results.append({"role": "tool", "tool_call_id": part.get("id"), "content": result})
        else:
            content.append(part)
    messages = results
    if content or calls or rest or not results:
        message = {"role": role, "content": _content(content)} | dict(rest)
        if calls:
            message["tool_calls"] = calls
        messages = [message, *results]
    return messages


def _content(parts: list[Any]) -> Any:
    if not parts:
        return None
    if len(parts) == 1 and isinstance(parts[0], dict) and set(parts[0]) == {"type", "text"}:
        return parts[0]["text"]
    return parts


def _call(id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return {"id": id} | call if id else call


def system_message(instructions: Any) -> Message | None:
    """`gen_ai.system_instructions`: parts without a role, or text."""
    instructions = read_json(instructions)
    if isinstance(instructions, list) and instructions:
        return _from_parts("system", instructions, {})[0]
    return {"role": "system", "content": instructions} if instructions else None


def messages_from_indexed(group: Indexed, role: str) -> list[Message]:
    """OpenInference's `llm.input_messages.0.message.*`, and `gen_ai.prompt.0.*`."""
    return [_from_tree(node, role) for node in group.values()]


def _from_tree(node: Any, role: str) -> Message:
    if not isinstance(node, dict):
        return {"role": role, "content": node}
    said = node.pop("message", node)
    if not isinstance(said, dict):
        said = {"content": said}
    if said is not node:
        said |= node
    message: Message = {"role": said.pop("role", None) or role, "content": read_json(said.pop("content", None))}
    if not said:
        return message
    parts = listed(said.get("contents"))
    if parts is not None:
        del said["contents"]
        text, parts = message["content"], [_part(part) for part in parts]
        message["content"] = _content(parts if text is None else [{"type": "text", "text": text}, *parts])
    calls = listed(said.get("tool_calls"))
    if calls is not None:
        del said["tool_calls"]
        message["tool_calls"] = [_call_from_tree(call) for call in calls]
    name, arguments = said.pop("function_call_name", None), said.pop("function_call_arguments_json", None)
    if name:
        message.setdefault("tool_calls", []).append(_call(None, name, arguments))
    message |= said
    return message


def _part(node: Any) -> Any:
    """`message.contents.0.message_content.*`, in the words of chat APIs."""
    part = node.get("message_content", node) if isinstance(node, dict) else node
    if not isinstance(part, dict):
        return part
    if set(part) == {"type", "image"} and isinstance(part["image"], dict):
        url = part["image"].get("image", part["image"])
        return {"type": "image_url", "image_url": url}
    return part


def _call_from_tree(node: Any) -> Any:
    call = node.get("tool_call", node) if isinstance(node, dict) else node
    if not isinstance(call, dict):
        return call
    if "function" in call or "name" not in call:
        return {"type": "function"} | call
    rest = {key: value for key, value in call.items() if key not in ("id", "name", "arguments")}
    return _call(call.get("id"), call["name"], call.get("arguments")) | rest


# The older GenAI conventions told each message in an event of the span.
EVENT_ROLES = {
    "gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}  # fmt: skip
CHOICE = "gen_ai.choice"
_EVENT_OWN = frozenset({"gen_ai.system", "gen_ai.provider.name", "gen_ai.event.content", "event.name", "index"})


def message_from_event(name: str, attributes: Mapping[str, Any]) -> Message:
    """A `gen_ai.*.message` or `gen_ai.choice` event."""
    said = {key: read_json(value) for key, value in attributes.items() if key not in _EVENT_OWN}
    body = read_json(attributes.get("gen_ai.event.content"))
    if isinstance(body, dict):
        said |= body
    elif body is not None:
        said.setdefault("content", body)
    inner = said.pop("message", None)
    if isinstance(inner, dict):
        said = inner | said
    elif inner is not None:
        said.setdefault("content", inner)
    message = {
        "role": said.pop("role", None) or EVENT_ROLES.get(name, "assistant"),
        "content": said.pop("content", None),
    }
    if message["role"] == "tool" and "id" in said:
        said["tool_call_id"] = said.pop("id")
    return message | said
