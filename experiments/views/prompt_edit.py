"""The editor of prompts: messages, model and variables, with what they make of values that are tried."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django_htmx.http import trigger_client_event

from evalhub.access import project_page
from evalhub.htmx import vary, wants_fragment
from evalhub.models import Project, Role
from experiments.datasets.listing import items_of
from experiments.forms import explain
from experiments.models import Dataset, Prompt, PromptState, PromptVersion
from experiments.prompts import versions
from experiments.prompts.rendering import TYPES
from experiments.prompts.writing import ROLES, Looked, Written, look, usable
from experiments.views.datasets import number_in
from experiments.views.finding import open_prompt, version_of

DATASETS_OFFERED = 50


class PromptForm(forms.Form):
    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        max_length=63, required=False, label="Name in addresses",
        help_text="Lower-case letters, digits and hyphens; made of the name where it is empty. It stays as it is.",
    )  # fmt: skip
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, data: Any = None, prompt: Prompt | None = None) -> None:
        initial = {"name": prompt.name, "description": prompt.description} if prompt else None
        super().__init__(data, initial=initial)
        if prompt:
            del self.fields["slug"]


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def prompt_new(request: HttpRequest, project: Project) -> HttpResponse:
    form = PromptForm(request.POST if "save" in request.POST else None)
    written = Written.read(request.POST) if request.method == "POST" else Written()
    if "save" in request.POST and form.is_valid():
        try:
            content = written.content()
            made = versions.create_prompt(project, request.user, note=written.note, **form.cleaned_data, **content)
            messages.success(request, f"{made.name} is made; its version 1 is a draft.")
            return redirect("experiments:prompt", project.slug, made.slug)
        except ValidationError as problem:
            _explain(form, written, problem)
    elif request.method == "POST" and "save" not in request.POST:
        form = PromptForm()
        form.initial = {name: request.POST.get(name, "") for name in form.fields}
    return _editor(request, project, written, form, None, None)


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def prompt_edit(request: HttpRequest, project: Project, prompt: str) -> HttpResponse:
    """Begins with `?from=` or the newest version. Saves to the draft; with `new`, or where all is committed, as the
    next version."""
    found = open_prompt(project, prompt)
    number, newest = number_in(request, "from"), versions.newest_version(found)
    begun = version_of(found, number) if number is not None else newest
    form = PromptForm(request.POST if _saves(request) else None, prompt=found)
    if request.method == "GET":
        return _editor(request, project, Written.of(begun), form, found, newest, begun)
    written = Written.read(request.POST)
    if _saves(request) and form.is_valid():
        try:
            saved = _save(request, found, form, written)
            messages.success(request, f"Version {saved.number} is saved as a draft.")
            return redirect("experiments:prompt", project.slug, found.slug)
        except ValidationError as problem:
            _explain(form, written, problem)
    elif not _saves(request):
        form.initial = {name: request.POST.get(name, "") for name in form.fields}
    return _editor(request, project, written, form, found, newest, begun)


@never_cache
@project_page("POST", role=Role.EDITOR)
def prompt_look(request: HttpRequest, project: Project) -> HttpResponse:
    """The variables that are found in the form's templates; with `?part=filled` the prompt filled with the values of
    the form. With `try` the values are those of the first item of the dataset that is chosen. Stores nothing."""
    written = Written.read(request.POST)
    context: dict[str, Any] = {"written": written, "looked": _looked(request, project, written)}
    if request.GET.get("part") == "filled":
        return render(request, "experiments/_prompt_filled.html", context)
    context |= {"types": TYPES, "datasets": _datasets(project), "tried": request.POST.get("try_dataset", "")}
    context["filled"] = "try" in request.POST
    response = render(request, "experiments/_prompt_variables.html", context)
    return trigger_client_event(response, "values-changed", {}, after="settle")


def _saves(request: HttpRequest) -> bool:
    return "save" in request.POST or "new" in request.POST


def _save(request: HttpRequest, prompt: Prompt, form: PromptForm, written: Written) -> PromptVersion:
    """All of the form or nothing. Raises ValidationError."""
    content = written.content()
    details = form.cleaned_data
    with transaction.atomic():
        if any(getattr(prompt, name) != value for name, value in details.items()):
            versions.change_prompt(prompt, request.user, **details)
        if "new" in request.POST:
            return versions.new_version(prompt, request.user, note=written.note, **content)
        return versions.save_draft(prompt, request.user, note=written.note, seen=_seen(request), **content)


def _seen(request: HttpRequest) -> datetime | None:
    try:
        return datetime.fromisoformat(request.POST.get("seen", ""))
    except ValueError:
        return None


def _explain(form: forms.Form, written: Written, problem: ValidationError) -> None:
    """The prompt's own fields are the form's; all others are the version's."""
    if hasattr(problem, "error_dict"):
        own = {name: texts for name, texts in problem.message_dict.items() if name in form.fields}
        if own:
            explain(form, ValidationError(own))
        rest = {name: texts for name, texts in problem.message_dict.items() if name not in form.fields}
        if rest:
            written.explain(ValidationError(rest))
        return
    written.explain(problem)


def _editor(
    request: HttpRequest, project: Project, written: Written, form: PromptForm, prompt: Prompt | None,
    newest: PromptVersion | None, begun: PromptVersion | None = None,
) -> HttpResponse:  # fmt: skip
    providers = usable(project)
    context = {
        "prompt": prompt, "newest": newest, "begun": begun, "form": form, "written": written, "roles": ROLES,
        "on_draft": newest is not None and newest.state == PromptState.DRAFT, "providers": providers,
        "models": sorted({name for provider in providers for name in provider.model_names}),
        "looked": _looked(request, project, written), "types": TYPES, "datasets": _datasets(project),
        "tried": request.POST.get("try_dataset", ""),
    }  # fmt: skip
    wrong = bool(written.errors or form.errors)
    if wants_fragment(request) and not wrong:
        response = vary(render(request, "experiments/_prompt_messages.html", context))
        return trigger_client_event(response, "messages-changed", {}, after="settle")
    return vary(render(request, "experiments/prompt_edit.html", context, status=422 if wrong else 200))


def _looked(request: HttpRequest, project: Project, written: Written) -> Looked:
    chosen = request.POST.get("try_dataset", "")
    if not chosen or "try" not in request.POST:
        return look(written)
    dataset = next((one for one in _datasets(project) if one.slug == chosen), None)
    item = items_of(dataset).first() if dataset else None
    if item is None or not isinstance(item.inputs, dict):
        return look(written)
    written.values = {}
    return look(written, item.inputs)


def _datasets(project: Project) -> list[Dataset]:
    filled = Dataset.objects.filter(project=project, archived_at=None, size__gt=0)
    return list(filled.order_by("-changed_at")[:DATASETS_OFFERED])
