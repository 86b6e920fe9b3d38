"""What an experiment will take, before it begins: calls, tokens, cost and time of the outputs, and of judging them."""

from dataclasses import dataclass, field
from decimal import Decimal
from statistics import fmean
from typing import Any

from django.db.models.functions import Lower

from evalhub.models import Project
from experiments.models import Workflow
from experiments.running.checking import Checked
from records.filterlang import FilterError
from records.models import Kind, Record
from records.search import SearchTimeout
from records.selection import Selection
from scoring.runs.estimate import UNKNOWN_CALL_MS, Line, line_of

LAST_CALLS = 200  # of the model in this project, whose mean answer is taken
COUNT_SECONDS = 2.0


@dataclass(slots=True)
class Estimate:
    """`exact` False: at least so many rows. Costs in USD, None where a price is not known; `calls`, `tokens_in`,
    `tokens_out` and `cost` are of making the outputs, `lines` of judging them."""

    rows: int
    exact: bool = True
    cases: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal | None = Decimal(0)
    seconds: float = 0.0
    lines: list[Line] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def judging_calls(self) -> int:
        return sum(line.calls for line in self.lines)

    @property
    def judging_cost(self) -> Decimal | None:
        totals = [line.total for line in self.lines]
        return None if None in totals else sum(totals, Decimal(0))

    @property
    def all_seconds(self) -> float:
        return self.seconds + sum(line.calls * line.milliseconds for line in self.lines) / 1000

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows, "exact": self.exact, "cases": self.cases, "calls": self.calls,
            "tokens_in": self.tokens_in, "tokens_out": self.tokens_out, "cost": _number(self.cost),
            "judging_calls": self.judging_calls, "judging_cost": _number(self.judging_cost),
            "seconds": round(self.all_seconds, 1), "warnings": self.warnings,
        }  # fmt: skip


def _number(cost: Decimal | None) -> float | None:
    return None if cost is None else float(round(cost, 6))


def estimate(checked: Checked, records: Selection | None = None) -> Estimate:
    experiment = checked.experiment
    if experiment.workflow == Workflow.EXISTING:
        rows, exact = _counted(records)
        found = Estimate(rows, exact, warnings=list(checked.warnings))
    else:
        found = Estimate(checked.rows, cases=checked.cases, warnings=list(checked.warnings))
    if checked.call is not None:
        _of_calls(found, checked)
    for version in checked.versions:
        line = line_of(experiment.project_id, version.evaluator)
        line.calls = found.rows
        found.lines.append(line)
    return found


def _counted(records: Selection | None) -> tuple[int, bool]:
    if records is None:
        return 0, True
    try:
        counted = records.count(COUNT_SECONDS)
    except (SearchTimeout, FilterError):
        return 0, False
    return counted.n, counted.kind == "exact"


def _of_calls(found: Estimate, checked: Checked) -> None:
    """The answer's length and time from the model's last calls in the project, else from its bound, else a guess."""
    from scoring.judge import cost_of  # aiohttp: only where there is something to estimate
    from scoring.llm import ANSWER_TOKENS, CHARS_PER_TOKEN, Reply

    call = checked.call
    tokens_out, milliseconds = _last_answers(checked.experiment.project, call.model)
    if tokens_out is None:
        tokens_out = float(call.options.get("max_tokens") or ANSWER_TOKENS)
    found.calls = found.rows
    found.tokens_in = round(found.rows * checked.chars / CHARS_PER_TOKEN)
    found.tokens_out = round(found.rows * tokens_out)
    at_once = min(checked.experiment.concurrency, call.config.concurrency)
    found.seconds = found.calls * milliseconds / 1000 / at_once
    one = Reply(
        "", None, "", "stop", call.model, round(checked.chars / CHARS_PER_TOKEN), round(tokens_out),
    )  # fmt: skip
    each = cost_of(call.config, call.model, one)
    found.cost = None if each is None else each * found.calls
    if found.cost is None:
        found.warnings.append(f"The price of {call.model} is not known: its cost cannot be told.")


def _last_answers(project: Project, model: str) -> tuple[float | None, float]:
    """Mean (tokens, milliseconds) of an answer."""
    calls = Record.objects.filter(project=project, kind=Kind.LLM, error="", tokens_out__gt=0)
    calls = calls.annotate(named=Lower("model")).filter(named=model.lower()).order_by("-created_at", "-id")
    found = list(calls.values_list("tokens_out", "latency_ms")[:LAST_CALLS])
    if not found:
        return None, UNKNOWN_CALL_MS
    return fmean(tokens for tokens, _ in found), fmean(ms or 0 for _, ms in found)
