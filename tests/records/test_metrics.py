from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from evalhub.models import AuditEvent, Membership, Project, Role
from records.automatic import automatic_metric, automatic_slug
from records.metrics import (
    UnknownMetric,
    archive_metric,
    change_metric,
    create_metric,
    metric_for,
    recompute_passes,
    set_primary_evaluator,
)
from records.models import Metric, Score
from records.scores import NewScore, add_scores
from records.values import ValueProblem, read_value
from tests import factories
from tests.records.recount import rebuild, recount


def problems(call, *args, **fields) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as error:
        call(*args, **fields)
    return error.value.message_dict


def score(metric: Metric, sent: dict, **fields) -> Score:
    record = factories.record(metric.project)
    rebuild(metric.project_id)
    (id,) = add_scores(metric.project_id, [NewScore(record.id, metric, read_value(metric, sent), **fields)])
    return Score.objects.get(project=metric.project, id=id)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"slug": "Bad Slug", "value_type": "comment"}, "slug"),
        ({"slug": "status", "value_type": "comment"}, "slug"),
        ({"slug": "latest", "value_type": "comment"}, "slug"),
        ({"slug": "m", "value_type": "stars"}, "value_type"),
        ({"slug": "m", "value_type": "comment", "colour": "red"}, "colour"),
        ({"slug": "m", "value_type": "comment", "version": 7}, "version"),
        ({"slug": "m", "value_type": "numerical", "min_score": 5, "max_score": 1}, "max_score"),
        ({"slug": "m", "value_type": "numerical", "min_score": 1, "max_score": 1}, "max_score"),
        ({"slug": "m", "value_type": "numerical", "min_score": float("nan")}, "min_score"),
        ({"slug": "m", "value_type": "numerical", "min_score": 0, "max_score": 1, "passing_score": 2}, "passing_score"),
        ({"slug": "m", "value_type": "numerical", "direction": "sideways"}, "direction"),
        ({"slug": "m", "value_type": "numerical", "categorical_choices": ["a"]}, "categorical_choices"),
        ({"slug": "m", "value_type": "boolean", "min_score": 0}, "min_score"),
        ({"slug": "m", "value_type": "categorical"}, "categorical_choices"),
        ({"slug": "m", "value_type": "categorical", "categorical_choices": [""]}, "categorical_choices"),
        ({"slug": "m", "value_type": "categorical", "categorical_choices": ["a", "a"]}, "categorical_choices"),
        ({"slug": "m", "value_type": "categorical", "categorical_choices": [{"value": 1}]}, "categorical_choices"),
        ({"slug": "m", "value_type": "categorical", "categorical_choices": [7]}, "categorical_choices"),
        ({"slug": "m", "value_type": "categorical", "categorical_choices": "abc"}, "categorical_choices"),
        (
            {"slug": "m", "value_type": "categorical", "categorical_choices": ["a"], "passing_choices": ["b"]},
            "passing_choices",
        ),
    ],
)
def test_a_definition_that_cannot_work_is_refused(project, fields, wrong):
    assert list(problems(create_metric, project, **fields)) == [wrong]
    assert not Metric.objects.exists()


def test_a_slug_is_taken_once_in_a_project_and_free_in_another(project):
    create_metric(project, slug="tone", value_type="comment")
    assert "already exists" in str(problems(create_metric, project, slug="tone", value_type="comment"))
    assert create_metric(factories.project(), slug="tone", value_type="comment").name == "Tone"


def test_choices_may_be_plain_words(project):
    metric = create_metric(project, slug="tone", value_type="categorical", categorical_choices=["kind", "rude"])
    assert metric.categorical_choices[0] == {"value": "kind", "number": None, "archived": False}


def test_what_decides_a_verdict_raises_the_version_and_nothing_else_does(project):
    metric = create_metric(project, slug="m", value_type="numerical", min_score=0, max_score=1)
    assert change_metric(metric, name="Other", description="more", position=3).version == 1
    assert change_metric(metric, passing_score=0.5).version == 2
    assert change_metric(metric, max_score=2).version == 3
    assert change_metric(metric, max_score=2).version == 3
    assert change_metric(metric, direction="lower").version == 4


def test_before_the_first_score_everything_may_change(project):
    metric = create_metric(project, slug="m", value_type="numerical", min_score=0, max_score=1, passing_score=0.5)
    changed = change_metric(metric, slug="n", value_type="categorical", categorical_choices=["a"])
    assert (changed.slug, changed.value_type, changed.min_score, changed.passing_score) == (
        "n",
        "categorical",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"slug": "n"}, "slug"),
        ({"value_type": "comment"}, "value_type"),
        ({"min_score": 0.1}, "min_score"),
        ({"max_score": 0.9}, "max_score"),
    ],
)
def test_after_the_first_score_a_numerical_metric_only_widens(project, fields, wrong):
    metric = create_metric(project, slug="m", value_type="numerical", min_score=0, max_score=1)
    score(metric, {"numerical_value": 0.5})
    assert wrong in problems(change_metric, metric, **fields)
    wide = change_metric(metric, min_score=None, max_score=10)
    assert (wide.min_score, wide.max_score) == (None, 10)
    assert "max_score" in problems(change_metric, wide, min_score=None, max_score=9)


def test_after_the_first_score_choices_are_archived_not_removed(project):
    metric = create_metric(
        project, slug="m", value_type="categorical", categorical_choices=["a", "b"], several=True, passing_choices=["a"]
    )
    score(metric, {"categorical_value": ["a", "b"]})
    assert "archive 'b'" in str(problems(change_metric, metric, categorical_choices=["a"]))
    assert "several" in problems(change_metric, metric, several=False)
    choices = [{"value": "a"}, {"value": "b", "archived": True}, {"value": "c"}]
    changed = change_metric(metric, categorical_choices=choices)
    assert changed.version == 2
    with pytest.raises(ValueProblem, match="'b' is not a choice"):
        read_value(changed, {"categorical_value": ["b"]})


def test_passes_are_recomputed_on_stored_values_and_roll_ups_follow(project):
    metric = create_metric(project, slug="m", value_type="numerical", min_score=0, max_score=1, passing_score=0.5)
    records = [factories.record(project) for _ in range(5)]
    rebuild(project.id)
    values = [0.1, 0.3, 0.5, 0.7, 0.9]
    sent = [
        NewScore(r.id, metric, read_value(metric, {"numerical_value": v})) for r, v in zip(records, values, strict=True)
    ]
    add_scores(project.id, sent + sent[:1])
    metric = change_metric(metric, passing_score=0.3, direction="lower")
    assert recompute_passes(project, metric) == 5
    passed = dict(Score.objects.filter(project=project).values_list("value", "passed"))
    assert passed == {0.1: True, 0.3: True, 0.5: False, 0.7: False, 0.9: False}
    assert set(Score.objects.values_list("metric_version", flat=True)) == {2}
    assert not any(recount(project.id).values())
    assert recompute_passes(project, metric) == 0


def test_new_numbers_of_choices_become_new_values(project):
    choices = [{"value": "a", "number": 1}, {"value": "b", "number": 3}]
    metric = create_metric(project, slug="m", value_type="categorical", categorical_choices=choices, several=True)
    stored = score(metric, {"categorical_value": ["a", "b"]})
    metric = change_metric(metric, categorical_choices=[{"value": "a", "number": 1}, {"value": "b", "number": 9}])
    recompute_passes(project, metric)
    stored.refresh_from_db()
    assert stored.value == 5
    assert not any(recount(project.id).values())


def test_a_new_primary_evaluator_becomes_current_and_people_stay(project):
    metric = create_metric(project, slug="m", value_type="numerical", min_score=0, max_score=1)
    record, by_hand = factories.record(project), factories.record(project)
    rebuild(project.id)

    def add(record, value, **fields):
        typed = read_value(metric, {"numerical_value": value})
        return add_scores(project.id, [NewScore(record.id, metric, typed, **fields)])[0]

    first, _ = add(record, 0.1, evaluator="judge"), add(record, 0.2, evaluator="other")
    human = add(by_hand, 0.3, source=3)
    add(by_hand, 0.4, evaluator="judge")
    set_primary_evaluator(metric, "judge")
    current = Score.objects.filter(project=project, is_current=True).values_list("id", flat=True)
    assert set(current) == {first, human}
    add(record, 0.9, evaluator="other")
    assert Score.objects.get(project=project, record_id=record.id, is_current=True).id == first
    assert not any(recount(project.id).values())


def test_an_archived_metric_takes_no_new_scores(project):
    metric = create_metric(project, slug="m", value_type="comment")
    assert metric_for(project, "m") == metric
    archive_metric(metric)
    for call in (lambda: metric_for(project, "m"), lambda: automatic_metric(project, "m", {"string_value": "x"})):
        with pytest.raises(UnknownMetric, match="archived"):
            call()
    with pytest.raises(UnknownMetric, match="no metric"):
        metric_for(factories.project(), "m")


@pytest.mark.parametrize(
    ("sent", "value_type"),
    [
        ({"numerical_value": 812.5}, "numerical"),
        ({"boolean_value": False}, "boolean"),
        ({"categorical_value": ["off topic"]}, "categorical"),
        ({"string_value": "nice"}, "comment"),
    ],
)
def test_an_unknown_metric_is_made_from_the_value_sent(project, sent, value_type):
    metric = automatic_metric(project, "Answer Relevance", sent)
    assert (metric.slug, metric.name, metric.value_type) == ("answer_relevance", "Answer Relevance", value_type)
    assert metric.automatic and read_value(metric, sent).passed is None
    assert automatic_metric(project, "answer_relevance", sent) == metric
    change_metric(metric, name="Relevance")  # what was made automatically is a valid definition


def test_an_automatic_metric_learns_choices_until_a_person_takes_over(project):
    metric = automatic_metric(project, "topic", {"categorical_value": ["a"]})
    metric = automatic_metric(project, "topic", {"categorical_value": ["b", "c"]})
    assert read_value(metric, {"categorical_value": ["a", "c"]})
    change_metric(metric, passing_choices=["a"])
    with pytest.raises(ValueProblem, match="'d' is not a choice"):
        automatic_metric(project, "topic", {"categorical_value": ["d"]})


def test_an_automatic_metric_may_be_given_bounds_that_hold_its_values(project):
    metric = automatic_metric(project, "stars", {"numerical_value": 4})
    score(metric, {"numerical_value": 4})
    assert "max_score" in problems(change_metric, metric, min_score=1, max_score=3)
    bounded = change_metric(metric, min_score=1, max_score=5, passing_score=3)
    assert (bounded.max_score, bounded.automatic) == (5, False)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Toxicity", "toxicity"),
        ("a-b c", "a_b_c"),
        ("status", "status_score"),
        ("5 stars", "m_5_stars"),
        ("日本語", "m_77710aed"),
    ],
)
def test_a_foreign_name_becomes_a_slug(name, slug):
    assert automatic_slug(name) == slug


def test_a_long_foreign_name_is_cut_to_a_valid_slug(project):
    metric = automatic_metric(project, "x" * 500, {"boolean_value": True})
    assert len(metric.slug) == 63
    metric.full_clean()


def test_create_project_opens_one_with_default_metrics_and_an_admin(db):
    owner, out = factories.user("ada"), StringIO()
    call_command("create_project", "support-bot", "--name", "Support", "--admin", "ada", stdout=out)
    project = Project.objects.get(slug="support-bot")
    assert (out.getvalue(), project.name) == ("support-bot\n", "Support")
    assert Membership.objects.get(project=project, user=owner).role == Role.ADMIN
    assert dict(project.metrics.values_list("slug", "value_type")) == {"note": "comment", "feedback": "boolean"}
    assert AuditEvent.objects.get(project=project).action == "project.create"


@pytest.mark.parametrize("args", [["Bad Slug"], ["taken"], ["fine", "--admin", "nobody"]])
def test_create_project_says_what_is_wrong_and_makes_nothing(db, args):
    factories.project("taken")
    with pytest.raises(CommandError):
        call_command("create_project", *args)
    assert Project.objects.count() == 1
