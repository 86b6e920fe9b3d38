"""Test rule: what it would do, counted turn by turn, and real scores for a few records, stored nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from evalhub import errands
from evalhub.access import project_page
from evalhub.models import Project, Role
from records.filterlang import FilterError
from records.models import Metric, Outcome, Rank, Record, ScoreStatus
from records.previews import previews
from records.search import SearchTimeout
from records.views.bulk import refused
from scoring.models import Evaluator, Rule
from scoring.rules import testing, trying
from scoring.rules.expected import lines_of, total
from scoring.rules.testing import BadTally, Tally
from scoring.runs.starting import machine_evaluators
from scoring.views.rule_form import RuleForm, Unfinished, draft_of, problem_of

PREVIEW_CHARS = 160


@dataclass(frozen=True, slots=True)
class Drawn:
    """A record that would be scored: its name, or the beginning of its inputs."""

    id: UUID
    words: str


@never_cache
@project_page("POST", role=Role.EDITOR)
def rule_test(request: HttpRequest, project: Project) -> HttpResponse:
    """One turn of a test of what the form says; `tally` is what the last turn answered. Stores nothing."""
    form = RuleForm(project, request.POST)
    form.is_valid()
    if problem := problem_of(project, form["filter"].value() or ""):
        return _shown(request, {"problem": f"Filter: {problem.message} (at character {problem.place})"})
    try:
        rule, evaluators = draft_of(form)
        rule.salt = _salt(request, project) or rule.salt
        sent = request.POST.get("tally")
        tally = testing.read_tally(sent) if sent else testing.begin(rule)
        tally = testing.go_on(project, rule, tally, testing.TURN_SECONDS)
    except (Unfinished, BadTally, SearchTimeout) as problem:
        return _shown(request, {"problem": str(problem)})
    except FilterError as error:
        return _shown(request, {"problem": error.message})
    return _shown(request, _context(project, rule, evaluators, tally))


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def rule_trial(request: HttpRequest, project: Project) -> HttpResponse:
    """POST: has the ticked `records` scored by the `evaluators`. GET: what has come of that `errand`."""
    if request.method == "POST":
        return _begin(request, project)
    found = errands.outcome(request.GET.get("errand", ""), request.user)
    if not found.done:
        return HttpResponse(status=204)
    context = {"problem": found.problem, "rows": _rows(project, found.value or ())}
    return render(request, "scoring/_rule_trial.html", context)


def _begin(request: HttpRequest, project: Project) -> HttpResponse:
    """A worker makes them; where there is none, nobody is to wait for models in a web process."""
    ids = [id for text in request.POST.getlist("records") if (id := _uuid(text))][: trying.MOST_RECORDS]
    chosen = [int(pk) for pk in request.POST.getlist("evaluators") if pk.isdecimal() and len(pk) < 19]
    versions = list(machine_evaluators(project).filter(pk__in=chosen).values_list("current_id", flat=True))
    if not ids:
        return refused("Tick at least one record.")
    if not versions:
        return refused("Choose at least one evaluator.")
    errand = errands.begin("scoring.jobs.try_rule", request.user, project.pk, versions, ids)
    if errand is None:
        return refused("No worker is running: nothing can be scored.")
    return render(request, "scoring/_rule_trial.html", {"errand": errand})


def _shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, "scoring/_rule_test.html", context)


def _context(project: Project, rule: Rule, evaluators: list[Evaluator], tally: Tally) -> dict[str, Any]:
    context: dict[str, Any] = {"rule": rule, "tally": tally, "funnel": tally.funnel, "evaluators": evaluators}
    if not tally.done:
        return context
    each = total(lines_of(project, evaluators, tally.drawn))
    return context | {
        "calls": tally.sampled * len(evaluators), "cost": None if each is None else each * tally.sampled, "each": each,
        "drawn": _drawn(project, tally), "at_once": trying.MOST_RECORDS,
    }  # fmt: skip


def _drawn(project: Project, tally: Tally) -> list[Drawn]:
    ids = list(tally.drawn)
    names = dict(Record.objects.filter(project=project, id__in=ids).values_list("id", "name"))
    begun = previews(project.id, ids, [("inputs",)], PREVIEW_CHARS)
    return [Drawn(id, begun.get(id, {}).get(("inputs",)) or names[id] or str(id)) for id in ids if id in names]


def _rows(project: Project, said: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By record, each with its scores as cells show them."""
    metrics = Metric.objects.filter(project=project).in_bulk({one["metric_id"] for one in said})
    ids = list(dict.fromkeys(UUID(one["record"]) for one in said))
    drawn = {one.id: one for one in _drawn(project, SimpleNamespace(drawn=ids))}
    return [
        {
            "record": drawn[id],
            "scores": [
                {"metric": metrics[one["metric_id"]], "score": _score(one), "said": one}
                for one in said
                if one["record"] == str(id) and one["metric_id"] in metrics
            ],
        }
        for id in ids
        if id in drawn
    ]


def _score(said: dict[str, Any]) -> SimpleNamespace:
    """Like a stored score, for the cell that shows one."""
    outcomes = {ScoreStatus.ERRORED: Outcome.ERRORED, ScoreStatus.SKIPPED: Outcome.SKIPPED}
    passed = {True: Outcome.PASS, False: Outcome.FAIL, None: Outcome.NONE}
    outcome = outcomes.get(said["status"], passed[said.get("passed")])
    return SimpleNamespace(**{"source": None, "reasoning": "", "rank": Rank.OTHER} | said | {"outcome": outcome})


def _salt(request: HttpRequest, project: Project) -> str:
    """Of the saved rule that is tested, so that the very traces are drawn that it would draw."""
    return dict(Rule.objects.filter(project=project).values_list("slug", "salt")).get(request.POST.get("rule", ""), "")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
