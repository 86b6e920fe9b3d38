"""Lists and objects that a convention has flattened into attribute names: `llm.input_messages.0.message.role`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PREFIXES = frozenset({
    "llm.input_messages", "llm.output_messages", "gen_ai.prompt", "gen_ai.completion", "llm.prompts", "llm.choices",
    "retrieval.documents", "embedding.embeddings", "reranker.input_documents", "reranker.output_documents",
})  # fmt: skip
_BEGINNINGS = frozenset(prefix[:8] for prefix in PREFIXES)
MAX_PARTS = 16  # of a name; what is deeper stays one name
MAX_DIGITS = 9


@dataclass(slots=True)
class Indexed:
    """One prefix: its items by number, as trees of dicts, and the attributes that went into them."""

    items: dict[int, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def values(self) -> list[Any]:
        return [self.items[number] for number in sorted(self.items)]


def indexed(attributes: Mapping[str, Any]) -> dict[str, Indexed]:
    """By prefix, those that are there. The attributes stay; whoever uses a list removes its `names`."""
    found: dict[str, Indexed] = {}
    for name, value in attributes.items():
        if name[:8] not in _BEGINNINGS:
            continue
        parts = name.split(".", MAX_PARTS)
        if len(parts) < 3:
            continue
        prefix, number = f"{parts[0]}.{parts[1]}", parts[2]
        if prefix not in PREFIXES or len(number) > MAX_DIGITS or not (number.isascii() and number.isdigit()):
            continue
        group = found.get(prefix)
        if group is None:
            group = found[prefix] = Indexed()
        if _grow(group.items, int(number), parts[3:], value):
            group.names.append(name)
    return found


def _grow(items: dict, number: int, path: list[str], value: Any) -> bool:
    """Puts the value into the tree; False where another value is in its way."""
    key: Any = number
    node = items
    for part in path:
        below = node.get(key)
        if below is None:
            below = node[key] = {}
        elif not isinstance(below, dict):
            return False
        node, key = below, part
    if key in node:
        return False
    node[key] = value
    return True


def listed(node: Any) -> list[Any] | None:
    """A tree whose keys are all numbers, as the list it was; None for anything else."""
    if not isinstance(node, dict) or not node or not all(key.isascii() and key.isdigit() for key in node):
        return None
    return [node[key] for key in sorted(node, key=int)]
