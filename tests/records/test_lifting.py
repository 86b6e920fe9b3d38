"""Large files leave the payload and are kept once a project."""

import base64
import hashlib

import pytest

from records.blobs import lift
from records.drafts import RecordDraft
from records.ingest import ingest
from records.limits import BLOB_BYTES
from records.models import Blob, Payload, Source
from tests import factories
from tests.records.test_ingest import T0

DATA = bytes(range(256)) * 400
TEXT = base64.b64encode(DATA).decode()
MARK = {"$blob": hashlib.sha256(DATA).hexdigest(), "size": len(DATA)}


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        (f"data:image/png;base64,{TEXT}", "image/png"),
        (f"data:;base64,{TEXT}", "application/octet-stream"),
        (f"data:text/plain;charset=utf-8;base64,{TEXT}", "text/plain"),
        (f"data:image/{'x' * 200};base64,{TEXT}", "application/octet-stream"),
    ],
)
def test_a_large_data_url_becomes_a_marker(value, content_type):
    lifted = {}
    assert lift({"deep": [value]}, lifted) == {"deep": [MARK | {"content_type": content_type}]}
    assert [blob.data for blob in lifted.values()] == [DATA]


@pytest.mark.parametrize(
    ("part", "name", "content_type"),
    [
        ({"type": "base64", "media_type": "image/jpeg", "data": TEXT}, "data", "image/jpeg"),
        ({"type": "blob", "mime_type": "audio/mp3", "content": TEXT}, "content", "audio/mp3"),
        ({"mimeType": "application/pdf", "data": TEXT}, "data", "application/pdf"),
        ({"format": "wav", "data": TEXT}, "data", "audio/wav"),
    ],
)
def test_base64_beside_its_type_becomes_a_marker(part, name, content_type):
    lifted = {}
    assert lift([part], lifted) == [part | {name: MARK | {"content_type": content_type}}]
    assert list(lifted) == [MARK["$blob"]]


@pytest.mark.parametrize(
    "value",
    [
        "data:image/png;base64," + "A" * 100,
        "data:image/png;base64," + "A" * (BLOB_BYTES + 1),  # no whole number of bytes
        "data:image/png," + "A" * 2 * BLOB_BYTES,
        "data: and then a long story " * BLOB_BYTES,
        {"media_type": "text/plain", "data": "words, not base64! " * BLOB_BYTES},
        {"text": "A" * 2 * BLOB_BYTES},
    ],
)
def test_anything_else_stays_as_it_was_sent(value):
    lifted = {}
    assert lift(value, lifted) == value and not lifted


def test_the_same_file_in_many_records_is_stored_once_a_project(project):
    other = factories.project()
    drafts = [
        RecordDraft(str(n), Source.API, T0, inputs=[f"data:image/png;base64,{TEXT}"], outputs=n) for n in range(3)
    ]
    for where in (project, other):
        ingest(where, drafts, "ci")
        ingest(where, drafts, "ci")
    assert Blob.objects.count() == 2
    assert Payload.objects.filter(project=project).first().inputs == [MARK | {"content_type": "image/png"}]


def test_a_later_piece_leaves_the_marker_alone(project):
    ingest(project, [RecordDraft("a", Source.API, T0, inputs=[f"data:image/png;base64,{TEXT}"])], "ci")
    ingest(project, [RecordDraft("a", Source.API, T0, outputs="x" * 2 * BLOB_BYTES)], "ci")
    payload = Payload.objects.get(project=project)
    assert payload.inputs[0]["$blob"] == MARK["$blob"] and len(payload.outputs) == 2 * BLOB_BYTES
