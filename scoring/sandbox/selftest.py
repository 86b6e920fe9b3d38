"""What the sandbox proves of itself each time it starts: an ordinary evaluator works, and each way out is closed."""

import platform
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import orjson

from scoring.sandbox.jail import MEMORY, Jail

SECONDS = 0.05  # a row

# The tries are system calls as directly as Python makes them: an import that fails would prove nothing.
TRIES = """
import os

def connect():
    raw = next(kind for kind in object.__subclasses__() if (kind.__module__, kind.__name__) == ("_socket", "socket"))
    raw(2, 1).connect(("127.0.0.1", 1))

def loop():
    while True:
        pass

TRIES = {
    "compute": lambda: 42,
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "list": lambda: os.listdir("/proc"),
    "connect": connect,
    "fork": os.fork,
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "signal": lambda: os.kill(1, 0),
    "allocate": lambda: len(bytearray(1 << 30)),
    "loop": loop,
    "leave": lambda: os._exit(0),
}

def evaluate(input):
    return TRIES[input]()
"""


@dataclass(frozen=True, slots=True)
class SelfTest:
    name: str
    expected: str
    seen: str
    passed: bool


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """`active` is whether code evaluators run on this machine; if not, `reasons` say why. Times are ISO 8601, UTC."""

    runtime: str
    active: bool
    reasons: list[str]
    tests: list[SelfTest] = field(default_factory=list)
    walls: dict[str, str] = field(default_factory=dict)
    machine: str = field(default_factory=platform.node)
    tested_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> "SandboxReport":
        told = orjson.loads(data)
        return cls(**told | {"tests": [SelfTest(**test) for test in told["tests"]]})


# Its name, its key in TRIES, what it must lead to in words, and the beginning of what the sandbox must say of it.
CASES = (
    ("An ordinary evaluator", "compute", "returns its score", "returned 42"),
    ("Opening a file", "open", "is refused", "PermissionError"),
    ("Reading a folder", "list", "is refused", "PermissionError"),
    ("A network connection", "connect", "is refused", "PermissionError"),
    ("Starting a process", "fork", "is refused", "PermissionError"),
    ("Running a program", "execute", "is refused", "PermissionError"),
    ("A signal to another process", "signal", "is refused", "PermissionError"),
    ("Taking 1 GB of memory", "allocate", f"ends at {MEMORY >> 20} MB", "used more than"),
    ("An endless loop", "loop", f"is interrupted after {SECONDS:g} s", "ran longer"),
    ("Leaving the interpreter", "leave", "is noticed", "it ended the process"),
)


def off(reason: str) -> SandboxReport:
    """The report where the sandbox does not even start."""
    return SandboxReport(_runtime(platform.python_version()), False, [f"The sandbox does not start: {reason}."])


def self_test(jail: Jail) -> SandboxReport:
    """About 0.15 s."""
    tests = []
    for name, key, expected, begins in CASES:
        seen = _seen(jail, key)
        tests.append(SelfTest(name, expected, seen, seen.startswith(begins)))
    reasons = [f"{t.name}: expected that it {t.expected}, seen: {t.seen}." for t in tests if not t.passed]
    return SandboxReport(_runtime(jail.about["python"]), not reasons, reasons, tests, _walls(jail.about))


def _seen(jail: Jail, key: str) -> str:
    ran = jail.run(TRIES.encode(), [orjson.dumps({"input": key})], SECONDS)
    if ran.died or ran.unfit:
        return f"it {ran.died or ran.unfit}"
    (outcome,) = ran.outcomes
    if outcome.error is None:
        return f"returned {outcome.value}"
    # Without what is said to a snippet's author: the line, the path, the advice.
    return re.split(r"; | \(line |: '", outcome.error)[0].replace("[Errno 1] ", "")


def _runtime(python: str) -> str:
    return f"CPython {python} in a jail of its own ({platform.system()} on {platform.machine()})"


def _walls(about: dict) -> dict[str, str]:
    landlock, namespaces = about["landlock"], about["namespaces"]
    return {
        "System calls": "an allow-list (seccomp); all others are refused",
        "Limits": f"{MEMORY >> 20} MB of memory, processor time, no open files, no file writes",
        "Files": f"Landlock, version {landlock}" if landlock else "Landlock is not offered by this kernel",
        "Namespaces": ", ".join(namespaces) if namespaces else "none: the system does not grant them",
        "User": f"{about['uid']}{' (nobody)' if about['uid'] == 65534 else ', the same as the worker’s'}",
    }
