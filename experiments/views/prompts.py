"""Prompts: the list, one prompt with its versions, and what is done with a version."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from evalhub import htmx, paging
from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.models import Prompt, PromptState, PromptVersion
from experiments.prompts import versions
from experiments.prompts.diffs import changes
from experiments.tables import PromptTable
from experiments.views.datasets import number_in
from experiments.views.finding import open_prompt, prompt_of, version_of


@never_cache
@project_page("GET")
def prompt_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Those at work, the last changed first; with `?archived=1` those put away."""
    archived, after = request.GET.get("archived") == "1", request.GET.get("after", "")
    there = Prompt.objects.filter(project=project)
    of_it = PromptVersion.objects.filter(project=project, prompt=OuterRef("pk"))
    shown = there.filter(archived_at__isnull=not archived).annotate(
        newest=Subquery(of_it.order_by("-number").values("number")[:1]),
        deployed=Subquery(of_it.filter(deployed=True).values("number")[:1]),
        model=Subquery(of_it.order_by("-deployed", "-number").values("model")[:1]),
    )
    found, older = paging.page(shown, "changed_at", after)
    context = {
        "table": PromptTable(found, request=request) if found else None, "older": older, "first_page": not after,
        "archived": archived, "n_archived": there.filter(archived_at__isnull=False).count(),
        "may_edit": request.role >= Role.EDITOR,
    }  # fmt: skip
    return htmx.render_page(request, "experiments/prompts.html", "prompts", context)


@never_cache
@project_page("GET")
def prompt(request: HttpRequest, project: Project, prompt: str) -> HttpResponse:
    """One version of it, the newest unless `?version=` says; with `?against=` what it changes of another one."""
    found = prompt_of(project, prompt)
    there = list(found.versions.select_related("provider"))
    number, against = number_in(request, "version"), number_in(request, "against")
    shown = version_of(found, number) if number is not None else there[0]
    shown.prompt = found
    other = version_of(found, against) if against is not None else None
    context: dict[str, Any] = {
        "prompt": found, "version": shown, "versions": there, "against": other,
        "changes": changes(other, shown) if other else None,
        "deployed": next((one for one in there if one.deployed), None),
        "is_draft": shown.state == PromptState.DRAFT, "newest": there[0],
        "may_edit": request.role >= Role.EDITOR and found.archived_at is None,
    }  # fmt: skip
    return render(request, "experiments/prompt.html", context)


@project_page("POST", role=Role.EDITOR)
def version_commit(request: HttpRequest, project: Project, prompt: str, number: int) -> HttpResponse:
    """With `deploy` in the form it is deployed in the same step."""
    version = version_of(open_prompt(project, prompt), number)
    versions.commit(version, request.user)
    if request.POST.get("deploy"):
        return _deployed(request, project, version)
    messages.success(request, f"Version {number} is committed: it stays as it is.")
    return _shown(project, version)


@project_page("POST", role=Role.EDITOR)
def version_deploy(request: HttpRequest, project: Project, prompt: str, number: int) -> HttpResponse:
    """Of an older version: a roll-back."""
    return _deployed(request, project, version_of(open_prompt(project, prompt), number))


@project_page("POST", role=Role.EDITOR)
def prompt_archive(request: HttpRequest, project: Project, prompt: str) -> HttpResponse:
    """Puts it away, or back to work."""
    found = prompt_of(project, prompt)
    if found.archived_at:
        versions.restore_prompt(found, request.user)
    else:
        versions.archive_prompt(found, request.user)
    messages.success(request, f"{found.name} is {'archived' if found.archived_at else 'at work again'}.")
    return redirect("experiments:prompt", project.slug, found.slug)


def _deployed(request: HttpRequest, project: Project, version: PromptVersion) -> HttpResponse:
    try:
        versions.deploy(version, request.user)
        messages.success(request, f"Version {version.number} is deployed: experiments run it from now on.")
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    return _shown(project, version)


def _shown(project: Project, version: PromptVersion) -> HttpResponse:
    response = redirect("experiments:prompt", project.slug, version.prompt.slug)
    response["Location"] += f"?version={version.number}"
    return response
