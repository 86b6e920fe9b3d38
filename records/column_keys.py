"""How a column is named in a URL: `metadata.plan`, parts quoted where they hold other than plain characters.

The quotes are those of the filter language: metadata."two words".x
"""

import re
from collections.abc import Sequence

from records.filterlang.printer import PLAIN_KEY, quoted

MAX_PATH_LEVELS = 8
MAX_KEY_CHARS = 200
KEY = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', re.DOTALL)
PART = re.compile(r'"(?:[^"\\]|\\.)*"|[^".,]+', re.DOTALL)
DOTTED = re.compile(rf"(?:{PART.pattern})(?:\.(?:{PART.pattern}))*", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def split_keys(text: str) -> list[str]:
    """The keys of a comma-separated list; a comma inside quotes belongs to its key."""
    return [key.strip() for key in KEY.findall(text) if key.strip()]


def parts_of(key: str) -> tuple[str, ...]:
    """("metadata", "two words") of metadata."two words"; empty where it cannot be read or is too deep."""
    if not DOTTED.fullmatch(key):
        return ()
    parts = tuple(ESCAPED.sub(r"\1", part[1:-1]) if part.startswith('"') else part for part in PART.findall(key))
    fits = all(part and len(part) <= MAX_KEY_CHARS and not UNSTORABLE.search(part) for part in parts)
    return parts if fits and len(parts) <= MAX_PATH_LEVELS + 1 else ()


def key_of(parts: Sequence[str]) -> str:
    return ".".join(part if PLAIN_KEY.fullmatch(part) else quoted(part) for part in parts)
