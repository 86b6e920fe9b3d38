import random
from datetime import timedelta

import pytest
from django.utils import timezone

from records.deletion import delete_records
from records.ids import uuid7
from records.models import Payload, Record, RecordSample, Score, ScoreDetail, ScoreSource
from records.scores import NewScore, ScoreResult, Task, add_scores, claim, complete, plan_scores
from records.values import read_value
from tests import factories
from tests.records.recount import rebuild, recount

START = timezone.now().replace(minute=30)


def sampled_id():
    """An id among the 1 %."""
    id = uuid7()
    return type(id)(int=id.int & ~0xFFFF)


def span(project, trace, name, parent="", second=0, **fields):
    return factories.record(
        project, trace_id=trace, span_id=name, parent_id=parent, external_id=f"{trace}:{name}", name=name,
        is_root=not parent, created_at=START + timedelta(seconds=second), **fields,
    )  # fmt: skip


def pass_all(project, records, slug="m"):
    metric = project.metrics.filter(slug=slug).first() or factories.metric(project, slug)
    value = read_value(metric, {"numerical_value": 0.75})
    add_scores(project.id, [NewScore(record.id, metric, value) for record in records])


def test_a_deleted_record_takes_everything_of_its_own_along(project):
    record, other = factories.record(project, id=sampled_id()), factories.record(project)
    rebuild(project.id)
    pass_all(project, [record, other])
    metric = project.metrics.get()
    plan_scores(project.id, [record.id], [Task(metric.id, "run:1:1:1", ScoreSource.CODE, run_id=1)])
    (claimed,) = claim(project.id, 1, 10, 60)
    complete(project.id, [ScoreResult(claimed.id, record.id, claimed.attempts, 2, error="no", prompt="p")])
    sample = RecordSample.objects.filter(id=record.id)  # the other record is sampled too, once in a hundred runs
    assert ScoreDetail.objects.exists() and sample.exists()

    assert delete_records(project.id, [record.id, record.id, uuid7()]) == 1
    assert [list(m.objects.values_list(*m._meta.pk.field_names)) for m in (Record, Payload)] == [
        [(project.id, other.id)]
    ] * 2
    assert Score.objects.get().record_id == other.id
    assert not ScoreDetail.objects.exists() and not sample.exists()
    assert not any(recount(project.id).values())
    assert delete_records(project.id, [record.id]) == 0


def test_another_projects_record_of_the_same_id_stays(project):
    record = factories.record(factories.project())
    assert delete_records(project.id, [record.id]) == 0
    assert Record.objects.filter(id=record.id).exists()


def test_children_of_a_deleted_span_become_roots_with_their_scores(project):
    root = span(project, "t", "root")
    middle = span(project, "t", "middle", "root", 1)
    leaf = span(project, "t", "leaf", "middle", 2, id=sampled_id(), tokens=5)
    rebuild(project.id)
    pass_all(project, [root, middle, leaf])
    delete_records(project.id, [middle.id])
    leaf.refresh_from_db()
    assert leaf.is_root and RecordSample.objects.get(id=leaf.id).is_root
    root.refresh_from_db()
    assert (root.trace_spans, root.trace_tokens) == (2, 5)
    assert not any(recount(project.id).values())


def test_the_roll_up_of_a_trace_moves_to_the_earliest_root_left(project):
    root = span(project, "t", "root")
    late = span(project, "t", "late", "root", 5, cost="0.5")
    early = span(project, "t", "early", "root", 2, error="boom")
    rebuild(project.id)
    delete_records(project.id, [root.id])
    early.refresh_from_db(), late.refresh_from_db()
    assert early.is_root and late.is_root
    assert (early.trace_spans, float(early.trace_cost), early.trace_errors) == (2, 0.5, 1)
    assert late.trace_spans is None
    assert not any(recount(project.id).values())


def test_an_orphan_earlier_than_the_carrier_takes_the_roll_up_over(project):
    span(project, "t", "root", "", 5)
    parent = span(project, "t", "second", "", 6)
    child = span(project, "t", "child", "second", 1)
    rebuild(project.id)
    delete_records(project.id, [parent.id])
    child.refresh_from_db()
    assert child.trace_spans == 2
    assert not any(recount(project.id).values())


def test_a_whole_trace_goes_at_once(project):
    spans = [span(project, "t", f"s{n}", f"s{n - 1}" if n else "") for n in range(5)]
    rebuild(project.id)
    pass_all(project, spans)
    assert delete_records(project.id, [s.id for s in spans]) == 5
    assert not any(recount(project.id).values())


@pytest.mark.parametrize("seed", range(6))
def test_random_deletions_leave_every_count_right(project, seed, monkeypatch):
    monkeypatch.setattr("records.deletion.MAX_ITEMS", 7)
    rng, spans = random.Random(seed), []
    for t in range(6):
        names = [f"s{n}" for n in range(rng.randrange(1, 9))]
        for n, name in enumerate(names):
            parent = rng.choice(["", *names[:n]]) if n else ""
            spans.append(
                span(
                    project, f"t{t}", name, parent, rng.randrange(7000), tokens=rng.choice((None, 3)),
                    cost=rng.choice((None, "0.25")), error=rng.choice(("", "x")), source=rng.choice((1, 4)),
                    id=sampled_id() if rng.random() < 0.3 else uuid7(),
                )
            )  # fmt: skip
    rebuild(project.id)
    pass_all(project, rng.sample(spans, len(spans) // 2), "a")
    pass_all(project, rng.sample(spans, len(spans) // 2), "b")
    assert not any(recount(project.id).values())
    rng.shuffle(spans)
    while spans:
        part, spans = spans[:10], spans[10:]
        assert delete_records(project.id, [s.id for s in part]) == len(part)
        assert not any(recount(project.id).values())
