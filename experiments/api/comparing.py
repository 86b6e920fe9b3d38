"""Calls that compare experiments and judge one against its baseline."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent
from evalhub.models import Scope
from evalhub.openapi import CONFLICT, example
from experiments.comparison.asked import Asked, BadComparison, asked_of
from experiments.comparison.exporting import lines_of
from experiments.comparison.reading import side_of
from experiments.gate.conditions import HELP, BadCondition, BadGroups
from experiments.gate.outcomes import EXIT_CODES, NotReady
from experiments.models import Experiment, Gate
from records.api.schemas import Strict
from records.export import begun

router = Router(tags=["experiments"])
gates = Router(tags=["experiments"])
MOST_CASES = 200  # of each list
TOGETHER = "What cases belong together by, so that they count as one: split, thread or metadata.<key>."


class CompareIn(Schema):
    ids: str = Field(
        description="Slugs of two to five experiments with commas between; the first is the baseline.",
        json_schema_extra={"example": "support-v14,support-v15"},
    )
    margin: str = Field("", description="Points within which there is no difference; 2 unless said, 0 for none.")
    together: str = Field("", description=TOGETHER)


class LineOut(Schema):
    """One metric against the baseline. Pass rates are shares; `change` is this one's less the baseline's."""

    metric: str
    of: Literal["passes", "mean"]
    verdict: str
    words: str
    n: int
    missing: int = Field(description="Matched cases without a value on a side.")
    baseline: float | None
    value: float | None
    change: float | None
    low: float | None = Field(description="End of the 95 % interval.")
    high: float | None
    p: float | None = Field(description="Adjusted for the number of metrics (Holm).")
    more_cases: int | None
    regressions: int
    improvements: int
    method: str


class CaseOut(Schema):
    case_id: str
    changes: dict[str, tuple[float, float]]


class VersusOut(Schema):
    experiment: str
    cases: int
    only_baseline: int
    only_experiment: int
    metrics: list[LineOut]
    took: dict[str, dict[str, Any]] = Field(description="Latency in seconds, cost in USD and tokens, a case.")
    regressions: list[CaseOut] = Field(description=f"The heaviest first, at most {MOST_CASES}.")
    improvements: list[CaseOut]
    warnings: list[str]


class CompareOut(Schema):
    baseline: str
    margin: float | None
    experiments: list[VersusOut]


class GateIn(Strict):
    model_config = example(
        {"experiment": "support-v15", "baseline": "support-v14", "metrics": ["correct:margin=0.02", "cost:max=+10%"]}
    )
    experiment: str = Field(description="Slug.")
    baseline: str | None = Field(None, description="Slug; the experiment's own baseline unless said.")
    metrics: list[str] = Field(description=f"Conditions. {HELP}")
    missing: Literal["fail", "ignore"] = "fail"
    together: str = Field("", description=TOGETHER)


class CheckOut(Schema):
    asked: str
    title: str
    outcome: Literal["pass", "fail", "inconclusive"]
    words: str
    n: int
    missing: int
    before: float | None
    after: float | None
    change: float | None
    low: float | None
    high: float | None
    p: float | None
    method: str


class GateOut(Schema):
    """`exit_code` is what `manage.py gate` would end with."""

    id: int
    experiment: str
    baseline: str
    outcome: Literal["pass", "fail", "inconclusive"]
    exit_code: int
    missing: str
    together: str
    checks: list[CheckOut]
    warnings: list[str] = Field(description="What makes the two less comparable than they look.")
    by: str
    created_at: datetime


def gate_json(gate: Gate) -> dict[str, Any]:
    return {
        "id": gate.pk, "experiment": gate.experiment.slug, "baseline": gate.baseline_slug, "outcome": gate.outcome,
        "exit_code": EXIT_CODES[gate.outcome], "missing": gate.asked["missing"], "together": gate.together,
        "checks": gate.checks, "warnings": gate.warnings, "by": gate.by, "created_at": gate.created_at,
    }  # fmt: skip


@router.get("/compare", response={200: CompareOut}, auth=KeyAuth(Scope.READ))
def experiment_compare(request: HttpRequest, asked: Query[CompareIn]) -> HttpResponse:
    """A verdict for each metric, and the cases that changed. With `Accept: text/csv` or `application/x-ndjson` every
    case instead, a line each: outputs, scores and changes."""
    try:
        found = asked_of(request.project, asked.dict())
        if not found.others:
            raise BadComparison("ids are two experiments at least.")
    except BadComparison as problem:
        raise Problem(400, "invalid", str(problem)) from None
    kind = request.get_preferred_type(["application/json", "text/csv", "application/x-ndjson", "application/jsonl"])
    if kind in (None, "application/json"):
        return answer(comparison_json(found))
    sides = [side_of(one) for one in found.experiments]
    lines = lines_of(request.project.pk, sides, "csv" if kind == "text/csv" else "jsonl")
    return StreamingHttpResponse(begun(lines), content_type=f"{kind}; charset=utf-8")


def comparison_json(asked: Asked) -> dict[str, Any]:
    from experiments.comparison.verdicts import compare  # numpy and scipy: only where they are needed

    read = asked.read()
    found = [compare(read.first, other, margin=asked.margin, clusters=read.clusters) for other in read.others]
    return {
        "baseline": asked.first.slug,
        "margin": asked.margin,
        "experiments": [
            {
                "experiment": versus.second.slug, "cases": len(versus.match.pairs),
                "only_baseline": len(versus.match.only_first), "only_experiment": len(versus.match.only_second),
                "metrics": [_line_json(line) for line in versus.lines],
                "took": {one.what: _took_json(one) for one in versus.took},
                "regressions": [_case_json(case) for case in versus.regressions[:MOST_CASES]],
                "improvements": [_case_json(case) for case in versus.improvements[:MOST_CASES]],
                "warnings": versus.warnings,
            }
            for versus in found
        ],
    }  # fmt: skip


def _line_json(line: Any) -> dict[str, Any]:
    found, change = line.found, line.found.change
    return {
        "metric": line.measure.key, "of": line.kind, "verdict": str(line.decision.verdict),
        "words": line.decision.words,
        "n": found.n, "missing": line.missing, "baseline": found.first, "value": found.second, "change": change.value,
        "low": change.low, "high": change.high, "p": line.adjusted, "more_cases": line.decision.more,
        "regressions": line.regressions, "improvements": line.improvements, "method": found.method,
    }  # fmt: skip


def _took_json(took: Any) -> dict[str, Any]:
    change = took.found.change
    return {
        "n": took.found.n, "baseline": took.found.first, "value": took.found.second, "change": change.value,
        "low": change.low, "high": change.high, "verdict": str(took.decision.verdict),
    }  # fmt: skip


def _case_json(case: Any) -> dict[str, Any]:
    return {
        "case_id": case.first,
        "changes": {one.measure.key: (one.before, one.after) for one in case.changes if one.by},
    }


@gates.post("", response={200: GateOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
@idempotent
def gate(request: HttpRequest, body: GateIn) -> HttpResponse:
    """Judges an experiment and stores the outcome. 409 while one of the two is not over."""
    from experiments.gate.judging import judge  # numpy and scipy: only where they are needed

    experiment = _named(request, body.experiment, "experiment")
    baseline = _named(request, body.baseline, "baseline") if body.baseline else experiment.baseline
    if baseline is None:
        raise Problem(400, "invalid", f"{experiment.slug} has no baseline of its own.", [("baseline", "is needed")])
    try:
        made = judge(
            experiment, baseline, body.metrics, f"key {request.api_key.name}", missing=body.missing,
            together=body.together,
        )  # fmt: skip
    except BadCondition as problem:
        field = "together" if isinstance(problem, BadGroups) else "metrics"
        raise Problem(400, "invalid", str(problem), [(field, str(problem))]) from None
    except NotReady as problem:
        raise Problem(409, "not_ready", str(problem)) from None
    return answer(gate_json(made))


def _named(request: HttpRequest, slug: str, field: str) -> Experiment:
    found = Experiment.objects.filter(project=request.project, slug=slug).select_related("dataset", "baseline__dataset")
    if (one := found.first()) is None:
        raise Problem(400, "invalid", f"There is no experiment {slug!r}.", [(field, "is unknown")])
    return one
