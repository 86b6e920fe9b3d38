"""Datasets: the list."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from evalhub import htmx, paging
from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.models import Dataset
from experiments.tables import DatasetTable


@never_cache
@project_page("GET")
def dataset_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Those at work, the last changed first; with `?archived=1` those put away."""
    archived, after = request.GET.get("archived") == "1", request.GET.get("after", "")
    there = Dataset.objects.filter(project=project)
    found, older = paging.page(there.filter(archived_at__isnull=not archived), "changed_at", after)
    context = {
        "table": DatasetTable(found, request=request) if found else None, "older": older, "first_page": not after,
        "archived": archived, "n_archived": there.filter(archived_at__isnull=False).count(),
        "may_edit": request.role >= Role.EDITOR,
    }  # fmt: skip
    return htmx.render_page(request, "experiments/datasets.html", "datasets", context)
