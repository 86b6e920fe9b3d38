"""Online scoring rules: the list, one rule with its funnel and its versions, and what people do to one."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from evalhub import htmx
from evalhub.access import project_page
from evalhub.models import Project, Role
from records.filterlang import FilterError, in_words, parse
from records.vocabulary import vocabulary_of
from scoring.models import Rule
from scoring.rules.editing import delete_rule, set_enabled
from scoring.rules.funnel import standings
from scoring.rules.history import versions_page
from scoring.rules.notices import notices_of
from scoring.tables import RuleTable
from scoring.views.evaluators import list_url
from scoring.views.rule_form import saved_fields

VERSIONS = 20


@never_cache
@project_page("GET")
def rule_list(request: HttpRequest, project: Project) -> HttpResponse:
    rules = list(Rule.objects.filter(project=project).prefetch_related("evaluators"))
    found = standings(project.id, rules, timezone.now()) if rules else {}
    rows = [{"rule": rule, "standing": found[rule.pk]} for rule in rules]
    context = {"table": RuleTable(rows, request=request) if rows else None, "may_edit": request.role >= Role.EDITOR}
    return render(request, "scoring/rules.html", context)


@never_cache
@project_page("GET")
def rule(request: HttpRequest, project: Project, rule: str) -> HttpResponse:
    found = _found(project, rule)
    return htmx.render_page(request, "scoring/rule.html", "numbers", _context(request, found))


@project_page("POST", role=Role.EDITOR)
def rule_enable(request: HttpRequest, project: Project, rule: str) -> HttpResponse:
    return _set(request, _found(project, rule), True)


@project_page("POST", role=Role.EDITOR)
def rule_pause(request: HttpRequest, project: Project, rule: str) -> HttpResponse:
    return _set(request, _found(project, rule), False)


@project_page("POST", role=Role.EDITOR)
def rule_delete(request: HttpRequest, project: Project, rule: str) -> HttpResponse:
    """The rule goes; what it has scored stays, and keeps its name."""
    found = _found(project, rule)
    delete_rule(found, request.user)
    messages.success(request, f"{found.name} is deleted; its scores stay.")
    return redirect("scoring:rules", project.slug)


@never_cache
@project_page("GET")
def rule_notices(request: HttpRequest, project: Project) -> HttpResponse:
    """What is wrong with online scoring, for the top of every page; empty where nothing is."""
    return render(request, "scoring/_notices.html", {"notices": notices_of(project)})


def _found(project: Project, slug: str) -> Rule:
    rules = Rule.objects.select_related("project").prefetch_related("evaluators__metric", "evaluators__current")
    return get_object_or_404(rules, project=project, slug=slug)


def _set(request: HttpRequest, rule: Rule, enabled: bool) -> HttpResponse:
    try:
        set_enabled(rule, request.user, enabled)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    else:
        what = "at work: it looks at what comes from now on" if enabled else "paused: nothing more is drawn"
        messages.success(request, f"{rule.name} is {what}.")
    return redirect("scoring:rule", rule.project.slug, rule.slug)


def _context(request: HttpRequest, rule: Rule) -> dict[str, Any]:
    now, week = timezone.now(), request.GET.get("range") == "7d"
    standing = standings(rule.project_id, [rule], now)[rule.pk]
    return {
        "rule": rule, "standing": standing, "funnel": standing.week if week else standing.day, "week": week,
        "lag": standing.lag(now), "may_edit": request.role >= Role.EDITOR,
        "scored": list_url(rule.project, f"rule:{rule.slug}"), "words": lambda: _words(rule),
        "versions": lambda: versions_page(rule, VERSIONS), "saved": lambda: saved_fields(rule),
    }  # fmt: skip


def _words(rule: Rule) -> str:
    """The filter said in words; as it is where it can be read no more."""
    try:
        return in_words(parse(rule.filter, vocabulary_of(rule.project)), timezone.get_current_timezone())
    except FilterError:
        return ""
