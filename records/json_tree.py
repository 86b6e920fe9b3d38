"""A JSON value as a foldable tree of HTML, in bounded pieces: what is long or deep is fetched when it is opened.

Built here since a value has thousands of parts. Keys and texts are hostile, and escaped.
"""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import islice
from typing import Any

import orjson
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

OPEN_LEVELS = 2  # shown unfolded
GROUP_PARTS = 100  # of one object or array at a time
TREE_PARTS = 1_000  # of one answer
TEXT_CHARS = 1_000  # of one text, before it is asked for whole
MORE_CHARS = 200_000  # of one text that was asked for; the rest is in the raw JSON

Path = Sequence[str | int]
Link = Callable[[Path, int], str]  # the address of what lies at a path, from its n-th part on


def json_tree(value: Any, link: Link, path: Path = (), start: int = 0) -> SafeString:
    """`value`, which lies at `path` of its record's value, as list items; from its `start`-th part on.

    `link(path, start)` is where the parts are fetched that do not stand in this answer.
    """
    drawing = Tree(link)
    return mark_safe("".join(drawing.parts(value, tuple(path), start, 0)))  # noqa: S308 - escaped where it is made


def part_link(address: str, field: str) -> Link:
    """Links to parts of one of inputs, outputs, expected; paths travel as JSON."""
    return lambda path, start: (
        f"{address}?{urlencode({'of': field, 'path': orjson.dumps(list(path)).decode(), 'from': start})}"
    )


class Tree:
    def __init__(self, link: Link) -> None:
        self.link, self.left = link, TREE_PARTS

    def parts(self, value: Any, path: tuple[str | int, ...], start: int, level: int) -> Iterator[str]:
        if not isinstance(value, dict | list):
            name = f'<span class="key">{escape(str(path[-1]))}</span> ' if path else ""
            yield f"<li>{name}{self.scalar(value, path, whole=bool(path))}</li>"
            return
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        shown = start
        for key, item in islice(pairs, start, start + GROUP_PARTS):
            if self.left <= 0:
                break
            self.left -= 1
            shown += 1
            yield from self.part(key, item, (*path, key), level)
        if shown < len(value):
            url = escape(self.link(path, shown))
            yield (
                f'<li class="more"><button class="btn small" type="button" hx-get="{url}" hx-target="closest li" '
                f'hx-swap="outerHTML">more of {len(value):,}</button></li>'
            )
        elif not value:
            yield '<li class="muted">empty</li>'

    def part(self, key: str | int, value: Any, path: tuple[str | int, ...], level: int) -> Iterator[str]:
        name = f'<span class="key">{escape(str(key))}</span>'
        if not isinstance(value, dict | list) or not value:
            yield f"<li>{name} {self.scalar(value, path)}</li>"
            return
        words = f'<span class="muted">{_size(value)}</span>'
        if level < OPEN_LEVELS and self.left > 0:
            yield f"<li><details open><summary>{name} {words}</summary><ul>"
            yield from self.parts(value, path, 0, level + 1)
            yield "</ul></details></li>"
        else:
            url = escape(self.link(path, 0))
            yield (
                f'<li><details hx-get="{url}" hx-trigger="toggle once" hx-target="find ul"><summary>{name} {words}'
                '</summary><ul><li class="muted">Loading…</li></ul></details></li>'
            )

    def scalar(self, value: Any, path: tuple[str | int, ...], whole: bool = False) -> str:
        if isinstance(value, str):
            most = MORE_CHARS if whole else TEXT_CHARS
            text = f'<span class="s">{escape(value[:most])}</span>'
            if len(value) <= most:
                return text
            if whole:
                words = f"cut here, of {len(value):,} characters; the raw JSON has them all"
                return f'{text} <span class="muted">{words}</span>'
            url = escape(self.link(path, 0))
            return (
                f'{text}<button class="btn small" type="button" hx-get="{url}" hx-target="closest li" '
                f'hx-swap="outerHTML">all {len(value):,} characters</button>'
            )
        if isinstance(value, dict | list):
            return f'<span class="muted">{"{}" if isinstance(value, dict) else "[]"}</span>'
        word = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return f'<span class="{"n" if isinstance(value, int | float) else "muted"}">{word}</span>'


def _size(value: dict | list) -> str:
    noun = "key" if isinstance(value, dict) else "item"
    return f"{len(value):,} {noun}{'' if len(value) == 1 else 's'}"
