from datetime import timedelta

import pytest
from django.utils import timezone

from records.models import Record, RecordStatus, Score, ScoreSource
from records.scores import NewScore, UnknownRecord, add_scores
from records.values import read_value
from tests import factories


def numeric(record, metric, value, **fields):
    return NewScore(record.id, metric, read_value(metric, {"numerical_value": value}), **fields)


@pytest.fixture
def metric(project):
    return factories.metric(project, "accuracy")


@pytest.fixture
def record(project):
    return factories.record(project, case_id="case-7", input_hash=b"\x01\xff")


def test_a_sent_score_is_stored_whole(project, metric, record):
    sent = NewScore(
        record.id, metric, read_value(metric, {"numerical_value": 0.25}), ScoreSource.API, sender="ci", key="k1",
        scorer="ci key", reasoning="half the facts \x00 \ud800 are there", evaluator="judge", evaluator_version_id=9,
        version_no=3, tokens=12, cost="0.0042", duration_ms=88,
    )  # fmt: skip
    (id,) = add_scores(project.id, [sent])
    score = Score.objects.get(project=project, id=id)
    assert (score.value, score.numerical_value, score.passed, score.outcome) == (0.25, 0.25, False, 2)
    assert (score.scorer, score.reasoning) == ("ci key", "half the facts \ufffd \ufffd are there")
    assert (score.evaluator, score.evaluator_version_id, score.version_no) == ("judge", 9, 3)
    assert (score.tokens, str(score.cost), score.duration_ms) == (12, "0.00420000", 88)
    assert (score.task_key, score.cluster, bytes(score.input_hash)) == ("sent:ci:accuracy:k1", "case-7", b"\x01\xff")
    assert score.is_current and score.completed_at and score.record_created_at == record.created_at
    assert Record.objects.get(project=project, id=record.id).status == RecordStatus.COMPLETED


def test_the_same_score_sent_again_is_the_first_one(project, metric, record):
    first = add_scores(project.id, [numeric(record, metric, 0.9, sender="ci", key="a")])
    again = add_scores(project.id, [numeric(record, metric, 0.1, sender="ci", key=key) for key in ("a", "b", "b")])
    assert again[0] == first[0] and again[1] == again[2] != first[0]
    assert Score.objects.filter(project=project).count() == 2


def test_a_score_of_a_record_elsewhere_stores_nothing(project, metric, record):
    elsewhere = factories.record(factories.project())
    with pytest.raises(UnknownRecord, match=str(elsewhere.id)):
        add_scores(project.id, [numeric(record, metric, 0.9), numeric(elsewhere, metric, 0.9)])
    assert not Score.objects.exists()


@pytest.mark.parametrize(
    ("type", "options", "sent", "stored"),
    [
        ("boolean", {}, {"boolean_value": False}, ("boolean_value", False, 0.0, 2)),
        ("comment", {}, {"string_value": "fine"}, ("string_value", "fine", None, 5)),
        (
            "categorical",
            {
                "several": True,
                "passing_choices": ["a", "b, c"],
                "categorical_choices": [{"value": "a", "number": 1}, {"value": "b, c", "number": 2}],
            },
            {"categorical_value": ["a", "b, c"]},
            ("categorical_value", ["a", "b, c"], 1.5, 1),
        ),
    ],
)
def test_each_type_of_value_comes_back_as_sent(project, record, type, options, sent, stored):
    metric = factories.metric(project, value_type=type, **options)
    (id,) = add_scores(project.id, [NewScore(record.id, metric, read_value(metric, sent))])
    score = Score.objects.get(project=project, id=id)
    field, value, number, outcome = stored
    assert (getattr(score, field), score.value, score.outcome) == (value, number, outcome)


def test_a_score_that_comes_later_keeps_the_time_it_was_given(project):
    metric, record = factories.metric(project), factories.record(project)
    value = read_value(metric, {"numerical_value": 0.5})
    given = timezone.now() - timedelta(days=3)
    for at in (given, timezone.now() + timedelta(days=3)):
        add_scores(project.id, [NewScore(record.id, metric, value, at=at)])
    old, ahead = Score.objects.filter(project=project).order_by("completed_at")
    assert (old.completed_at, old.created_at) == (given, given)
    assert ahead.completed_at <= timezone.now() and ahead.is_current
