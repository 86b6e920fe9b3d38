"""What the re-score dialog says, read; and the estimate that it shows."""

from dataclasses import dataclass

from django import forms
from django.http import QueryDict

from evalhub.models import Project, User
from records.filterlang import FilterError
from records.search import SearchTimeout
from records.selection import Selection, SelectionProblem, read_selection
from scoring.models import Evaluator, RunMode
from scoring.runs.estimate import Estimate, estimate
from scoring.runs.starting import RunProblem, evaluators_named

ERRAND_SECONDS = 30.0  # of a worker, where the page's own moment was too short


class RescoreForm(forms.Form):
    mode = forms.ChoiceField(choices=RunMode.choices, initial=RunMode.ALL)
    limit = forms.IntegerField(required=False, min_value=1, max_value=2_000_000_000, label="Only the newest")


@dataclass(frozen=True, slots=True)
class Expected:
    """What it would take; or why that cannot be told, in words."""

    estimate: Estimate | None = None
    problem: str = ""


def read(data: QueryDict, project: Project, user: User) -> tuple[Selection, list[Evaluator], RescoreForm]:
    """Raises SelectionProblem, RunProblem."""
    form = RescoreForm(data)
    if not form.is_valid():
        raise RunProblem(" ".join(f"{name}: {' '.join(errors)}" for name, errors in form.errors.items()))
    return read_selection(data, project, user), evaluators_named(project, data.getlist("evaluator")), form


def expected(data: QueryDict, project: Project, user: User, seconds: float) -> Expected:
    """In about so many seconds."""
    try:
        selection, evaluators, form = read(data, project, user)
        return Expected(estimate(selection, evaluators, **form.cleaned_data, seconds=seconds))
    except (SelectionProblem, RunProblem, SearchTimeout) as problem:
        return Expected(problem=str(problem))
    except FilterError as error:
        return Expected(problem=error.message)
