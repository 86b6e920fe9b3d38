"""Starting a scoring run: which evaluators, on what, and whether this person may."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project, Role, User
from records.cells import money
from records.selection import Selection
from scoring.models import (
    Evaluator,
    EvaluatorType,
    EvaluatorVersion,
    RunEvaluator,
    RunKind,
    RunMode,
    ScoringRun,
)
from scoring.runs import ringing
from scoring.runs.planning import plan

MOST_EVALUATORS = 50
AT_ONCE_SECONDS = 0.5  # of planning before the answer, so that the cells of a few records show it at once


class RunProblem(ValueError):
    """A run that cannot be started, in words for who asked. Nothing was done."""


def machine_evaluators(project: Project):
    """Those that a run can use, with metric and current version."""
    return (
        Evaluator.objects.filter(project=project, archived_at=None, metric__archived_at=None)
        .exclude(type=EvaluatorType.HUMAN)
        .exclude(current=None)
        .select_related("metric", "current")
        .order_by("metric__name", "metric_id", "name", "id")
    )


def evaluators_named(project: Project, slugs: Sequence[str]) -> list[Evaluator]:
    """In the order of the project. Raises RunProblem."""
    found = list(machine_evaluators(project).filter(slug__in=slugs))
    for slug in dict.fromkeys(slugs):
        if slug not in {evaluator.slug for evaluator in found}:
            raise RunProblem(_why_not(project, slug))
    if not found:
        raise RunProblem("Choose at least one evaluator.")
    if len(found) > MOST_EVALUATORS:
        raise RunProblem(f"At most {MOST_EVALUATORS} evaluators in one run.")
    return found


def _why_not(project: Project, slug: str) -> str:
    evaluator = Evaluator.objects.filter(project=project, slug=slug).first()
    if evaluator is None:
        return f"The project has no evaluator {slug[:100]!r}."
    if evaluator.type == EvaluatorType.HUMAN:
        return f"{slug} is scored by people: request a review instead (Review in the bulk bar)."
    return f"The evaluator {slug}, or its metric, is archived."


def start_run(
    selection: Selection,
    evaluators: Sequence[Evaluator],
    by: User | str,
    role: Role = Role.EDITOR,
    *,
    mode: str = RunMode.ALL,
    limit: int | None = None,
    estimate: dict[str, Any] | None = None,
    kind: str = RunKind.RESCORE,
    at_once: bool = True,
) -> ScoringRun:
    """A run over the selection with the evaluators as they are now. The first records of a selection by hand are
    planned before this returns, unless `at_once` is False: an outer transaction must not hold them.

    `limit` takes the newest. A reviewer's run pauses at the project's cost limit, and is refused where the estimate
    (`cost` in USD) is above it and not a rough guess. Raises RunProblem.
    """
    if not evaluators:
        raise RunProblem("Choose at least one evaluator.")
    if limit is not None and limit < 1:
        raise RunProblem("The limit is a number of records, from 1.")
    project, search = selection.project, selection.search
    run = ScoringRun(
        project=project, kind=kind, mode=mode, limit=limit, estimate=estimate or {}, words=_words(selection, limit)
    )
    if search is None:
        run.ids = sorted(set(selection.ids))
    else:
        run.filter, run.all_spans, run.ceiling = selection.text, selection.all_spans, search.ceiling
        run.zone, run.created_at = str(search.zone), search.now
    return _planned(begin(run, versions_now(evaluators), by, role), at_once)


def retry_errored(run: ScoringRun, by: User | str, role: Role = Role.EDITOR) -> ScoringRun:
    """A new run of those scores of this one that errored and were not tried again since, with the evaluators' versions
    of now. Raises RunProblem."""
    if not run.is_over:
        raise RunProblem("The run is still at work: what errored can be tried again when it is over.")
    if not run.errored:
        raise RunProblem("Nothing has errored in this run.")
    if run.kind == RunKind.EXPERIMENT:
        raise RunProblem("This is the scoring of an experiment: retry on its page, with the versions frozen for it.")
    slugs = run.evaluators.values_list("version__evaluator__slug", flat=True)
    usable = list(machine_evaluators(run.project).filter(slug__in=list(slugs)))
    if not usable:
        raise RunProblem("The evaluators of this run are archived.")
    words = f"what errored in run {run.number}"
    retry = ScoringRun(project=run.project, kind=RunKind.RETRY, retry_of=run, words=words)
    return _planned(begin(retry, versions_now(usable), by, role))


def versions_now(evaluators: Sequence[Evaluator]) -> list[EvaluatorVersion]:
    """Their current versions, each knowing its evaluator."""
    for evaluator in evaluators:
        evaluator.current.evaluator = evaluator
    return [evaluator.current for evaluator in evaluators]


def begin(run: ScoringRun, versions: Sequence[EvaluatorVersion], by: User | str, role: Role) -> ScoringRun:
    """Gives the run its number and its evaluators; nothing is planned yet. Raises RunProblem."""
    run.user, run.by = (by, str(by)) if isinstance(by, User) else (None, by)
    if role < Role.EDITOR:
        run.cost_limit = run.project.reviewer_cost_limit
        cost = run.estimate.get("cost")
        if cost is not None and not run.estimate.get("rough") and Decimal(str(cost)) > run.cost_limit:
            limit = money(run.cost_limit)
            raise RunProblem(f"A reviewer may spend {limit} in one run: narrow the filter, or ask an editor.")
    with transaction.atomic():
        # One number after the other; records that refer to the project do not wait for this lock.
        Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
        last = ScoringRun.objects.filter(project=run.project).aggregate(last=Max("number"))["last"]
        run.number = (last or 0) + 1
        run.started_at = timezone.now()
        run.save()
        RunEvaluator.objects.bulk_create(RunEvaluator(run=run, version=version) for version in versions)
        audit.note(
            run.project, by, f"run.{run.kind}", run.number, words=run.words, filter=run.filter, mode=run.mode,
            evaluators=[str(version) for version in versions],
        )  # fmt: skip
    return run


def _planned(run: ScoringRun, at_once: bool = True) -> ScoringRun:
    """With the first records of a selection by hand planned, and a planner rung for where it is a filter's."""
    if run.ids is not None and at_once:
        plan(run.pk, AT_ONCE_SECONDS)
    else:
        ringing.ring_planner(run.pk)
    run.refresh_from_db()
    return run


def _words(selection: Selection, limit: int | None) -> str:
    words = selection.words()
    if limit is None or selection.search is None:
        return words
    return f"the newest {limit:,} of {words}"
