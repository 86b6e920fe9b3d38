"""What a call's address names, within the project of its key; 404 for what the project does not have."""

from django.http import Http404, HttpRequest

from evalhub.api import Problem
from experiments.models import Dataset, Prompt, PromptVersion


def dataset_named(request: HttpRequest, slug: str) -> Dataset:
    dataset = Dataset.objects.select_related("project").filter(project=request.project, slug=slug).first()
    if dataset is None:
        raise Http404("The project has no such dataset.")
    return dataset


def changeable(request: HttpRequest, slug: str) -> Dataset:
    """Raises Problem for an archived one."""
    dataset = dataset_named(request, slug)
    if dataset.archived_at:
        raise Problem(409, "archived", f"{slug} is archived: restore it to change it.")
    return dataset


def prompt_named(request: HttpRequest, slug: str) -> Prompt:
    prompt = Prompt.objects.select_related("project").filter(project=request.project, slug=slug).first()
    if prompt is None:
        raise Http404("The project has no such prompt.")
    return prompt


def version_numbered(prompt: Prompt, number: int) -> PromptVersion:
    found = prompt.versions.filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise Http404(f"{prompt.slug} has no version {number}.")
    found.prompt = prompt
    return found


def actor(request: HttpRequest) -> str:
    return f"key {request.api_key.name}"
