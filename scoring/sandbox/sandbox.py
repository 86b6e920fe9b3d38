"""Runs code evaluators: a chunk of rows a child process, and what to do when one dies.

    with Sandbox() as sandbox:
        for outcome in sandbox.run(snippet, rows): ...

A worker keeps one for as long as it lives: starting takes about 0.3 s, most of it the self-test.
"""

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from scoring.sandbox.jail import MOST_SLOW, Jail, Ran, SandboxOff
from scoring.sandbox.outcomes import Problem, RowOutcome
from scoring.sandbox.selftest import SandboxReport, off, self_test

ROWS = 200  # rows a child: a fork costs as much as some thirty calls
BYTES = 16 << 20  # of rows a child, unless a single one is larger
MOST_ROW = 24 << 20  # bytes of one row as JSON
MOST_SNIPPET = 64 << 10  # bytes
MOST_DEATHS = 3
MOST_LOST = 0.2  # of the rows so far, that died or ran out of time


class Sandbox:
    """Safe to use from several threads; they take turns."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python
        self._jail: Jail | None = None
        self._turn = threading.RLock()
        self.report: SandboxReport | None = None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        with self._turn:
            if self._jail:
                self._jail.close()
            self._jail = None

    def start(self) -> SandboxReport:
        """Starts and tests it, if it does not run; the report says whether it is active, and why not."""
        with self._turn:
            with contextlib.suppress(SandboxOff):  # the report says it
                self._started()
            return self.report

    def run(
        self, snippet: str, rows: Sequence[Mapping[str, Any]], *, seconds_per_row: float = 1.0
    ) -> Iterator[RowOutcome]:
        """One outcome a row, in the rows' order; they come in batches of up to 200.

        A row is the unified inputs, {"input", "output", "expected", "metadata", "metrics", ...}, JSON values. A row in
        which the child dies is errored, the others run again in a new one; where this happens three times, or a fifth
        of the rows run out of time, the rest is not run (`stopped`). Raises SandboxOff, before the first outcome or
        when the sandbox was lost and cannot be started again.
        """
        done = deaths = lost = 0
        while done < len(rows):
            batch, refused = _batch(rows, done)
            if not batch:
                yield RowOutcome(done, error=refused)
                done += 1
                continue
            ran = self._run(snippet, batch, seconds_per_row)
            if problem := _unfit(ran):
                yield from (RowOutcome(i, error=str(problem), line=problem.line) for i in range(done, len(rows)))
                return
            for outcome in ran.outcomes:
                yield replace(outcome, index=done)
                done += 1
                lost += outcome.slow
            if ran.died:
                yield RowOutcome(done, error=f"The evaluator {ran.died}.")
                done += 1
                deaths += 1
                lost += 1
            if deaths >= MOST_DEATHS or (lost >= MOST_SLOW and lost >= MOST_LOST * done):
                why = f"Not run: of {done} rows before it, {lost} killed the sandbox or ran out of time."
                yield from (RowOutcome(i, error=why, stopped=True) for i in range(done, len(rows)))
                return

    def check(self, snippet: str) -> list[Problem]:
        """What keeps the snippet from being an evaluator, found by loading it: empty if nothing. Raises SandboxOff."""
        problem = _unfit(self._run(snippet, [], 1.0))
        return [problem] if problem else []

    def _run(self, snippet: str, rows: Sequence[bytes], seconds: float) -> Ran:
        source = snippet.encode(errors="replace")
        if len(source) > MOST_SNIPPET:
            return Ran([], unfit=Problem(f"a snippet may have {MOST_SNIPPET >> 10} KB, this one has more"))
        with self._turn:
            return self._started().run(source, rows, seconds)

    def _started(self) -> Jail:
        if self._jail and self._jail.is_alive():
            return self._jail
        try:
            return self._start()
        except SandboxOff:  # killed as it started, perhaps: a machine that cannot run one says so again
            return self._start()

    def _start(self) -> Jail:
        self.close()
        try:
            self._jail = Jail(self._python)
        except SandboxOff as problem:
            self.report = off(str(problem))
            raise
        self.report = self_test(self._jail)
        if not self.report.active:
            self.close()
            raise SandboxOff(" ".join(self.report.reasons))
        return self._jail


def _batch(rows: Sequence[Mapping[str, Any]], start: int) -> tuple[list[bytes], str]:
    """The next rows as JSON; where the first of them cannot be given to an evaluator, none and the reason."""
    batch, size = [], 0
    for row in rows[start : start + ROWS]:
        try:
            data = orjson.dumps(row)
        except TypeError as problem:
            return batch, f"The record cannot be given to an evaluator: {problem}."
        if len(data) > MOST_ROW:
            return batch, f"The record has {len(data) >> 20} MB; an evaluator takes {MOST_ROW >> 20} MB."
        size += len(data)
        if batch and size > BYTES:
            break
        batch.append(data)
    return batch, ""


def _unfit(ran: Ran) -> Problem | None:
    if ran.died and not ran.loaded:
        return Problem(f"the snippet {ran.died} while it was loaded")
    return ran.unfit
