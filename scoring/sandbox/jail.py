"""The worker's end of the sandbox: starts the fork server, hands it one chunk of rows at a time, reads the answers.

Every step has a limit by the host's own clock: what a child says about itself is not relied on.
"""

import contextlib
import json
import math
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring.sandbox.channel import Channel, Forged, Late, frame
from scoring.sandbox.outcomes import Problem, RowOutcome, outcome, problem_of

INSIDE = Path(__file__).resolve().parent / "inside"
MACHINES = ("x86_64", "aarch64")
MEMORY = 256 << 20  # bytes of address space, of which the interpreter takes about 40 MB
START_SECONDS = 15.0  # until the fork server answers; 0.1 s on an idle machine
LOAD_SECONDS = 2.0  # for what a snippet does when it is loaded
BUSY = 3  # a row may take so many times its seconds by the clock: the machine may have other work
GRACE = 1.0  # seconds beyond that, until a child that does not answer is killed
MOST_SLOW = 5  # slow rows of one child, after which the caller is asked whether to go on
KILL = b"kill"


class SandboxOff(Exception):
    """There is no sandbox here, and so no code evaluators; the message says why."""


@dataclass(slots=True)
class Ran:
    """What came of one child: outcomes of the first rows, in order; and why no more of them, if more were asked for.

    `unfit`: the snippet cannot be loaded. `died`: the child ended, or had to be ended, in the row that follows the
    outcomes (or before the first, if not `loaded`); a predicate, as "used too much memory". Where neither is set and
    rows are missing, many were slow: the caller decides whether to go on.
    """

    outcomes: list[RowOutcome]
    loaded: bool = False
    unfit: Problem | None = None
    died: str | None = None


class Jail:
    """One fork server. Not for two threads at a time, nor for a process forked from the one that made it."""

    def __init__(self, python: str = sys.executable) -> None:
        """Raises SandboxOff."""
        if not sys.platform.startswith("linux"):
            raise SandboxOff(f"it needs Linux, and this is {platform.system()}")
        if platform.machine() not in MACHINES:
            raise SandboxOff(f"it knows the processors {' and '.join(MACHINES)}, and this is {platform.machine()}")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        command = [python, "-I", "-S", "-B", str(INSIDE), str(theirs.fileno())]
        with theirs:
            try:
                self._server = subprocess.Popen(
                    command, env={"LANG": "C.UTF-8"}, pass_fds=[theirs.fileno()], cwd="/",
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                )  # fmt: skip
            except OSError as problem:
                self._control.close()
                raise SandboxOff(f"its process does not start: {problem}") from None
        try:
            self.about: dict = json.loads(self._control.recv(4096))  # python, namespaces, landlock (version), uid
        except (OSError, ValueError):
            self.close()
            raise SandboxOff("its process ended while it started; the log says why") from None

    def close(self) -> None:
        self._control.close()
        self._server.kill()
        self._server.wait()

    def is_alive(self) -> bool:
        return self._server.poll() is None

    def run(self, snippet: bytes, rows: Sequence[bytes], seconds: float) -> Ran:
        """Forks a child for the rows (JSON objects, `seconds` each), reads what it says, and sees to its end."""
        ran = Ran([])
        load = max(seconds, LOAD_SECONDS)
        try:
            with Channel() as channel:
                self._fork(channel, [snippet, *rows], seconds, load)
                try:
                    _listen(channel, ran, len(rows), seconds, load)
                except EOFError:
                    ran.died = _cause(self._end(GRACE))
                except Forged as forged:
                    ran.died = str(forged)
                    self._end()
                except Late:
                    ran.died = f"ran longer than {seconds if ran.loaded else load:g} s and could not be interrupted"
                    self._end()
                else:
                    self._end()
        except OSError as problem:  # the fork server itself; the next chunk needs a new one
            self.close()
            ran.died = f"lost its sandbox ({problem})"
        return ran

    def _fork(self, channel: Channel, frames: Sequence[bytes], seconds: float, load: float) -> None:
        """The child reads its work from a file in memory, which passes the fork server by."""
        most = load + seconds * (len(frames) - 1)
        limits = {
            "memory": MEMORY, "seconds": seconds, "load": load,
            "cpu": math.ceil(most) + 1, "wall": BUSY * most + GRACE * len(frames),
        }  # fmt: skip
        work = os.memfd_create("rows")
        try:
            with open(work, "wb", closefd=False) as file:
                file.writelines(map(frame, frames))
            socket.send_fds(self._control, [json.dumps(limits).encode()], [work, channel.theirs])
        finally:
            os.close(work)
            channel.close_theirs()

    def _end(self, wait: float = 0) -> dict:
        """How the child ended: {"signal", "code", "cpu"}. It is killed if it has not ended after `wait` seconds."""
        ended = None
        if wait:
            self._control.settimeout(wait)
            with contextlib.suppress(TimeoutError):
                ended = self._control.recv(4096)
            self._control.settimeout(START_SECONDS)
        if ended is None:
            self._control.send(KILL)
            ended = self._control.recv(4096)
        if not ended:
            raise ConnectionError("its process has ended")
        return json.loads(ended)


def _listen(channel: Channel, ran: Ran, rows: int, seconds: float, load: float) -> None:
    ran.unfit = problem_of(channel.answer(BUSY * load + GRACE))
    ran.loaded = True
    slow = 0
    for index in range(0 if ran.unfit else rows):
        ran.outcomes.append(outcome(channel.answer(BUSY * seconds + GRACE), index))
        slow += ran.outcomes[-1].slow
        if slow == MOST_SLOW:
            return


def _cause(ended: dict) -> str:
    if ended["signal"] == signal.SIGKILL:
        return "used more processor time or memory than an evaluator may"
    if ended["signal"]:
        return f"crashed ({signal.Signals(ended['signal']).name})"
    return "ended the process it ran in"
