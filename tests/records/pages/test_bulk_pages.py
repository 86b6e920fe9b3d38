import csv
import io
import json
from datetime import UTC, datetime, timedelta

import django_rq
import pytest
import redis
from django.urls import reverse

from evalhub import health
from evalhub.models import AuditEvent, Role
from records import bulk, export
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import BulkJob, BulkKind, BulkStatus, Record, Source
from records.tagging import add_tags
from tests import factories

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    told = []
    monkeypatch.setattr(bulk, "ring", lambda job_id, attempt=0: told.append(job_id))
    monkeypatch.setattr("records.views.bulk.workers_of", lambda queue: 1)
    return told


def as_(client, project, role):
    client.force_login(factories.member(project, role))
    return client


@pytest.fixture
def reviewer(client, project):
    return as_(client, project, Role.REVIEWER)


@pytest.fixture
def admin(client, project):
    return as_(client, project, Role.ADMIN)


def sent(project, count=3, **fields):
    drafts = [
        RecordDraft(f"r{n}", Source.API, START + timedelta(minutes=n), inputs={"question": f"Question {n}?"}, **fields)
        for n in range(count)
    ]
    ingest(project, drafts, "ci")
    return list(Record.objects.filter(project=project).order_by("created_at").values_list("id", flat=True))


def at(project, name, *args):
    return reverse(f"records:{name}", args=[project.slug, *args])


def exported(client, project, **data):
    answer = client.post(at(project, "export"), data)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("name", ["bulk-tag", "bulk-delete", "export"])
@pytest.mark.parametrize(
    "data", [{"matching": "1", "q": "modle:gpt"}, {"matching": "1"}, {}, {"matching": "1", "q": "", "spans": "x"}]
)
def test_a_filter_that_cannot_be_read_is_no_bulk_act(admin, project, rung, name, data):
    sent(project)
    answer = admin.post(
        at(project, name), {"tags": "x", "act": "tag", "typed": "3", "expected": "3", "format": "csv"} | data
    )
    assert answer.status_code == 422
    assert (Record.objects.count(), BulkJob.objects.count(), rung) == (3, 0, [])


def test_the_tag_dialog_says_what_is_selected(reviewer, project):
    ids = sent(project, 3, model="gpt")
    add_tags(project.id, ids[:1], ["known one"])
    page = reviewer.get(at(project, "bulk-tag"), {"matching": "1", "q": "model:gpt", "spans": ""}).content.decode()
    assert "all 3 records where model is gpt" in page and 'value="known one"' in page
    assert "2 records" in reviewer.get(at(project, "bulk-tag"), {"n": "2", "q": "", "spans": ""}).content.decode()


def test_ticked_records_are_tagged_and_the_page_is_told(reviewer, project):
    ids = sent(project)
    answer = reviewer.post(at(project, "bulk-tag"), {"ids": ids[:2], "tags": 'one, "a, b"', "act": "tag"})
    assert answer.status_code == 200
    told = json.loads(answer["HX-Trigger"])
    assert told["toast"] == {"words": "Tagged 2 records with one, a, b.", "state": "pass"}
    assert "records-changed" in told
    assert sorted(map(tuple, Record.objects.values_list("tags", flat=True))) == [(), ("one", "a, b"), ("one", "a, b")]
    reviewer.post(at(project, "bulk-tag"), {"ids": ids[:1], "tags": "one", "act": "untag"})
    assert Record.objects.get(id=ids[0]).tags == ["a, b"]


@pytest.mark.parametrize("tags", ["", " , ", "x" * 101, "a\x07b", "a\rb", '"a"\n"b"'])
def test_a_tag_that_cannot_be_is_asked_for_again(reviewer, project, tags):
    ids = sent(project)
    answer = reviewer.post(at(project, "bulk-tag"), {"ids": ids, "tags": tags, "act": "tag"})
    assert answer.status_code == 422 and "3 records" in answer.content.decode()
    assert not Record.objects.exclude(tags=[]).exists()


def test_all_that_match_become_a_job_whose_row_survives_a_reload(reviewer, project, rung):
    sent(project, 3, model="gpt")
    answer = reviewer.post(
        at(project, "bulk-tag"), {"matching": "1", "q": "model:gpt", "spans": "", "tags": "x", "act": "tag"}
    )
    assert "bulk-started" in answer["HX-Trigger"]
    job = BulkJob.objects.get()
    assert rung == [job.pk]
    row = reviewer.get(at(project, "bulk-jobs")).content.decode()
    assert "Tagging all records where model is gpt with x" in row and "every 2s" in row
    bulk.run(job.pk)
    last = reviewer.get(at(project, "bulk-job", job.pk))
    assert last.status_code == 286 and "every 2s" not in last.content.decode()
    assert "Tagged 3 records with x." in last.content.decode()
    assert "Tagged 3 records" in reviewer.get(at(project, "bulk-jobs")).content.decode()
    reviewer.post(at(project, "bulk-dismiss", job.pk))
    assert "Tagged" not in reviewer.get(at(project, "bulk-jobs")).content.decode()


@pytest.mark.parametrize(("workers", "words"), [(0, "no worker is running"), (None, "does not answer")])
def test_a_job_that_nobody_takes_says_so(reviewer, project, monkeypatch, workers, words):
    sent(project)
    monkeypatch.setattr("records.views.bulk.workers_of", lambda queue: workers)
    reviewer.post(at(project, "bulk-tag"), {"matching": "1", "q": "", "tags": "x", "act": "tag"})
    assert words in reviewer.get(at(project, "bulk-jobs")).content.decode()


def test_progress_is_a_share_a_pace_and_what_is_left(reviewer, project):
    now = datetime.now(UTC)
    BulkJob.objects.create(
        project=project, kind=BulkKind.TAG, tags=["x"], by="ada", words="all records", status=BulkStatus.RUNNING,
        total=4000, done=1000, started_at=now - timedelta(seconds=100), beat_at=now,
    )  # fmt: skip
    row = reviewer.get(at(project, "bulk-jobs")).content.decode()
    assert 'width="25.0%"' in row and "1,000 of 4,000" in row and "10/s, about 5 min left" in row


def test_a_job_is_cancelled_by_who_may_start_it(client, project):
    sent(project)
    as_(client, project, Role.ADMIN).post(
        at(project, "bulk-delete"), {"matching": "1", "q": "", "typed": "3", "expected": "3"}
    )
    job = BulkJob.objects.get()
    assert as_(client, project, Role.EDITOR).post(at(project, "bulk-cancel", job.pk)).status_code == 403
    assert "Cancel" not in client.get(at(project, "bulk-jobs")).content.decode()
    answer = as_(client, project, Role.ADMIN).post(at(project, "bulk-cancel", job.pk))
    assert "Cancelled. Deleted 0 records." in answer.content.decode()
    bulk.run(job.pk)
    assert Record.objects.count() == 3


def test_a_job_of_another_project_is_nowhere(admin, project):
    job = BulkJob.objects.create(project=factories.project(), kind=BulkKind.TAG, by="x", words="secret")
    assert admin.get(at(project, "bulk-job", job.pk)).status_code == 404
    assert admin.post(at(project, "bulk-cancel", job.pk)).status_code == 404
    assert admin.post(at(project, "bulk-dismiss", job.pk)).status_code == 404
    assert "secret" not in admin.get(at(project, "bulk-jobs")).content.decode()


def test_deleting_all_that_match_asks_for_their_number(admin, project, rung):
    sent(project)
    asked = {"matching": "1", "q": "", "spans": ""}
    page = admin.get(at(project, "bulk-delete"), asked).content.decode()
    assert "Delete all 3 records?" in page and 'name="expected" value="3"' in page
    for typed in ("", "2", "33", "delete"):
        answer = admin.post(at(project, "bulk-delete"), asked | {"typed": typed, "expected": "3"})
        assert answer.status_code == 422 and "Type 3 to confirm" in answer.content.decode()
    assert admin.post(at(project, "bulk-delete"), asked | {"typed": ""}).status_code == 422
    assert not rung
    assert admin.post(at(project, "bulk-delete"), asked | {"typed": " 3 ", "expected": "3"}).status_code == 200
    bulk.run(rung[0])
    assert not Record.objects.exists()


def test_what_arrives_while_the_dialog_is_open_stays(admin, project, rung):
    sent(project, 2)
    asked = {"matching": "1", "q": "", "spans": ""}
    answer = admin.get(at(project, "bulk-delete"), asked)
    ceiling = str(answer.context["ceiling"])
    sent(project, 3)
    admin.post(at(project, "bulk-delete"), asked | {"typed": "2", "expected": "2", "ceiling": ceiling})
    bulk.run(rung[0])
    assert list(Record.objects.values_list("external_id", flat=True)) == ["r2"]


def test_ticked_records_are_deleted_with_a_click_and_audited(admin, project):
    ids = sent(project)
    assert "Delete 2 records?" in admin.get(at(project, "bulk-delete"), {"n": "2"}).content.decode()
    admin.post(at(project, "bulk-delete"), {"ids": ids[:2], "spans_below": "on"})
    assert Record.objects.count() == 1
    assert AuditEvent.objects.get(project=project, action="records.delete").detail["changed"] == 2


def test_a_viewer_is_offered_the_export_alone_and_an_admin_all(client, project):
    sent(project)
    page = as_(client, project, Role.VIEWER).get(at(project, "list")).content.decode()
    assert "JSONL" in page and at(project, "bulk-tag") not in page and at(project, "bulk-delete") not in page
    page = as_(client, project, Role.ADMIN).get(at(project, "list")).content.decode()
    assert at(project, "bulk-tag") in page and at(project, "bulk-delete") in page


def test_a_page_that_shows_no_rows_has_no_bulk_bar(admin, project):
    sent(project)
    assert 'class="bulk"' not in admin.get(at(project, "list"), {"q": "modle:x"}).content.decode()
    assert 'class="bulk"' not in admin.get(at(project, "list"), {"q": "model:none"}).content.decode()
    assert 'class="bulk"' in admin.get(at(project, "list")).content.decode()


def test_the_table_of_an_export_holds_nothing_that_a_spreadsheet_would_run(client, project):
    sent(project, 2, name='=HYPERLINK("http://evil")', outputs="+1+1", model="@sum", environment="-2")
    text = exported(as_(client, project, Role.VIEWER), project, matching="1", q="", format="csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2
    assert {(row["name"], row["outputs"], row["model"], row["environment"]) for row in rows} == {
        ('\'=HYPERLINK("http://evil")', "'+1+1", "'@sum", "'-2")
    }


def test_an_export_is_the_page_s_selection_newest_first(client, project):
    ids = sent(project, 5)
    viewer = as_(client, project, Role.VIEWER)
    lines = exported(viewer, project, matching="1", q="inputs.question:'Question 4?'", format="jsonl").splitlines()
    assert [json.loads(line)["external_id"] for line in lines] == ["r4"]
    lines = exported(viewer, project, ids=ids[1:4], format="jsonl").splitlines()
    assert [json.loads(line)["external_id"] for line in lines] == ["r3", "r2", "r1"]
    event = AuditEvent.objects.filter(action="records.export").latest("id")
    assert (event.target, event.detail["format"]) == ("3 records", "jsonl")


def test_an_export_streams_to_a_file_of_the_project_and_day(client, project):
    sent(project)
    answer = as_(client, project, Role.VIEWER).post(at(project, "export"), {"matching": "1", "q": "", "format": "csv"})
    assert answer.streaming
    assert answer["Content-Disposition"].startswith(f'attachment; filename="{project.slug}-records-')


def test_an_export_that_breaks_off_says_so_in_its_last_line(client, project, monkeypatch, caplog):
    sent(project, 3)
    whole = export.jsonl

    def failing(rows):
        yield from list(whole(rows))[:2]
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(export, "jsonl", failing)
    lines = exported(as_(client, project, Role.VIEWER), project, matching="1", q="", format="jsonl").splitlines()
    assert len(lines) == 3 and lines[-1].startswith("# The export broke off here")
    assert "the disk is gone" in caplog.text


def test_an_export_never_holds_another_project_s_records(client, project):
    theirs = sent(factories.project())
    text = exported(as_(client, project, Role.VIEWER), project, ids=theirs, format="jsonl")
    assert text == ""


def test_the_queue_is_told_where_it_answers_and_the_row_waits_where_not(monkeypatch, caplog, db):
    monkeypatch.undo()
    queue = django_rq.get_queue(bulk.QUEUE)
    queue.empty()
    bulk.ring(7)
    bulk.ring(7)
    assert queue.job_ids in ([], ["bulk-7-0"])  # the test's own transaction holds it back
    monkeypatch.setattr(bulk.django_rq, "get_queue", lambda name: (_ for _ in ()).throw(redis.ConnectionError("gone")))
    bulk.ring(8)
    assert "Bulk job 8 waits for Redis" in caplog.text
    queue.empty()


def test_workers_that_are_silent_or_elsewhere_do_not_count(settings):
    assert health.workers_of("bulk") == 0
    settings.REDIS_URL = "unix:///nowhere.sock"
    assert health.workers_of("bulk") is None
