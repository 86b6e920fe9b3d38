"""What a child of the sandbox does to itself before it reads the first line of a snippet.

Linux alone. A step that fails raises OSError, and its child ends: there is no weaker level to fall back to. Only
namespaces (`apart`) and, on kernels without it, Landlock are extra walls that may be missing.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
NOBODY = 65534

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446  # the same numbers on every machine
LANDLOCK_CREATE_RULESET_VERSION = 1

# name: (x86_64, aarch64). What pure computation in CPython and glibc needs; all else is answered with EPERM.
ALLOWED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233),
    "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128), "setitimer": (38, 103), "getpid": (39, 172),
    "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175), "exit": (60, 93), "exit_group": (231, 94),
    "futex": (202, 98), "sched_yield": (24, 124), "gettimeofday": (96, 169), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "getrandom": (318, 278), "rseq": (334, 293),
}  # fmt: skip
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of ALLOWED, and the kernel's AUDIT_ARCH


def apart() -> list[str]:
    """Leaves network and IPC behind, and root for nobody; returns the namespaces that the kernel granted.

    Run once, by the fork server, before the first fork. No pid namespace: it would need an init of its own, and
    signals and ptrace are closed to the children anyway.
    """
    granted = _unshare() if os.getuid() == 0 else []
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    if not granted:
        try:
            os.unshare(os.CLONE_NEWUSER)
        except OSError:
            return []
        granted = ["user", *_unshare()]
    return granted


def _unshare() -> list[str]:
    granted = []
    for name, flag in (("net", os.CLONE_NEWNET), ("ipc", os.CLONE_NEWIPC)):
        try:
            os.unshare(flag)
        except OSError:
            continue
        granted.append(name)
    return granted


def lock(server: int, memory: int, cpu: int) -> None:
    """Closes everything but computing, for good. `server` is the parent's pid, memory in bytes, CPU time in seconds."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it died before the line above
        raise OSError("the fork server has ended")
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _landlock()  # needs a descriptor, so it comes before the limits
    _limit(memory, cpu)
    _seccomp()


def landlock_version() -> int:
    """What the kernel offers; 0 for none."""
    return max(0, LIBC.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION))


def _prctl(option: int, value: int) -> None:
    if LIBC.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")


def _limit(memory: int, cpu: int) -> None:
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 0,
        resource.RLIMIT_STACK: 64 << 20,
    }
    for limit, most in wanted.items():
        hard = resource.getrlimit(limit)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (most, most))


def _landlock() -> None:
    """A ruleset without rules: no file may be opened; from version 4 on no TCP, from 6 no signals to others either."""
    version = landlock_version()
    if not version:
        return
    files = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF}.get(version, 0xFFFF)
    rules = struct.pack("Q", files)
    if version >= 4:
        rules += struct.pack("Q", 3)
    if version >= 6:
        rules += struct.pack("Q", 3)
    ruleset = LIBC.syscall(LANDLOCK_CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0 or LIBC.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        raise OSError(ctypes.get_errno(), "Landlock failed")
    os.close(ruleset)


def _seccomp() -> None:
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    code = _filter()
    buffer = ctypes.create_string_buffer(code, len(code))
    program = Program(len(code) // 8, ctypes.addressof(buffer))
    if LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp failed")


def _filter() -> bytes:
    """The allow-list in the kernel's classic BPF: struct sock_filter {u16 code, u8 jump_true, u8 jump_false, u32 k}."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    kill, allow, refuse = 0x80000000, 0x7FFF0000, 0x00050000 | errno.EPERM
    column, architecture = MACHINES[platform.machine()]

    def step(code: int, true: int, false: int, value: int) -> bytes:
        return struct.pack(f"{'<' if sys.byteorder == 'little' else '>'}HBBI", code, true, false, value)

    steps = [
        step(load, 0, 0, 4),  # seccomp_data.arch
        step(equal, 1, 0, architecture),
        step(answer, 0, 0, kill),
        step(load, 0, 0, 0),  # seccomp_data.nr
        step(at_least, 0, 1, 0x40000000),  # x86's third set of calls, which would have other numbers
        step(answer, 0, 0, kill),
    ]
    for numbers in ALLOWED.values():
        steps += [step(equal, 0, 1, numbers[column]), step(answer, 0, 0, allow)]
    return b"".join([*steps, step(answer, 0, 0, refuse)])
