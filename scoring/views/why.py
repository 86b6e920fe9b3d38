"""Why not scored? Each rule's answer about one record, asked for where somebody opens it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache

from evalhub.access import project_page
from evalhub.models import Project, Role
from records.models import Record
from scoring.rules.why import answers


@never_cache
@project_page("GET")
def why(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    record = get_object_or_404(Record, project=project, id=id)
    context = {"answers": answers(project, record), "record": record, "may_edit": request.role >= Role.EDITOR}
    return render(request, "scoring/_why.html", context)
