"""Files in payloads: a data URL over the limit is lifted out, kept once by its SHA-256, and leaves a marker behind."""

import base64
import binascii
import hashlib
import re
from typing import Any, NamedTuple

from records.limits import BLOB_BYTES

DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,(?P<data>[A-Za-z0-9+/=\s]+)\Z")
MARKER = "$blob"


class Lifted(NamedTuple):
    sha256: str
    content_type: str
    data: bytes


def lift(value: Any, lifted: list[Lifted]) -> Any:
    """`value` with its large data URLs replaced by {"$blob": sha256, "content_type", "size"}; they go to `lifted`."""
    match value:
        case str() if len(value) > BLOB_BYTES and value.startswith("data:"):
            return _marker(value, lifted)
        case dict():
            return {key: lift(item, lifted) for key, item in value.items()}
        case list():
            return [lift(item, lifted) for item in value]
    return value


def _marker(url: str, lifted: list[Lifted]) -> Any:
    found = DATA_URL.match(url)
    if not found:
        return url
    try:
        data = base64.b64decode("".join(found["data"].split()), validate=True)
    except (binascii.Error, ValueError):
        return url
    blob = Lifted(hashlib.sha256(data).hexdigest(), found["type"] or "application/octet-stream", data)
    lifted.append(blob)
    return {MARKER: blob.sha256, "content_type": blob.content_type, "size": len(data)}
