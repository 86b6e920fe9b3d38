"""What is over a limit is stored cut and marked, since an exporter cannot be asked to send less."""

from typing import Any

import orjson

from records.drafts import RecordDraft
from records.limits import (
    MAX_ERROR_CHARS,
    MAX_FIELD_BYTES,
    MAX_METADATA_BYTES,
    MAX_NAME_BYTES,
    MAX_NAME_CHARS,
    MAX_TAG_CHARS,
    MAX_TAGS,
)

CUT = " … [cut]"
LINES = (
    "name", "environment", "customer", "custom_id", "thread", "model", "provider", "prompt", "experiment", "case_id",
)  # fmt: skip
STEPS = (1_000_000, 100_000, 10_000, 1_000, 100)


def cut_to_limits(draft: RecordDraft, size: int) -> None:
    """Cuts what is too long in the draft of a span of about `size` bytes, and says so in `draft.truncated`."""
    for name in LINES:
        text = getattr(draft, name)
        if len(text) > MAX_NAME_BYTES // 4:
            shorter = cut_line(text)
            if shorter != text:
                setattr(draft, name, shorter)
                draft.truncated = True
    if len(draft.error) > MAX_ERROR_CHARS:
        draft.error, draft.truncated = _cut_text(draft.error, MAX_ERROR_CHARS), True
    if draft.tags and (len(draft.tags) > MAX_TAGS or max(map(len, draft.tags)) > MAX_TAG_CHARS):
        draft.tags = list(dict.fromkeys(tag[:MAX_TAG_CHARS] for tag in draft.tags))[:MAX_TAGS]
        draft.truncated = True
    if size * 6 > MAX_METADATA_BYTES:  # one byte may become six in JSON
        for name, limit in (("metadata", MAX_METADATA_BYTES), ("inputs", MAX_FIELD_BYTES),
                            ("outputs", MAX_FIELD_BYTES), ("expected", MAX_FIELD_BYTES)):  # fmt: skip
            value = getattr(draft, name)
            if _size(value) > limit:
                setattr(draft, name, _fitting(value, limit))
                draft.truncated = True


def cut_line(text: str) -> str:
    text = text[:MAX_NAME_CHARS]
    encoded = text.encode()
    return text if len(encoded) <= MAX_NAME_BYTES else encoded[:MAX_NAME_BYTES].decode(errors="ignore")


def _fitting(value: Any, limit: int) -> Any:
    """Long texts are cut first, since names and numbers say more; then an object loses its last fields."""
    for chars in STEPS:
        if chars * 6 > limit:
            continue
        value = _with_cut_texts(value, chars)
        if _size(value) <= limit:
            return value
    if not isinstance(value, dict):
        return _cut_text(orjson.dumps(value).decode(), limit // 6)
    kept, room = {}, limit - 2
    for name, item in value.items():
        room -= _size({name: item})
        if room < 0:
            break
        kept[name] = item
    return kept


def _with_cut_texts(value: Any, chars: int) -> Any:
    match value:
        case str():
            return _cut_text(value, chars)
        case dict():
            return {name: _with_cut_texts(item, chars) for name, item in value.items()}
        case list():
            return [_with_cut_texts(item, chars) for item in value]
    return value


def _cut_text(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - len(CUT)] + CUT


def _size(value: Any) -> int:
    return len(orjson.dumps(value))
