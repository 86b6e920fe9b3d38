"""Evaluators: their versions, what stays fixed, and what may be saved at all."""

import pytest
from django.core.exceptions import ValidationError

from evalhub.models import AuditEvent
from records.models import Metric, ScoreSource, ValueType
from records.scores import NewScore, add_scores
from records.values import read_value
from scoring.evaluators import (
    UnknownEvaluator,
    archive_evaluator,
    change_evaluator,
    create_evaluator,
    evaluator_for,
    restore_evaluator,
    save_version,
)
from scoring.models import Evaluator, EvaluatorVersion
from tests import factories

SNIPPET = "def evaluate(output):\n    return len(output) > 3\n"


def made(project, metric=None, slug="polite", type="code", **fields) -> Evaluator:
    metric = metric or factories.metric(project, value_type=ValueType.BOOLEAN)
    fields = {"definition": {"eval_code_snippet": SNIPPET}} | fields
    return create_evaluator(project, "anna", slug=slug, type=type, metric=metric, **fields)


def problems(call, *args, **fields) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        call(*args, **fields)
    return caught.value.message_dict


def test_a_new_evaluator_has_a_first_version_and_is_primary_where_there_was_none(project):
    metric = factories.metric(project, value_type=ValueType.BOOLEAN)
    first, second = made(project, metric, "polite", note="first try"), made(project, metric, "rude")
    assert (first.current.number, first.current.author, first.current.note) == (1, "anna", "first try")
    assert first.name == "Polite"
    metric.refresh_from_db()
    assert metric.primary_evaluator == "polite"
    assert set(AuditEvent.objects.values_list("action", "target")) == {
        ("evaluator.create", "polite"),
        ("evaluator.create", "rude"),
    }
    assert second.current.metric_version == metric.version


def test_people_never_become_the_primary_evaluator(project):
    metric = factories.metric(project, value_type=ValueType.BOOLEAN)
    made(project, metric, "people", "human", definition={})
    metric.refresh_from_db()
    assert metric.primary_evaluator == ""


def test_each_change_is_a_new_version_and_the_same_again_is_none(project):
    evaluator = made(project)
    again = save_version(evaluator, "ben", {"eval_code_snippet": SNIPPET, "timeout": 1})
    assert again.number == 1
    second = save_version(evaluator, "ben", {"eval_code_snippet": SNIPPET + "# better\n"}, "Better.")
    assert (second.number, second.author, second.note) == (2, "ben", "Better.")
    evaluator.refresh_from_db()
    assert evaluator.current == second
    assert EvaluatorVersion.objects.get(evaluator=evaluator, number=1).definition["eval_code_snippet"] == SNIPPET


def test_a_version_never_changes(project):
    version = made(project).current
    version.note = "something else"
    with pytest.raises(TypeError):
        version.save()


@pytest.mark.parametrize("slug", ["Polite", "1st", "a-b", "", "status", "latest", "a" * 64, "a\0", "polite\n"])
def test_a_wrong_slug_is_refused(project, slug):
    assert "slug" in problems(made, project, slug=slug)


def test_a_slug_is_taken_once_in_a_project_and_free_in_another(project):
    made(project)
    assert problems(made, project)
    made(factories.project())


def test_type_slug_and_metric_stay_once_there_is_a_score(project):
    evaluator = made(project)
    other = factories.metric(project, value_type=ValueType.BOOLEAN)
    change_evaluator(evaluator, "anna", slug="kind")
    assert Metric.objects.get(pk=evaluator.metric_id).primary_evaluator == "kind"
    record = factories.record(project)
    value = read_value(evaluator.metric, {"boolean_value": True})
    add_scores(project.id, [NewScore(record.id, evaluator.metric, value, ScoreSource.CODE, evaluator="kind")])
    for field, wanted in {"slug": "nice", "type": "human", "metric": other}.items():
        assert field in problems(change_evaluator, evaluator, "anna", **{field: wanted})
    evaluator.refresh_from_db()
    assert (evaluator.slug, evaluator.type) == ("kind", "code")
    change_evaluator(evaluator, "anna", name="Kindness")
    assert save_version(evaluator, "anna", {"eval_code_snippet": SNIPPET + "\n\n"}).number == 2


def test_a_metric_of_another_project_is_refused(project):
    theirs = factories.metric(factories.project(), value_type=ValueType.BOOLEAN)
    assert "metric" in problems(made, project, theirs)
    assert not Evaluator.objects.exists()


def test_a_refused_version_changes_nothing_at_all(project):
    evaluator = made(project)
    wrong = {"eval_code_snippet": "x = 1"}
    assert "eval_code_snippet" in problems(save_version, evaluator, "anna", wrong, name="Renamed")
    evaluator.refresh_from_db()
    assert evaluator.name == "Polite" and evaluator.current.number == 1


def test_archiving_keeps_everything_and_takes_it_out_of_use(project):
    evaluator = made(project)
    archive_evaluator(evaluator, "anna")
    with pytest.raises(UnknownEvaluator):
        evaluator_for(project, "polite")
    restore_evaluator(evaluator, "anna")
    assert evaluator_for(project, "polite").current.number == 1
    with pytest.raises(UnknownEvaluator):
        evaluator_for(factories.project(), "polite")
    actions = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["evaluator.create", "evaluator.archive", "evaluator.restore"]


def test_a_project_goes_with_its_evaluators_and_their_metrics(project):
    save_version(made(project), "anna", {"builtin": "length", "settings": {"at_most": 9}})
    project.delete()
    assert not Evaluator.objects.exists() and not EvaluatorVersion.objects.exists() and not Metric.objects.exists()
