"""How a figure is printed: one JSON line, with the machine it came from."""

import contextlib
import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path


def report(name: str, values: Sequence[float], unit: str, **facts: object) -> None:
    """The median of all rounds, and their range. `facts` say under which conditions."""
    middle = statistics.median(values)
    line = {
        "name": name, "value": _rounded(middle), "unit": unit, "rounds": len(values),
        "range": [_rounded(min(values)), _rounded(max(values))], **facts, "machine": machine(),
    }  # fmt: skip
    print(json.dumps(line), flush=True)


def p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    )


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its children, shared pages counted once each (Pss)."""
    total = _pss(pid)
    for child in _children(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a worker's job has just ended
            total += _pss(child)
    return total / 1024


def cpu_seconds(pid: int) -> float:
    """What a process and its children, living and ended, have used: says more than the clock on a busy machine."""
    total = 0
    for process in (pid, *_children(pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended: its parent has its time
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def _children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_children(child)]
    return found


def _rounded(value: float) -> float:
    return round(value, 1 if value >= 10 else 3)
