"""What one version of a prompt changes of another, as lines for a reader."""

from collections.abc import Mapping
from typing import Any

from experiments.models import PromptVersion
from scoring.version_diffs import Line, changed


def changes(before: PromptVersion, after: PromptVersion) -> list[tuple[str, list[Line]]]:
    """By message and field; empty where they say the same."""
    return changed(_fields(before), _fields(after))


def _fields(version: PromptVersion) -> Mapping[str, Any]:
    messages = {
        f"message {place}": f"{message['role']}:\n{message['content']}"
        for place, message in enumerate(version.messages, 1)
    }
    variables = "\n".join(
        f"{v['name']}: {v['type']}, {'required' if v['required'] else 'optional'}"
        + ("" if v["default"] is None else f", default {v['default']}")
        for v in version.variables
    )
    return messages | {
        "model": " of ".join(filter(None, [version.model, version.provider.name if version.provider else ""])),
        "parameters": version.parameters, "response format": version.response_format, "variables": variables,
    }  # fmt: skip
