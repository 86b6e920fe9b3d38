"""Calls on online scoring rules: CRUD, what one would do, and scoring past records by it; named by their slugs."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field, FiniteFloat

from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent
from evalhub.models import Role, Scope
from evalhub.openapi import CONFLICT, example
from records.api.schemas import Strict
from records.filterlang import FilterError
from records.search import SearchTimeout
from scoring.api.evaluators import actor
from scoring.api.runs import EstimateOut, RunOut, run_json
from scoring.models import Evaluator, Rule, RuleScope, RunMode, SpansMode
from scoring.rules.editing import delete_rule, save_rule
from scoring.rules.funnel import Funnel, Standing, standings
from scoring.rules.past import FIRST_LIMIT, estimate_past, score_past
from scoring.runs.starting import RunProblem

router = Router(tags=["rules"])
TERMS = (
    "filter", "spans_mode", "span_names", "scope", "quiet_seconds", "rate", "include_experiments", "judge_again",
    "enabled", "budget_calls_day",
)  # fmt: skip


FACTS = ("slug", "name", "description", "paused_reason", "version", "created_by", "created_at", "enabled_at")


class RuleChange(Strict):
    """Only what is named changes."""

    model_config = example({"rate": 0.5, "budget_usd_day": 20})
    name: str | None = None
    description: str | None = None
    evaluators: list[str] | None = Field(None, description="Slugs; each scores in its present version.")
    filter: str | None = Field(None, description='As on the Records page, of what a record itself holds; "": all.')
    spans_mode: SpansMode | None = Field(None, description="root, named (by span_names) or all.")
    span_names: list[str] | None = None
    scope: RuleScope | None = Field(None, description="span, or trace: the whole of it, once it is quiet.")
    quiet_seconds: int | None = None
    rate: FiniteFloat | None = Field(None, description="Share of traces that are drawn, 0 to 1.")
    budget_usd_day: Decimal | None = Field(None, description="USD a day (UTC); null: no limit.")
    budget_calls_day: int | None = Field(None, description="Evaluations a day (UTC); null: no limit.")
    include_experiments: bool | None = Field(None, description="Records of experiments and of the playground too.")
    judge_again: bool | None = None
    enabled: bool | None = None


class RuleIn(RuleChange):
    model_config = example(
        {
            "name": "Live answers",
            "evaluators": ["correct"],
            "filter": "environment:production",
            "spans_mode": "root",
            "rate": 0.1,
            "budget_usd_day": 5,
            "enabled": True,
        }
    )
    name: str
    evaluators: list[str]
    rate: FiniteFloat = 0.1


class FunnelOut(Schema):
    """Up to `planned` in records, the rest in scores."""

    seen: int
    spans: int
    filter: int
    sampled: int
    planned: int
    over_budget: int
    changed: int
    unchanged: int
    calls: int
    completed: int
    errored: int
    skipped: int
    cost: float = Field(description="USD, of the calls whose price is known.")


class RuleOut(Schema):
    slug: str
    name: str
    description: str
    evaluators: list[str]
    filter: str
    spans_mode: SpansMode
    span_names: list[str]
    scope: RuleScope
    quiet_seconds: int
    rate: float
    budget_usd_day: float | None
    budget_calls_day: int | None
    include_experiments: bool
    judge_again: bool
    enabled: bool
    paused_reason: str = Field(description="Why EvalHub has stopped it; empty: it has not.")
    version: int
    created_by: str
    created_at: datetime
    enabled_at: datetime | None
    last_24_hours: FunnelOut
    last_7_days: FunnelOut
    spent_today: float = Field(description="USD since midnight UTC.")
    pending: int
    pending_since: datetime | None


class RuleList(Schema):
    items: list[RuleOut]
    next_cursor: str | None = None


class PastIn(Strict):
    model_config = example({"limit": 1000, "dry_run": True})
    limit: int | None = Field(FIRST_LIMIT, ge=1, le=2**31 - 1, description="The newest so many; null: all that match.")
    mode: RunMode = Field(
        RunMode.STALE, description="stale: only where the present version has no value for what the record holds now."
    )
    dry_run: bool = Field(False, description="Answers the estimate alone, and starts nothing.")


class PastOut(Schema):
    estimate: EstimateOut | None = None
    run: RunOut | None = None


def rule_json(rule: Rule, standing: Standing) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in (*FACTS, *TERMS)} | {
        "evaluators": [evaluator.slug for evaluator in rule.evaluators.all()],
        "budget_usd_day": None if rule.budget_usd_day is None else float(rule.budget_usd_day),
        "last_24_hours": funnel_json(standing.day),
        "last_7_days": funnel_json(standing.week),
        "spent_today": float(standing.spent),
        "pending": standing.pending,
        "pending_since": standing.oldest,
    }


def funnel_json(funnel: Funnel) -> dict[str, Any]:
    return {name: funnel.counts.get(name, 0) for name in FunnelOut.model_fields} | {"cost": float(funnel.cost)}


@router.get("", response={200: RuleList}, auth=KeyAuth(Scope.READ))
def rule_list(request: HttpRequest) -> HttpResponse:
    """All rules by name, each with what became of the records that passed by."""
    rules = list(_rules(request))
    found = standings(request.project.id, rules, timezone.now()) if rules else {}
    return answer({"items": [rule_json(rule, found[rule.pk]) for rule in rules], "next_cursor": None})


@router.post("", response={201: RuleOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
@idempotent
def rule_create(request: HttpRequest, body: RuleIn) -> HttpResponse:
    """A new rule. It says its `spans_mode`, unless it judges whole traces; it is at work only with `enabled`."""
    return answer(_json(request, _saved(request, None, body).slug), 201)


@router.get("/{slug}", response={200: RuleOut}, auth=KeyAuth(Scope.READ))
def rule_get(request: HttpRequest, slug: str) -> HttpResponse:
    """One rule, with what became of the records that passed by."""
    return answer(_json(request, slug))


@router.patch("/{slug}", response={200: RuleOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
def rule_change(request: HttpRequest, slug: str, body: RuleChange) -> HttpResponse:
    """Changes what the body names, as a new version. `enabled` pauses it, and starts it again where it was stopped."""
    _saved(request, found(request, slug), body)
    return answer(_json(request, slug))


@router.delete("/{slug}", response={204: None}, auth=KeyAuth(Scope.WRITE))
def rule_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Deletes the rule, its versions and counts. Its scores stay, and bear its name."""
    delete_rule(found(request, slug), actor(request))
    return HttpResponse(status=204)


@router.post("/{slug}/score-past", response={200: PastOut, 202: PastOut}, auth=KeyAuth(Scope.WRITE))
@idempotent
def rule_score_past(request: HttpRequest, slug: str, body: PastIn) -> HttpResponse:
    """Scores records that are there already, the newest that match first, as a scoring run (202). Its sampling rate and
    its daily budget do not apply. `dry_run` answers what it would take (200)."""
    rule = found(request, slug)
    try:
        if body.dry_run:
            expected = estimate_past(rule, None, UTC, body.mode, body.limit)
            return answer({"estimate": expected.as_json(), "run": None})
        run = score_past(rule, actor(request), Role.EDITOR, UTC, mode=body.mode, limit=body.limit)
    except (RunProblem, SearchTimeout) as problem:
        raise Problem(400, "invalid", str(problem)) from None
    return answer({"estimate": None, "run": run_json(run)}, 202)


def found(request: HttpRequest, slug: str) -> Rule:
    rule = _rules(request).filter(slug=slug).first()
    if rule is None:
        raise Http404("The project has no such rule.")
    return rule


def evaluators_named(request: HttpRequest, slugs: list[str]) -> list[Evaluator]:
    """Raises ValidationError by the field."""
    there = Evaluator.objects.filter(project=request.project, slug__in=slugs).select_related("metric", "current")
    by_slug = {evaluator.slug: evaluator for evaluator in there}
    if unknown := [slug for slug in slugs if slug not in by_slug]:
        raise ValidationError({"evaluators": f"The project has no evaluator {unknown[0][:100]!r}."})
    return [by_slug[slug] for slug in dict.fromkeys(slugs)]


def fields_of(request: HttpRequest, body: RuleChange) -> dict[str, Any]:
    """What the body names, as `save_rule` takes it; null means no limit for a budget, and elsewhere nothing."""
    sent = body.dict(exclude_unset=True, include=set(RuleChange.model_fields))
    sent = {name: value for name, value in sent.items() if value is not None or name.startswith("budget_")}
    if "rate" not in sent and isinstance(body, RuleIn):
        sent["rate"] = body.rate
    if "evaluators" in sent:
        sent["evaluators"] = evaluators_named(request, sent["evaluators"])
    return sent


def filter_problem(problem: ValidationError) -> FilterError | None:
    """The filter's own error, which has a position."""
    for error in getattr(problem, "error_dict", {}).get("filter", []):
        for inner in error.error_list:
            if inner.code == "filter":
                return inner.params["error"]
    return None


def _saved(request: HttpRequest, rule: Rule | None, body: RuleChange) -> Rule:
    try:
        return save_rule(request.project, actor(request), rule=rule, **fields_of(request, body))
    except ValidationError as problem:
        if error := filter_problem(problem):
            fields = [("filter", error.message)]
            raise Problem(400, "invalid_filter", error.message, fields, pos=error.pos, end=error.end) from None
        raise
    except IntegrityError:  # somebody else was faster
        message = "The project has a rule of this name."
        raise Problem(409, "conflict", message, [("name", message)]) from None


def _json(request: HttpRequest, slug: str) -> dict[str, Any]:
    rule = found(request, slug)
    return rule_json(rule, standings(rule.project_id, [rule], timezone.now())[rule.pk])


def _rules(request: HttpRequest):
    return Rule.objects.filter(project=request.project).select_related("project").prefetch_related("evaluators")
