"""Datasets themselves: made, renamed, given a schema, put away; all audited. Items are written by `revisions`.

Wrong fields raise django.core.exceptions.ValidationError with a message for each, as forms and the API need.
"""

from datetime import datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from evalhub import audit
from evalhub.api import nul_path
from evalhub.models import Project
from experiments.datasets.drafts import BadItem, check_inputs
from experiments.datasets.listing import items_of
from experiments.models import Dataset
from experiments.slugs import named
from scoring.builtins.schemas import checked

DETAILS = frozenset({"name", "description", "inputs_schema"})
MAX_SCHEMA_BYTES = 64 * 1024
TRIED = 2_000  # items on which a new schema is tried


def create_dataset(
    project: Project, actor: object, *, name: str, slug: str = "", description: str = "", inputs_schema: Any = None
) -> Dataset:
    """Empty, at revision 0. Without a slug it is made of the name."""
    dataset = Dataset(
        project=project, description=description, inputs_schema=read_schema(inputs_schema),
        created_by=str(actor)[:160], **named(name, slug),
    )  # fmt: skip
    dataset.full_clean(validate_unique=False, validate_constraints=False)
    with transaction.atomic():
        if Dataset.objects.filter(project=project, slug=dataset.slug).exists():
            raise ValidationError({"slug": f"The project has a dataset {dataset.slug} already."})
        dataset.save()
        audit.note(project, actor, "dataset.create", dataset.slug)
    return dataset


def change_dataset(dataset: Dataset, actor: object, **details: Any) -> None:
    """A new schema holds for what is put in from now on; what is there stays, see `breaking`."""
    if strange := set(details) - DETAILS:
        raise ValidationError({name: "A dataset has no such field, or it stays." for name in sorted(strange)})
    if "inputs_schema" in details:
        details["inputs_schema"] = read_schema(details["inputs_schema"])
    with transaction.atomic():
        stored = Dataset.objects.select_for_update().get(project_id=dataset.project_id, pk=dataset.pk)
        changed = sorted(name for name, value in details.items() if getattr(stored, name) != value)
        for name in changed:
            setattr(dataset, name, details[name])
        if not changed:
            return
        dataset.full_clean(validate_unique=False, validate_constraints=False)
        dataset.save(update_fields=changed)
        audit.note(dataset.project, actor, "dataset.change", dataset.slug, fields=changed)


def archive_dataset(dataset: Dataset, actor: object) -> None:
    """It is offered no more; its items stay, and so do the experiments that ran on them."""
    _put_away(dataset, actor, timezone.now())


def restore_dataset(dataset: Dataset, actor: object) -> None:
    _put_away(dataset, actor, None)


def breaking(dataset: Dataset) -> tuple[int, int, str]:
    """(how many of the items that were tried break the schema, how many were tried, the first one and why)."""
    if dataset.inputs_schema is None:
        return 0, 0, ""
    broken, tried, first = 0, 0, ""
    for case_id, inputs in items_of(dataset).values_list("case_id", "inputs")[:TRIED]:
        tried += 1
        try:
            check_inputs(dataset.inputs_schema, inputs)
        except BadItem as problem:
            broken += 1
            first = first or f"{case_id}: {problem.problems[0][1]}"
    return broken, tried, first


def read_schema(schema: Any) -> dict[str, Any] | None:
    """Raises ValidationError; none at all, and an empty one, allow any inputs."""
    if not schema:
        return None
    if not isinstance(schema, dict):
        raise ValidationError({"inputs_schema": "A JSON schema is an object."})
    try:
        size = len(orjson.dumps(schema))
        checked(schema)
    except (ValueError, orjson.JSONEncodeError) as error:
        raise ValidationError({"inputs_schema": str(error)}) from None
    if size > MAX_SCHEMA_BYTES:
        raise ValidationError({"inputs_schema": f"It has {size:,} bytes; the limit is {MAX_SCHEMA_BYTES:,}."})
    if nul_path(schema) is not None:
        raise ValidationError({"inputs_schema": "Holds a NUL character, which cannot be stored."})
    return schema


def _put_away(dataset: Dataset, actor: object, at: datetime | None) -> None:
    with transaction.atomic():
        Dataset.objects.filter(project_id=dataset.project_id, pk=dataset.pk).update(archived_at=at)
        dataset.archived_at = at
        audit.note(dataset.project, actor, "dataset.archive" if at else "dataset.restore", dataset.slug)
