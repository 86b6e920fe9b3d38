"""The dialog that adds what is selected on the Records page to a dataset."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from evalhub import htmx
from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.datasets.from_records import OWN, expected_choices
from experiments.datasets.importing import start_records
from experiments.datasets.making import create_dataset
from experiments.forms import explain
from experiments.models import Dataset, DatasetImport, ImportState
from records.search import Count, SearchTimeout, ceiling_of
from records.selection import Selection, SelectionProblem, read_selection
from records.views.bulk import refused


class AddForm(forms.Form):
    dataset = forms.ModelChoiceField(Dataset.objects.none(), required=False, empty_label="A new one:", label="Dataset")
    name = forms.CharField(max_length=120, required=False, label="Name of the new dataset")
    expected = forms.ChoiceField(label="Expected", initial=OWN)
    split = forms.CharField(max_length=40, required=False, help_text="Such as train or test.")
    tags = forms.CharField(max_length=500, required=False, help_text="With commas between them.")

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data, auto_id="add-%s")
        datasets = Dataset.objects.filter(project=project, archived_at=None).order_by("-changed_at")
        self.fields["dataset"].queryset = datasets
        self.fields["dataset"].initial = datasets.first()
        self.fields["expected"].choices = expected_choices(project)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not data.get("dataset") and not data.get("name", "").strip() and "dataset" not in self.errors:
            self.add_error("name", "Choose a dataset, or name a new one.")
        return data

    def tags_said(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()))


@project_page("GET", "POST", role=Role.EDITOR)
def add_to_dataset(request: HttpRequest, project: Project) -> HttpResponse:
    """GET: the dialog, for `n` ticked rows, or all `matching`. POST: does it for few, begins it for many."""
    if request.method == "GET":
        return _dialog(request, project, AddForm(project))
    try:
        selection = read_selection(request.POST, project, request.user)
    except SelectionProblem as problem:
        return refused(str(problem))
    form = AddForm(project, request.POST)
    if form.is_valid():
        try:
            return _begun(request, project, form, selection)
        except ValidationError as problem:
            explain(form, problem)
    return _dialog(request, project, form)


def _begun(request: HttpRequest, project: Project, form: AddForm, selection: Selection) -> HttpResponse:
    said = form.cleaned_data
    with transaction.atomic():
        dataset = said["dataset"] or create_dataset(project, request.user, name=said["name"])
    asked = start_records(
        dataset, selection, request.user, expected=said["expected"], split=said["split"], tags=form.tags_said()
    )
    if selection.search is not None:
        address = reverse("experiments:import", args=[project.slug, dataset.slug, asked.pk])
        return HttpResponseClientRedirect(address)
    failed = asked.state != ImportState.COMPLETED or asked.refused
    return htmx.toast(HttpResponse(), report(asked), "errored" if failed else "pass")


def report(asked: DatasetImport) -> str:
    """What came of it, in a sentence."""
    if asked.error:
        return asked.error
    said = [f"{asked.added:,} added" if asked.added else "", f"{asked.changed:,} changed" if asked.changed else ""]
    said += [f"{asked.same:,} there already" if asked.same else ""]
    if asked.refused:
        said.append(f"{asked.refused:,} refused: {asked.problems[0][1]}")
    words = ", ".join(word for word in said if word) or "nothing to add"
    return f"{asked.dataset.name}: {words.rstrip('.')}."


def _dialog(request: HttpRequest, project: Project, form: AddForm) -> HttpResponse:
    data = request.POST if form.is_bound else request.GET
    ceiling = ceiling_of()  # before counting: what arrives while the reader thinks is not part of it
    try:
        words, matching = _asked(data, request, project)
    except SelectionProblem as problem:
        return refused(str(problem))
    context = {
        "form": form, "words": words, "matching": matching, "ceiling": data.get("ceiling") or ceiling,
    }  # fmt: skip
    return render(request, "experiments/_add_to_dataset.html", context, status=422 if form.is_bound else 200)


def _asked(data: Any, request: HttpRequest, project: Project) -> tuple[str, bool]:
    """The selection in words, and whether it is all that match."""
    if data.get("matching") or "ids" in data:
        selection = read_selection(data, project, request.user)
        counted: Count | None = None
        try:
            counted = selection.count()
        except SearchTimeout:
            counted = None
        return selection.words(counted), selection.search is not None
    n = data.get("n", "")
    if not n.isdecimal() or int(n[:9]) == 0:
        raise SelectionProblem("Nothing is selected.")
    noun = "span" if data.get("spans") == "all" else "record"
    return f"{int(n[:9]):,} {noun}{'' if int(n[:9]) == 1 else 's'}", False
