from datetime import timedelta

import pytest
from django.db import OperationalError
from django.http import QueryDict
from django.utils import timezone

from evalhub.models import AuditEvent, Role
from records import bulk
from records.drafts import RecordDraft
from records.ids import uuid7
from records.ingest import ingest
from records.models import BulkJob, BulkKind, BulkStatus, Record, Source
from records.search import ceiling_of
from records.selection import SelectionProblem, read_selection
from records.tagging import TagProblem, add_tags
from tests import factories
from tests.records.recount import recount

NOON = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture
def editor(project):
    return factories.member(project, Role.ADMIN, "ada")


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    """Jobs that a worker was told of; none works by itself here."""
    told = []
    monkeypatch.setattr(bulk, "ring", lambda job_id, attempt=0: told.append(job_id))
    return told


def sent(project, count, first=0, **fields):
    drafts = [
        RecordDraft(f"r{n}", Source.API, NOON + timedelta(seconds=n), inputs={"n": n}, **({"model": "gpt"} | fields))
        for n in range(first, first + count)
    ]
    ingest(project, drafts, "ci")


def traced(project, traces, spans=3):
    """Traces of a root and a chain of spans below it."""
    drafts = []
    for t in range(traces):
        for s in range(spans):
            drafts.append(
                RecordDraft(
                    f"t{t}:s{s}",
                    Source.TRACE,
                    NOON + timedelta(minutes=t, seconds=s),
                    trace_id=f"t{t}",
                    span_id=f"s{s}",
                    parent_id=f"s{s - 1}" if s else "",
                    tokens_in=1,
                    tokens_out=1,
                )  # fmt: skip
            )
    ingest(project, drafts, "ci")


def matching(project, user, q="", **more):
    return read_selection(QueryDict(f"matching=1&q={q}" + "".join(f"&{k}={v}" for k, v in more.items())), project, user)


def by_hand(project, user, ids):
    return read_selection(QueryDict("&".join(f"ids={id}" for id in ids)), project, user)


def tagged(project, tag="x"):
    return set(Record.objects.filter(project=project, tags__contains=[tag]).values_list("external_id", flat=True))


def tag(selection, user, tags=("x",), **more):
    return bulk.start(selection, BulkKind.TAG, user, tags, **more)


@pytest.mark.parametrize(
    "data", ["matching=1&q=modle:gpt", "matching=1", "matching=1&q=a(", "matching=1&q=&spans=some"]
)
def test_what_cannot_be_read_as_a_filter_selects_nothing(project, editor, data):
    with pytest.raises(SelectionProblem):
        read_selection(QueryDict(data), project, editor)


@pytest.mark.parametrize("data", ["", "ids=", "ids=abc", "q=model:gpt", "matching=1&q=&ceiling=abc"])
def test_what_is_no_selection_selects_nothing(project, editor, data):
    with pytest.raises(SelectionProblem):
        read_selection(QueryDict(data), project, editor)


def test_more_ticks_than_a_page_has_are_refused(project, editor):
    with pytest.raises(SelectionProblem, match="narrow the filter"):
        by_hand(project, editor, [uuid7() for _ in range(501)])


def test_a_few_ticked_records_are_tagged_at_once(project, editor, rung):
    sent(project, 3)
    ids = list(Record.objects.values_list("id", flat=True)[:2])
    job = tag(by_hand(project, editor, ids), editor)
    assert (job.status, job.done, job.changed, job.dismissed, rung) == ("completed", 2, 2, True, [])
    assert len(tagged(project)) == 2


def test_records_of_another_project_are_not_touched(project, editor):
    other = factories.project()
    sent(other, 2)
    job = tag(by_hand(project, editor, Record.objects.filter(project=other).values_list("id", flat=True)), editor)
    assert (job.done, job.changed) == (2, 0)
    assert not tagged(other)


def test_all_that_match_wait_for_a_worker_and_are_tagged_by_it(project, editor, rung):
    sent(project, 5)
    sent(project, 2, first=5, model="claude")
    job = tag(matching(project, editor, "model:gpt"), editor)
    assert (job.status, rung, tagged(project)) == ("pending", [job.pk], set())
    bulk.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.total, job.done, job.changed) == ("completed", 5, 5, 5)
    assert tagged(project) == {f"r{n}" for n in range(5)}


def test_what_arrives_after_the_question_is_not_part_of_the_answer(project, editor):
    sent(project, 3)
    asked = matching(project, editor, ceiling=ceiling_of())
    sent(project, 3, first=3)
    Record.objects.filter(external_id="r5").update(created_at=NOON - timedelta(days=1))  # late, and says it is old
    job = bulk.start(asked, BulkKind.DELETE, editor)
    bulk.run(job.pk)
    assert set(Record.objects.values_list("external_id", flat=True)) == {"r3", "r4", "r5"}


def test_ages_are_counted_from_when_it_was_asked_for(project, editor):
    sent(project, 3)
    job = tag(matching(project, editor, "created:>-7d"), editor)
    BulkJob.objects.update(created_at=NOON - timedelta(days=30))
    bulk.run(job.pk)
    job.refresh_from_db()
    assert job.done == 3  # the bound moved back with the question, and "since" has no end


def crash_after(monkeypatch, slices, problem):
    """The act fails once when so many slices are done."""
    act, calls = bulk._act, []

    def failing(job, ids):
        calls.append(ids)
        if len(calls) == slices + 1:
            act(job, ids)  # done, but not committed
            raise problem
        return act(job, ids)

    monkeypatch.setattr(bulk, "_act", failing)


@pytest.mark.parametrize("kind", [BulkKind.TAG, BulkKind.DELETE])
def test_a_worker_that_dies_leaves_a_job_that_goes_on_and_does_nothing_twice(project, editor, monkeypatch, kind):
    sent(project, 7)
    job = bulk.start(matching(project, editor), kind, editor, ["x"] if kind == BulkKind.TAG else [])
    monkeypatch.setattr(bulk, "SLICE", 2)
    crash_after(monkeypatch, 2, OperationalError("the connection is lost"))
    with pytest.raises(OperationalError):
        bulk.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.changed, job.beat_at) == ("running", 4, 4, None)
    bulk.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.changed, job.attempt) == ("completed", 7, 7, 2)
    assert len(tagged(project)) == (7 if kind == BulkKind.TAG else 0)
    assert Record.objects.count() == (7 if kind == BulkKind.TAG else 0)


def test_a_worker_that_was_given_up_changes_nothing_any_more(project, editor, monkeypatch):
    sent(project, 4)
    job = tag(matching(project, editor), editor)
    monkeypatch.setattr(bulk, "SLICE", 2)
    act = bulk._act

    def taken_over(job, ids):
        found = act(job, ids)
        BulkJob.objects.filter(pk=job.pk).update(attempt=99)
        return found

    monkeypatch.setattr(bulk, "_act", taken_over)
    bulk.run(job.pk)
    assert tagged(project) == set()


def test_two_rings_are_one_job(project, editor):
    sent(project, 2)
    job = tag(matching(project, editor), editor)
    BulkJob.objects.filter(pk=job.pk).update(status=BulkStatus.RUNNING, beat_at=timezone.now())
    bulk.run(job.pk)
    assert tagged(project) == set()


def test_a_job_gives_way_after_its_turn_and_goes_on(project, editor, monkeypatch, rung):
    sent(project, 4)
    job = tag(matching(project, editor), editor)
    bulk.run(job.pk, seconds=0)
    job.refresh_from_db()
    assert (job.status, job.done, rung) == ("running", 0, [job.pk, job.pk])
    bulk.run(job.pk)
    assert len(tagged(project)) == 4


def test_a_cancelled_job_stops_at_its_slice_and_says_what_it_did(project, editor, monkeypatch):
    sent(project, 6)
    job = tag(matching(project, editor), editor)
    monkeypatch.setattr(bulk, "SLICE", 2)
    act = bulk._act

    def cancelled_meanwhile(job, ids):
        bulk.cancel(job, editor)
        return act(job, ids)

    monkeypatch.setattr(bulk, "_act", cancelled_meanwhile)
    bulk.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, len(tagged(project))) == ("cancelled", 2, 2)
    assert not bulk.cancel(job, editor)
    bulk.run(job.pk)
    assert len(tagged(project)) == 2


def test_a_filter_that_has_lost_its_meaning_ends_the_job_and_touches_nothing(project, editor):
    sent(project, 2)
    factories.metric(project, "tone")
    job = bulk.start(matching(project, editor, "-metric.tone:>0.5"), BulkKind.DELETE, editor)
    project.metrics.all().delete()
    bulk.run(job.pk)
    job.refresh_from_db()
    assert job.status == "errored" and "tone" in job.error
    assert Record.objects.count() == 2


def test_an_unexpected_failure_is_told(project, editor, monkeypatch):
    sent(project, 2)
    job = tag(matching(project, editor), editor)
    crash_after(monkeypatch, 0, RuntimeError("disk full"))
    bulk.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error, tagged(project)) == ("errored", "RuntimeError: disk full", set())


def test_a_record_with_too_many_tags_keeps_no_other_from_its_own(project, editor):
    sent(project, 3)
    full = Record.objects.get(external_id="r1")
    add_tags(project.id, [full.id], [f"t{n}" for n in range(50)])
    job = tag(by_hand(project, editor, Record.objects.values_list("id", flat=True)), editor)
    assert (job.status, job.done, job.changed, job.failed) == ("completed", 3, 2, 1)
    assert "at most 50 tags" in job.error
    assert tagged(project) == {"r0", "r2"}


def test_no_tags_are_a_mistake_and_leave_no_job(project, editor):
    sent(project, 1)
    with pytest.raises(TagProblem):
        tag(matching(project, editor), editor, tags=[" "])
    with pytest.raises(TagProblem):
        tag(matching(project, editor), editor, tags=[])
    assert not BulkJob.objects.exists()


def test_untagging_takes_off_only_what_was_named(project, editor):
    sent(project, 2)
    ids = list(Record.objects.values_list("id", flat=True))
    add_tags(project.id, ids, ["x", "y"])
    bulk.start(by_hand(project, editor, ids[:1]), BulkKind.UNTAG, editor, ["x"])
    assert len(tagged(project)) == 1 and len(tagged(project, "y")) == 2


@pytest.mark.parametrize("size", [2, 5, 1000])
def test_a_trace_is_deleted_with_all_below_it_and_counts_stay_right(project, editor, monkeypatch, size):
    traced(project, 4)
    sent(project, 2)
    roots = Record.objects.filter(is_root=True, trace_id__in=["t0", "t2"])
    monkeypatch.setattr(bulk, "SLICE", size)
    job = bulk.start(
        by_hand(project, editor, roots.values_list("id", flat=True)), BulkKind.DELETE, editor, spans_below=True
    )
    bulk.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done, job.changed) == ("completed", 2, 6)
    assert set(Record.objects.values_list("trace_id", flat=True)) == {"", "t1", "t3"}
    assert not any(recount(project.id).values())


def test_deleting_all_roots_does_not_go_on_with_the_spans_that_rise(project, editor):
    traced(project, 3)
    job = bulk.start(matching(project, editor), BulkKind.DELETE, editor)
    bulk.run(job.pk)
    job.refresh_from_db()
    assert (job.done, job.changed, Record.objects.count()) == (3, 3, 6)
    assert not any(recount(project.id).values())


def test_every_act_is_in_the_audit_trail(project, editor):
    sent(project, 3)
    job = tag(matching(project, editor, "model:gpt"), editor)
    bulk.run(job.pk)
    end, asked = AuditEvent.objects.filter(project=project)
    assert (asked.actor, asked.action, asked.target) == ("ada", "records.tag.start", "all records where model is gpt")
    assert (end.action, end.detail["filter"], end.detail["changed"]) == ("records.tag", "model:gpt", 3)


def test_the_sweeper_rings_for_jobs_that_nobody_is_at(project, editor, rung):
    sent(project, 1)
    jobs = [tag(matching(project, editor), editor) for _ in range(4)]
    rung.clear()
    old = timezone.now() - timedelta(minutes=10)
    BulkJob.objects.filter(pk=jobs[0].pk).update(created_at=old)
    BulkJob.objects.filter(pk=jobs[1].pk).update(status=BulkStatus.RUNNING, beat_at=old, created_at=old)
    BulkJob.objects.filter(pk=jobs[2].pk).update(status=BulkStatus.RUNNING, beat_at=timezone.now(), created_at=old)
    BulkJob.objects.filter(pk=jobs[3].pk).update(status=BulkStatus.COMPLETED, created_at=old)
    bulk.ring_lost()
    assert rung == [jobs[0].pk, jobs[1].pk]
