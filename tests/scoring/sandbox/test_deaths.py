"""What happens to the other rows when one kills its process, and to the worker when the sandbox itself is gone."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scoring.sandbox import Sandbox, SandboxOff, jail
from tests.scoring.sandbox.conftest import SECONDS

DIES = "import os\ndef evaluate(output):\n    if output == 'die': os._exit(1)\n    return output\n"
SLOW = "import time\ndef evaluate(output):\n    if output == 'slow':\n        while True: len('')\n    return output\n"


def rows(*outputs: object) -> list[dict]:
    return [{"output": output} for output in outputs]


def test_the_row_that_died_carries_the_error_and_the_rest_run_again(run):
    outcomes = run(DIES, *rows(1, 2, "die", 4, "die", 6))
    assert [outcome.value for outcome in outcomes] == [1, 2, None, 4, None, 6]
    assert outcomes[2].error == "The evaluator ended the process it ran in."
    assert [outcome.index for outcome in outcomes] == list(range(6))


def test_after_three_deaths_the_evaluator_stops_with_the_reason(run):
    outcomes = run(DIES, *rows(1, "die", "die", 4, "die", 6, 7))
    assert [outcome.value for outcome in outcomes] == [1, None, None, 4, None, None, None]
    assert [outcome.stopped for outcome in outcomes] == [False] * 5 + [True] * 2
    assert outcomes[6].error == "Not run: of 5 rows before it, 3 killed the sandbox or ran out of time."


def test_an_evaluator_that_always_hangs_stops_after_five_rows(run):
    outcomes = run(SLOW, *rows(*["slow"] * 50), seconds=0.02)
    assert [outcome.stopped for outcome in outcomes] == [False] * 5 + [True] * 45
    assert outcomes[0].error == "ran longer than 0.02 s (line 4)" and outcomes[0].slow


def test_one_slow_row_in_ten_does_not_stop_it(run):
    outcomes = run(SLOW, *rows(*(["slow"] + [1] * 9) * 7), seconds=0.02)
    assert sum(outcome.value == 1 for outcome in outcomes) == 63
    assert not any(outcome.stopped for outcome in outcomes)


def test_many_rows_come_back_in_order(run):
    outcomes = run("def evaluate(output): return output", *rows(*range(1001)), seconds=1)
    assert [(outcome.index, outcome.value) for outcome in outcomes] == [(n, n) for n in range(1001)]


def test_large_rows_are_given_in_several_children(run, monkeypatch):
    monkeypatch.setattr("scoring.sandbox.sandbox.BYTES", 1000)
    monkeypatch.setattr("scoring.sandbox.sandbox.MOST_ROW", 5000)
    outcomes = run("def evaluate(output): return len(output)", *rows("a" * 400, "b" * 3000, "c" * 9000, "d"))
    assert [outcome.value for outcome in outcomes] == [400, 3000, None, 1]
    assert "an evaluator takes" in outcomes[2].error


def test_a_lost_fork_server_is_replaced(run, sandbox):
    os.kill(sandbox._jail._server.pid, signal.SIGKILL)
    sandbox._jail._server.wait()
    assert run(DIES, *rows(1))[0].value == 1


def test_a_fork_server_lost_in_the_middle_costs_a_row_at_most(run, sandbox):
    server = sandbox._jail._server.pid
    killer = threading.Timer(0.2, os.kill, [server, signal.SIGKILL])
    killer.start()
    outcomes = run("import time\ndef evaluate(output):\n    time.sleep(0.02)\n    return output", *rows(*range(30)))
    killer.join()
    assert sum(outcome.value is not None for outcome in outcomes) >= 29


def test_children_end_with_the_sandbox(sandbox):
    """The server dies while a child loops: the kernel ends the child, for nobody else would."""
    other = Sandbox()
    assert other.start().active
    server = other._jail._server.pid
    thread = threading.Thread(target=lambda: list(other.run(SLOW, rows("slow"), seconds_per_row=30)))
    thread.start()
    child = _wait_for_child(server)
    os.kill(server, signal.SIGKILL)
    thread.join(20)
    other.close()
    assert not thread.is_alive() and not _runs(child)


def test_two_threads_take_turns(sandbox):
    found: dict[int, list] = {}

    def work(number: int) -> None:
        snippet = f"def evaluate(output): return output * {number}"
        found[number] = [o.value for o in sandbox.run(snippet, rows(*range(300)), seconds_per_row=SECONDS)]

    threads = [threading.Thread(target=work, args=[number]) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [n * number for n in range(300)] for number in (1, 2, 3)}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("sys.platform", "darwin", "it needs Linux"),
        ("platform.machine", lambda: "riscv64", "it knows the processors x86_64 and aarch64, and this is riscv64"),
    ],
)
def test_elsewhere_it_is_off_with_the_reason(monkeypatch, name, value, reason):
    monkeypatch.setattr(f"scoring.sandbox.jail.{name}", value)
    with Sandbox() as sandbox:
        report = sandbox.start()
        assert not report.active and reason in report.reasons[0]
        with pytest.raises(SandboxOff, match=reason):
            list(sandbox.run("def evaluate(): return 1", [{}]))


def test_an_interpreter_that_is_not_there_is_a_reason(tmp_path):
    report = Sandbox(python=str(tmp_path / "python")).start()
    assert not report.active and "does not start" in report.reasons[0]
    assert not Sandbox(python="/bin/false").start().active


def test_where_a_wall_is_missing_nothing_runs(monkeypatch, tmp_path):
    """An interior whose allow-list was never installed: the self-test sees it, and the sandbox stays off."""
    for file in jail.INSIDE.glob("*.py"):
        text = file.read_text()
        if file.name == "walls.py":
            assert "    _seccomp()\n" in text
            text = text.replace("    _seccomp()\n", "").replace(
                "resource.RLIMIT_NOFILE: 0", "resource.RLIMIT_NOFILE: 64"
            )
        (tmp_path / file.name).write_text(text)
    monkeypatch.setattr(jail, "INSIDE", tmp_path)
    with Sandbox() as sandbox:
        report = sandbox.start()
        assert not report.active
        assert {"Starting a process"} <= {test.name for test in report.tests if not test.passed}
        with pytest.raises(SandboxOff, match="Starting a process"):
            list(sandbox.run("def evaluate(): return 1", [{}]))


@pytest.mark.parametrize("step", ["_seccomp", "_landlock", "_limit"])
def test_a_wall_that_cannot_be_raised_ends_the_child_before_the_snippet(monkeypatch, tmp_path, step):
    for file in jail.INSIDE.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    with (tmp_path / "walls.py").open("a") as walls:
        walls.write(f"\n\ndef {step}(*given):\n    raise OSError('no such wall')\n")
    monkeypatch.setattr(jail, "INSIDE", tmp_path)
    with Sandbox() as sandbox:
        report = sandbox.start()
    assert not report.active and "could not be locked in (OSError: no such wall)" in report.reasons[0]


def test_children_end_with_the_worker():
    """kill -9 of the worker while a snippet loops: its fork server ends the child, and itself."""
    host = subprocess.Popen(
        [sys.executable, "-c", HOST], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
    )
    server = int(host.stdout.readline())
    child = _wait_for_child(server)
    host.kill()
    host.wait()
    host.stdout.close()
    assert not _runs(child) and not _runs(server)


HOST = f"""
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "evalhub.settings"
import django; django.setup()
from scoring.sandbox import Sandbox
sandbox = Sandbox()
assert sandbox.start().active
print(sandbox._jail._server.pid, flush=True)
list(sandbox.run({SLOW!r}, [{{"output": "slow"}}], seconds_per_row=60))
"""


def _wait_for_child(server: int) -> int:
    for _ in range(500):
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError("no child")


def _runs(pid: int) -> bool:
    """Whether it still does after two seconds at the most; a zombie does not."""
    for _ in range(200):
        try:
            if ") Z" in Path(f"/proc/{pid}/stat").read_text():
                return False
        except FileNotFoundError:
            return False
        time.sleep(0.01)
    return True


def test_a_sandbox_that_is_killed_while_it_starts_is_started_once_more(monkeypatch):
    """As with the worker's job: a run must not be paused for it."""
    start, starts = jail.Jail, []

    def killed_at_first(python: str) -> jail.Jail:
        starts.append(python)
        if len(starts) == 1:
            raise SandboxOff("its process ended while it started")
        return start(python)

    monkeypatch.setattr("scoring.sandbox.sandbox.Jail", killed_at_first)
    with Sandbox() as sandbox:
        assert [outcome.value for outcome in sandbox.run(DIES, rows(1, 2))] == [1, 2] and len(starts) == 2
