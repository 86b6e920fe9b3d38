"""The sandbox's fork server: `python -I -S -B inside <control socket>`, started clean, never forked from EvalHub.

It forks one child a chunk of rows, watches it, and ends it when told to. Snippets and rows pass it by: the child reads
them from a file of its own, and writes its answers to a pipe whose other end the host holds. So no child can find in
its inherited memory what an earlier one, perhaps of another project, was given.

Messages on the control socket (SOCK_SEQPACKET), JSON but for the one word:
  to the host   {"python", "namespaces", "landlock", "uid"} once, then {"signal", "code", "cpu"} a child
  from the host {"memory", "cpu", "seconds", "load", "wall"} with two descriptors (work, answers), and KILL
"""

import contextlib
import gc
import json
import os
import platform
import select
import signal
import socket
import sys

import snippet
import walls

KILL = b"kill"


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    snippet.preload()
    hello = {
        "python": platform.python_version(),
        "uid": os.getuid() or walls.NOBODY,  # asked before a user namespace tells another
        "landlock": walls.landlock_version(),
        "namespaces": walls.apart(),
    }
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then closes the socket
    control.send(json.dumps(hello).encode())
    gc.collect()
    gc.freeze()  # children share these pages: their collector need not touch them
    server = os.getpid()
    while True:
        message, passed, _, _ = socket.recv_fds(control, 4096, 2)
        if not message:
            return
        if message == KILL:  # meant for a child that has meanwhile ended
            continue
        work, answers = passed
        child = os.fork()
        if child == 0:
            _be_child(server, work, answers, json.loads(message))
        os.close(work)
        os.close(answers)
        ended = _watch(child, control, json.loads(message)["wall"])
        if ended is None:
            return
        control.send(json.dumps(ended).encode())


def _watch(child: int, control: socket.socket, wall: float) -> dict | None:
    """Waits for the child's end, and brings it about after `wall` seconds or when told; None if the host is gone."""
    handle = os.pidfd_open(child)
    ready, _, _ = select.select([handle, control], [], [], wall)
    gone = False
    if handle not in ready:
        gone = control in ready and control.recv(4096) != KILL
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    os.close(handle)
    if gone:
        return None
    code = os.waitstatus_to_exitcode(status)
    return {"signal": max(0, -code), "code": max(0, code), "cpu": round(used.ru_utime + used.ru_stime, 3)}


def _be_child(server: int, work: int, answers: int, limits: dict) -> None:
    """Never returns."""
    try:
        given = os.pread(work, os.fstat(work).st_size, 0)
        os.dup2(answers, snippet.ANSWERS)
        for standard in range(snippet.ANSWERS):
            with contextlib.suppress(OSError):
                os.close(standard)
        os.closerange(snippet.ANSWERS + 1, 1 << 16)
        snippet.prepare()
        walls.lock(server, limits["memory"], limits["cpu"])
        snippet.run(given, limits)
    except BaseException as problem:
        snippet.send({"i": -1, "broken": f"{type(problem).__name__}: {problem}"[:300]})
    finally:
        os._exit(9)


main()
