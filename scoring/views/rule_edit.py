"""Making and changing a rule, with what a day of it would take beside the form."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from evalhub.access import project_page
from evalhub.models import Project, Role
from records.filterlang import FilterError, clauses, compares, in_words, joined, parse, to_text
from records.search import SearchTimeout
from records.vocabulary import vocabulary_of
from scoring.models import Rule
from scoring.rules.editing import AFTER_SCORING, save_rule
from scoring.rules.expected import expected
from scoring.views.rule_form import RuleForm, Unfinished, draft_of, filter_context, initial_of

FIRST_RATE = 10  # percent, of a rule that is begun
NOT_OF_RULES = AFTER_SCORING | {"created"}


@project_page("GET", "POST", role=Role.EDITOR)
def rule_new(request: HttpRequest, project: Project) -> HttpResponse:
    """`?q=` and `?spans=all` are the Records page's own: a rule from the filter that is looked at."""
    if request.method == "POST":
        return _save(request, project, None)
    text, left_out = begun_with(project, request.GET.get("q", ""))
    begun = {
        "filter": text, "spans_mode": "all" if request.GET.get("spans") == "all" else "root",
        "scope": "span", "rate": FIRST_RATE, "quiet_seconds": 60,
    }  # fmt: skip
    return _shown(request, RuleForm(project, initial=begun), left_out=left_out)


@project_page("GET", "POST", role=Role.EDITOR)
def rule_edit(request: HttpRequest, project: Project, rule: str) -> HttpResponse:
    found = get_object_or_404(Rule.objects.select_related("project"), project=project, slug=rule)
    if request.method == "POST":
        return _save(request, project, found)
    return _shown(request, RuleForm(project, initial=initial_of(found)), found)


@project_page("POST", role=Role.EDITOR)
def rule_expected(request: HttpRequest, project: Project) -> HttpResponse:
    """What a day of it takes, for a form that may be half filled in. Stores nothing."""
    form = RuleForm(project, request.POST)
    form.is_valid()
    context: dict[str, Any] = filter_context(form)
    if context["error"] is None:
        try:
            context["expected"] = expected(project, *draft_of(form))
        except Unfinished as unfinished:
            context["problem"] = str(unfinished)
        except SearchTimeout as problem:
            context["problem"] = str(problem)
    else:
        context["problem"] = "Mend the filter to see what matches."
    return render(request, "scoring/_rule_expected.html", context)


def _save(request: HttpRequest, project: Project, rule: Rule | None) -> HttpResponse:
    form = RuleForm(project, request.POST)
    if form.is_valid():
        try:
            saved = save_rule(project, request.user, rule=rule, **form.sent())
        except ValidationError as problem:
            form.refuse(problem)
        else:
            messages.success(request, f"{saved.name} is {'at work' if saved.at_work else 'saved, and not enabled'}.")
            return redirect("scoring:rule", project.slug, saved.slug)
    return _shown(request, form, rule, status=422)


def _shown(
    request: HttpRequest, form: RuleForm, rule: Rule | None = None, status: int = 200, left_out: str = ""
) -> HttpResponse:
    context = {"form": form, "rule": rule, "left_out": left_out} | filter_context(form)
    return render(request, "scoring/rule_form.html", context, status=status)


def begun_with(project: Project, text: str) -> tuple[str, str]:
    """A list's filter as a rule's, and in words what of it was left out: a rule looks at what comes, before there are
    scores. What cannot be read stays as it is, and the form says what is wrong with it."""
    try:
        parts = clauses(parse(text, vocabulary_of(project)))
    except FilterError:
        return text, ""
    out = [
        part for part in parts if any(compare.field.text.split(".")[0] in NOT_OF_RULES for compare in compares(part))
    ]
    if not out:
        return text, ""
    return to_text(joined(*(part for part in parts if part not in out))), in_words(joined(*out))
