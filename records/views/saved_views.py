"""Saved views on the Records page: the tabs, and the dialogs that save, change and delete one."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseLocation

from evalhub.access import project_page
from evalhub.models import Project, Role, User
from records.filters import RecordFilters
from records.layouts import layout_of
from records.models import SavedView
from records.saved_views import ViewProblem, may_change, query_of, save_view, views_of


class NamedForm(forms.Form):
    """A name, and whose it is; without the fields that the role may not set."""

    NEEDS: ClassVar[dict[str, Role]] = {"shared": Role.REVIEWER}

    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}))
    shared = forms.BooleanField(required=False, label="Shared with everybody in the project")

    def __init__(self, *args: Any, role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, least in self.NEEDS.items():
            if role < least:
                if self.data.get(name):
                    raise PermissionDenied(f"This needs the role {least.label.lower()}.")
                del self.fields[name]

    def fill[M: Model](self, view: M, user: User) -> M:
        view.name = self.cleaned_data["name"]
        view.shared = self.cleaned_data.get("shared", view.shared)
        if not view.shared:
            view.owner = user  # nobody else would see it again
        return view


class ViewForm(NamedForm):
    NEEDS: ClassVar[dict[str, Role]] = NamedForm.NEEDS | {"is_default": Role.EDITOR}
    field_order = ("name", "with_columns", "shared", "is_default")

    with_columns = forms.BooleanField(
        required=False, label="With the columns", help_text="Else everybody sees it with their own."
    )
    is_default = forms.BooleanField(
        required=False, label="The project's default", help_text="Where its Records page begins, for everybody."
    )

    def fill(self, view: SavedView, user: User) -> SavedView:
        view.is_default = self.cleaned_data.get("is_default", view.is_default)
        if view.is_default:
            self.cleaned_data["shared"] = True  # a default is everybody's
        return super().fill(view, user)


def tabs(request: HttpRequest, project: Project, views: list[SavedView]) -> dict[str, Any]:
    """The tabs, and which of them the list is: the one its URL names, else the one that asks the same."""
    base, now = reverse("records:list", args=[project.slug]), query_of(request.GET.dict())
    asked = next((view for view in views if str(view.pk) == request.GET.get("view")), None)
    current = asked or next((view for view in views if view.query == now and now), None)
    return {
        "views": [
            {"name": view.name, "href": url_of(base, view), "current": view is current, "shared": view.shared}
            for view in views
        ],
        "view": current,
        "view_changed": bool(current) and current.query != now,
        "may_change_view": bool(current) and may_change(current, request.user, request.role),
        "all_href": f"{base}?q=",
        "is_all": not now and not current,
    }


def url_of(base: str, view: SavedView) -> str:
    return f"{base}?{'&'.join(filter(None, [f'view={view.pk}', view.query]))}"


@never_cache
@project_page("GET", "POST")
def view_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Saves the list of this very URL as a new view, or in place of the view that it came from (`replace`)."""
    filters = RecordFilters(request.GET, project, request.user)
    columns = request.GET.get("columns") or ",".join(layout_of(project, request.user).columns)
    came_from = views_of(project, request.user).filter(pk=number_of(request.GET.get("view", ""))).first()
    if came_from and not may_change(came_from, request.user, request.role):
        came_from = None
    context = {"words": "" if filters.error else filters.words(), "came_from": came_from, "columns": columns}
    if request.method == "GET":
        form = ViewForm(role=request.role, initial={"with_columns": bool(columns)})
        return _dialog(request, project, form, context)
    form = ViewForm(request.POST, role=request.role)
    replaces = came_from is not None and request.POST.get("replace") == str(came_from.pk)
    if replaces:
        form.fields["name"].required = False
    if form.is_valid():
        view = came_from if replaces else form.fill(SavedView(project=project, owner=request.user), request.user)
        kept = columns if form.cleaned_data["with_columns"] else ""
        view.query = query_of(request.GET.dict() | {"columns": kept})
        try:
            if filters.error:
                raise ViewProblem(f"This filter cannot be read: {filters.error.message}")
            return _to(request, url_of(reverse("records:list", args=[project.slug]), save_view(view)))
        except ViewProblem as problem:
            form.add_error("name", str(problem))
    return _dialog(request, project, form, context)


@never_cache
@project_page("GET", "POST")
def view_edit(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    """Its name, whose it is, and whether the page begins with it."""
    view = changeable(request, views_of(project, request.user), id)
    if request.method == "GET":
        initial = {"name": view.name, "shared": view.shared, "is_default": view.is_default}
        form = ViewForm(role=request.role, initial=initial)
    else:
        form = ViewForm(request.POST, role=request.role)
        if form.is_valid():
            form.fill(view, request.user)
            try:
                return _to(request, url_of(reverse("records:list", args=[project.slug]), save_view(view)))
            except ViewProblem as problem:
                form.add_error("name", str(problem))
    del form.fields["with_columns"]
    return _dialog(request, project, form, {"changes": id})


@project_page("POST")
def view_delete(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    changeable(request, views_of(project, request.user), id).delete()
    return _to(request, f"{reverse('records:list', args=[project.slug])}?q=")


def changeable[M: Model](request: HttpRequest, views: QuerySet[M], id: int) -> M:
    """Of those that the reader sees. Raises Http404, PermissionDenied."""
    view = get_object_or_404(views, pk=id)
    if not may_change(view, request.user, request.role):
        raise PermissionDenied(f"This {view._meta.verbose_name} is its owner's and the editors' to change.")
    return view


def number_of(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _to(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseLocation(url, target="#results") if request.htmx else redirect(url)


def _dialog(request: HttpRequest, project: Project, form: ViewForm, context: dict[str, Any]) -> HttpResponse:
    context |= {"project": project, "form": form, "query": request.GET.urlencode()}
    return render(request, "records/_save_view.html", context, status=422 if form.errors else 200)
