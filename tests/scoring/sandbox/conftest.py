from collections.abc import Callable, Iterator

import pytest

from scoring.sandbox import RowOutcome, Sandbox

SECONDS = 0.1  # a row: what must run out of time does so soon


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        assert sandbox.start().active, sandbox.report.reasons
        yield sandbox


@pytest.fixture
def run(sandbox) -> Callable[..., list[RowOutcome]]:
    """`run(snippet, row, ...)`, or one empty row; the outcomes of all rows."""

    def run(snippet: str, *rows: dict, seconds: float = SECONDS) -> list[RowOutcome]:
        return list(sandbox.run(snippet, rows or [{}], seconds_per_row=seconds))

    return run


@pytest.fixture
def still_well(sandbox):
    """After the test the same sandbox must answer an ordinary evaluator."""
    yield
    (outcome,) = sandbox.run("def evaluate(output): return len(output)", [{"output": "four"}])
    assert outcome.value == 4
