"""Prompts: the list."""

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from evalhub import htmx, paging
from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.models import Prompt, PromptVersion
from experiments.tables import PromptTable


@never_cache
@project_page("GET")
def prompt_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Those at work, the last changed first; with `?archived=1` those put away."""
    archived, after = request.GET.get("archived") == "1", request.GET.get("after", "")
    there = Prompt.objects.filter(project=project)
    versions = PromptVersion.objects.filter(project=project, prompt=OuterRef("pk"))
    shown = there.filter(archived_at__isnull=not archived).annotate(
        newest=Subquery(versions.order_by("-number").values("number")[:1]),
        deployed=Subquery(versions.filter(deployed=True).values("number")[:1]),
        model=Subquery(versions.order_by("-deployed", "-number").values("model")[:1]),
    )
    found, older = paging.page(shown, "changed_at", after)
    context = {
        "table": PromptTable(found, request=request) if found else None, "older": older, "first_page": not after,
        "archived": archived, "n_archived": there.filter(archived_at__isnull=False).count(),
        "may_edit": request.role >= Role.EDITOR,
    }  # fmt: skip
    return htmx.render_page(request, "experiments/prompts.html", "prompts", context)
