"""API keys of a project. A key's plain text is in the answer to the POST that made it, and nowhere else."""

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from evalhub import apikeys, htmx
from evalhub.access import project_page
from evalhub.forms import KeyForm
from evalhub.models import ApiKey, Project, Role
from evalhub.tables import KeyTable


def _show(request: HttpRequest, project: Project, form: KeyForm, status: int = 200, **more: object) -> HttpResponse:
    table = KeyTable(ApiKey.objects.filter(project=project).select_related("created_by"))
    context = {"table": table, "form": form, "public_url": settings.PUBLIC_URL} | more
    return htmx.render_page(request, "evalhub/settings/keys.html", "keys", context, status)


@project_page("GET", "POST", role=Role.ADMIN)
def key_list(request: HttpRequest, project: Project) -> HttpResponse:
    form = KeyForm(request.POST or None, project=project)
    if request.method == "GET":
        return _show(request, project, form)
    if not form.is_valid():
        return _show(request, project, form, 422)
    data = form.cleaned_data
    try:
        with transaction.atomic():
            key, plain = apikeys.create(
                project, data["name"], data["scopes"], created_by=request.user, expires_at=data["expires"]
            )
    except IntegrityError:
        form.add_error("name", "Somebody else has just made a key of this name.")
        return _show(request, project, form, 422)
    response = _show(request, project, KeyForm(project=project), new_key=key, plain=plain)
    response["Cache-Control"] = "no-store"
    return response


@project_page("POST", role=Role.ADMIN)
def key_revoke(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, project=project, pk=key_id)
    apikeys.revoke(key, request.user)
    words = f"{key.name} is revoked."
    if htmx.wants_fragment(request):
        return htmx.toast(_show(request, project, KeyForm(project=project)), words)
    messages.success(request, words)
    return redirect("project-keys", project.slug)
