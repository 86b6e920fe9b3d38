"""Snippets that try to hang, to fill the machine or to get out: each ends as an error, and the next runs as ever."""

import os
import platform
import re
import struct
from pathlib import Path

import pytest

from scoring.sandbox.inside import walls

pytestmark = pytest.mark.usefixtures("still_well")


def body(*lines: str) -> str:
    return "import os, sys\ndef evaluate(output):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("snippet", "error"),
    [
        (body("while True: pass"), "ran longer than 0.1 s (line 3)"),
        (body("import time", "time.sleep(60)"), "ran longer than 0.1 s (line 4)"),
        (body("import re", "return bool(re.match('(a+)+$', 'a' * 60 + 'b'))"), "ran longer than 0.1 s (line 4)"),
        (body("return len(str(7 ** 7 ** 9))"), "ran longer than 0.1 s (line 3)"),
        (body("import itertools", "return sum(itertools.count())"), "ran longer than 0.1 s"),
        (body("return [0] * 10**10"), "used more than 256 MB of memory (line 3)"),
        (body("kept = []", "while True: kept.append(bytearray(10**8))"), "used more than 256 MB of memory"),
        (body("text = 'x' * 10**7", "while True: text += text"), "used more than 256 MB"),
        (body("return evaluate(output)"), "RecursionError: maximum recursion depth exceeded"),
        (body("return '9' * 10**9"), "used more than 256 MB"),
        (body("return eval('(' * 5000 + ')' * 5000)"), "(line 3)"),
        (body("class Bad(Exception):", "    def __str__(self): raise ValueError", "raise Bad"),
         "Bad: its message could not be read (line 5)"),
        (body("class Loud(Exception):", "    def __str__(self): return 'x' * 10**6", "raise Loud"), "Loud: xxx"),
        (body("sys.exit(0)"), "called exit()"),
        (body("raise KeyboardInterrupt"), "KeyboardInterrupt"),
    ],
)  # fmt: skip
def test_what_hangs_or_grows_is_ended_and_names_its_line(run, snippet, error):
    (outcome,) = run(snippet, seconds=1.0 if "MB" in error else 0.1)  # filling it takes a while
    assert error in outcome.error and len(outcome.error) < 1500


@pytest.mark.parametrize(
    "snippet",
    [
        body("while True:", "    try:", "        while output is None: len('')", "    except BaseException: pass"),
        body("import signal", "signal.signal(signal.SIGALRM, signal.SIG_IGN)", "while True: len('')"),
        body("import signal", "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))", "while True: len('')"),
    ],
)
def test_what_cannot_be_interrupted_is_killed(run, snippet):
    (outcome,) = run(snippet, seconds=0.05)
    assert outcome.error == "The evaluator ran longer than 0.05 s and could not be interrupted."


def test_a_loop_outside_the_function_is_interrupted_too(run, monkeypatch):
    monkeypatch.setattr("scoring.sandbox.jail.LOAD_SECONDS", 0.1)
    first, second = run("def evaluate(): return 1\nwhile True: len('')", {}, {})
    assert first.error == second.error == "ran longer than 0.1 s (line 2)"


SOCKET = "kind = next(k for k in object.__subclasses__() if (k.__module__, k.__name__) == ('_socket', 'socket'))"


@pytest.mark.parametrize(
    "lines",
    [
        ["open('/etc/passwd')"],
        ["open('/proc/self/environ')"],
        ["open('/tmp/sandbox-was-here', 'w')"],
        ["os.listdir('/')"],
        ["os.stat('/')"],
        ["os.unlink('/tmp/nothing')"],
        ["os.fork()"],
        ["while True: os.fork()"],
        ["os.execv('/bin/sh', ['sh'])"],
        ["os.posix_spawn('/bin/sh', ['sh'], {})"],
        ["os.kill(os.getpid(), 9)"],
        ["os.kill(1, 9)"],
        ["os.kill(-1, 9)"],
        ["os.setuid(0)"],
        ["os.pipe()"],
        ["os.dup(3)"],
        ["os.memfd_create('x')"],
        ["os.chdir('/')"],
        ["os.sched_setaffinity(0, {0})"],
        [SOCKET, "kind(2, 1)"],
        [SOCKET, "kind(1, 1)"],
        ["().__class__.__base__.__subclasses__()", "import io; io.FileIO('/etc/passwd')"],
        ["frame = sys._getframe()", "while frame.f_back: frame = frame.f_back", "frame.f_globals['os'].fork()"],
    ],
)
def test_the_outside_is_refused(run, lines):
    (outcome,) = run(body(*lines), {"output": 1})
    assert re.match("PermissionError: .*evaluators may not use files, the network or other processes", outcome.error)


def test_modules_that_reach_outside_are_not_there(run):
    for name in ("pathlib", "subprocess", "multiprocessing", "shutil", "http.client", "ctypes.util"):
        (outcome,) = run(body(f"import {name}"))
        assert outcome.error.startswith("ModuleNotFoundError: there is no module"), name


def test_threads_cannot_be_started(run):
    (outcome,) = run(body("import _thread", "while True: _thread.start_new_thread(print, ())"))
    assert "RuntimeError: can't start new thread" in outcome.error


def test_there_is_no_environment_and_no_argument(run):
    (outcome,) = run(body("return sorted(os.environ)"))
    assert set(outcome.value) <= {"LANG", "LC_CTYPE"}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers of x86_64")
def test_raw_system_calls_beyond_the_list_are_refused(run):
    allowed = {numbers[0] for numbers in walls.ALLOWED.values()}
    snippet = f"""
ALLOWED = {allowed!r}
def evaluate():
    cdll = next(kind for kind in object.__subclasses__() if (kind.__module__, kind.__name__) == ("ctypes", "CDLL"))
    libc = cdll(None, use_errno=True)
    errno = cdll.__init__.__globals__["get_errno"]
    passed = []
    for number in [*range(335), *range(424, 470)]:
        if number not in ALLOWED and (libc.syscall(number, 0, 0, 0, 0, 0, 0), errno()) != (-1, 1):
            passed.append(str(number))
    return {{"score": len(passed), "reasoning": " ".join(passed)}}
"""
    (outcome,) = run(snippet)
    assert (outcome.error, outcome.value, outcome.reasoning) == (None, 0, "")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the third set of system calls is x86's")
def test_a_system_call_of_another_numbering_ends_the_child(run):
    snippet = """
def evaluate():
    cdll = next(kind for kind in object.__subclasses__() if (kind.__module__, kind.__name__) == ("ctypes", "CDLL"))
    cdll(None).syscall(0x40000000 + 39)
"""
    (outcome,) = run(snippet)
    assert outcome.error == "The evaluator crashed (SIGSYS)."


def test_a_crash_is_told(run):
    snippet = """
def evaluate():
    cdll = next(kind for kind in object.__subclasses__() if (kind.__module__, kind.__name__) == ("ctypes", "CDLL"))
    cdll.__init__.__globals__["string_at"](1)
"""
    (outcome,) = run(snippet)
    assert outcome.error == "The evaluator crashed (SIGSEGV)."


@pytest.mark.parametrize(
    "returned",
    [
        "Evil()",
        "{'score': Evil()}",
        "[Evil()]",
        "deep",
        "cyclic",
        "{'score': cyclic}",
        "type('Strange', (), {'__class__': str})()",
    ],
)
def test_no_returned_object_is_run_or_walked_through(run, returned):
    (outcome,) = run(
        f"""
import os
class Evil:
    def __reduce__(self): return (os._exit, (0,))
    def __str__(self): os._exit(0)
    __repr__ = __iter__ = __len__ = __float__ = __int__ = __str__
def evaluate():
    deep = []
    for _ in range(100_000): deep = [deep]
    cyclic = []; cyclic.append(cyclic)
    return {returned}
"""
    )
    assert outcome.error and not outcome.error.startswith("The evaluator"), "an error of the row, not its death"


def test_giant_output_is_cut(run):
    (outcome,) = run(body("for _ in range(1000): print('x' * 1000)", "return 1"))
    assert outcome.value == 1 and len(outcome.output) == 8192


def test_a_result_that_fills_the_channel_row_after_row_ends_the_child(run):
    outcomes = run(body("return chr(0x1F600) * 65_000"), *[{}] * 40)
    assert sum(outcome.value is not None for outcome in outcomes) >= 16
    assert any("more than 16 MB" in (outcome.error or "") for outcome in outcomes)


def test_patched_modules_do_not_disturb_the_answers(run):
    snippet = body(
        "import json, struct, time, signal",
        "json.loads = json.dumps = json.JSONEncoder = struct.pack = struct.Struct = None",
        "os.write = os._exit = time.perf_counter = time.process_time = signal.setitimer = None",
        "return 7",
    )
    assert [outcome.value for outcome in run(snippet, {}, {})] == [7, 7]


def frame(text: str) -> str:
    return repr(struct.pack(">I", len(text.encode())) + text.encode())


@pytest.mark.parametrize(
    "forged",
    [
        frame('{"i": 5, "value": 1}'),
        frame('{"i": 1, "value": 1}'),
        frame('{"i": -1}'),
        frame('{"i": true, "value": 1}'),
        frame('{"i": 0}'),
        frame('{"i": 0, "value": {"a": 1}}'),
        frame('{"i": 0, "value": NaN}'),
        frame('{"i": 0, "value": 1e999}'),
        frame('{"i": 0, "value": ' + "9" * 5000 + "}"),
        frame('{"i": 0, "value": 1, "error": "x"}'),
        frame('{"i": 0, "error": "x", "line": -1}'),
        frame('{"i": 0, "value": 1, "us": 1e99}'),
        frame('{"i": 0, "value": 1, "reasoning": [1]}'),
        frame("[" * 30_000),
        frame("null"),
        frame("not json"),
        repr(b"\xff\xff\xff\xff"),
        repr(b"\x00\x00\x00\x00"),
    ],
)
def test_a_forged_answer_costs_its_own_row_alone(run, forged):
    snippet = body("if output == 'forge': os.write(3, " + forged + ")", "return 1")
    first, second = run(snippet, {"output": "forge"}, {"output": "fine"})
    assert first.value is None and re.match("The evaluator (gave|answered|named|took)", first.error)
    assert second.value == 1


def test_half_an_answer_and_the_end(run):
    (outcome,) = run(body(r"os.write(3, b'\0\0\1\0half')", "os._exit(0)"))
    assert outcome.error == "The evaluator ended the process it ran in."


def test_closing_the_channel_is_noticed(run):
    (outcome,) = run(body("os.close(3)", "while True: len('')"), seconds=0.05)
    assert outcome.value is None and outcome.error


def test_a_snippet_cannot_call_itself_broken_for_others(run):
    outcomes = run(
        "import os\n" + f"os.write(3, {frame('{"i": -1, "broken": "x"}')})\ndef evaluate(): return 1", {}, {}
    )
    assert all("could not be locked in (x)" in outcome.error for outcome in outcomes)


def test_the_next_chunk_finds_nothing_of_the_one_before(run):
    snippet = """
import json, math
seen = getattr(math, "seen", 0)
def evaluate():
    global seen
    seen += 1
    math.seen = seen
    json.loads = None
    return seen
"""
    assert [outcome.value for outcome in run(snippet, {}, {}, {})] == [1, 2, 3]
    assert [outcome.value for outcome in run(snippet, {}, {})] == [1, 2]


@pytest.mark.skipif(os.getuid() != 0, reason="reads another process's memory")
def test_the_fork_server_never_holds_what_a_chunk_was_given(sandbox, run):
    marker = "between-" + "rows-and-results"
    assert run("def evaluate(output): return output + '!'", {"output": marker})[0].value == marker + "!"
    process = Path("/proc") / str(sandbox._jail._server.pid)
    held = b""
    with (process / "mem").open("rb", buffering=0) as memory:
        for line in (process / "maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if rights.startswith("rw"):
                start, end = (int(part, 16) for part in span.split("-"))
                memory.seek(start)
                held += memory.read(end - start)
    assert b"is not available" in held or b"there is no module" in held, "the scan sees the server's own texts"
    assert marker.encode() not in held
