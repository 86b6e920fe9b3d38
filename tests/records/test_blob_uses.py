"""A lifted file lives as long as a record names it."""

import base64
import threading
from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from records.blob_uses import delete_unused
from records.blobs import MARKER
from records.deletion import delete_records
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Blob, BlobUse, Payload, Source
from tests import factories
from tests.records.test_ingest import T0


def url(byte: int) -> str:
    return f"data:image/png;base64,{base64.b64encode(bytes([byte]) * 100_000).decode()}"


def send(project, key: str, inputs: object, **fields):
    return ingest(project, [RecordDraft(key, Source.API, T0, inputs=inputs, **fields)], "ci").ids[0]


def files(project) -> int:
    return Blob.objects.filter(project=project).count()


def test_a_file_goes_with_the_last_record_that_names_it(project):
    one, two = send(project, "a", [url(1), url(2)]), send(project, "b", {"image": url(1)})
    other = factories.project()
    send(other, "a", url(1))
    delete_records(project.id, [one])
    assert (files(project), files(other)) == (1, 1)
    delete_records(project.id, [two])
    assert (files(project), files(other)) == (0, 1)
    assert BlobUse.objects.filter(project=project).count() == 0


def test_a_marker_that_a_client_sends_names_the_file_too(project):
    """As in an export that is imported again."""
    first = send(project, "a", url(1))
    send(project, "b", Payload.objects.get(project=project).inputs)
    delete_records(project.id, [first])
    assert files(project) == 1


def test_a_file_that_a_later_piece_replaces_is_swept(project):
    send(project, "a", url(1), outputs=url(2))
    id = send(project, "a", url(3))
    assert set(BlobUse.objects.filter(project=project).values_list("holder_id", flat=True)) == {id}
    assert BlobUse.objects.filter(project=project).count() == 2
    assert (files(project), delete_unused(project.id), files(project)) == (3, 1, 2)


def test_pieces_that_say_nothing_of_the_file_keep_it(project):
    send(project, "a", url(1))
    send(project, "a", None, outputs="done")
    assert BlobUse.objects.filter(project=project).count() == 1
    assert delete_unused(project.id) == 0


def test_the_sweeper_deletes_what_nobody_names(project):
    send(project, "a", url(1))
    BlobUse.objects.all().delete()
    call_command("sweep", "--once")
    assert files(project) == 0


def test_files_from_before_are_named_by_the_migration(project):
    send(project, "a", [{"deep": [url(1)]}], outputs="x")
    send(project, "b", {MARKER: "f" * 64})
    before = list(BlobUse.objects.filter(sha256=Blob.objects.get().sha256).values())
    BlobUse.objects.all().delete()
    fill = import_module("records.migrations.0009_files_and_who_names_them").FILL
    with connection.cursor() as cursor:
        cursor.execute(fill)
    assert list(BlobUse.objects.values()) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deletion_first", [True, False])
def test_a_file_that_is_being_named_outlives_a_deletion_at_the_same_time(deletion_first):
    project = factories.project()
    first = send(project, "a", url(1))
    errors: list[BaseException] = []

    def delete() -> None:
        delete_records(project.id, [first])

    def name() -> None:
        send(project, "b", url(1))

    def other() -> None:
        try:
            (name if deletion_first else delete)()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        (delete if deletion_first else name)()
        thread.start()
        while not _somebody_waits():
            assert thread.is_alive(), errors
    thread.join()
    assert not errors
    assert files(project) == 1
    assert BlobUse.objects.filter(project=project).exclude(holder_id=first).count() == 1


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]
