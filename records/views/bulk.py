"""Acts on many records: the dialogs that ask, and the rows that tell how far the work is."""

import csv
from datetime import timedelta

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.http import trigger_client_event

from evalhub import htmx
from evalhub.access import project_page
from evalhub.health import workers_of
from evalhub.models import Project, Role
from records import bulk
from records.models import UNFINISHED, BulkJob, BulkKind, BulkStatus, Tag
from records.progress import Progress, report, title
from records.search import Count, SearchTimeout, ceiling_of
from records.selection import Selection, SelectionProblem, read_selection
from records.tagging import TagProblem

STOP_POLLING = 286
KNOWN_TAGS = 200  # offered while typing
SHOWN_JOBS = 5
SHOWN_FOR = timedelta(days=1)
WITHOUT_A_NUMBER = "delete"  # is typed where nobody knows how many there are


def refused(message: str) -> HttpResponse:
    """422, and nothing on the page changes but a word in the corner."""
    response = HttpResponse(message, status=422, content_type="text/plain")
    response["HX-Reswap"] = "none"
    return htmx.toast(response, message, "errored")


class TagForm(forms.Form):
    tags = forms.CharField(
        max_length=2000, label="Tags", help_text="Several with commas between them.",
        widget=forms.TextInput(attrs={"list": "known-tags", "autocomplete": "off", "autofocus": True}),
    )  # fmt: skip
    act = forms.ChoiceField(choices=[(BulkKind.TAG, "Add"), (BulkKind.UNTAG, "Remove")])

    def clean_tags(self) -> list[str]:
        """Split at commas; a tag that holds one stands in double quotes."""
        try:
            (tags,) = csv.reader([self.cleaned_data["tags"]], skipinitialspace=True)
        except csv.Error:
            raise forms.ValidationError("Tags stand in one line.") from None
        return [tag for tag in tags if tag.strip()]


class DeleteForm(forms.Form):
    """`expected` is what the dialog asked to type: a guard against a slip, not against its owner."""

    spans_below = forms.BooleanField(required=False)
    typed = forms.CharField(required=False, max_length=40)
    expected = forms.CharField(required=False, max_length=40)

    def clean(self) -> dict[str, object]:
        data = super().clean()
        if self.data.get("matching"):
            typed = data.get("typed", "").strip().lower().replace(",", "").replace("\N{NO-BREAK SPACE}", "")
            if not data.get("expected") or typed != data["expected"]:
                self.add_error("typed", f"Type {data.get('expected') or 'what is asked for'} to confirm.")
        return data


@project_page("GET", "POST", role=Role.REVIEWER)
def bulk_tag(request: HttpRequest, project: Project) -> HttpResponse:
    if request.method == "GET":
        return _dialog(request, project, "tag", TagForm())
    try:
        selection = read_selection(request.POST, project, request.user)
    except SelectionProblem as problem:
        return refused(str(problem))
    form = TagForm(request.POST)
    if form.is_valid():
        try:
            kind = BulkKind(form.cleaned_data["act"])
            return _started(bulk.start(selection, kind, request.user, form.cleaned_data["tags"]))
        except TagProblem as problem:
            form.add_error("tags", str(problem))
    return _dialog(request, project, "tag", form)


@project_page("GET", "POST", role=Role.ADMIN)
def bulk_delete(request: HttpRequest, project: Project) -> HttpResponse:
    if request.method == "GET":
        return _dialog(request, project, "delete", DeleteForm())
    try:
        selection = read_selection(request.POST, project, request.user)
    except SelectionProblem as problem:
        return refused(str(problem))
    form = DeleteForm(request.POST)
    if not form.is_valid():
        return _dialog(request, project, "delete", form)
    spans_below = form.cleaned_data["spans_below"]
    return _started(bulk.start(selection, BulkKind.DELETE, request.user, spans_below=spans_below))


def _dialog(request: HttpRequest, project: Project, act: str, form: forms.Form) -> HttpResponse:
    """What is asked before the act. The dialog of ticked records knows their number alone; its form sends them."""
    data = request.POST if form.is_bound else request.GET
    ceiling = ceiling_of()  # before counting: what arrives while the reader thinks is not part of it
    try:
        selection, counted = _asked(data, request, project)
    except SelectionProblem as problem:
        return refused(str(problem))
    exact = counted is not None and counted.kind == "exact"
    context = {
        "project": project,
        "form": form,
        "words": selection.words(counted) if selection.search else _ticked(counted, data),
        "matching": selection.search is not None,
        "all_spans": data.get("spans") == "all",
        "ceiling": data.get("ceiling") or ceiling,
        "expected": str(counted.n) if exact else WITHOUT_A_NUMBER,
        "counted": counted,
        "exact": exact,
    }
    if act == "tag":
        names = Tag.objects.filter(project=project).order_by("name").values_list("name", flat=True)
        context["known"] = names[:KNOWN_TAGS]
    return render(request, f"records/_bulk_{act}.html", context, status=422 if form.is_bound else 200)


def _asked(data: QueryDict, request: HttpRequest, project: Project) -> tuple[Selection, Count | None]:
    if data.get("matching") or "ids" in data:
        selection = read_selection(data, project, request.user)
        try:
            return selection, selection.count()
        except SearchTimeout:
            return selection, None
    n = data.get("n", "")
    if not n.isdecimal() or int(n[:9]) == 0:
        raise SelectionProblem("Nothing is selected.")
    return Selection(project), Count(int(n[:9]))


def _ticked(counted: Count, data: QueryDict) -> str:
    noun = "span" if data.get("spans") == "all" else "record"
    return f"{counted} {noun}{'' if counted.n == 1 else 's'}"


def _started(job: BulkJob) -> HttpResponse:
    """An empty dialog, and what the page should know."""
    response = HttpResponse()
    if not job.is_finished:
        words = f"{title(job)}: its progress is shown above the filter."
        return trigger_client_event(htmx.toast(response, words), "bulk-started", {})
    state = "pass" if job.status == BulkStatus.COMPLETED and not job.failed else "errored"
    return trigger_client_event(htmx.toast(response, report(job), state), "records-changed", {})


@never_cache
@project_page("GET")
def bulk_jobs(request: HttpRequest, project: Project) -> HttpResponse:
    """The jobs at work, and those of the last day until somebody puts them away."""
    recent = Q(status__in=UNFINISHED) | Q(ended_at__gt=timezone.now() - SHOWN_FOR)
    jobs = BulkJob.objects.filter(recent, project=project, dismissed=False).order_by("-id")[:SHOWN_JOBS]
    return render(request, "records/_bulk_jobs.html", {"jobs": [_progress(request, job) for job in jobs]})


@never_cache
@project_page("GET")
def bulk_job(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    """One row; 286 tells HTMX to ask no more."""
    job = get_object_or_404(BulkJob, project=project, pk=id)
    response = render(request, "records/_bulk_job.html", {"job": _progress(request, job)})
    if job.is_finished:
        response.status_code = STOP_POLLING
        trigger_client_event(response, "bulk-ended", {})
    return response


@project_page("POST", role=Role.REVIEWER)
def bulk_cancel(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    job = _own(request, project, id)
    bulk.cancel(job, request.user)
    job.refresh_from_db()
    response = render(request, "records/_bulk_job.html", {"job": _progress(request, job)})
    return trigger_client_event(response, "bulk-ended", {})


@project_page("POST", role=Role.REVIEWER)
def bulk_dismiss(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    """Takes a row that is over off the page, for everybody."""
    job = _own(request, project, id)
    BulkJob.objects.filter(pk=job.pk).exclude(status__in=UNFINISHED).update(dismissed=True)
    return HttpResponse()


def _own(request: HttpRequest, project: Project, id: int) -> BulkJob:
    """A job that this role may start, and so may end."""
    job = get_object_or_404(BulkJob, project=project, pk=id)
    if request.role < bulk.NEEDS[job.kind]:
        raise PermissionDenied(f"This needs the role {bulk.NEEDS[job.kind].label.lower()}.")
    return job


def _progress(request: HttpRequest, job: BulkJob) -> Progress:
    waits = not job.is_finished and bulk.is_waiting(job)
    workers = workers_of(bulk.QUEUE) if waits else 1
    return Progress(job, timezone.now(), waits, workers, may_end=request.role >= bulk.NEEDS[job.kind])
