"""Members of a project: who they are, what they may do."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from evalhub import htmx, members
from evalhub.access import project_page
from evalhub.forms import MemberForm, RoleForm
from evalhub.models import Membership, Project, Role


def _show(request: HttpRequest, project: Project, form: MemberForm, status: int = 200, **more: object) -> HttpResponse:
    rows = Membership.objects.filter(project=project).select_related("user").order_by("-role", "user__username")
    context = {"members": rows, "form": form, "roles": Role.choices} | more
    return htmx.render_page(request, "evalhub/settings/members.html", "members", context, status)


@project_page("GET", "POST", role=Role.ADMIN)
def member_list(request: HttpRequest, project: Project) -> HttpResponse:
    """GET lists; POST adds somebody. A new user's password is in the answer to that POST and nowhere else."""
    form = MemberForm(request.POST or None, project=project)
    if request.method == "GET":
        return _show(request, project, form)
    if not form.is_valid():
        return _show(request, project, form, 422)
    data = form.cleaned_data
    try:
        with transaction.atomic():
            if not data["user"]:
                member, password = members.invite(project, data["who"], data["role"], request.user)
            else:
                member, password = members.add(project, data["user"], data["role"], request.user), ""
    except IntegrityError:
        form.add_error("who", "Somebody else has just added them.")
        return _show(request, project, form, 422)
    if not password:
        return _changed(request, project, f"{member.user} is now {member.get_role_display().lower()}.")
    response = _show(request, project, MemberForm(project=project), new=member.user, password=password)
    response["Cache-Control"] = "no-store"
    return response


@project_page("POST", role=Role.ADMIN)
def member_role(request: HttpRequest, project: Project, user_id: int) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _refused(request, project, "There is no such role.")
    try:
        member = members.change_role(project, user_id, form.cleaned_data["role"], request.user)
    except Membership.DoesNotExist:
        raise Http404("No such member.") from None
    except members.LastAdmin as refusal:
        return _refused(request, project, str(refusal))
    return _changed(request, project, f"{member.user} is now {member.get_role_display().lower()}.")


@project_page("POST", role=Role.ADMIN)
def member_remove(request: HttpRequest, project: Project, user_id: int) -> HttpResponse:
    try:
        member = members.remove(project, user_id, request.user)
    except Membership.DoesNotExist:
        raise Http404("No such member.") from None
    except members.LastAdmin as refusal:
        return _refused(request, project, str(refusal))
    return _changed(request, project, f"{member.user} is removed.")


def _changed(request: HttpRequest, project: Project, words: str) -> HttpResponse:
    """After a change: the new list for HTMX, else the page anew. Who removed themselves may not see it any more."""
    kept = (
        request.user.is_superuser
        or Membership.objects.filter(project=project, user=request.user, role=Role.ADMIN).exists()
    )
    if htmx.wants_fragment(request) and kept:
        return htmx.toast(_show(request, project, MemberForm(project=project)), words)
    messages.success(request, words)
    target = reverse("project-members", args=[project.slug]) if kept else reverse("projects")
    return HttpResponseClientRedirect(target) if htmx.wants_fragment(request) else redirect(target)


def _refused(request: HttpRequest, project: Project, words: str) -> HttpResponse:
    return _show(request, project, MemberForm(project=project), 422, refusal=words)
