"""The things that an address names, within the project; 404 for what the project does not have."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404

from evalhub.models import Project
from experiments.models import Dataset, DatasetItem, Prompt, PromptVersion


def dataset_of(project: Project, slug: str) -> Dataset:
    return get_object_or_404(Dataset.objects.select_related("project"), project=project, slug=slug)


def open_dataset(project: Project, slug: str) -> Dataset:
    """One that may be changed. Raises PermissionDenied for an archived one."""
    return _open(dataset_of(project, slug))


def item_of(dataset: Dataset, key: int) -> DatasetItem:
    """A row of any revision."""
    found = get_object_or_404(DatasetItem, project_id=dataset.project_id, dataset=dataset, pk=key)
    found.dataset = dataset
    return found


def prompt_of(project: Project, slug: str) -> Prompt:
    return get_object_or_404(Prompt.objects.select_related("project"), project=project, slug=slug)


def open_prompt(project: Project, slug: str) -> Prompt:
    """One that may be changed. Raises PermissionDenied for an archived one."""
    return _open(prompt_of(project, slug))


def version_of(prompt: Prompt, number: int) -> PromptVersion:
    versions = PromptVersion.objects.filter(project_id=prompt.project_id, prompt=prompt)
    found = versions.select_related("provider").filter(number=number).first() if number < 2**31 else None
    if found is None:
        raise Http404(f"{prompt.slug} has no version {number}.")
    found.prompt = prompt
    return found


def _open[Archivable: (Dataset, Prompt)](found: Archivable) -> Archivable:
    if found.archived_at:
        raise PermissionDenied(f"{found.name} is archived; take it out of the archive to change it.")
    return found
