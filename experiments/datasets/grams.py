"""What finds the items in which a text stands without reading all of them: the letters of its words, three by three.

An index of what a text begins with could find words, and no part of one; PostgreSQL's own of three letters (pg_trgm) is
an extension that not every server has. Pure.
"""

import re

GAP = re.compile(r"\W+")
SPREAD = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: its products differ in their upper bits


def grams(dataset: int, text: str) -> list[int]:
    """The three-letter parts of the text's words, each a number of 32 bits with a sign, in ascending order. Those of a
    part of the text are among them. Two that differ may have one number, so what is found is to be looked at; the same
    three letters have another one in every dataset, so that an index over many finds those of one.

    Hashed by multiplication, Knuth, The Art of Computer Programming 3, 6.4.
    """
    import numpy as np  # here: pages that search nothing do not load it

    letters = np.frombuffer(GAP.sub(" ", text).encode("utf-32-le"), np.uint32).astype(np.uint64)
    if len(letters) < 3:
        return []
    first, second, third = letters[:-2], letters[1:-1], letters[2:]
    space = ord(" ")
    in_word = (first != space) & (second != space) & (third != space)
    three = (first << 42 | second << 21 | third)[in_word]  # a letter has 21 bits
    spread = (three + (dataset * SPREAD) % 2**64) * SPREAD >> 32
    return np.unique(spread.astype(np.uint32).view(np.int32)).tolist()


def copied(numbers: list[int]) -> str:
    """As COPY reads an array; psycopg takes seven times as long to write it."""
    return f"{{{str(numbers)[1:-1]}}}"
