"""What the sandbox says of a row, as a verdict."""

from scoring.sandbox import RowOutcome
from scoring.verdicts import Verdict, completed, errored, skipped


def verdict_of(outcome: RowOutcome) -> Verdict:
    facts = {"output": outcome.output or None, "duration_ms": outcome.duration_ms}
    if outcome.error is not None:
        return errored(outcome.error, **facts)
    if outcome.skipped is not None:
        return skipped(outcome.skipped or outcome.reasoning or "The evaluator declined.", **facts)
    return completed(outcome.value, outcome.reasoning, **facts)
