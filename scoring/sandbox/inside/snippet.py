"""Runs a snippet on its rows, behind the walls. All that this file says to the host may as well be the snippet's word:
the host believes none of it. What is checked here is checked for good error messages alone.

Work:    frames of a length (4 bytes, big-endian) and that many bytes: the snippet, then each row as a JSON object.
Answers: frames of the same kind, JSON: first {"i": -1}, with "error" and "line" where the snippet is unfit, then
one a row in order: {"i", "us", "value" | "skip" | "error", "line", "reasoning", "output", "slow"}.
"""

import importlib
import inspect
import io
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction

ANSWERS = 3  # the one descriptor a child keeps
NAME = "<evaluator>"  # the snippet's file name in tracebacks
MOST_RESULT = 64 << 10  # characters of a value and its reasoning
MOST_OUTPUT = 8 << 10  # characters printed in a row
MOST_MESSAGE = 500  # characters of an error
RECURSION = 1000

ARGUMENTS = {  # a name that evaluate() may ask for -> one of the unified inputs
    "input": "input", "inputs": "input", "output": "output", "outputs": "output", "expected": "expected",
    "metadata": "metadata", "metrics": "metrics", "messages": "messages", "trace": "trace",
}  # fmt: skip
RETURNS = "a number, a bool, a string, a list of strings, None, or a dict with score and reasoning"

PRELOADED = [
    "abc", "array", "ast", "base64", "binascii", "bisect", "calendar", "cmath", "collections",
    "collections.abc", "contextlib", "copy", "csv", "dataclasses", "datetime", "_strptime", "decimal",
    "difflib", "encodings.ascii", "encodings.idna", "encodings.latin_1", "encodings.utf_16", "enum",
    "fractions", "functools", "graphlib", "hashlib", "heapq", "hmac", "html", "html.entities", "html.parser",
    "io", "itertools", "json", "keyword", "locale", "math", "numbers", "operator", "pprint", "random", "re",
    "reprlib", "secrets", "statistics", "string", "stringprep", "struct", "textwrap", "time", "tomllib",
    "traceback", "types", "typing", "unicodedata", "urllib.parse", "uuid", "warnings", "xml.etree.ElementTree",
    "zlib", "zoneinfo",
]  # fmt: skip
# Of no use behind the walls: gone from sys.modules, so that importing them says so. It is no wall itself.
USELESS = {
    "ctypes", "_ctypes", "mmap", "multiprocessing", "_posixsubprocess", "resource", "select", "selectors", "snippet",
    "socket", "_socket", "subprocess", "walls",
}  # fmt: skip


# Bound early: a snippet that patches json or os does not disturb its own answers.
ENCODE, WRITE, LENGTH = json.JSONEncoder(allow_nan=False).encode, os.write, struct.Struct(">I")


class Overtime(BaseException):
    """Raised by the row's timer; `except Exception` in a snippet does not catch it."""


class Unfit(Exception):
    """The snippet cannot be an evaluator, or what it returned cannot be a score. The message is for its author."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def preload() -> None:
    """In the fork server: children have no files to import from."""
    for name in PRELOADED:
        importlib.import_module(name)


def prepare() -> None:
    """In the child, before the walls."""
    for name in [name for name in sys.modules if name.split(".")[0] in USELESS]:
        del sys.modules[name]
    built_in = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    sys.meta_path[:] = [*built_in, _Nothing]
    sys.path[:] = []
    sys.setrecursionlimit(RECURSION)


class _Nothing:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        raise ModuleNotFoundError(
            f"there is no module {name!r} here: evaluators may import the standard modules that only compute", name=name
        )


def send(answer: dict) -> None:
    data = ENCODE(answer).encode()
    data = LENGTH.pack(len(data)) + data
    while data:
        data = data[WRITE(ANSWERS, data) :]


def run(work: bytes, limits: dict) -> None:
    """Never returns: the child ends here."""
    leave, load_row = os._exit, json.loads
    frames = _frames(work)
    timer, output = _Timer(limits["memory"]), _Output()
    sys.stdout = sys.stderr = output
    call, answer = _load(next(frames).decode(), timer, limits["load"])
    send(answer)
    if call:
        for index, row in enumerate(frames):
            answer = {"i": index} | timer.measure(lambda row=row: _told(call(load_row(row))), limits["seconds"])
            if said := output.take():
                answer["output"] = said
            send(answer)
    leave(0)


def _frames(work: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(work):
        (length,) = LENGTH.unpack_from(work, position)
        yield work[position + 4 : position + 4 + length]
        position += 4 + length


def _load(source: str, timer: "_Timer", seconds: float) -> tuple[Callable[[dict], object] | None, dict]:
    """The snippet as a function of one row's inputs (None if it is unfit), and what to answer."""
    loaded = []

    def load() -> dict:
        space = {"__name__": "evaluator", "__builtins__": __builtins__}
        exec(compile(source, NAME, "exec"), space)  # noqa: S102 - this is what the walls are for
        loaded.append(_evaluator(space))
        return {}

    answer = timer.measure(load, seconds)
    return (loaded[0] if loaded and "error" not in answer else None), {"i": -1} | answer


def _evaluator(space: dict) -> Callable[[dict], object]:
    """The snippet's function, as one of a row's inputs. Raises Unfit."""
    function, main = space.get("evaluate"), space.get("main")
    if function is None and callable(main):
        return main
    if not callable(function):
        raise Unfit("the snippet must define a function evaluate(input, output, ...) or main(eval_inputs)")
    line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise Unfit("evaluate() must be a plain function, not async", line)
    asked, rest = [], False
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            rest = True
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            raise Unfit(f"evaluate() gets its arguments by name: {name!r} cannot be positional only (/)", line)
        elif name in ARGUMENTS:
            asked.append(name)
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
            raise Unfit(f"evaluate() asks for {name!r}; it may ask for {', '.join(ARGUMENTS)}", line)

    def call(inputs: dict) -> object:
        given = {name: inputs.get(ARGUMENTS[name]) for name in asked}
        return function(**(inputs | given if rest else given))

    return call


def _told(value: object) -> dict:
    """What was returned, as an answer. Raises Unfit."""
    if not isinstance(value, dict):
        return _value(value, "it returned None")
    unknown = [str(key)[:40] for key in value if key not in ("score", "reasoning")]
    if "score" not in value or unknown:
        wrong = f"with {', '.join(unknown[:5])}" if unknown else "without score"
        raise Unfit(f"returned a dict {wrong}; it may hold score and reasoning")
    reasoning = value.get("reasoning")
    if reasoning is None:
        reasoning = ""
    if not isinstance(reasoning, str):
        raise Unfit(f"returned a reasoning that is no string but {_kind(reasoning)}")
    answer = _value(value["score"], reasoning or "the score was None")
    if len(reasoning) + _size(answer.get("value")) > MOST_RESULT:
        raise Unfit(f"returned a reasoning of {len(reasoning):,} characters; a result may have {MOST_RESULT:,}")
    if reasoning and "value" in answer:
        answer["reasoning"] = reasoning
    return answer


def _value(value: object, declined: str) -> dict:
    if value is None:
        return {"skip": declined}
    if isinstance(value, bool):
        return {"value": value}
    if isinstance(value, int | float | Decimal | Fraction):
        return {"value": _number(value)}
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, str):
                raise Unfit(f"returned a list with {_kind(item)} in it; it may return {RETURNS}")
    elif not isinstance(value, str):
        raise Unfit(f"returned {_kind(value)}; it may return {RETURNS}")
    if (size := _size(value)) > MOST_RESULT:
        raise Unfit(f"returned {size:,} characters; a result may have {MOST_RESULT:,}")
    return {"value": value}


def _number(value: int | float | Decimal | Fraction) -> int | float:
    if isinstance(value, int) and value.bit_length() <= 53:
        return int(value)
    try:
        number = float(value)
    except (OverflowError, ValueError):
        raise Unfit("returned a number that is too large") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise Unfit(f"returned {number}, which is no number a score can have")
    return number


def _size(value: object) -> int:
    """A list's strings count one more each: of empty ones there may not be any number either."""
    if isinstance(value, list):
        return sum(len(item) + 1 for item in value)
    return len(value) if isinstance(value, str) else 0


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name[:40]}"


class _Output(io.TextIOBase):
    """Takes what is printed, the first characters of it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = MOST_OUTPUT

    def write(self, text: str) -> int:
        if self.room > 0 and text:
            self.parts.append(text[: self.room])
            self.room -= len(self.parts[-1])
        return len(text)

    def take(self) -> str:
        text = "".join(self.parts)
        self.parts, self.room = [], MOST_OUTPUT
        return text


class _Timer:
    """Ends a call that takes too long, naming its line. Behind it stand the host's clock and the CPU limit."""

    PATIENCE = 3  # times the limit, by the clock on the wall: a busy machine is not the snippet's fault

    def __init__(self, memory: int) -> None:
        self.memory = memory  # bytes, for the message
        self.seconds = 0.0  # 0: not running
        self.began = self.cpu = 0.0
        self.clock, self.used, self.set = time.perf_counter, time.process_time, signal.setitimer
        signal.signal(signal.SIGALRM, self._ring)

    def _ring(self, *_: object) -> None:
        if self.seconds and (
            self.used() - self.cpu >= self.seconds or self.clock() - self.began >= self.seconds * self.PATIENCE
        ):
            raise Overtime

    def measure(self, call: Callable[[], dict], seconds: float) -> dict:
        """What the call answers, or its error; and the microseconds it took."""
        self.began, self.cpu = self.clock(), self.used()
        try:
            try:
                self.seconds = seconds
                self.set(signal.ITIMER_REAL, seconds, max(seconds / 4, 0.01))
                answer = call()
            finally:
                self.seconds = 0.0
                self.set(signal.ITIMER_REAL, 0, 0)
        except BaseException as problem:  # SystemExit, KeyboardInterrupt and Overtime too
            self.seconds = 0.0
            answer = _error(problem, seconds, self.memory)
        answer["us"] = int((self.clock() - self.began) * 1e6)
        return answer


def _error(problem: BaseException, seconds: float, memory: int) -> dict:
    line = getattr(problem, "line", None) if isinstance(problem, Unfit) else _line(problem)
    if isinstance(problem, Overtime):
        return {"error": f"ran longer than {seconds:g} s", "line": line, "slow": True}
    if isinstance(problem, MemoryError):
        return {"error": f"used more than {memory >> 20} MB of memory", "line": line}
    if isinstance(problem, SystemExit):
        return {"error": "called exit(); an evaluator returns its score", "line": line}
    try:
        message = problem.msg if isinstance(problem, SyntaxError) else str(problem)
    except BaseException:
        message = "its message could not be read"
    if isinstance(problem, PermissionError):
        message += "; evaluators may not use files, the network or other processes"
    if isinstance(problem, Unfit):
        return {"error": message[:MOST_MESSAGE], "line": line}
    return {"error": f"{type(problem).__name__[:80]}: {message[:MOST_MESSAGE]}", "line": line}


def _line(problem: BaseException) -> int | None:
    """The innermost line of the snippet that the error went through."""
    line, trace = None, problem.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    if line is None and isinstance(problem, SyntaxError) and problem.filename == NAME:
        return problem.lineno
    return line
