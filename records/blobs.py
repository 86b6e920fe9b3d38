"""Files in payloads: one over the limit is lifted out, kept once by its SHA-256, and leaves a marker behind.

A file is a data URL, or base64 text beside its type, as in {"media_type": "image/png", "data": ...} (Anthropic),
{"mime_type": ..., "content": ...} (OpenTelemetry's blob part) or {"format": "wav", "data": ...} (OpenAI's audio).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from records.limits import BLOB_BYTES

DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,(?P<data>[A-Za-z0-9+/=\s]+)\Z")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+\Z")
MARKER = "$blob"
SHA256 = re.compile("[0-9a-f]{64}")
# What a page shows; anything else is only downloaded. An SVG may hold scripts.
SHOWN_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
UNKNOWN = "application/octet-stream"
MAX_TYPE_CHARS = 120  # the column's


class Lifted(NamedTuple):
    sha256: str
    content_type: str
    data: bytes


class Marker(NamedTuple):
    """What a payload says in the place of a lifted file."""

    sha256: str
    content_type: str
    size: int

    @property
    def is_image(self) -> bool:
        return self.content_type in SHOWN_IMAGES


def markers(value: Any) -> Iterator[Marker]:
    """The lifted files of a payload value, in its order. A client may write a marker of its own: it names no file."""
    match value:
        case {"$blob": str(sha256), "content_type": str(content_type), "size": int(size)} if SHA256.fullmatch(sha256):
            yield Marker(sha256, content_type, size)
        case dict():
            for item in value.values():
                yield from markers(item)
        case list():
            for item in value:
                yield from markers(item)


def lift(value: Any, lifted: dict[str, Lifted]) -> Any:
    """`value` with its large files replaced by {"$blob": sha256, "content_type", "size"}; those go to `lifted`."""
    match value:
        case str() if len(value) > BLOB_BYTES and value.startswith("data:"):
            return _from_url(value, lifted)
        case dict():
            file_type = _type_beside(value)
            return {
                key: _marker(item, file_type, lifted)
                if file_type and isinstance(item, str) and len(item) > BLOB_BYTES and BASE64.match(item)
                else lift(item, lifted)
                for key, item in value.items()
            }
        case list():
            return [lift(item, lifted) for item in value]
    return value


def _type_beside(value: dict[str, Any]) -> str:
    """The type that an object gives for the file it holds; empty if it gives none."""
    for name in ("media_type", "mime_type", "mimeType"):
        if isinstance(value.get(name), str) and "/" in value[name]:
            return value[name]
    if isinstance(value.get("format"), str) and "data" in value:
        return f"audio/{value['format']}"
    return ""


def _from_url(url: str, lifted: dict[str, Lifted]) -> Any:
    found = DATA_URL.match(url)
    return _marker(found["data"], found["type"] or UNKNOWN, lifted, url) if found else url


def _marker(text: str, content_type: str, lifted: dict[str, Lifted], otherwise: str = "") -> Any:
    """Lifts base64 text out; where it is none, the value stays as it was sent."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return otherwise or text
    content_type = content_type if len(content_type) <= MAX_TYPE_CHARS else UNKNOWN
    blob = Lifted(hashlib.sha256(data).hexdigest(), content_type, data)
    lifted[blob.sha256] = blob
    return {MARKER: blob.sha256, "content_type": content_type, "size": len(data)}
