"""A metric that changes while scores of it are being written: none is stored by a definition that holds no longer."""

import threading
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.metrics import change_metric
from records.models import Metric, Record, Score, ScoreSource, ScoreStatus, Source
from records.scores import NewScore, ScoreResult, Task, add_scores, claim, complete, plan_scores
from records.values import ValueProblem, read_value
from tests import factories
from tests.records.recount import rebuild, recount


@pytest.fixture
def record(project) -> Record:
    made = factories.record(project)
    rebuild(project.id)
    return made


def scored(record: Record, metric: Metric, number: float) -> Score:
    """By somebody who knows the metric as it is in `metric`."""
    value = read_value(metric, {"numerical_value": number})
    (id,) = add_scores(record.project_id, [NewScore(record.id, metric, value)])
    return Score.objects.get(project=record.project_id, id=id)


def test_a_score_read_before_the_change_is_judged_by_what_is_now(project, record):
    read_before = factories.metric(project, "m")
    change_metric(read_before, passing_score=0.9)
    score = scored(record, read_before, 0.6)
    assert (score.passed, score.metric_version) == (False, 2)
    assert not any(recount(project.id).values())


def test_a_value_that_the_changed_metric_does_not_allow_is_refused(project, record):
    read_before = factories.metric(project, "m")
    change_metric(read_before, max_score=0.5)
    with pytest.raises(ValueProblem, match="between 0 and 0.5"):
        scored(record, read_before, 0.6)
    assert not Score.objects.filter(project=project).exists()


def test_a_result_judged_before_the_change_gets_the_verdict_of_now(project, record):
    metric = factories.metric(project, "m")
    plan_scores(project.id, [record.id], [Task(metric.id, "run:1:7:1", ScoreSource.LLM, run_id=1)])
    (claimed,) = claim(project.id, 1, 10, 60)
    value = read_value(metric, {"numerical_value": 0.6})
    assert value.passed
    change_metric(metric, passing_score=0.9, max_score=2)
    result = ScoreResult(
        claimed.id, record.id, claimed.attempts, ScoreStatus.COMPLETED, value, metric_version=metric.version
    )
    assert complete(project.id, [result]) == {claimed.id}
    score = Score.objects.get(project=project, id=claimed.id)
    assert (score.value, score.passed, score.metric_version) == (0.6, False, 2)
    assert not any(recount(project.id).values())


def during_ingest(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """`change` happens once, after ingest has read the scores and before it writes them."""
    from records import ingest as module

    read, waiting = module._scores, [change]

    def reading(*args):
        found = read(*args)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(module, "_scores", reading)


@pytest.mark.parametrize(("bounds", "stored"), [({"passing_score": 0.9}, [False]), ({"max_score": 0.5}, [])])
def test_ingest_reads_its_scores_again_and_names_the_one_that_fits_no_longer(project, monkeypatch, bounds, stored):
    metric = factories.metric(project, "m")
    during_ingest(monkeypatch, lambda: change_metric(metric, **bounds))
    draft = RecordDraft("a", Source.API, timezone.now(), scores=[ScoreDraft("m", {"numerical_value": 0.6})])
    result = ingest(project, [draft], "ci")
    assert Record.objects.filter(project=project).count() == 1  # nothing but the score is lost, and that is said
    assert list(Score.objects.filter(project=project).values_list("passed", flat=True)) == stored
    assert [number for number, _ in result.refused_scores] == [0] * (1 - len(stored))
    assert not any(recount(project.id).values())


@pytest.mark.django_db(transaction=True)
def test_a_change_waits_for_the_first_score_that_is_just_being_written():
    project = factories.project()
    metric, record = factories.metric(project, "m"), factories.record(project)
    outcome: list[object] = []

    def narrow() -> None:
        try:
            outcome.append(change_metric(metric, max_score=0.5))
        except ValidationError as error:
            outcome.append(error.message_dict)
        finally:
            connection.close()

    changer = threading.Thread(target=narrow)
    with transaction.atomic():
        scored(record, metric, 0.6)
        changer.start()
        while not _somebody_waits():
            assert changer.is_alive(), outcome  # it did not wait
    changer.join()
    assert outcome == [{"max_score": ["There are scores: bounds only widen."]}]


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]
