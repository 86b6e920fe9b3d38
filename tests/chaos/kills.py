"""What is killed, and how: by name in a random order that the seed alone decides."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence

import psycopg

from evalhub.embedded import socket_dir
from evalhub.supervisor import session_members
from tests.evalhub.running import Up

FROZEN_SECONDS = 4.0

Victim = Callable[[Up, random.Random], object]


def _child(name: str, number: signal.Signals = signal.SIGKILL) -> Victim:
    def kill(up: Up, dice: random.Random) -> None:
        os.kill(up.children()[name], number)

    return kill


def _below(name: str) -> Victim:
    """One of the processes that a child has started: a web process, a worker's present job."""

    def kill(up: Up, dice: random.Random) -> None:
        leader = up.children()[name]
        if members := sorted(set(session_members(leader)) - {leader}):
            os.kill(dice.choice(members), signal.SIGKILL)

    return kill


def _frozen(name: str) -> Victim:
    """All of it stands still for a while, as on a host that swaps; and goes on as if nothing had been."""

    def freeze(up: Up, dice: random.Random) -> None:
        members = session_members(up.children()[name])
        for number, pause in ((signal.SIGSTOP, FROZEN_SECONDS), (signal.SIGCONT, 0.0)):
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(pause)

    return freeze


def _backend(up: Up, dice: random.Random) -> None:
    """A connection's server process: PostgreSQL ends all others too and recovers."""
    with contextlib.suppress(psycopg.OperationalError):
        with psycopg.connect(host=str(socket_dir(up.home)), user="evalhub", dbname="evalhub") as db:
            found = db.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            pids = [pid for (pid,) in found]
        if pids:
            os.kill(dice.choice(pids), signal.SIGKILL)


VICTIMS: dict[str, Victim] = {
    "web server": _child("Web server"),
    "web process": _below("Web server"),
    "worker 1": _child("Worker 1"),
    "worker 2": _child("Worker 2"),
    "job of worker 1": _below("Worker 1"),
    "job of worker 2": _below("Worker 2"),
    "worker 2, asked": _child("Worker 2", signal.SIGTERM),
    "worker 1, frozen": _frozen("Worker 1"),
    "sweeper": _child("Sweeper"),
    "Redis": _child("Redis"),
    "Redis, asked": _child("Redis", signal.SIGTERM),
    "Redis, frozen": _frozen("Redis"),
    "PostgreSQL": _child("PostgreSQL"),
    "PostgreSQL, asked": _child("PostgreSQL", signal.SIGINT),
    "PostgreSQL's backend": _backend,
}
FEW = ("web server", "job of worker 1", "worker 2", "Redis", "PostgreSQL")


def rounds(names: Sequence[str], seed: int) -> list[str]:
    """Each of them once, in an order of the seed's."""
    order = list(names)
    random.Random(seed).shuffle(order)  # noqa: S311
    return order


def kill_for(
    up: Up, seconds: float, seed: int, names: Sequence[str], pause: tuple[float, float], say: Callable[[str], None]
) -> Counter:
    """Kills for so many seconds, with pauses between; how often each was killed."""
    dice = random.Random(seed)  # noqa: S311
    began, killed = time.monotonic(), Counter()
    order: list[str] = []
    while True:
        time.sleep(dice.uniform(*pause))
        spent = time.monotonic() - began
        if spent > seconds:
            return killed
        order = order or rounds(names, dice.randrange(2**32))
        name = order.pop()
        killed[name] += 1
        say(f"{spent:6.1f} s  {name}")
        with contextlib.suppress(ProcessLookupError):  # it is being started again
            VICTIMS[name](up, dice)
