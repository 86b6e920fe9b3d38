"""A child's answers as they come through a pipe: frames of a length (4 bytes, big-endian) and that many bytes of JSON.

Behind the other end is hostile code: it may write anything, at any pace, or nothing.
"""

import json
import os
import select
import struct
import time

MOST_FRAME = 1 << 20  # bytes: a full result with each of its characters escaped, as \ud83d\ude00
MOST_ANSWERS = 16 << 20  # bytes of all answers of one child
HANDFUL_SECONDS = 0.001  # to wake up for each single answer takes longer than to read it

LENGTH = struct.Struct(">I")


class Forged(Exception):
    """An answer that the sandbox's own code does not give. The message is a predicate, as "gave an answer ..."."""


class Late(Exception):
    """No whole answer came in time."""


def frame(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


class Channel:
    """The reading end is ours; `theirs` goes to the child, and is then closed here."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._ours, select.POLLIN)
        self._bytes = bytearray()
        self._total = 0

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close_theirs()
        os.close(self._ours)

    def close_theirs(self) -> None:
        if self.theirs is not None:
            os.close(self.theirs)
            self.theirs = None

    def answer(self, seconds: float) -> dict:
        """The next answer. Raises Late, Forged, or EOFError where the child's end is closed."""
        until = time.monotonic() + seconds
        while (body := self._cut()) is None:
            left = until - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise Late
            time.sleep(HANDFUL_SECONDS)
            self._feed(os.read(self._ours, 1 << 16))
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise Forged("gave an answer that is no JSON") from None
        if type(answer) is not dict:
            raise Forged("gave an answer that is none")
        return answer

    def _feed(self, data: bytes) -> None:
        if not data:
            raise EOFError
        self._bytes += data
        self._total += len(data)
        if self._total > MOST_ANSWERS:
            raise Forged(f"returned and printed more than {MOST_ANSWERS >> 20} MB")

    def _cut(self) -> bytes | None:
        if len(self._bytes) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._bytes)
        if length > MOST_FRAME:
            raise Forged("gave an answer that is too long")
        if len(self._bytes) < LENGTH.size + length:
            return None
        body = bytes(self._bytes[LENGTH.size : LENGTH.size + length])
        del self._bytes[: LENGTH.size + length]
        return body
