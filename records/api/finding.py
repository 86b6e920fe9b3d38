from contextlib import suppress
from uuid import UUID

from django.http import Http404

from evalhub.models import Project
from records.models import Record


def found_record(project: Project, id: str) -> Record:
    """By EvalHub's id, or by the id under which it was sent. Raises Http404, also for other projects' records."""
    records = Record.objects.filter(project=project)
    record = None
    with suppress(ValueError):
        record = records.filter(id=UUID(id)).first()
    record = record or (records.filter(external_id=id).first() if "\0" not in id else None)
    if record is None:
        raise Http404("The project has no such record.")
    return record
