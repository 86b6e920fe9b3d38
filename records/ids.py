"""Ids of records and scores: uuidv7 (RFC 9562), in time order, so that inserts go to the end of their index."""

import random
import time
from uuid import UUID

SAMPLED_OF_65536 = 655  # 1 %


def uuid7(milliseconds: int | None = None, rng: random.Random = random) -> UUID:
    """A version 7 UUID for a Unix time in milliseconds (now, unless given)."""
    at = int(time.time() * 1000) if milliseconds is None else milliseconds
    return UUID(int=at << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62))


def first_of(milliseconds: int) -> UUID:
    """The least id of that millisecond: whatever arrives from then on has a greater one."""
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)


def is_sampled(id: UUID) -> bool:
    """Whether the record is among the 1 % of the sample tables; evalhub_sampled() says the same in SQL."""
    return id.bytes[15] * 256 + id.bytes[14] < SAMPLED_OF_65536
