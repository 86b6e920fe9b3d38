"""Retention: what is past its days goes, and only that; everything derived stays right."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from evalhub.models import AuditEvent, Project, Role
from records import retention
from records.drafts import RecordDraft, ScoreDraft
from records.ids import uuid7
from records.ingest import ingest
from records.limits import BLOB_BYTES
from records.models import Blob, Payload, Record, Score, ScoreDetail, Source
from records.whole import whole
from tests import factories
from tests.records.recount import recount

NOW = datetime(2026, 5, 20, 15, 30, tzinfo=UTC)
FILE = "data:image/png;base64," + base64.b64encode(bytes(BLOB_BYTES)).decode()


def arrived(draft: RecordDraft, days: float) -> RecordDraft:
    """As if it had come so many days before NOW."""
    draft.id = uuid7(int((NOW - timedelta(days=days)).timestamp() * 1000))
    return draft


def draft(name: str, days: float, **fields: object) -> RecordDraft:
    fields = {"inputs": f"in {name}", "outputs": f"out {name}", "thread": "t"} | fields
    judged = [ScoreDraft("quality", {"numerical_value": 0.7})]
    return arrived(RecordDraft(name, Source.API, NOW - timedelta(days=days), scores=judged, **fields), days)


def span(trace: str, id: str, parent: str, days: float) -> RecordDraft:
    at = NOW - timedelta(days=days)
    made = RecordDraft(f"{trace}:{id}", Source.TRACE, at, trace_id=trace, span_id=id, parent_id=parent, inputs=id)
    return arrived(made, days)


@pytest.fixture
def kept(project):
    """A project that keeps records for 30 days and payloads for 7, with records of all ages."""
    factories.metric(project, "quality")
    Project.objects.filter(pk=project.pk).update(record_days=30, payload_days=7)
    project.refresh_from_db()
    ingest(project, [draft(f"r{days}", days) for days in (0, 3, 6.9, 8, 20, 29, 31, 400)], "ci")
    return project


def since_then() -> int:
    """Days from NOW until today: commands and pages have the real clock."""
    return (timezone.now().astimezone(UTC).date() - NOW.date()).days


def names(project, *having: str) -> set[str]:
    rows = Record.objects.filter(project=project)
    if having:
        rows = rows.filter(id__in=Payload.objects.filter(project=project).values("record_id"))
    return set(rows.values_list("external_id", flat=True))


def test_what_is_past_its_days_goes_and_everything_else_stays_right(kept):
    elsewhere = factories.project()
    ingest(elsewhere, [draft("theirs", 500)], "ci")
    due = retention.due(kept, kept.record_days, kept.payload_days, NOW)
    assert (due.records, due.payloads) == (2, 3)
    pruned = retention.prune(kept, "ann", NOW)
    assert (pruned.records, pruned.payloads) == (2, 3)
    assert names(kept) == {"r0", "r3", "r6.9", "r8", "r20", "r29"}
    assert names(kept, "payload") == {"r0", "r3", "r6.9"}
    assert names(elsewhere, "payload") == {"theirs"}
    assert Score.objects.filter(project=kept).count() == 6
    assert set(recount(kept.id).values()) == {0}
    assert not retention.prune(kept, "ann", NOW)
    (line,) = AuditEvent.objects.filter(project=kept)
    assert (line.actor, line.action, line.detail) == ("ann", "retention.prune", {"records": 2, "payloads": 3})


def test_a_day_ends_at_midnight_utc(project):
    midnight = datetime(2026, 5, 13, tzinfo=UTC)
    before, after = (NOW - midnight + timedelta(seconds=s) for s in (1, -1))
    ingest(project, [draft(name, age / timedelta(days=1)) for name, age in (("out", before), ("in", after))], "ci")
    project.record_days = 7
    retention.prune(project, "ann", NOW)
    assert names(project) == {"in"}


def test_without_days_everything_is_kept(project):
    ingest(project, [draft("old", 3000)], "ci")
    assert not retention.prune(project, "ann", NOW)
    assert names(project, "payload") == {"old"}


def test_slices_and_traces_that_reach_over_the_edge_leave_every_count_right(project, monkeypatch):
    monkeypatch.setattr(retention, "SLICE", 2)
    monkeypatch.setattr(retention, "MOST_REST", 0)
    factories.metric(project, "quality")
    whole_ones = [span(f"t{n}", id, parent, 40 - n) for n in range(5) for id, parent in (("a", ""), ("b", "a"))]
    across = [span("x", "a", "", 31), span("x", "b", "a", 29), span("x", "c", "b", 29)]
    ingest(project, [*whole_ones, *across, *(draft(f"r{n}", 35 + n) for n in range(5))], "ci")
    project.record_days = 30
    seen = []
    pruned = retention.prune(project, "ann", NOW, on_progress=lambda p: seen.append((p.records, recount(project.id))))
    assert pruned.records == 10 + 1 + 5 and len(seen) > 3
    assert all(set(found.values()) == {0} for _, found in seen)
    assert names(project) == {"x:b", "x:c"}
    assert Record.objects.get(project=project, external_id="x:b").trace_spans == 2


def test_work_that_has_had_its_time_goes_on_the_next_time(kept, monkeypatch):
    monkeypatch.setattr(retention, "SLICE", 1)
    first = retention.prune(kept, "ann", NOW, seconds=0)
    assert not first and retention.prune(kept, "ann", NOW).records == 2


def test_files_and_what_judges_were_shown_go_with_the_payload_that_held_them(project):
    ingest(project, [draft("old", 9, inputs={"image": FILE}), draft("new", 1, inputs={"image": FILE})], "ci")
    old = Record.objects.get(project=project, external_id="old")
    score = Score.objects.get(project=project, record_id=old.id)
    ScoreDetail.objects.create(project=project, score_id=score.id, prompt="in old")
    project.payload_days = 7
    retention.prune(project, "ann", NOW)
    assert not ScoreDetail.objects.filter(project=project).exists()
    assert Score.objects.filter(project=project).count() == 2
    assert Blob.objects.filter(project=project).count() == 1  # the newer record names it still
    project.payload_days = 1
    retention.prune(project, "ann", NOW + timedelta(days=1))
    assert not Blob.objects.filter(project=project).exists()


def test_a_later_piece_brings_no_empty_payload_back_and_changes_no_hash(kept):
    retention.prune(kept, "ann", NOW)
    before = Record.objects.get(project=kept, external_id="r8")
    ingest(kept, [RecordDraft("r8", Source.API, NOW, metadata={"late": True})], "ci")
    after = Record.objects.get(project=kept, external_id="r8")
    assert after.metadata == {"late": True} and after.input_hash == before.input_hash
    assert whole(after)["payload_expired"]
    ingest(kept, [RecordDraft("r8", Source.API, NOW, outputs="once more")], "ci")
    assert not whole(after)["payload_expired"]


def test_the_pages_and_the_api_say_that_a_payload_is_kept_no_longer(client, kept):
    retention.prune(kept, "ann", NOW)
    record = Record.objects.get(project=kept, external_id="r8")
    client.force_login(factories.member(kept, Role.ADMIN))
    page = client.get(reverse("records:detail", args=[kept.slug, record.id])).content.decode()
    assert "are no longer kept" in page and "Nothing was sent" not in page
    listed = client.get(reverse("records:list", args=[kept.slug]), {"q": f"id:{record.id}"}).content.decode()
    assert "no longer kept" in listed
    session = client.get(reverse("records:session", args=[kept.slug]), {"thread": "t"}).content.decode()
    assert session.count("are no longer kept") == 3
    exported = client.post(
        reverse("records:export", args=[kept.slug]), {"ids": [str(record.id)], "format": "jsonl"}
    ).getvalue()
    assert b'"payload_expired":true' in exported


def test_the_command_says_what_would_go_and_deletes_it(kept, capsys):
    Project.objects.filter(pk=kept.pk).update(record_days=30 + since_then(), payload_days=7 + since_then())
    call_command("prune", "--dry-run", "--project", kept.slug)
    assert len(names(kept)) == 8
    call_command("prune")
    assert names(kept) == {"r0", "r3", "r6.9", "r8", "r20", "r29"}
    told = capsys.readouterr().out
    assert told.count("2 records, and 3 payloads of others are past their days") == 2
    assert "deleted 2 records, and 3 payloads of others" in told
    with pytest.raises(CommandError, match="no project 'nowhere'"):
        call_command("prune", "--project", "nowhere")


def test_the_settings_store_the_days_and_tell_what_would_go(client, kept):
    client.force_login(factories.member(kept, Role.ADMIN))
    url, preview = (reverse(name, args=[kept.slug]) for name in ("records:retention", "records:retention-preview"))
    html = client.get(preview, {"record_days": 28 + since_then(), "payload_days": ""}).content.decode()
    assert "3 records" in html and len(names(kept)) == 8
    assert "Everything is kept" in client.get(preview, {"record_days": "", "payload_days": ""}).content.decode()
    assert "cannot be kept" in client.get(preview, {"record_days": "-1"}).content.decode()
    assert client.post(url, {"record_days": "5", "payload_days": "9"}).status_code == 422
    assert client.post(url, {"record_days": "90", "payload_days": ""}).status_code == 302
    kept.refresh_from_db()
    assert (kept.record_days, kept.payload_days) == (90, None)
    (line,) = AuditEvent.objects.filter(project=kept, action="retention.change")
    assert line.detail == {"payload_days": None, "record_days": 90}


def test_more_days_than_ids_have_keep_everything(client, project):
    ingest(project, [draft("old", 3000)], "ci")
    days = {"record_days": "36500", "payload_days": "36500"}
    client.force_login(factories.member(project, Role.ADMIN))
    assert client.post(reverse("records:retention", args=[project.slug]), days).status_code == 302
    assert client.get(reverse("records:retention-preview", args=[project.slug]), days).status_code == 200
    project.refresh_from_db()
    assert not retention.prune(project, "ann", NOW)


def test_one_project_with_much_to_prune_leaves_the_others_their_turn(db, monkeypatch):
    for _ in range(4):
        Project.objects.filter(pk=factories.project().pk).update(record_days=1)
    given = []
    monkeypatch.setattr(retention, "prune", lambda project, actor, seconds: given.append(seconds) or retention.Pruned())
    retention.prune_all("sweeper", 20)
    assert [round(seconds) for seconds in given] == [5, 7, 10, 20]  # who needs none of it leaves it to the rest
