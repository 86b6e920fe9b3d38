"""Answers cut to what a model can read: it pays for every word, and has room for so many."""

from typing import Any

from evalhub.api import to_json

MOST_BYTES = 60_000  # of an answer as JSON, about 15,000 tokens
# (characters of a text, items of a list), tried in this order until the answer is short enough. An object may have four
# times as many fields.
STEPS = ((4_000, 50), (1_000, 50), (300, 25), (100, 10), (40, 3))


def bounded(value: Any) -> Any:
    """The value, with long texts and lists cut and told to be; empty fields are left out."""
    for chars, items in STEPS:
        cut = _cut(value, chars, items)
        if len(to_json(cut)) <= MOST_BYTES:
            return cut
    return to_json(cut)[: MOST_BYTES // 2].decode(errors="ignore") + " … cut here"


def _cut(value: Any, chars: int, items: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= chars else f"{value[:chars]} … cut, {len(value):,} characters in all"
    if isinstance(value, dict):
        filled = [(name, inner) for name, inner in value.items() if inner is not None and inner not in ("", [], {})]
        cut = {_cut(name, chars, items): _cut(inner, chars, items) for name, inner in filled[: 4 * items]}
        return cut if len(filled) <= 4 * items else cut | {"…": f"cut, {len(filled):,} fields in all"}
    if isinstance(value, list):
        cut = [_cut(inner, chars, items) for inner in value[:items]]
        return cut if len(value) <= items else [*cut, f"… cut, {len(value):,} items in all"]
    return value
