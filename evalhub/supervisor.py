"""Keeps the processes of `manage.py up` running, and leaves none behind.

Every child leads a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone and so that all that
a child has started can be found again, whichever process group it moved to. Should the supervisor itself be killed, the
kernel ends its children (Linux), and the next start ends whatever is left, by the journal.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc/self/stat").exists()
PR_SET_PDEATHSIG = 1
AUTOGROUP = Path("/proc/self/autogroup")
BEHIND_PAGES = 10  # the niceness of workers: where processors are few, pages and ingest go first and scoring catches up
LONGEST_PAUSE = 30.0  # seconds between two starts of a child that keeps dying
STEADY = 60.0  # seconds after which a child's earlier deaths are forgotten

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Child:
    """One process; `stop_signal` asks it to end, and `patience` seconds later it is killed.

    `options` go to Popen (user, env, stdout). Start it from the main thread: the kernel ends it with that thread.
    A child with `niceness` (1 to 19) lets others go first on a busy processor.
    A child with `on_end` is a task, not a service: its end is told there, with the exit code, and it stays ended.
    """

    name: str
    command: Sequence[object]
    options: Mapping[str, object] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 20.0
    niceness: int = 0
    on_end: Callable[[int], None] | None = None
    process: subprocess.Popen | None = None

    def start(self) -> None:
        if self.process:
            end_session(self.process.pid)  # what a killed child left may still hold its port or its files
        parent, stop_signal, niceness = os.getpid(), self.stop_signal, self.niceness

        def begin() -> None:
            if _libc:
                _libc.prctl(PR_SET_PDEATHSIG, stop_signal)
                if os.getppid() != parent:
                    os._exit(1)
            if niceness:
                _step_back(niceness)

        defaults = {"stdin": subprocess.DEVNULL, "start_new_session": True, "preexec_fn": begin}
        self.process = subprocess.Popen([str(word) for word in self.command], **{**defaults, **self.options})

    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it."""
        return self.process.poll() if self.process else 0

    def ask_to_stop(self) -> None:
        if self.exit_code() is None:
            self.process.send_signal(self.stop_signal)

    def wait(self) -> None:
        """Until it has ended, by force if need be, and all that it started with it."""
        if not self.process:
            return
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end_session(self.process.pid)

    def kill(self) -> None:
        if self.exit_code() is None:
            self.process.kill()


class Supervisor:
    """Watches children. `groups` say in which order they end: a group is asked at once, the next when it is gone."""

    def __init__(self, groups: Sequence[Sequence[Child]], journal: Path, say: Callable[[str], None]) -> None:
        self.groups, self.journal, self.say = groups, journal, say
        self._deaths: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def start(self, child: Child) -> None:
        child.start()
        self._started[child.name] = time.monotonic()
        write_journal(self.journal, [child for child in self._children() if child.process])

    def watch(self) -> None:
        """Starts again what dies, at once the first time, then with growing pauses. Returns never: a signal raises."""
        while True:
            for child in self._children():
                if child.process and child.exit_code() is not None:
                    self._revive(child) if not child.on_end else self._finish(child)
            time.sleep(0.1)

    def _children(self) -> list[Child]:
        return [child for group in self.groups for child in group]

    def _revive(self, child: Child) -> None:
        now, name = time.monotonic(), child.name
        if name not in self._due:
            if now - self._started[name] > STEADY:
                self._deaths[name] = 0
            deaths = self._deaths.get(name, 0)
            pause = min(LONGEST_PAUSE, 0.25 * 2**deaths)
            self._deaths[name], self._due[name] = deaths + 1, now + pause
            when = "now" if pause < 1 else f"in {pause:.0f} s"
            self.say(f"{name} ended ({_how(child.exit_code())}); starting it again {when}.")
        if now >= self._due[name]:
            del self._due[name]
            self.start(child)

    def _finish(self, child: Child) -> None:
        code = child.exit_code()
        child.wait()
        child.process = None
        child.on_end(code)

    def stop(self) -> None:
        """Ends all children in order. Another signal meanwhile (KeyboardInterrupt) makes it short."""
        try:
            for group in self.groups:
                for child in group:
                    child.ask_to_stop()
                for child in group:
                    child.wait()
        except KeyboardInterrupt:
            for child in self._children():
                child.kill()
            for child in self._children():
                child.wait()
        self.journal.unlink(missing_ok=True)


def _step_back(niceness: int) -> None:
    """Linux shares a busy processor among sessions first, where it keeps autogroups (sched(7)): theirs is set too."""
    os.nice(niceness)
    if AUTOGROUP.exists():
        AUTOGROUP.write_text(str(niceness))


def _how(code: int | None) -> str:
    return f"signal {-code}" if code and code < 0 else f"exit code {code}"


def write_journal(journal: Path, children: Sequence[Child]) -> None:
    lines = []
    for child in children:
        pid = child.process.pid
        lines.append({"name": child.name, "pid": pid, "began": _began(pid), "signal": int(child.stop_signal)})
    new = journal.with_suffix(".new")
    new.write_text(json.dumps({"boot": _boot(), "children": lines}))
    new.replace(journal)


def end_leftovers(journal: Path) -> int:
    """Ends what a killed supervisor left running; returns how many sessions had to be ended.

    A process number is taken up again by the system only when its session is gone: the leader's start time tells.
    """
    try:
        noted = json.loads(journal.read_text())
    except (FileNotFoundError, ValueError):  # none, or cut short by the kill
        return 0
    ended = 0
    if noted["boot"] == _boot():
        for line in noted["children"]:
            if _began(line["pid"]) in (line["began"], None) and session_members(line["pid"]):
                end_session(line["pid"], signal.Signals(line["signal"]), patience=10)
                ended += 1
    journal.unlink()
    return ended


def end_session(leader: int, ask: signal.Signals = signal.SIGTERM, patience: float = 5.0) -> None:
    """Asks every process of the leader's session to end, and kills those that have not after `patience` seconds."""
    for number, until in ((ask, time.monotonic() + patience), (signal.SIGKILL, time.monotonic() + patience + 5)):
        members = session_members(leader)
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while members and time.monotonic() < until:
            time.sleep(0.02)
            members = session_members(leader)


def session_members(leader: int) -> list[int]:
    """The living processes of a session; without /proc, the leader alone if it lives."""
    if not PROC:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(leader, 0)
            return [leader]
        return []
    members = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(int(entry))) and int(stat[3]) == leader and stat[0] != "Z":
            members.append(int(entry))
    return members


def _stat(pid: int) -> list[str] | None:
    """/proc/<pid>/stat from its third field on: state, parent, group, session, ... (proc_pid_stat(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None


def _began(pid: int) -> str | None:
    stat = _stat(pid)
    return stat[19] if stat else None


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
