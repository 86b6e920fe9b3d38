"""Expected against output, word by word. Pure."""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

MAX_WORDS = 4_000  # of either side; beyond it a diff takes seconds and tells nothing


class Piece(NamedTuple):
    kind: str  # same, missing (only expected), added (only in the output)
    text: str


def word_diff(expected: str, output: str) -> list[Piece] | None:
    """The pieces that lead from `expected` to `output`; None where a side is too long to compare."""
    before, after = re.findall(r"\s+|\w+|[^\w\s]", expected), re.findall(r"\s+|\w+|[^\w\s]", output)
    if max(len(before), len(after)) > MAX_WORDS:
        return None
    pieces: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[a:b])))
            continue
        if b > a:
            pieces.append(Piece("missing", "".join(before[a:b])))
        if d > c:
            pieces.append(Piece("added", "".join(after[c:d])))
    return pieces
