from base64 import b64encode
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Blob, Source
from tests import factories

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def sent(project, content_type: str) -> tuple[str, object]:
    """A record with a file of that type; the file's URL, and the record's id."""
    url = f"data:{content_type};base64,{b64encode(b'<svg onload=alert(1)>' * 5000).decode()}"
    said = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    id = ingest(project, [RecordDraft("a", Source.API, START, inputs=said)], "ci").ids[0]
    return reverse("records:blob", args=[project.slug, Blob.objects.get(project=project).sha256]), id


def test_an_image_is_shown_on_the_record(reader, project):
    url, id = sent(project, "image/png")
    assert f'<img src="{url}"' in reader.get(reverse("records:detail", args=[project.slug, id])).content.decode()
    answer = reader.get(url)
    assert answer["Content-Type"] == "image/png" and answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "application/pdf"])
def test_what_a_browser_might_run_is_only_downloaded(reader, project, content_type):
    url, id = sent(project, content_type)
    assert "<img" not in reader.get(reverse("records:detail", args=[project.slug, id])).content.decode()
    answer = reader.get(url)
    assert answer["Content-Type"] == "application/octet-stream" and answer["Content-Disposition"].startswith(
        "attachment"
    )


def test_a_file_of_another_project_is_not_found(reader, project):
    other = factories.project()
    url, _ = sent(other, "image/png")
    assert reader.get(url).status_code == 404
    assert reader.get(url.replace(other.slug, project.slug)).status_code == 404


def test_an_address_that_no_file_can_have_is_not_found(reader, project):
    assert reader.get(f"/p/{project.slug}/records/files/a%00b").status_code == 404


def test_a_marker_that_a_client_made_up_names_no_file(reader, project):
    made_up = {"$blob": "../../secret", "content_type": "image/png", "size": 3}
    id = ingest(project, [RecordDraft("a", Source.API, START, inputs=made_up)], "ci").ids[0]
    assert "<img" not in reader.get(reverse("records:detail", args=[project.slug, id])).content.decode()
