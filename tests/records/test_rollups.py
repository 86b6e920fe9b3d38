"""The recount bites, and the repair mends what it finds without losing what is written meanwhile."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Record, RecordRollup, RecordSample, Score, ScoreRollup, Source
from records.rollups import recount, repair
from tests import factories

NOW = timezone.now().replace(minute=10)


def filled(project, n: int = 8) -> None:
    """A trace of n spans, every one with a cost and a score, over two hours."""
    if not project.metrics.exists():
        factories.metric(project, "quality")
    drafts = [
        RecordDraft(
            f"t:{k}", Source.TRACE, NOW - timedelta(minutes=15 * k), trace_id="t", span_id=str(k),
            parent_id=str(k - 1) if k else "", tokens=k, cost=k, latency_ms=k,
            scores=[ScoreDraft("quality", {"numerical_value": k / 10}, key="1")],
        )
        for k in range(n)
    ]  # fmt: skip
    ingest(project, drafts, "test")


def wrong(project, **since: object) -> set[str]:
    return {name for name, count in recount(project.id, **since).items() if count}


def test_a_recount_finds_nothing_when_all_is_right(project):
    filled(project)
    assert not wrong(project)


@pytest.mark.parametrize(
    ("model", "change", "found"),
    [
        (RecordRollup, {"n": 99}, "record_rollup"),
        (RecordRollup, {"cost": 99}, "record_rollup"),
        (ScoreRollup, {"n": 99}, "score_rollup"),
        (ScoreRollup, {"value_sum": 99}, "score_rollup"),
        (Score, {"is_current": False}, "current_scores"),
        (Record, {"status": 3}, "record_status"),
        (Record, {"is_root": True}, "is_root"),
        (Record, {"trace_spans": 99}, "trace_rollup"),
    ],
)
def test_a_recount_finds_what_is_wrong(project, model, change, found):
    filled(project)
    model.objects.filter(project=project).update(**change)
    assert found in wrong(project)


def test_a_recount_finds_a_record_missing_in_the_sample(project):
    filled(project, 300)
    assert RecordSample.objects.filter(project=project).exists()
    RecordSample.objects.filter(project=project).delete()
    assert wrong(project) == {"record_sample"}


def test_a_repair_mends_both_roll_ups_and_says_how_many_rows(project):
    filled(project)
    RecordRollup.objects.filter(project=project).update(n=99, cost=1)
    ScoreRollup.objects.filter(project=project).delete()
    found = repair(project.id)
    assert found["record_rollup"] and found["score_rollup"]
    assert not wrong(project)
    assert not any(repair(project.id).values())


def test_a_repair_takes_back_counts_of_what_does_not_exist(project):
    filled(project)
    RecordRollup.objects.create(
        project=project, bucket=NOW.replace(minute=0, second=0, microsecond=0), is_root=True, status=3, source=1,
        n=5, cost=5, tokens=5, latency_ms=5, errors=5,
    )  # fmt: skip
    assert repair(project.id)["record_rollup"] == 1
    assert not wrong(project)


def test_a_repair_leaves_older_hours_alone(project):
    filled(project)
    old = RecordRollup.objects.filter(project=project).order_by("bucket").first()
    RecordRollup.objects.filter(project=project, bucket=old.bucket).update(n=99)
    assert not any(repair(project.id, since=old.bucket + timedelta(hours=1)).values())
    assert repair(project.id, since=old.bucket + timedelta(minutes=59))["record_rollup"]


def test_another_project_is_not_touched(project):
    filled(project)
    RecordRollup.objects.filter(project=project).update(n=99)
    assert not any(repair(factories.project().id).values())
    assert wrong(project) == {"record_rollup"}


def test_drift_by_rounding_is_mended_in_silence(project):
    filled(project)
    row = ScoreRollup.objects.filter(project=project, value_sum__gt=0).first()
    same = ScoreRollup.objects.filter(project=project, bucket=row.bucket, is_root=row.is_root, outcome=row.outcome)
    same.update(value_sum=row.value_sum + 1e-12)
    assert not any(repair(project.id).values())
    assert same.get().value_sum == pytest.approx(row.value_sum, abs=1e-15)


@pytest.mark.django_db(transaction=True)
def test_a_repair_beside_an_uncommitted_writer_counts_its_rows_once(project):
    """The writer has its rows and its roll-up written, but not committed, while the repair runs."""
    filled(project)
    RecordRollup.objects.filter(project=project).update(n=99)
    written, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            ingest(project, [RecordDraft("late", Source.API, NOW, tokens=7)], "test")
            written.set()
            go_on.wait(10)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(10)
    threading.Timer(0.2, go_on.set).start()  # the repair waits for the row that the writer holds
    repair(project.id)
    writer.join()
    assert Record.objects.filter(project=project, external_id="late").exists()
    assert not wrong(project)
